"""Searching by pictures: a file, one that is dropped, one that is pasted, a scene's own; and scenes like a scene."""

import base64
import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.serve_apps.web.site import Site, Watched, scenes

TRANSFER = """(base64) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'still.jpg', { type: 'image/jpeg' }));
  return transfer;
}"""


@pytest.fixture
def home(page: Page, site: Site) -> Page:
    page.goto(site.url + "/")
    expect(page.get_by_role("heading", name="Find any moment in your footage")).to_be_visible()
    return page


def carried(page: Page, picture: bytes) -> Any:
    return page.evaluate_handle(TRANSFER, base64.b64encode(picture).decode())


def expect_found(page: Page, name: str, moment: str) -> None:
    expect(scenes(page).first.locator("a.thumb")).to_have_attribute("aria-label", f"Play {name} at {moment}")
    expect(scenes(page).first.locator(".badge").first).to_contain_text("Looks alike")
    expect(page.locator("#picture-chip img")).to_be_visible()


def test_a_file_that_is_chosen(home: Page, site: Site) -> None:
    with home.expect_file_chooser() as chosen:
        home.get_by_role("button", name="Search by a picture").click()
    chosen.value.set_files(FilePayload(name="still.jpg", mimeType="image/jpeg", buffer=site.thumbnail("garage.mp4", 1)))
    expect_found(home, "garage.mp4", "0:07 – 0:09")


def test_a_picture_that_is_dropped_and_taken_away_again(home: Page, site: Site) -> None:
    transfer = carried(home, site.thumbnail("coast.mp4", 2))
    home.dispatch_event("main", "dragenter", {"dataTransfer": transfer})
    expect(home.get_by_text("Drop the picture to search by it")).to_be_visible()
    home.dispatch_event("main", "drop", {"dataTransfer": transfer})
    expect(home.get_by_text("Drop the picture to search by it")).to_be_hidden()
    expect_found(home, "coast.mp4", "0:10 – 0:16")
    home.get_by_role("button", name="Take the picture away").click()
    expect(home.get_by_role("heading", name="Find any moment in your footage")).to_be_visible()


def test_a_picture_that_is_pasted_and_lost_when_the_page_is_loaded_again(home: Page, site: Site) -> None:
    home.evaluate(
        "(data) => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }))",
        carried(home, site.thumbnail("window.mp4", 2)),
    )
    expect_found(home, "window.mp4", "0:13 – 0:15")
    home.reload()
    expect(home.get_by_role("heading", name="The picture is gone")).to_be_visible()


def test_a_format_that_the_service_does_not_read_is_sent_as_one_that_it_does(home: Page, site: Site) -> None:
    drawn = io.BytesIO()
    Image.open(io.BytesIO(site.thumbnail("coast.mp4", 2))).save(drawn, "BMP")
    home.locator("#picture-file").set_input_files(
        FilePayload(name="still.bmp", mimeType="image/bmp", buffer=drawn.getvalue())
    )
    expect_found(home, "coast.mp4", "0:10 – 0:16")


def test_what_is_no_picture_is_said_to_be_none(home: Page) -> None:
    home.locator("#picture-file").set_input_files(
        FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"no picture")
    )
    expect(home.get_by_role("status")).to_have_text("That is no picture. JPEG, PNG and WebP work.")
    home.locator("#picture-file").set_input_files(FilePayload(name="a.gif", mimeType="image/gif", buffer=b"GIF89a"))
    expect(home.get_by_role("status")).to_contain_text("a.gif cannot be read as a picture.")


def test_a_scenes_picture_and_words_together(page: Page, site: Site) -> None:
    scene = site.video("garage.mp4").scenes[1]
    page.goto(f"{site.url}/?q=tires&scene={scene.scene_id}&min_relevance=0")
    expect(page.locator("#asked-scene")).to_contain_text("With the picture of this scene (0:07 – 0:09)")
    moments = scenes(page).locator(".time")
    expect(moments.filter(has_text="0:09 – 0:15").first).to_be_visible()
    page.get_by_role("button", name="Take away").click()
    page.wait_for_url("**/?q=tires&min_relevance=0")


def test_more_like_a_scene(page: Page, site: Site, watched: Watched) -> None:
    page.goto(f"{site.url}/?q=lighthouse")
    scenes(page).first.get_by_role("button", name="More like this").click()
    expect(page.locator("#asked-scene")).to_contain_text("More like this scene")
    found = scenes(page)
    asked = page.url.partition("like=")[2]
    ids = found.evaluate_all("cards => cards.map(card => card.dataset.scene)")
    assert asked
    assert asked not in ids
    expect(found.filter(has_text="lighthouse").first).to_be_visible()
    expect(found.first.locator("summary")).to_contain_text("alike")


def test_the_address_of_a_picture_ends_with_its_place_in_the_box(home: Page, site: Site) -> None:
    picture = FilePayload(name="still.jpg", mimeType="image/jpeg", buffer=site.thumbnail("garage.mp4", 1))
    home.locator("#picture-file").set_input_files(picture)
    expect_found(home, "garage.mp4", "0:07 – 0:09")
    home.evaluate("() => { window.revoked = []; URL.revokeObjectURL = (url) => window.revoked.push(url); }")
    address = home.locator("#picture-chip img").get_attribute("src")
    home.get_by_role("button", name="Take the picture away").click()
    expect(home.locator("#picture-chip")).to_be_hidden()
    assert home.evaluate("() => window.revoked") == [address]
    home.go_back()
    expect_found(home, "garage.mp4", "0:07 – 0:09")
