"""Every filter: what is chosen goes into the address and holds for the answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.serve_apps.web.site import Site, scenes


@pytest.fixture
def answered(page: Page, site: Site) -> Page:
    """A search that every scene answers in some way."""
    page.goto(f"{site.url}/?q=background&min_relevance=0")
    expect(page.locator("#count")).to_contain_text("24 scenes")
    expect(page.locator("#tag-names option").first).to_be_attached()
    return page


def hits(page: Page) -> list[dict[str, Any]]:
    """What the cards stand for."""
    found: list[dict[str, Any]] = scenes(page).evaluate_all("cards => cards.map(card => card.footageHit)")
    return found


def applied(page: Page, part: str) -> list[dict[str, Any]]:
    """The hits once the address says so and the answer is there."""
    page.wait_for_url(f"**{part}**")
    return hits(page)


def test_dataset(answered: Page) -> None:
    answered.get_by_label("Dataset").first.select_option("outdoors")
    assert {hit["name"] for hit in applied(answered, "dataset=outdoors")} == {"coast.mp4", "portrait.mp4"}
    expect(answered.locator("#count")).to_have_text("5 scenes in 2 videos")


def test_video_by_its_name_and_by_a_result(answered: Page, site: Site) -> None:
    field = answered.locator("#filters [name=video]")
    field.fill("garden")
    expect(answered.locator("#video-names option")).to_have_attribute("value", "garden_long_shot.mp4")
    field.fill("garden_long_shot.mp4")
    field.press("Enter")
    assert {hit["name"] for hit in applied(answered, "video=")} == {"garden_long_shot.mp4"}
    answered.get_by_role("button", name="Do not filter by garden_long_shot.mp4").click()
    expect(answered.locator("#count")).to_contain_text("24 scenes")
    group = answered.get_by_role("region", name="window.mp4")
    group.get_by_role("button", name="Only this video").click()
    assert {hit["name"] for hit in applied(answered, "video=")} == {"window.mp4"}
    expect(answered.get_by_role("button", name="Do not filter by window.mp4")).to_be_visible()


def test_language(answered: Page) -> None:
    answered.get_by_label("Language spoken").select_option(label="English")
    assert {hit["language"] for hit in applied(answered, "language=en")} == {"en"}


def test_tags_typed_and_clicked(answered: Page) -> None:
    field = answered.locator("#filters [name=tag]")
    field.fill("striped")
    field.press("Enter")
    found = applied(answered, "tag=striped")
    assert [hit["tags"] for hit in found if "striped" not in hit["tags"]] == []
    assert len(found) < 24
    scenes(answered).first.locator("button.tag", has_text="background").first.click()
    both = applied(answered, "tag=striped&tag=")
    assert 0 < len(both) < len(found)


def test_time_in_the_video(answered: Page) -> None:
    answered.get_by_label("From", exact=True).fill("0:10")
    answered.get_by_label("To", exact=True).fill("14,5")
    answered.get_by_label("To", exact=True).press("Enter")
    found = applied(answered, "from_s=10&to_s=14.5")
    assert found
    assert all(hit["end_s"] > 10 and hit["start_s"] < 14.5 for hit in found)
    answered.get_by_label("To", exact=True).fill("0:05")
    answered.get_by_label("To", exact=True).press("Enter")
    expect(answered.locator("#filter-problem")).to_have_text("“To” must be later in the video than “From”.")


def test_length_of_the_scene(answered: Page) -> None:
    answered.get_by_label("At least").fill("2.5")
    answered.get_by_label("At least").press("Enter")
    applied(answered, "min_duration_s=2.5")
    answered.get_by_label("At most").fill("6")
    answered.get_by_label("At most").press("Enter")
    found = applied(answered, "max_duration_s=6")
    assert found
    assert all(2.49 <= hit["end_s"] - hit["start_s"] <= 6.01 for hit in found)


def test_indexed_since(answered: Page) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    answered.get_by_label("Indexed since").fill(tomorrow.isoformat())
    expect(answered.get_by_role("heading", name="Nothing was found")).to_be_visible()
    answered.get_by_label("Indexed since").fill("2020-01-01")
    assert len(applied(answered, "indexed_since=2020-01-01")) == 24


def test_weights_sort_floor_and_variety(answered: Page) -> None:
    answered.get_by_role("searchbox", name="What is said or seen").fill("the oil in the car")
    answered.keyboard.press("Enter")
    for name in ("Seen", "Described"):
        answered.get_by_role("slider", name=name).fill("0")
    found = applied(answered, "modes=seen%3A0%2Ccaptioned%3A0")
    assert {reason["list"] for hit in found for reason in hit["why"]} <= {"transcript", "transcript_sparse"}
    answered.get_by_role("slider", name="Seen").fill("1.5")
    applied(answered, "modes=seen%3A1.5%2Ccaptioned%3A0")
    answered.get_by_label("Sort by").select_option("date")
    answered.locator("#filters [name=show]").select_option("scenes")
    applied(answered, "show=scenes")
    times = [hit["indexed_at"] for hit in applied(answered, "sort=date")]
    assert times == sorted(times, reverse=True)
    answered.get_by_role("slider", name="Variety").fill("0.5")
    applied(answered, "diversity=0.5")
    answered.get_by_label("How sure").select_option("")
    answered.wait_for_url(lambda url: "min_relevance" not in url)
    answered.get_by_role("button", name="Clear filters").click()
    answered.wait_for_url("**/?q=the+oil+in+the+car")


def test_best_scene_of_each_video(answered: Page) -> None:
    answered.locator("#filters [name=show]").select_option("best")
    found = applied(answered, "show=best")
    assert len(found) == len({hit["video_id"] for hit in found}) == 8
    group = answered.get_by_role("region", name="garage.mp4")
    expect(group).to_contain_text("and 3 further scenes found")
    group.get_by_role("button", name="Only this video").click()
    expect(answered.locator("#count")).to_have_text("4 scenes in 1 video")
    assert {hit["name"] for hit in applied(answered, "video=")} == {"garage.mp4"}


def test_what_was_left_out_can_be_shown(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=lighthouse&min_relevance=0.9")
    page.locator("#left-out").get_by_role("button", name="Show all").click()
    assert len(applied(page, "min_relevance=0")) == 24


def test_videos_of_the_same_name_can_be_told_apart_and_are_asked_for_after_a_pause(answered: Page, site: Site) -> None:
    asked: list[str] = []
    ids = [site.video(name).video_id for name in ("garage.mp4", "coast.mp4")]
    alike = [
        {"video_id": video_id, "name": "clip.mp4", "source_uris": [f"/films/{folder}/clip.mp4"]}
        for video_id, folder in zip(ids, ("spring", "autumn"), strict=True)
    ]

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"videos": alike, "next_cursor": None})

    answered.route("**/v1/videos?*name=*", answer)
    field = answered.locator("#filters [name=video]")
    field.press_sequentially("clip", delay=20)
    expect(answered.locator("#video-names option")).to_have_count(2)
    assert len(asked) == 1
    field.fill("clip.mp4 (autumn)")
    field.press("Enter")
    assert {hit["name"] for hit in applied(answered, f"video={ids[1]}")} == {"coast.mp4"}
    expect(answered.get_by_role("button", name="Do not filter by clip.mp4 (autumn)")).to_be_visible()
    field.fill("nothing")
    field.press("Enter")
    expect(answered.locator("#filter-problem")).to_contain_text("“nothing” is not one of the names that are offered.")
