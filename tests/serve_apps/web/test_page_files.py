"""How the page is served: headers, and what a browser keeps. No browser is needed for this."""

import re
from pathlib import Path

from fastapi import FastAPI
from starlette.testclient import TestClient

from serve_apps.page import WEB, mount_page
from serve_apps.problems import install_handlers


def client() -> TestClient:
    app = FastAPI()
    install_handlers(app)
    mount_page(app)
    return TestClient(app)


def test_all_files_come_with_what_protects_them() -> None:
    for path in ("/", *(f"/static/{file.name}" for file in WEB.iterdir() if file.is_file())):
        answer = client().get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
    assert client().get("/static/main.js").headers["Content-Type"].startswith("text/javascript")


def test_a_browser_that_has_a_file_is_told_so() -> None:
    first = client().get("/static/style.css")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client().get("/static/style.css", headers={"If-None-Match": f'W/{first.headers["ETag"]}, "x"'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client().get("/static/style.css", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client().head("/").headers["ETag"] == client().get("/").headers["ETag"]


def test_there_is_no_way_out_of_the_folder() -> None:
    for name in ("..%2fpage.py", "%2e%2e/page.py", "nothing.js", "", "%00"):
        assert client().get(f"/static/{name}").status_code in (404, 307), name
    assert client().get("/static/nothing.js").json()["detail"] == "The page has no file 'nothing.js'."


def test_the_page_has_nothing_inline_and_no_way_to_make_markup() -> None:
    page = (WEB / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    markup = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function)\b")
    assert [file.name for file in WEB.glob("*.js") if markup.search(file.read_text())] == []


def test_modules_stay_small() -> None:
    longest = max(Path(WEB).glob("*.js"), key=lambda file: file.read_text().count("\n"))
    assert longest.read_text().count("\n") <= 300
