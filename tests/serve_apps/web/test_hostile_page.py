"""Whatever footage says or is called, the page shows it as text."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from actors.model_preparation import PreparedModels
from footage.settings import Settings
from tests.serve_apps.served import embedded_backend, open_api, running
from tests.serve_apps.web.site import Site, Watched, scenes

NAME = "<img src=x onerror=alert(1)>&lt;b&gt;.mp4"
SAID = (
    "<script>alert('said')</script> oil \U0001f6e2 "
    "<img src=http://example.invalid/p.png onerror=alert(2)> \u202eevil\u202c"
)
SEEN = "<svg onload=alert(3)></svg> a picture & 'more' \"of\" it"
TAG = "<a href=javascript:alert(4)>tag</a>"


def change(record: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    stored = json.loads(record.read_bytes())
    edit(stored)
    record.write_text(json.dumps(stored))


def hostile_scene(stored: dict[str, Any]) -> None:
    segment = {"start_s": stored["start_s"], "end_s": stored["start_s"] + 2, "text": SAID, "words": []}
    stored["transcript"] |= {"text": SAID, "segments": [segment]}
    stored["caption"]["text"] = SEEN
    stored["vision_tags"] = {TAG: 0.9}
    stored["source_uris"] = [f"file:///films/{NAME}"]


def hostile_video(stored: dict[str, Any]) -> None:
    stored["sources"][0]["uri"] = f"file:///films/{NAME}"
    stored["description"]["text"] = SEEN


@pytest.fixture(scope="module")
def hostile(
    indexed_samples: Path, tmp_path_factory: pytest.TempPathFactory, offline: Settings, prepared: PreparedModels
) -> Iterator[Site]:
    """A store in which all that a video can say is an attack."""
    store = tmp_path_factory.mktemp("hostile") / "store"
    shutil.copytree(indexed_samples, store)
    for record in (store / "sidecars").rglob("*.json"):
        change(record, hostile_scene)
    for record in (store / "videos").rglob("manifest.json"):
        change(record, hostile_video)
    with embedded_backend(store, offline, prepared) as backend, running(open_api(backend)) as url:
        yield Site(url, backend.catalog("default"))


def test_hostile_results_stay_text(page: Page, hostile: Site) -> None:
    page.goto(f"{hostile.url}/?q=oil&min_relevance=0")
    card = scenes(page).first
    expect(card.locator(".said")).to_have_text(SAID)
    expect(card.locator(".described")).to_contain_text(SEEN)
    expect(card.locator("button.tag")).to_have_text(TAG)
    expect(page.locator(".video-group h2").first).to_have_text(NAME)
    marks = card.locator("mark").all_text_contents()
    assert set(marks) <= {"oil"}
    assert page.locator("article.scene :is(script, svg, iframe, object)").count() == 0
    assert page.locator("article.scene img:not(.thumbnail)").count() == 0


def test_a_hostile_player_and_library_stay_text(page: Page, hostile: Site, watched: Watched) -> None:
    watched.allowed.append("status of 4")  # the file of that name is nowhere
    page.goto(f"{hostile.url}/?view=library")
    expect(page.locator(".video-row h2").first).to_have_text(NAME)
    expect(page.locator(".video-row .described").first).to_contain_text(SEEN)
    page.locator(".video-row h2 a").first.click()
    expect(page.locator("#player-name")).to_have_text(NAME)
    expect(page.locator(".line").first).to_contain_text(SAID)
    expect(page.locator("#player-problem")).to_be_visible()
    assert page.locator("#script :is(script, svg, img)").count() == 0


@pytest.mark.parametrize("query", [SAID, "javascript:alert(5)", "\x00\ufffe", "%3Cimg%20src=x%3E", "'\"><img src=x>"])
def test_a_hostile_query_stays_text(page: Page, site: Site, watched: Watched, query: str) -> None:
    watched.allowed.append("status of 4")  # it may well be refused
    page.goto(f"{site.url}/?q={quote(query)}&tag={quote(TAG)}&dataset={quote('<b>x')}&show=scenes&watch=&t=NaN")
    expect(page.locator("#search-view")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#results > *").first).to_be_visible()
    expect(page.locator("#tag-chips")).to_contain_text(TAG)
    assert page.locator("main :is(script, img, svg, iframe)").count() == 0


def test_addresses_that_run_scripts_are_not_set(page: Page, site: Site, watched: Watched) -> None:
    page.goto(site.url + "/")
    made = page.evaluate(
        """async () => {
          const { el } = await import('/static/dom.js');
          const link = el('a', { href: 'javascript:alert(6)' }, '<b>text</b>');
          return [link.getAttribute('href'), link.childElementCount, link.textContent];
        }"""
    )
    assert made == [None, 0, "<b>text</b>"]
    refused = page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (error) { return error.name; } }"
    )
    assert refused == "TypeError"  # by the Content-Security-Policy, whoever should try it
    watched.allowed.append("TrustedHTML")
