"""What the tests of keys and tenants ask of each route. A route that is missing here fails them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from footage.api_keys import Role
from tests.serve_apps.tenants import Possessions


class Ask(NamedTuple):
    """A request. Names in braces stand for what a workspace has."""

    needs: Role | None  # the least role; None: no key
    query: Mapping[str, str] = MappingProxyType({})
    form: Mapping[str, str] = MappingProxyType({})
    json: dict[str, str] | None = None
    status: int = 200  # with what is one's own

    def sent(self, template: str, own: Possessions) -> tuple[str, dict[str, Any]]:
        """The path, and what goes with it."""
        names = {
            **own._asdict(),
            **{"video_id": own.video, "scene_id": own.scene, "name": own.dataset, "key_id": own.key},
        }
        filled = {name: value.format(**names) for name, value in self.query.items()}
        more: dict[str, Any] = {"params": filled} if filled else {}
        if self.form:
            more["files"] = {
                name: ("x.jpg", value.encode()) if name == "image" else (None, value.format(**names))
                for name, value in self.form.items()
            }
        if self.json is not None:
            more["json"] = self.json
        return template.format(**names), more


READ = Ask("reader")
_WHERE = (
    {"video": "{video_id}"},
    {"dataset": "{name}"},
    {"tag": "{word}"},
    {"language": "{language}"},
    {"video": "{video_id}", "dataset": "both"},
)
_SHOWN = ({"limit": "1"}, {"sort": "date"}, {"group": "video"}, {"diversity": "0.5"}, {"min_relevance": "0"})

# In this order: what destroys comes last.
ROUTES: dict[str, tuple[Ask, ...]] = {
    "GET /v1/search": (
        *(Ask("reader", {"q": "red car", **more}) for more in (*_WHERE, *_SHOWN)),
        *(Ask("reader", {"scene": "{scene_id}", **more}) for more in ({}, {"q": "red"})),
        Ask("reader", {"q": "{word}"}),
        Ask("reader", {"q": "red", "workspace": "annex"}, status=422),
    ),
    "POST /v1/search": (
        *(Ask("reader", form={"image": "red car", **more}) for more in ({}, *_WHERE)),
        Ask("reader", form={"q": "red", "scene": "{scene_id}"}),
        Ask("reader", form={"q": "red", "workspace": "annex"}, status=422),
    ),
    "GET /v1/scenes/{scene_id}": (READ,),
    "GET /v1/scenes/{scene_id}/similar": tuple(Ask("reader", more) for more in ({}, *_WHERE, *_SHOWN)),
    "GET /v1/videos": tuple(
        Ask("reader", more)
        for more in (
            *({}, {"limit": "1"}, {"name": "{word}"}, {"dataset": "{name}"}, {"dataset": "both"}),
            *({"about": "red"}, {"about": "red", "name": "{word}"}, {"about": "red", "dataset": "{name}"}),
            *({"state": "running"}, {"state": "quarantined"}, {"state": "indexed"}),
        )
    ),
    "GET /v1/videos/{video_id}": (READ,),
    "GET /v1/videos/{video_id}/scenes": (READ, Ask("reader", {"limit": "1"})),
    "GET /v1/videos/{video_id}/subtitles.vtt": (READ,),
    "HEAD /v1/videos/{video_id}/subtitles.vtt": (READ,),
    "GET /v1/videos/{video_id}/subtitles.srt": (READ,),
    "HEAD /v1/videos/{video_id}/subtitles.srt": (READ,),
    "GET /v1/media/{video_id}": (READ,),
    "HEAD /v1/media/{video_id}": (READ,),
    "GET /v1/media/{video_id}/{scene_id}.jpg": (READ,),
    "HEAD /v1/media/{video_id}/{scene_id}.jpg": (READ,),
    "GET /v1/media/{video_id}/{scene_id}.json": (READ,),
    "HEAD /v1/media/{video_id}/{scene_id}.json": (READ,),
    "GET /v1/datasets": (READ,),
    "GET /v1/jobs": (READ,),
    "GET /v1/tags": (READ,),
    "GET /v1/languages": (READ,),
    "GET /v1/me": (READ,),
    "GET /v1/health": (Ask(None),),
    "GET /metrics": (Ask("admin"),),
    "GET /v1/keys": (Ask("admin"),),
    "GET /v1/audit": (Ask("admin"), Ask("admin", {"limit": "1"})),
    "POST /v1/keys": (
        Ask("admin", json={"role": "reader", "name": "new"}, status=201),
        Ask("admin", json={"role": "reader", "workspace": "annex"}, status=422),
    ),
    "PUT /v1/datasets/{name}/videos/{video_id}": (Ask("editor"),),
    "DELETE /v1/datasets/{name}/videos/{video_id}": (Ask("editor"),),
    "DELETE /v1/videos/{video_id}": (Ask("editor"), Ask("editor", {"force": "true"})),
    "DELETE /v1/keys/{key_id}": (Ask("admin"),),
}
# The same for everybody: files of the program.
PAGES = ("/", "/static/", "/docs", "/openapi.json")


def routes_of(app: FastAPI) -> Iterator[str]:
    """The routes of an app, as they stand above."""
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        yield from (f"{method} {route.path}" for method in sorted(route.methods or ("ANY",)))


def is_page(route: str) -> bool:
    """Whether a route gives files of the program, and takes no key."""
    method, _, path = route.partition(" ")
    return method in ("GET", "HEAD") and (path in PAGES or path.startswith(("/static/", "/docs/")))


def each_ask() -> Iterator[tuple[str, str, Ask]]:
    """Method, template of the path, and what is asked."""
    for route, asks in ROUTES.items():
        method, _, template = route.partition(" ")
        for ask in asks:
            yield method, template, ask
