"""Qdrant's service `Collections`: what is not defined here answers UNIMPLEMENTED."""

from typing import Any

from qdrant_client import grpc as proto

from tests.qdrant_server.collection_config import changed_config, check_name, new_config
from tests.qdrant_server.errors import answering, existing, missing, only, unknown
from tests.qdrant_server.storage import Storage


class CollectionsService(proto.CollectionsServicer):
    """Collections and aliases of a folder."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @answering
    def Create(self, request: proto.CreateCollection) -> Any:  # noqa: N802 - the methods' names are the protocol's
        check_name(request.collection_name)
        self._storage.create(request.collection_name, new_config(request))
        return _done(True)

    @answering
    def Get(self, request: proto.GetCollectionInfoRequest) -> Any:  # noqa: N802
        return proto.GetCollectionInfoResponse(result=self._storage.collection(request.collection_name).info())

    @answering
    def List(self, request: proto.ListCollectionsRequest) -> Any:  # noqa: N802
        named = [proto.CollectionDescription(name=name) for name in self._storage.names()]
        return proto.ListCollectionsResponse(collections=named)

    @answering
    def Delete(self, request: proto.DeleteCollection) -> Any:  # noqa: N802
        return _done(self._storage.delete(request.collection_name))

    @answering
    def Update(self, request: proto.UpdateCollection) -> Any:  # noqa: N802
        self._storage.change_config(request.collection_name, lambda config: changed_config(config, request))
        return _done(True)

    @answering
    def CollectionExists(self, request: proto.CollectionExistsRequest) -> Any:  # noqa: N802
        exists = request.collection_name in {*self._storage.names(), *self._storage.aliases()}
        return proto.CollectionExistsResponse(result=proto.CollectionExists(exists=exists))

    @answering
    def UpdateAliases(self, request: proto.ChangeAliases) -> Any:  # noqa: N802
        only(request, "actions", "timeout")

        def change(aliases: dict[str, str], collections: frozenset[str]) -> None:
            for action in request.actions:
                _apply(action, aliases, collections)

        self._storage.change_aliases(change)
        return _done(True)

    @answering
    def ListAliases(self, request: proto.ListAliasesRequest) -> Any:  # noqa: N802
        return _listed(self._storage.aliases())

    @answering
    def ListCollectionAliases(self, request: proto.ListCollectionAliasesRequest) -> Any:  # noqa: N802
        name = request.collection_name
        return _listed({alias: target for alias, target in self._storage.aliases().items() if target == name})


def _apply(action: proto.AliasOperations, aliases: dict[str, str], collections: frozenset[str]) -> None:
    """One action as Qdrant carries it out: making an alias moves one that there is, removing none is no failure."""
    match action.WhichOneof("action"):
        case "create_alias":
            made = action.create_alias
            if made.collection_name not in collections:
                raise missing(f"Collection `{made.collection_name}` doesn't exist!")
            _place(made.alias_name, made.collection_name, aliases, collections)
        case "delete_alias":
            aliases.pop(action.delete_alias.alias_name, None)
        case "rename_alias":
            renamed = action.rename_alias
            if renamed.old_alias_name not in aliases:
                raise missing(f"Alias {renamed.old_alias_name} does not exists!")
            _place(renamed.new_alias_name, aliases.pop(renamed.old_alias_name), aliases, collections)
        case None:
            raise unknown("an action on aliases that says nothing")


def _place(alias: str, collection: str, aliases: dict[str, str], collections: frozenset[str]) -> None:
    if alias in collections:
        raise existing(alias)
    check_name(alias)
    aliases[alias] = collection


def _done(result: bool) -> proto.CollectionOperationResponse:
    return proto.CollectionOperationResponse(result=result)


def _listed(aliases: dict[str, str]) -> proto.ListAliasesResponse:
    described = [proto.AliasDescription(alias_name=alias, collection_name=name) for alias, name in aliases.items()]
    return proto.ListAliasesResponse(aliases=described)
