"""Searching by words, and what the address says of it."""

from playwright.sync_api import Page, Route, expect

from tests.serve_apps.web.site import Site, Watched, asked_for, scenes, search

OIL = "change the oil in the engine"


def test_words_find_the_scene_and_say_why(page: Page, site: Site) -> None:
    search(page, site, OIL)
    first = scenes(page).first
    expect(first.get_by_role("link", name="Play garage.mp4 at 0:00 – 0:07")).to_be_visible()
    expect(first.locator(".said mark")).to_have_text(["change", "oil", "engine"])
    badges = first.locator(".badge")
    expect(badges.filter(has_text="Said, same words")).to_have_text("Said, same words · 1st")
    first.locator("summary").click()
    row = first.get_by_role("row", name="Said, same words")
    expect(row.get_by_role("cell").first).to_have_text("1")
    expect(page.locator(".video-group").first.get_by_role("heading")).to_have_text("garage.mp4")
    expect(page.locator("#toy-note")).to_contain_text("toy models")
    assert page.title() == f"{OIL} · footage"


def test_more_scenes_come_after_those_that_are_there(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=background&min_relevance=0&show=scenes")
    expect(scenes(page)).to_have_count(24)
    expect(page.locator("#count")).to_contain_text("24 scenes in 8 videos, and more")
    page.get_by_role("button", name="More scenes").click()
    expect(page.locator("article.scene")).to_have_count(26)
    ids = page.locator("article.scene").evaluate_all("cards => cards.map(card => card.dataset.scene)")
    assert len(set(ids)) == 26
    expect(page.locator("article.scene").nth(24).locator("a.thumb")).to_be_focused()
    expect(page.get_by_role("button", name="More scenes")).to_be_hidden()


def test_a_link_opens_the_same_search_with_its_filters(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=storm&dataset=outdoors&sort=date&modes=seen:0&to_s=8&min_relevance=0")
    first = scenes(page).first
    expect(first).to_contain_text("A heavy storm is coming")
    expect(page.get_by_role("searchbox", name="What is said or seen")).to_have_value("storm")
    expect(page.locator("#filters [name=dataset]")).to_have_value("outdoors")
    expect(page.locator("#filters [name=sort]")).to_have_value("date")
    expect(page.locator("#filters [name=seen]")).to_have_value("0")
    expect(page.locator("#filters [name=to_s]")).to_have_value("0:08")


def test_back_and_forward_show_what_was_there(page: Page, site: Site) -> None:
    search(page, site, OIL)
    page.get_by_role("searchbox", name="What is said or seen").fill("lighthouse")
    page.keyboard.press("Enter")
    expect(scenes(page).first).to_contain_text("lighthouse")
    page.locator("a.thumb").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("searchbox", name="What is said or seen")).to_have_value(OIL)
    expect(scenes(page).first).to_contain_text("brake pads")
    page.go_forward()
    expect(scenes(page).first).to_contain_text("lighthouse")
    page.go_forward()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("#player-name")).to_have_text("coast.mp4")


