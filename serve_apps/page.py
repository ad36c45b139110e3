"""The page: files of serve_apps/web/, as they are."""

from pathlib import Path

from fastapi import FastAPI, Request, Response

from serve_apps.etags import etag_of, not_modified
from serve_apps.problems import problem

WEB = Path(__file__).parent / "web"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Pictures and videos may come from a bucket, whose host differs by installation. Nothing else does, and no string
# becomes markup or script: `require-trusted-types-for` makes the browser refuse innerHTML and its like.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data: http: https:",
        "media-src 'self' blob: data: http: https:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
HEADERS = {
    "Cache-Control": "no-cache",  # kept, and asked for by its ETag each time: an update is there at the next load
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # an address holds the question, which is nobody else's business
    "X-Content-Type-Options": "nosniff",
}


def mount_page(app: FastAPI) -> None:
    """Serve the page at `/` and what it consists of under `/static/`; the files are read once, now."""
    files = {path.name: _Served(path) for path in sorted(WEB.iterdir()) if path.suffix in MEDIA_TYPES}

    def page(request: Request) -> Response:
        return files["index.html"].answer(request)

    def static(request: Request, name: str) -> Response:
        if name not in files:
            raise problem(404, f"The page has no file {name!r}.")
        return files[name].answer(request)

    app.add_api_route("/", page, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/static/{name}", static, methods=["GET", "HEAD"], include_in_schema=False)


class _Served:
    """A file with its headers."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        self._headers = {**HEADERS, "ETag": etag_of(self._content)}
        self._media_type = MEDIA_TYPES[path.suffix]

    def answer(self, request: Request) -> Response:
        """The file, or 304 if the browser has it."""
        held = not_modified(request, self._headers)
        return held or Response(self._content, headers=self._headers, media_type=self._media_type)
