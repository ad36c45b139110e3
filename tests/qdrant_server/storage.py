"""The folder of a server: its collections, and one JSON file that says what they are and which aliases they have."""

import fcntl
import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from qdrant_client import grpc as proto

from tests.qdrant_server.collection import Collection
from tests.qdrant_server.errors import existing, missing, wrong

FLUSH_S = 5  # Qdrant's flush_interval_sec


class Storage:
    """All collections of a folder, which belongs to one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, or make it.

        Raises:
            BlockingIOError: another process has it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._lock_file = open(folder / "lock", "ab")  # noqa: SIM115 - held as long as this object lives
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock_file.close()
            raise
        self._data = folder / "data"
        self._file = folder / "collections.json"
        self._changing = threading.RLock()  # of the names, not of points
        self._collections: dict[str, Collection] = {}
        self._aliases: dict[str, str] = {}
        self._load()
        self._closing = threading.Event()
        self._flusher = threading.Thread(target=self._flush_now_and_then, daemon=True)
        self._flusher.start()

    def collection(self, name: str) -> Collection:
        """The collection of this name or alias.

        Raises:
            CallFailed: NOT_FOUND.
        """
        with self._changing:
            found = self._collections.get(self._aliases.get(name, name))
        if found is None:
            raise missing(f"Collection `{name}` doesn't exist!")
        return found

    def names(self) -> list[str]:
        """The collections' own names, in order."""
        with self._changing:
            return sorted(self._collections)

    def aliases(self) -> dict[str, str]:
        """The collection's name of each alias, in order of the aliases."""
        with self._changing:
            return dict(sorted(self._aliases.items()))

    def create(self, name: str, config: proto.CollectionConfig) -> None:
        """Add an empty collection."""
        with self._changing:
            if name in self._collections:
                raise existing(name)
            if name in self._aliases:
                raise wrong(f"Can't create collection with name {name}. Alias with the same name already exists")
            created_at = Timestamp()
            created_at.GetCurrentTime()
            self._collections[name] = Collection(self._data / uuid.uuid4().hex, config, {}, created_at)
            self._save()

    def delete(self, name: str) -> bool:
        """Remove a collection and its aliases; whether it was there. An alias in its place is no collection."""
        with self._changing:
            gone = self._collections.pop(name, None)
            if gone is None:
                return False
            self._aliases = {alias: target for alias, target in self._aliases.items() if target != name}
            self._save()
        gone.remove()
        return True

    def change_aliases(self, change: Callable[[dict[str, str], frozenset[str]], None]) -> None:
        """Let `change` alter a copy of the aliases, given the names of all collections; all of it counts, or nothing.

        A Qdrant server keeps the actions that came before the one that fails; here they are undone.
        """
        with self._changing:
            aliases = dict(self._aliases)
            change(aliases, frozenset(self._collections))
            self._aliases = aliases
            self._save()

    def change_config(self, name: str, change: Callable[[proto.CollectionConfig], proto.CollectionConfig]) -> None:
        """Let `change` make another configuration of a collection, given by name or alias."""
        with self._changing:
            collection = self.collection(name)
            collection.config = change(collection.config)
            self._save()

    def note_index(self, collection: Collection, field: str, params: proto.PayloadIndexParams | None) -> None:
        """Remember how a payload index was asked for; None for one asked for by its type alone, or gone."""
        with self._changing:
            collection.index_params.pop(field, None)
            if params is not None:
                collection.index_params[field] = params
            self._save()

    def close(self) -> None:
        """Make all durable and give the folder back; again is fine."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._flusher.join()
        for collection in self._collections.values():
            collection.close()
        self._lock_file.close()

    def _save(self) -> None:
        with self._changing:
            state = {
                "collections": {name: _described(each) for name, each in self._collections.items()},
                "aliases": self._aliases,
            }
            written = self._file.with_suffix(".new")
            with open(written, "w") as file:
                json.dump(state, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(written, self._file)

    def _load(self) -> None:
        state = json.loads(self._file.read_text()) if self._file.exists() else {"collections": {}, "aliases": {}}
        kept = {described["folder"] for described in state["collections"].values()}
        if self._data.exists():
            for folder in self._data.iterdir():
                if folder.name not in kept:  # the server was killed while it made or removed a collection
                    shutil.rmtree(folder)
        self._collections = {name: self._opened(described) for name, described in state["collections"].items()}
        self._aliases = state["aliases"]

    def _opened(self, described: Mapping[str, Any]) -> Collection:
        return Collection(
            self._data / described["folder"],
            ParseDict(described["config"], proto.CollectionConfig()),
            {name: ParseDict(it, proto.PayloadIndexParams()) for name, it in described["index_params"].items()},
            ParseDict(described["created_at"], Timestamp()),
        )

    def _flush_now_and_then(self) -> None:
        while not self._closing.wait(FLUSH_S):
            with self._changing:
                collections = list(self._collections.values())
            for collection in collections:
                collection.flush()


def _described(collection: Collection) -> dict[str, Any]:
    return {
        "folder": collection.folder.name,
        "config": MessageToDict(collection.config, preserving_proto_field_name=True),
        "index_params": {name: MessageToDict(params) for name, params in collection.index_params.items()},
        "created_at": MessageToDict(collection.created_at),
    }
