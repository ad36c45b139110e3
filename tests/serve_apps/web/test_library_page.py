"""The library: states, reasons, runs under way."""

from playwright.sync_api import Page, Route, expect

from tests.serve_apps.web.conftest import DASHBOARD
from tests.serve_apps.web.site import Site, Watched


def test_states_reasons_and_next_steps(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    page.get_by_role("link", name="Library", exact=True).click()
    expect(page.locator("#library-count")).to_have_text("10 videos")
    broken = page.get_by_role("article").filter(has_text="interview_raw.mp4")
    expect(broken).to_contain_text("In quarantine")
    expect(broken).to_contain_text("The data ends after 12.4 s of the 61.0 s that the container says it has.")
    expect(broken).to_contain_text("What to do:")
    running = page.get_by_role("article").filter(has_text="market_square.mp4")
    expect(running.locator(".state")).to_have_text("Running")
    good = page.get_by_role("article").filter(has_text="coast.mp4")
    expect(good).to_contain_text("Indexed")
    expect(good).to_contain_text("3 scenes · English · in outdoors")
    page.get_by_label("State").select_option("quarantined")
    expect(page.locator("#library-count")).to_have_text("1 video")
    page.go_back()
    expect(page.locator("#library-count")).to_have_text("10 videos")


def test_names_and_what_videos_are_about(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?view=library")
    page.get_by_label("Name").fill("KITCHEN")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#library-count")).to_have_text("1 video")
    page.get_by_role("button", name="Search in this video").click()
    expect(page.get_by_text("Filters are set.")).to_be_visible()
    expect(page.get_by_role("button", name="Do not filter by kitchen_office.mp4")).to_be_visible()
    page.goto(f"{site.url}/?view=library&about=cyan+background")
    expect(page.locator(".video-row h2").first).to_have_text("coast.mp4")
    expect(page.locator(".video-row").first).to_contain_text("likeness")


def test_runs_are_asked_for_only_while_someone_looks(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/v1/jobs") else None)
    page.clock.install()
    page.goto(f"{site.url}/?view=library")
    run = page.get_by_role("region", name="Runs")
    expect(run).to_contain_text("footage index /films/autumn")
    expect(run).to_contain_text("61 % · 7 of 12 videos done · 1 in quarantine · 14 min 21 s of video indexed")
    assert run.get_by_role("progressbar").evaluate("bar => bar.value") == 0.61
    with page.expect_response("**/v1/jobs"):
        page.clock.run_for(3500)  # the next time comes by itself
    hide = "Object.defineProperty(document, 'visibilityState', { value: '%s', configurable: true })"
    page.evaluate(f"{hide % 'hidden'}; document.dispatchEvent(new Event('visibilitychange'))")
    before = len(asked)
    page.clock.run_for(20_000)
    page.evaluate("() => fetch('/v1/me')")  # what was sent before it is known by now
    assert len(asked) == before
    with page.expect_request("**/v1/jobs"):
        page.evaluate(f"{hide % 'visible'}; document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_role("link", name="Scenes", exact=True).click()
    expect(page.get_by_role("heading", name="Find any moment in your footage")).to_be_visible()


def test_a_run_leads_to_its_page_on_rays_dashboard(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?view=library")
    link = page.get_by_role("region", name="Runs").get_by_role("link", name="Ray dashboard")
    expect(link).to_have_attribute("href", DASHBOARD)
    page.context.route("http://127.0.0.1:8265/**", lambda route: route.fulfill(body="<h1>Job</h1>"))
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", name="Job")).to_be_visible()
    assert opened.value.url == DASHBOARD
    assert opened.value.evaluate("[window.opener, document.referrer]") == [None, ""]


def test_a_run_without_a_page_of_its_own_leads_nowhere(page: Page, site: Site) -> None:
    def answer(route: Route) -> None:
        jobs = route.fetch().json()
        first = jobs["jobs"][0]
        jobs["jobs"] = [first | {"dashboard_url": None}, first | {"dashboard_url": "javascript:alert(1)"}]
        route.fulfill(json=jobs)

    page.route("**/v1/jobs", answer)
    page.goto(f"{site.url}/?view=library")
    expect(page.locator("article.job")).to_have_count(2)
    assert page.locator("article.job a").count() == 0


def test_an_open_of_a_video_from_the_library_plays_it(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?view=library")
    page.get_by_role("link", name="portrait.mp4").click()
    expect(page.locator("#player-name")).to_have_text("portrait.mp4")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="portrait.mp4")).to_be_focused()
    assert page.url == f"{site.url}/?view=library"


def test_a_video_that_a_later_run_failed_on_says_so(page: Page, site: Site) -> None:
    def answer(route: Route) -> None:
        videos = route.fetch().json()
        videos["videos"][-1] |= {
            "state": "indexed",
            "problem": "Its new version ends early.",
            "problem_code": "truncated",
        }
        route.fulfill(json=videos)

    page.route("**/v1/videos?*", answer)
    page.goto(f"{site.url}/?view=library")
    row = page.get_by_role("article").filter(has_text="Its new version ends early.")
    expect(row.locator(".state")).to_have_text(["Indexed", "A later run failed"])
    expect(page.locator(".state.failed")).to_have_count(1)


def test_a_rare_name_is_looked_for_only_as_far_as_one_wants(page: Page, site: Site) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"videos": [], "next_cursor": f"c{len(asked)}"})

    page.route("**/v1/videos?*", answer)
    page.goto(f"{site.url}/?view=library&name=rare")
    expect(page.locator("#library-count")).to_have_text("No such video so far; not all were looked at")
    assert len(asked) == 4
    page.get_by_role("button", name="Look further").click()
    page.wait_for_timeout(300)
    assert len(asked) == 8
    assert "cursor=c4" in asked[4]
    page.unroute("**/v1/videos?*")
    page.route("**/v1/videos?*", lambda route: route.fulfill(json={"videos": [], "next_cursor": None}))
    page.get_by_role("button", name="Look further").click()
    expect(page.get_by_text("No video is like that.")).to_be_visible()


def test_videos_that_are_listed_stay_when_more_do_not_come(page: Page, site: Site, watched: Watched) -> None:
    watched.allowed.append("status of 503")
    problem = {"title": "Not available now", "status": 503, "detail": "The store does not answer."}
    refusing = [True]

    def answer(route: Route) -> None:
        if "cursor=" not in route.request.url:
            route.fulfill(json=route.fetch().json() | {"next_cursor": "c"})
        elif refusing[0]:
            route.fulfill(status=503, json=problem)
        else:
            route.fulfill(json={"videos": [], "next_cursor": None})

    page.route("**/v1/videos?*", answer)
    page.goto(f"{site.url}/?view=library")
    for _ in range(2):
        page.get_by_role("button", name="More videos").click()
        expect(page.locator("#videos").get_by_role("alert")).to_have_count(1)
    expect(page.locator(".video-row")).to_have_count(10)
    expect(page.locator("#library-count")).to_have_text("10 videos, and more")
    refusing[0] = False
    page.locator("#videos").get_by_role("button", name="Try again").click()
    expect(page.locator("#library-count")).to_have_text("10 videos")
    expect(page.locator("#videos").get_by_role("alert")).to_have_count(0)
    expect(page.locator(".video-row")).to_have_count(10)


def test_a_dataset_of_the_address_that_is_not_offered_stays_chosen(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?view=library&dataset=gone")
    dataset = page.locator("#library-form [name=dataset]")
    expect(dataset.locator("option", has_text="outdoors")).to_be_attached()
    expect(dataset).to_have_value("gone")
