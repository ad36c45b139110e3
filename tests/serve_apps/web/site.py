"""What tests of the page ask of it, and what must never happen in it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, Route, expect

from footage.catalog import Catalog
from footage.sidecar import Manifest
from footage.sources import source_name

TRUTH = Path(__file__).parents[3] / "samples" / "truth.json"


@dataclass(frozen=True)
class Site:
    """A service with its page."""

    url: str
    catalog: Catalog

    def video(self, name: str) -> Manifest:
        """The manifest of the video whose file has this name."""
        manifests = filter(None, map(self.catalog.manifest, self.catalog.video_ids()))
        return next(each for each in manifests if source_name(each.sources[0].uri) == name)

    def thumbnail(self, name: str, index: int) -> bytes:
        """The JPEG of a scene."""
        manifest = self.video(name)
        address = f"{self.url}/v1/media/{manifest.video_id}/{manifest.scenes[index].scene_id}.jpg"
        return httpx2.get(address).raise_for_status().content


@dataclass
class Watched:
    """A tab, and what was noted in it."""

    page: Page
    noted: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)  # parts of notes that belong to the test

    def unexpected(self) -> list[str]:
        """Errors of the console, uncaught ones, dialogs, and requests to elsewhere."""
        return [note for note in self.noted if not any(part in note for part in self.allowed)]


def watch(page: Page) -> Watched:
    """Note whatever should not happen in a tab."""
    seen = Watched(page)

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            seen.noted.append(f"console: {message.text} {message.location}")

    def dialog(opened: Dialog) -> None:
        seen.noted.append(f"dialog: {opened.message}")
        opened.dismiss()

    def request(sent: Request) -> None:
        if urlsplit(sent.url).hostname not in ("127.0.0.1", None) and not sent.url.startswith(("blob:", "data:")):
            seen.noted.append(f"request: {sent.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: seen.noted.append(f"uncaught: {error}"))
    page.on("dialog", dialog)
    page.on("request", request)
    return seen


def truth_of(name: str) -> list[dict[str, Any]]:
    """The scenes of a sample clip, as they were drawn and spoken."""
    clips = json.loads(TRUTH.read_text())["clips"]
    scenes: list[dict[str, Any]] = next(clip["scenes"] for clip in clips if clip["file"] == name)
    return scenes


def search(page: Page, site: Site, words: str) -> None:
    """Open the page and search by words, as a person does."""
    page.goto(site.url + "/")
    page.get_by_role("searchbox", name="What is said or seen").fill(words)
    page.keyboard.press("Enter")
    scenes(page)


def scenes(page: Page) -> Any:
    """The cards of an answer that is complete."""
    expect(page.locator("#search-view")).not_to_have_attribute("aria-busy", "true")
    cards = page.locator("article.scene")
    expect(cards.first).to_be_visible()
    return cards


def asked_for(page: Page, part: str) -> list[str]:
    """Addresses with this part that the tab asks for from now on; the list grows."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if part in request.url else None)
    return asked


def refused_once(page: Page, pattern: str) -> list[str]:
    """Refuse the first of these requests, as one whose address has expired; it is in the list then."""
    refused: list[str] = []

    def refuse(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=401, body="")

    page.route(pattern, refuse)
    return refused


def wait_for_moment(page: Page, seconds: float, within_s: float = 0.5) -> None:
    """Wait until the player shows a frame of this moment and stands still; it is paused for that."""
    page.wait_for_function("() => document.querySelector('#video').readyState >= 2")
    page.evaluate("() => document.querySelector('#video').pause()")
    page.wait_for_function(
        """([seconds, within]) => {
          const video = document.querySelector('#video');
          return !video.seeking && video.currentTime >= seconds - 0.001 && video.currentTime < seconds + within;
        }""",
        arg=[seconds, within_s],
    )


def corner_of_frame(page: Page) -> list[int]:
    """Red, green and blue of a pixel near the corner of the frame that the player shows."""
    color: list[int] = page.evaluate(
        """() => {
          const video = document.querySelector('#video');
          const canvas = document.createElement('canvas');
          canvas.width = video.videoWidth; canvas.height = video.videoHeight;
          const context = canvas.getContext('2d');
          context.drawImage(video, 0, 0);
          return Array.from(context.getImageData(12, 12, 1, 1).data.slice(0, 3));
        }"""
    )
    return color