def test_a_query_that_nothing_answers_helps_on(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=oil&from_s=100")
    expect(page.get_by_role("heading", name="Nothing was found")).to_be_visible()
    expect(page.locator("#count")).to_have_text("No scene answers this")
    page.get_by_role("button", name="Search without them").click()
    expect(scenes(page).first).to_contain_text("oil")


def test_a_refused_query_says_so_in_a_sentence_and_tries_again(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 503")
    problem = {"title": "Not available now", "status": 503, "detail": "The index is being exchanged."}
    page.route("**/v1/search?*", lambda route: route.fulfill(status=503, json=problem, headers={"Retry-After": "2"}))
    page.goto(f"{site.url}/?q=oil")
    alert = page.locator("#results").get_by_role("alert")
    expect(alert).to_contain_text("The index is being exchanged. The service asks to wait 2 s.")
    page.unroute("**/v1/search?*")
    alert.get_by_role("button", name="Try again").click()
    expect(scenes(page).first).to_contain_text("oil")


def test_a_page_that_does_not_come_is_tried_again_and_a_new_question_forgets_it(
    page: Page, site: Site, watched: Watched
) -> None:
    watched.allowed.append("status of 503")
    problem = {"title": "Not available now", "status": 503, "detail": "The index is being exchanged."}
    page.goto(f"{site.url}/?q=background&min_relevance=0&show=scenes")
    expect(scenes(page)).to_have_count(24)
    page.route("**/v1/search?*cursor=*", lambda route: route.fulfill(status=503, json=problem))
    for _ in range(2):
        page.get_by_role("button", name="More scenes").click()
        expect(page.locator("#search-view").get_by_role("alert")).to_have_count(1)
    expect(page.locator("article.scene")).to_have_count(24)
    page.get_by_role("searchbox", name="What is said or seen").fill(OIL)
    page.keyboard.press("Enter")
    expect(page.locator("#search-view").get_by_role("alert")).to_have_count(0)
    page.unroute("**/v1/search?*cursor=*")
    page.go_back()
    expect(scenes(page)).to_have_count(24)
    expect(page.locator("#search-view").get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="More scenes").click()
    expect(page.locator("article.scene")).to_have_count(26)


def test_a_new_answer_is_read_from_its_top(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=background&min_relevance=0")
    last = scenes(page).nth(20)
    last.get_by_role("button", name="More like this").click()
    expect(page.locator("#asked-scene")).to_contain_text("More like this scene")
    scenes(page)
    assert page.evaluate("() => scrollY") == 0
    page.go_back()
    expect(page.locator("#asked-scene")).to_be_hidden()
    page.wait_for_function("() => scrollY > 500")
    page.get_by_role("slider", name="Variety").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**diversity=0.1**")
    scenes(page)
    assert page.evaluate("() => scrollY") > 500  # who turns a filter stays at it


def test_what_the_service_told_already_is_not_asked_again(page: Page, site: Site) -> None:
    tags, videos, searches = (asked_for(page, part) for part in ("/v1/tags", "/v1/videos/", "/v1/search?"))
    page.goto(f"{site.url}/?video={site.video('coast.mp4').video_id}")
    expect(page.get_by_role("button", name="Do not filter by coast.mp4")).to_be_visible()
    expect(page.locator("#tag-names option").first).to_be_attached()
    expect(page.get_by_role("heading", name="Seen in the footage")).to_be_visible()
    assert (len(tags), len(videos)) == (1, 1)
    page.get_by_role("searchbox", name="What is said or seen").fill("storm")
    page.keyboard.press("Enter")
    expect(scenes(page).first).to_contain_text("storm")
    for shown in ("scenes", ""):
        page.locator("#filters [name=show]").select_option(shown)
        expect(page.locator(".video-group")).to_have_count(0 if shown else 1)
    assert len(searches) == 1


def test_offsets_count_code_points(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    parts = page.evaluate(
        """async () => (await import('/static/text.js')).markedParts('🎬🎬 the oil 👩‍🔧 oil', [[7, 10], [15, 18]])"""
    )
    assert parts == [
        {"text": "🎬🎬 the ", "marked": False},
        {"text": "oil", "marked": True},
        {"text": " 👩‍🔧 ", "marked": False},
        {"text": "oil", "marked": True},
    ]
    long = "word " * 200 + "needle at the end"
    excerpt = page.evaluate("async (text) => (await import('/static/text.js')).markedParts(text, [[1000, 1006]])", long)
    assert excerpt[0]["text"] == "… "
    assert {"text": "needle", "marked": True} in excerpt


def test_what_comes_late_does_not_take_the_place_of_a_newer_answer(page: Page, site: Site) -> None:
    held: list[Route] = []
    page.route("**/v1/tags", lambda route: held.append(route))
    page.route("**/v1/search?*q=storm*", lambda route: held.append(route))
    page.goto(site.url + "/")
    for query in ("storm", OIL):
        page.get_by_role("searchbox", name="What is said or seen").fill(query)
        page.keyboard.press("Enter")
    expect(scenes(page).first).to_contain_text("brake pads")
    assert len(held) >= 2
    for route in held:
        route.continue_()
    page.evaluate("() => fetch('/v1/me')")  # what was let go before it came by now
    expect(scenes(page).first).to_contain_text("brake pads")
    expect(page.get_by_role("heading", name="Find any moment in your footage")).to_be_hidden()


def test_durations_are_rounded_before_they_are_taken_apart(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    seconds = [16.84, 59.97, 75, 119.7, 3599.7, 7170, 7300]
    said = page.evaluate("async (all) => all.map((await import('/static/text.js')).duration)", seconds)
    assert said == ["16.8 s", "1 min 0 s", "1 min 15 s", "2 min 0 s", "1 h 0 min", "2 h 0 min", "2 h 2 min"]


def test_times_of_filters_are_rounded_before_they_are_taken_apart(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    seconds = [0, 1.9996, 59.9999, 75, 75.5, 3600.25]
    said = page.evaluate("async (all) => all.map((await import('/static/text.js')).clockExact)", seconds)
    assert said == ["0:00", "0:02", "1:00", "1:15", "1:15.5", "1:00:00.25"]
