import shutil
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.service import Service, open_workspace
from footage.api_keys import KeyBook
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError


def _served(store: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["serve", "--store", str(store), "--profile", "offline", *options])
    assert result.exit_code == 1
    return result.stderr


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def test_on_loopback_a_store_without_keys_needs_none(store: DirectoryStore) -> None:
    assert open_workspace(store, "127.0.0.1", "home", asked=False) == "home"
    assert open_workspace(store, "::1", "home", asked=False) == "home"
    assert open_workspace(store, "localhost", "home", asked=False) == "home"


def test_as_soon_as_there_is_a_key_all_need_one_unless_asked_otherwise(store: DirectoryStore) -> None:
    KeyBook(store).create("home", "reader", datetime.now(UTC))

    assert open_workspace(store, "127.0.0.1", "home", asked=False) is None
    assert open_workspace(store, "0.0.0.0", "home", asked=False) is None
    assert open_workspace(store, "127.0.0.1", "home", asked=True) == "home"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "example.org"])
def test_other_machines_need_keys_whatever_is_asked(store: DirectoryStore, host: str) -> None:
    with pytest.raises(SettingsError, match="has no keys yet"):
        open_workspace(store, host, "home", asked=False)
    with pytest.raises(SettingsError, match="Leave out one of the two"):
        open_workspace(store, host, "home", asked=True)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("films.example.org", "http://films.example.org:8000/"),
    ],
)
def test_prints_an_address_that_can_be_opened(host: str, url: str) -> None:
    assert Service("store", None, host, 8000, None, None, verbose=False).url == url


def test_a_store_that_holds_nothing_is_said_at_once(tmp_path: Path) -> None:
    assert "holds no index" in _served(tmp_path / "none")


def test_a_port_that_is_taken_is_said_at_once(indexed_samples: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        said = _served(indexed_samples, "--port", str(port))

    assert f"Nothing can listen on 127.0.0.1:{port} (Address already in use)" in said


def test_an_index_of_other_models_is_said_at_once(indexed_samples: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(indexed_samples, store)
    spec = store / "index" / "spec.json"
    spec.write_text(spec.read_text().replace("minilm", "another"))

    assert "take the profile it was made with" in _served(store, "--port", str(_free_port()))
