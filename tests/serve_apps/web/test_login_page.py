"""Keys: asked for when the service wants one, kept in the tab, forgotten at once; addresses that run out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from footage.api_keys import KeyBook
from serve_apps.access import Access
from serve_apps.api import make_api
from serve_apps.backend import Backend
from tests.memory_store import MemoryStore
from tests.serve_apps.served import running
from tests.serve_apps.web.site import Site, Watched, scenes, wait_for_moment


@dataclass(frozen=True)
class Keyed:
    """A service that wants keys."""

    site: Site
    keys: KeyBook

    def new_key(self, workspace: str = "default") -> tuple[str, str]:
        made = self.keys.create(workspace, "reader", datetime.now(UTC))
        return made.token, made.key.key_id


@pytest.fixture(scope="module")
def keyed(page_backend: Backend) -> Iterator[Keyed]:
    keys = MemoryStore()  # the keys of the tests alone; what is searched are the samples
    serve = page_backend.settings.serve.model_copy(update={"url_lifetime_s": 1, "key_cache_s": 0})
    settings = page_backend.settings.model_copy(update={"serve": serve})
    with running(make_api(replace(page_backend, settings=settings), Access(keys, serve, None))) as url:
        yield Keyed(Site(url, page_backend.catalog("default")), KeyBook(keys))


@pytest.fixture
def signed_in(page: Page, keyed: Keyed, watched: Watched) -> Page:
    """The home page after a key was given."""
    watched.allowed.append("status of 401")
    page.goto(keyed.site.url + "/")
    page.get_by_label("Key", exact=True).fill(keyed.new_key()[0])
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#workspace")).to_have_text("default")
    return page


def test_a_key_is_asked_for_and_a_wrong_one_refused(page: Page, keyed: Keyed, watched: Watched) -> None:
    watched.allowed.append("status of 401")
    token, _ = keyed.new_key()
    page.goto(f"{keyed.site.url}/?q=lighthouse&min_relevance=0")
    dialog = page.get_by_role("dialog", name="Sign in with a key")
    expect(dialog.get_by_label("Key", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Key", exact=True).fill("footage_wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).not_to_be_empty()
    dialog.get_by_label("Key", exact=True).fill(token)
    page.keyboard.press("Enter")
    expect(scenes(page).first).to_contain_text("lighthouse")
    assert page.evaluate("() => Object.keys(localStorage).length") == 0
    assert token not in page.url
    page.reload()
    expect(scenes(page).first).to_contain_text("lighthouse")  # the tab still has the key
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
    assert page.evaluate("() => sessionStorage.length") == 0
    expect(page.locator("article.scene")).to_have_count(0)


def test_a_key_that_is_revoked_ends_the_session_with_a_reason(signed_in: Page, keyed: Keyed) -> None:
    token, key_id = keyed.new_key()
    signed_in.evaluate("(token) => sessionStorage.setItem('footage-key', token)", token)
    signed_in.reload()
    expect(signed_in.locator("#workspace")).to_be_visible()
    keyed.keys.revoke(key_id, datetime.now(UTC))
    signed_in.get_by_role("searchbox", name="What is said or seen").fill("storm")
    signed_in.keyboard.press("Enter")
    dialog = signed_in.get_by_role("dialog", name="Sign in with a key")
    expect(dialog.get_by_role("alert")).to_contain_text("revoked")


def test_pictures_and_videos_whose_addresses_ran_out_come_all_the_same(signed_in: Page, keyed: Keyed) -> None:
    signed_in.get_by_role("searchbox", name="What is said or seen").fill("every sailor can see the lighthouse")
    signed_in.keyboard.press("Enter")
    card = scenes(signed_in).first
    address = card.locator("img").get_attribute("src")
    assert address
    assert "signature=" in address
    signed_in.wait_for_timeout(2600)  # longer than the addresses are good for
    card.locator("a.thumb").click()
    wait_for_moment(signed_in, 10.81, within_s=5)
    expect(signed_in.locator("#player-problem")).to_be_hidden()
    signed_in.keyboard.press("Escape")
    image = card.locator("img")
    image.evaluate("(image) => { image.src += '&later'; }")  # as one that comes into view now: it is asked for again
    signature = address.partition("signature=")[2]
    signed_in.wait_for_function(
        """(old) => {
          const image = document.querySelector('article.scene img');
          return image.complete && image.naturalWidth > 0 && !image.src.includes(old);
        }""",
        arg=signature,
    )


def test_a_video_plays_on_when_the_key_ends_and_the_sign_in_comes_after_it(signed_in: Page, keyed: Keyed) -> None:
    token, key_id = keyed.new_key()
    signed_in.evaluate("(token) => sessionStorage.setItem('footage-key', token)", token)
    signed_in.goto(f"{keyed.site.url}/?view=library")
    signed_in.get_by_role("link", name="portrait.mp4").click()
    expect(signed_in.locator(".script-scene").first).to_be_visible()
    with signed_in.expect_response(lambda answer: answer.url.endswith("/v1/jobs") and answer.status == 401):
        keyed.keys.revoke(key_id, datetime.now(UTC))
    signed_in.evaluate("() => new Promise((done) => setTimeout(done, 50))")
    expect(signed_in.locator("#player")).to_be_visible()
    dialog = signed_in.get_by_role("dialog", name="Sign in with a key")
    expect(dialog).to_be_hidden()
    signed_in.keyboard.press("Escape")
    expect(dialog.get_by_role("alert")).to_contain_text("revoked")
    dialog.get_by_label("Key", exact=True).fill(keyed.new_key()[0])
    with signed_in.expect_response(lambda answer: answer.url.endswith("/v1/jobs") and answer.ok):
        signed_in.keyboard.press("Enter")


def sign_in(page: Page, token: str) -> None:
    """Give a key where it is asked for."""
    page.get_by_role("dialog", name="Sign in with a key").get_by_label("Key", exact=True).fill(token)
    page.keyboard.press("Enter")
    expect(page.locator("#workspace")).to_be_visible()


def test_what_the_address_names_is_asked_for_again_once_the_key_is_there(
    page: Page, keyed: Keyed, watched: Watched
) -> None:
    watched.allowed.append("status of 401")
    video = keyed.site.video("garage.mp4")
    page.goto(f"{keyed.site.url}/?scene={video.scenes[1].scene_id}&video={video.video_id}&min_relevance=0")
    expect(page.locator("#asked-scene")).to_contain_text("key")  # the refusal
    sign_in(page, keyed.new_key()[0])
    expect(page.locator("#asked-scene img")).to_be_visible()
    expect(page.locator("#asked-scene span")).to_have_text("What looks like this scene (0:07 – 0:09)")
    expect(page.get_by_role("button", name="Do not filter by garage.mp4")).to_be_visible()


def test_another_key_shows_nothing_of_what_the_key_before_was_shown(page: Page, keyed: Keyed, watched: Watched) -> None:
    watched.allowed.append("status of 401")
    token, key_id = keyed.new_key()
    page.goto(f"{keyed.site.url}/?q=lighthouse&min_relevance=0")
    sign_in(page, token)
    expect(scenes(page).first).to_contain_text("lighthouse")
    keyed.keys.revoke(key_id, datetime.now(UTC))
    page.get_by_role("searchbox", name="What is said or seen").fill("storm")
    page.keyboard.press("Enter")
    sign_in(page, keyed.new_key("another")[0])
    expect(page.locator("#workspace")).to_have_text("another")
    expect(page.locator("#count")).to_have_text("No scene answers this")
    page.go_back()
    expect(page.get_by_role("searchbox", name="What is said or seen")).to_have_value("lighthouse")
    expect(page.locator("#count")).to_have_text("No scene answers this")
    expect(page.locator("article.scene")).to_have_count(0)


def test_another_key_shows_nothing_of_the_video_that_was_open(page: Page, keyed: Keyed, watched: Watched) -> None:
    watched.allowed += ["status of 401", "status of 404"]
    token, key_id = keyed.new_key()
    page.goto(f"{keyed.site.url}/?watch={keyed.site.video('coast.mp4').video_id}&t=7")
    sign_in(page, token)
    expect(page.locator(".line")).to_have_count(3)
    keyed.keys.revoke(key_id, datetime.now(UTC))
    page.get_by_role("link", name="Subtitles (.vtt)").click()
    sign_in(page, keyed.new_key("another")[0])
    expect(page.locator("#player-problem")).to_be_visible()
    expect(page.locator(".line, #scene-strip button")).to_have_count(0)
    expect(page.locator("#player-name")).not_to_contain_text("coast")
