"""The HTTP API: which routes there are, and what stands around them."""

from fastapi import FastAPI

from serve_apps.access import Access
from serve_apps.backend import Backend
from serve_apps.description import API_VERSION, describe
from serve_apps.docs_page import mount_docs
from serve_apps.observing import Metrics, Observed
from serve_apps.page import mount_page
from serve_apps.problems import install_handlers
from serve_apps.routes_changes import changes_router
from serve_apps.routes_media import media_router
from serve_apps.routes_search import search_router
from serve_apps.routes_service import service_router
from serve_apps.routes_videos import videos_router


def make_api(backend: Backend, access: Access) -> FastAPI:
    """The application: everything under /v1, its description, its figures, and the page.

    Args:
        backend: what is searched.
        access: who may.
    """
    app = FastAPI(title="footage", version=API_VERSION, docs_url=None, redoc_url=None)
    metrics = Metrics()
    install_handlers(app)
    app.include_router(search_router(backend, access, metrics))
    app.include_router(videos_router(backend, access))
    app.include_router(media_router(backend, access))
    app.include_router(changes_router(backend, access))
    app.include_router(service_router(backend, access, metrics))
    describe(app)
    mount_docs(app)
    mount_page(app)
    access.install(app)
    app.add_middleware(Observed, metrics=metrics)  # the last one stands around the others
    return app
