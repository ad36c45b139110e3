"""`footage index copy` and `footage reindex` as a user meets them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from cluster.index_upkeep_commands import index_copy, place_of, reindex
from footage.catalog import Catalog
from footage.directory_store import DirectoryStore
from footage.embedded_index import EmbeddedIndex
from footage.index_address import IndexAddress
from footage.index_records import IndexSpec
from footage.leases import RunLease, live_runs
from footage.reindex_guard import WORKSPACE
from footage.server_index import ServerIndex
from footage.storage_settings import QdrantSettings
from tests.footage.test_index_copy import everything, fill
from tests.points import SPEC, drop, scene
from tests.qdrant_server.fixtures import qdrant, qdrant_of_session
from tests.qdrant_server.server import QdrantServer

__all__ = ["qdrant", "qdrant_of_session"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a filled index and a run behind it."""
    store = tmp_path / "store"
    DirectoryStore(store).put("runs/20250101T000000-abcdef.json", b"{}")
    with EmbeddedIndex(store / "index" / "scenes", SPEC, owner="a test") as index:
        fill(index)
    return store


@pytest.fixture
def server(qdrant: QdrantServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a server on which nothing is indexed under the name of the settings."""
    monkeypatch.setenv("FOOTAGE_QDRANT__COLLECTION", "test-upkeep")
    yield qdrant.url
    drop(ServerIndex(qdrant.url, SPEC, QdrantSettings(collection="test-upkeep")))


def footage(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command("copy")(index_copy)
    app.command("reindex")(reindex)
    return CliRunner().invoke(app, [*map(str, arguments), "--profile", "offline"])


def held_in(folder: Path) -> dict[tuple[str, str], tuple[object, ...]]:
    with EmbeddedIndex(folder / "scenes", SPEC, owner="a test", create=False) as index:
        return everything(index)


def test_an_index_moves_to_a_server_and_back(store: Path, server: str, tmp_path: Path) -> None:
    result = footage("copy", store, server)
    assert (result.exit_code, result.stdout) == (
        0,
        "6 scenes of 4 videos and 2 descriptions copied.\n"
        f"Use them with: --index {server} (or FOOTAGE_INDEX={server})\n",
    )
    assert "6 scenes copied" in result.stderr or "looking at what is there" in result.stderr

    back = tmp_path / "back"
    result = footage("copy", server, back, "--json")
    assert json.loads(result.stdout) == {
        "points": 6,
        "descriptions": 2,
        "videos": 4,
        "kept": 0,
        "index": str(back),
    }
    assert held_in(back) == held_in(store / "index")


def test_what_the_target_has_besides_is_kept_only_if_asked(store: Path, tmp_path: Path) -> None:
    with EmbeddedIndex(tmp_path / "other" / "scenes", SPEC, owner="a test") as index:
        index.upsert([scene("v1/0"), scene("v9/0")])
    other = tmp_path / "other"
    result = footage("copy", store, other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(
        f"footage: The index {other} has 1 scenes that {store / 'index'} has not: take an empty place, or keep them"
        " with --force.\n"
    )
    assert len(held_in(other)) == 2
    result = footage("copy", store, other, "--force")
    assert result.stdout.startswith(
        "6 scenes of 4 videos and 2 descriptions copied, beside 1 scenes that were there.\n"
    )
    assert len(held_in(other)) == 7


@pytest.mark.parametrize("origin", ["none", "server"])
def test_an_origin_with_nothing_is_named(origin: str, server: str, tmp_path: Path) -> None:
    place = server if origin == "server" else str(tmp_path / "none")
    result = footage("copy", place, tmp_path / "target")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"footage: Nothing is indexed at {place}: name the right place (--index), or run `footage index` first.\n"
    )
    assert not (tmp_path / "target").exists()


def test_a_target_of_other_models_is_refused(store: Path, tmp_path: Path) -> None:
    other = IndexSpec("another-model", 4, "vision-model", 3, sparse_idf=True)
    EmbeddedIndex(tmp_path / "other" / "scenes", other, owner="a test").close()
    result = footage("copy", store, tmp_path / "other")
    assert result.exit_code == 1
    assert "holds text vectors of another-model (4 dimensions), not of text-model (4 dimensions)" in result.stderr


def test_a_copy_onto_itself_is_refused(store: Path) -> None:
    result = footage("copy", store, store / "index")
    assert (result.exit_code, result.stderr) == (
        1,
        f"footage: FROM and TO are both {store / 'index'}: name two places.\n",
    )


def test_a_place_is_a_store_an_index_or_a_server(store: Path, tmp_path: Path) -> None:
    (tmp_path / "emptied" / "runs").mkdir(parents=True)
    assert [place_of(str(place)) for place in (store, store / "index", tmp_path / "emptied", tmp_path / "new")] == [
        IndexAddress(store / "index" / "scenes", ""),
        IndexAddress(store / "index" / "scenes", ""),
        IndexAddress(tmp_path / "emptied" / "index" / "scenes", ""),
        IndexAddress(tmp_path / "new" / "scenes", ""),
    ]
    assert place_of("http://qdrant") == IndexAddress(None, "http://qdrant:6334")


def test_the_index_of_a_store_is_rebuilt(store: Path) -> None:
    before = held_in(store / "index")
    result = footage("reindex", "--store", store)
    assert result.exit_code == 0
    assert result.stdout.startswith(
        f"6 scenes of 4 videos and 2 descriptions are in the rebuilt index {store / 'index'} ("
    )
    assert held_in(store / "index") == before
    assert live_runs(Catalog(DirectoryStore(store), WORKSPACE)) == []


def test_an_index_on_a_server_is_rebuilt(store: Path, server: str) -> None:
    footage("copy", store, server)
    with ServerIndex(server, SPEC, QdrantSettings(collection="test-upkeep")) as index:
        before, former = everything(index), index.collections()
        result = footage("reindex", "--store", store, "--index", server, "--json")
        told = json.loads(result.stdout)
        assert {**told, "wall_s": 0} == {"points": 6, "descriptions": 2, "videos": 4, "index": server, "wall_s": 0}
        assert everything(index) == before
        assert index.collections() != former


def test_a_rebuild_waits_for_runs(store: Path) -> None:
    run = RunLease(Catalog(DirectoryStore(store), "away"), "a-run", "footage index films", "films", lease_s=60)
    run.take(datetime.now(UTC))
    result = footage("reindex", "--store", store)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("footage: `footage index films` (pid ")
    assert f"works on {store}, and what it writes while the index is rebuilt would be lost." in result.stderr
    run.release()
    assert footage("reindex", "--store", store).exit_code == 0


def test_a_store_that_is_none_is_named_and_not_made(tmp_path: Path) -> None:
    result = footage("reindex", "--store", tmp_path / "none")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"footage: {tmp_path / 'none'} holds no index.")
    assert not (tmp_path / "none").exists()
