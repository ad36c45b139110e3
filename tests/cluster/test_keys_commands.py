import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from cluster.cli import app
from cluster.keys_commands import KeyRole, seconds_of
from footage.api_keys import ROLES, KeyBook, split_token
from footage.directory_store import DirectoryStore
from footage.errors import SettingsError


class Office:
    """A store in which nothing is indexed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.book = KeyBook(DirectoryStore(root))

    def run(self, *arguments: str) -> Result:
        where = ["--store", str(self.root), "--profile", "offline"]
        return CliRunner().invoke(app, [*arguments, *where], env={"COLUMNS": "100"})

    def asked(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "store")


def test_a_key_is_printed_once_and_alone(office: Office) -> None:
    made = office.run("keys", "create", "--role", "editor", "--name", "Ann [red]", "--expires", "30d")
    key_id, secret = split_token(made.stdout.strip()) or ("", "")
    key = office.book.get(key_id)
    assert key is not None
    assert key.opens_with(secret)
    assert key.expires_at is not None
    lifetime = datetime.fromisoformat(key.expires_at) - datetime.fromisoformat(key.created_at)
    assert (key.workspace, key.role, key.name, lifetime.days) == ("default", "editor", "Ann [red]", 30)
    assert made.stderr.startswith(f"Key {key_id} of workspace default with the role editor. It ends at ")
    listed = office.run("keys").stdout
    assert (key_id in listed, "Ann [red]" in listed, f"until {key.expires_at[:10]}" in listed) == (True, True, True)
    assert secret not in listed + office.run("keys", "--json").stdout + office.run("audit", "--json").stdout


def test_keys_are_listed_by_workspace_and_revoked(office: Office) -> None:
    assert "There are no keys." in office.run("keys").stdout
    one = office.asked("keys", "create", "--role", "reader", "--requests-per-minute", "7")
    two = office.asked("keys", "create", "--role", "admin", "--workspace", "studio")
    assert {**one, "key": ""} == {
        "key_id": one["key_id"],
        "name": "",
        "workspace": "default",
        "role": "reader",
        "created_at": one["created_at"],
        "created_by": "command line",
        "expires_at": None,
        "revoked_at": None,
        "requests_per_minute": 7,
        "state": "active",
        "key": "",
    }
    assert [key["key_id"] for key in office.asked("keys")["keys"]] == [one["key_id"], two["key_id"]]
    slip = office.run("keys", "revoke", one["key_id"], "0" * 16)
    assert (slip.exit_code, slip.stderr) == (1, f"footage: There is no key '{'0' * 16}'; `footage keys` lists them.\n")
    assert office.run("keys", "revoke", two["key_id"], two["key_id"]).exit_code == 0
    states = {key["key_id"]: key["state"] for key in office.asked("keys")["keys"]}
    assert states == {one["key_id"]: "active", two["key_id"]: "revoked"}
    assert [key["state"] for key in office.asked("keys", "--workspace", "studio")["keys"]] == ["revoked"]
    assert office.book.get(two["key_id"]).state(datetime.now(UTC)) == "revoked"  # type: ignore[union-attr]


def test_what_is_done_to_keys_is_logged_in_their_workspace(office: Office) -> None:
    key_id = office.asked("keys", "create", "--role", "admin", "--workspace", "studio", "--name", "Ann")["key_id"]
    office.run("keys", "revoke", key_id, key_id)
    assert office.run("audit").stdout == "Nothing was changed yet.\n"
    entries = office.asked("audit", "--workspace", "studio")["entries"]
    assert [(entry["action"], entry["subject"], entry["who"], entry["detail"]) for entry in entries] == [
        ("revoke key", key_id, "command line", "Ann"),
        ("create key", key_id, "command line", "admin Ann"),
    ]
    before = office.asked("audit", "--workspace", "studio", "--limit", "5", "--before", entries[0]["entry_id"])
    assert before["entries"] == entries[1:]
    assert office.asked("audit", "--workspace", "studio", "--limit", "1")["entries"] == entries[:1]
    shown = office.run("audit", "--workspace", "studio").stdout.splitlines()
    assert shown[0].endswith(f"done   revoke key {key_id}  command line")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["keys", "create", "--role", "reader", "--expires", "soon"], "'soon' is not a time: take a number with m, h"),
        (["keys", "create", "--role", "reader", "--expires", "999999y"], "The key would expire after the year 9999"),
        (["keys", "create", "--role", "reader", "--workspace", "../x"], "The workspace '../x' cannot be used"),
        (["keys", "create", "--role", "reader", "--requests-per-minute", "0"], "A key must be allowed one request"),
        (["audit", "--before", "yesterday"], "'yesterday' is not the id of an entry"),
    ],
)
def test_what_is_not_possible_is_a_sentence(office: Office, arguments: list[str], says: str) -> None:
    result = office.run(*arguments)
    assert (result.exit_code, result.stderr.startswith(f"footage: {says}")) == (1, True), result.stderr
    assert office.book.is_empty()


def test_a_role_is_one_of_those_that_there_are(office: Office) -> None:
    assert get_args(KeyRole) == ROLES
    result = office.run("keys", "create", "--role", "boss")
    assert (result.exit_code, "'boss' is not one of" in result.stderr, office.book.is_empty()) == (2, True, True)


def test_times() -> None:
    spans = {span: seconds_of(span) for span in ("5m", "12h", "30d", "6w", "1y")}
    assert spans == {"5m": 300, "12h": 43_200, "30d": 2_592_000, "6w": 3_628_800, "1y": 31_536_000}
    for wrong in ("", "d", "0d", "-1d", "1.5h", "30", "1d\n", "\u0663d"):
        with pytest.raises(SettingsError):
            seconds_of(wrong)
