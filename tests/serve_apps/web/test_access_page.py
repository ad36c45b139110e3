"""The page for everyone: axe-core finds nothing serious, in light and dark; and the screenshots of the docs."""

from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.serve_apps.web.site import Site, scenes, wait_for_moment

SERIOUS = ("serious", "critical")
QUESTION = "lighthouse in the storm"


def expect_accessible(page: Page) -> None:
    found: dict[str, Any] = Axe().run(page).response
    serious = [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]
    assert serious == []
    assert len(found["passes"]) > 10  # it did look


def expect_pictures(page: Page) -> None:
    """All that is in view has come."""
    page.wait_for_function(
        """() => Array.from(document.images).every(
          (image) => image.complete || image.getBoundingClientRect().top > innerHeight)"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(page: Page, site: Site, images: Path, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(site.url + "/")
    expect(page.get_by_role("heading", name="Find any moment in your footage")).to_be_visible()
    expect_accessible(page)
    page.goto(f"{site.url}/?q={QUESTION}")
    expect(scenes(page).first).to_contain_text("lighthouse")
    expect_pictures(page)
    page.screenshot(path=images / f"results-{scheme}.png")
    page.goto(f"{site.url}/?q={QUESTION}&min_relevance=0")
    scenes(page).first.locator("summary").click()
    expect_accessible(page)
    page.goto(f"{site.url}/?view=library")
    expect(page.locator("#library-count")).to_have_text("10 videos")
    expect(page.locator("#jobs progress")).to_be_visible()
    expect_pictures(page)
    if scheme == "light":
        page.screenshot(path=images / "library-light.png")
    expect_accessible(page)
    page.goto(f"{site.url}/?q={QUESTION}&watch={site.video('coast.mp4').video_id}&t=5.205")
    wait_for_moment(page, 5.205, within_s=8)
    scenes(page)
    expect(page.locator(".line").first).to_be_visible()
    expect_pictures(page)
    expect_accessible(page)
    page.evaluate("() => { document.querySelector('#video').currentTime = 8; }")
    wait_for_moment(page, 8)
    expect(page.locator(".line[aria-current]")).to_contain_text("storm")
    if scheme == "dark":
        page.screenshot(path=images / "player-dark.png")
    page.keyboard.press("?")
    expect_accessible(page)


def test_narrow_and_empty(page: Page, site: Site, images: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site.url}/?q={QUESTION}&min_relevance=0")
    scenes(page)
    expect_pictures(page)
    page.screenshot(path=images / "narrow.png")
    page.get_by_role("button", name="Filters (1)").click()
    expect_accessible(page)
    page.goto(f"{site.url}/?q=oil&from_s=100")
    expect(page.get_by_role("heading", name="Nothing was found")).to_be_visible()
    expect_accessible(page)


def test_the_switch_of_colours_holds(page: Page, site: Site) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(site.url + "/")
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    for _ in range(2):
        page.locator("#theme").click()
    expect(page.locator("#theme")).to_have_text("Dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
