"""On a telephone: nothing has to be scrolled sideways."""

from playwright.sync_api import Page, expect

from tests.serve_apps.web.site import Site, scenes

OVERFLOW = """() => {
  const root = document.querySelector('dialog[open]') ?? document.documentElement;
  return [root.scrollWidth - root.clientWidth, document.documentElement.scrollWidth - innerWidth];
}"""


def test_360_pixels_are_enough(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for address, ready in (
        ("/", ".tile"),
        ("/?q=oil&min_relevance=0", "article.scene"),
        ("/?view=library", ".video-row"),
        (f"/?watch={site.video('railway_variable_rate.mp4').video_id}&t=6", ".line"),
    ):
        page.goto(site.url + address)
        expect(page.locator(ready).first).to_be_visible()
        assert max(page.evaluate(OVERFLOW)) <= 0, address


def test_filters_fold_away(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{site.url}/?q=oil&dataset=outdoors&min_relevance=0")
    scenes(page)
    expect(page.locator("#filters")).to_be_hidden()
    page.get_by_role("button", name="Filters (2)").click()
    expect(page.get_by_label("Dataset").first).to_have_value("outdoors")
    assert max(page.evaluate(OVERFLOW)) <= 0
    page.get_by_role("button", name="Clear filters").click()
    page.wait_for_url("**/?q=oil")
