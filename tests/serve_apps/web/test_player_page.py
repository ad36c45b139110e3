"""Playing: at the moment, with the scenes and the words beside it, through what goes wrong with addresses."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from samples.drawing import COLORS
from tests.serve_apps.web.site import (
    Site,
    Watched,
    corner_of_frame,
    refused_once,
    scenes,
    search,
    truth_of,
    wait_for_moment,
)

# Whether what is seen at the middle of an element is the element itself.
ON_TOP = """element => {
  const box = element.getBoundingClientRect();
  return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === element;
}"""
# Of these the corner of the frame has the background's colour: it is plain.
PLAIN = (("garage.mp4", 0), ("coast.mp4", 2), ("window.mp4", 2), ("portrait.mp4", 1))


def expect_color(page: Page, name: str) -> None:
    shown = corner_of_frame(page)
    assert all(abs(one - other) < 32 for one, other in zip(shown, COLORS[name], strict=True)), (name, shown)


def opened(page: Page, site: Site, name: str, seconds: float) -> None:
    page.goto(f"{site.url}/?watch={site.video(name).video_id}&t={seconds}")
    expect(page.locator("#player-name")).to_have_text(name)


def test_a_result_plays_at_its_moment_and_shows_its_frame(page: Page, site: Site) -> None:
    truth = truth_of("coast.mp4")[2]
    search(page, site, truth["spoken"])
    scenes(page).first.locator("a.thumb").click()
    page.wait_for_function("() => !document.querySelector('#video').paused")
    wait_for_moment(page, truth["start_s"], within_s=4)
    expect_color(page, truth["shown"]["background"])
    expect(page.locator("#scene-strip [aria-current]")).to_have_attribute("aria-label", "Scene 3, 0:10 – 0:16")
    assert page.evaluate("() => document.activeElement.closest('dialog')?.id") == "player"
    page.get_by_role("button", name="Close").click()
    expect(scenes(page).first.locator("a.thumb")).to_be_focused()


@pytest.mark.parametrize(("name", "index"), PLAIN)
def test_a_link_to_a_moment_shows_the_frame_of_its_scene(page: Page, site: Site, name: str, index: int) -> None:
    scene = site.video(name).scenes[index]
    page.add_init_script("HTMLMediaElement.prototype.play = () => Promise.resolve()")  # the very first frame counts
    opened(page, site, name, round(scene.start_s, 3))
    wait_for_moment(page, round(scene.start_s, 3), within_s=0.1)
    expect_color(page, truth_of(name)[index]["shown"]["background"])


def test_the_time_line_and_the_transcript_seek(page: Page, site: Site) -> None:
    opened(page, site, "garage.mp4", 0)
    wait_for_moment(page, 0, within_s=20)  # it stands still from here on
    box = page.locator("#time-line").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 8 / 17.6, box["y"] + box["height"] / 2)
    wait_for_moment(page, 7.0)
    expect(page.locator("#scene-strip [aria-current]")).to_have_attribute("aria-label", "Scene 2, 0:07 – 0:09")
    assert page.url.endswith("t=7")
    page.get_by_role("button", name="Scene 4, 0:15 – 0:17").click()
    wait_for_moment(page, 15.0)
    page.get_by_role("button", name=re.compile("the old tires are flat", re.IGNORECASE)).click()
    wait_for_moment(page, 9.4, within_s=1.5)
    expect(page.locator(".line[aria-current]")).to_contain_text("the old tires are flat", ignore_case=True)
    page.get_by_role("button", name="Previous scene").click()
    wait_for_moment(page, 7.0)
    page.get_by_role("button", name="Search by this picture").click()
    expect(page.locator("#asked-scene")).to_contain_text("What looks like this scene (0:07 – 0:09)")


def test_it_stops_at_the_scenes_end_if_asked_to(page: Page, site: Site) -> None:
    opened(page, site, "garage.mp4", 7)
    wait_for_moment(page, 7, within_s=10)
    page.get_by_label("Stop at the scene's end").check()
    page.evaluate("() => { const video = document.querySelector('#video'); video.currentTime = 8.9; video.play(); }")
    page.wait_for_function("() => !document.querySelector('#video').paused")
    page.wait_for_function("() => document.querySelector('#video').paused")
    time = page.evaluate("() => document.querySelector('#video').currentTime")
    assert 9.3 < time < 9.6
    page.reload()
    expect(page.get_by_label("Stop at the scene's end")).to_be_checked()


def test_subtitles_and_a_link_to_the_moment(page: Page, site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, site, "garage.mp4", 9.4)
    wait_for_moment(page, 9.4, within_s=8)
    with page.expect_download() as vtt:
        page.get_by_role("link", name="Subtitles (.vtt)").click()
    assert vtt.value.path().read_text().startswith("WEBVTT")
    with page.expect_download() as srt:
        page.get_by_role("link", name="Subtitles (.srt)").click()
    assert "-->" in srt.value.path().read_text()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#notice")).to_have_text("A link to this moment is copied.")
    assert page.locator("#notice").evaluate(ON_TOP)
    link = page.evaluate("() => navigator.clipboard.readText()")
    address, _, moment = link.partition("&t=")
    assert address == f"{site.url}/?watch={site.video('garage.mp4').video_id}"
    assert float(moment) == pytest.approx(page.evaluate("() => document.querySelector('#video').currentTime"), abs=0.01)


def test_an_address_that_expired_is_fetched_anew_and_playing_goes_on(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 401")
    opened(page, site, "garden_long_shot.mp4", 20)
    page.wait_for_function("() => document.querySelector('#video').currentTime > 20.3")
    refused = refused_once(page, "**/v1/media/*")
    with page.expect_response("**/v1/videos/*"):
        page.evaluate("() => document.querySelector('#video').load()")  # as after a long pause: it asks for the bytes
    page.wait_for_function(
        """() => {
          const video = document.querySelector('#video');
          return video.readyState >= 2 && !video.paused && video.currentTime > 20.3 && video.currentTime < 30;
        }"""
    )
    assert refused
    expect(page.locator("#player-problem")).to_be_hidden()


def test_a_video_that_the_browser_cannot_play_says_what_to_do(page: Page, site: Site, watched: Watched) -> None:
    page.route("**/v1/media/*", lambda route: route.fulfill(body=b"no video", content_type="video/mp4"))
    opened(page, site, "garage.mp4", 7)
    problem = page.locator("#player-problem")
    expect(problem).to_contain_text("This browser cannot play the format of this video (h264).")
    expect(problem).to_contain_text("VLC")
    expect(page.locator(".line").first).to_contain_text("brake pads", ignore_case=True)
    page.unroute("**/v1/media/*")
    problem.get_by_role("button", name="Try again").click()
    wait_for_moment(page, 7.0, within_s=3)


def test_a_video_that_is_gone_says_so(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 404")
    page.goto(f"{site.url}/?watch=00000000-0000-0000-0000-000000000000&t=3")
    expect(page.locator("#player-problem")).to_contain_text("00000000-0000-0000-0000-000000000000")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_file_that_is_gone_is_said_with_what_to_do(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 410")
    gone = {"title": "Gone", "status": 410, "detail": "The file is not where it was: bring it back."}
    page.route("**/v1/media/*", lambda route: route.fulfill(status=410, json=gone))
    opened(page, site, "garage.mp4", 7)
    expect(page.locator("#player-problem")).to_contain_text("The file is not where it was: bring it back.")


def test_subtitles_come_by_a_new_address_once_theirs_has_expired(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 401")
    opened(page, site, "garage.mp4", 7)
    expect(page.locator(".line").first).to_be_visible()
    with page.expect_download() as saved, page.expect_response("**/v1/videos/*"):
        page.get_by_role("link", name="Subtitles (.vtt)").click()
    assert saved.value.path().read_text().startswith("WEBVTT")
    refused = refused_once(page, "**/subtitles.vtt*")
    page.evaluate("() => { document.querySelector('#video').textTracks[0].mode = 'showing'; }")
    page.wait_for_function("() => document.querySelector('#video').textTracks[0].cues?.length > 0")
    assert refused


def test_a_video_that_is_opened_again_stands_there_at_once(page: Page, site: Site) -> None:
    search(page, site, "lighthouse in the storm")
    card = scenes(page).filter(has_text="lighthouse").first
    card.locator("a.thumb").click()
    expect(page.locator(".line")).to_have_count(3)
    page.keyboard.press("Escape")
    held: list[Route] = []
    page.route("**/v1/videos/**", lambda route: held.append(route), times=1)
    card.locator("a.thumb").click()
    expect(page.locator("#scene-strip button")).to_have_count(3)
    expect(page.locator("#scene-strip [aria-current]")).to_have_count(1)
    expect(page.locator(".line")).to_have_count(3)
    expect(page.locator("#player-name")).to_have_text("coast.mp4")
    with page.expect_response("**/scenes?*"):
        held[0].continue_()
    page.evaluate("() => fetch('/v1/me')")  # what came is shown by now
    expect(page.locator(".line")).to_have_count(3)
    page.keyboard.press("Escape")
    page.goto(f"{site.url}/?watch={site.video('garage.mp4').video_id}&t=7")
    expect(page.locator("#scene-strip button")).to_have_count(4)


def test_a_link_that_is_copied_before_the_video_has_come_is_to_its_moment(page: Page, site: Site) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    held: list[Route] = []
    page.route("**/v1/media/*", lambda route: held.append(route))
    opened(page, site, "garage.mp4", 7)
    expect(page.locator("#scene-strip [aria-current]")).to_have_attribute("aria-label", "Scene 2, 0:07 – 0:09")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#notice")).to_have_text("A link to this moment is copied.")
    assert page.evaluate("() => navigator.clipboard.readText()").endswith("t=7")
