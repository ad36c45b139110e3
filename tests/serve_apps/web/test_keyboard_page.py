"""A whole task without a mouse."""

from playwright.sync_api import Page, expect

from tests.serve_apps.web.site import Site, scenes, wait_for_moment


def focused_scene(page: Page) -> str:
    scene: str = page.evaluate("() => document.activeElement.closest('article.scene')?.dataset.scene ?? ''")
    return scene


def test_search_look_through_play_and_go_back(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    expect(page.get_by_role("heading", name="Find any moment in your footage")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("every sailor can see the lighthouse")
    page.keyboard.press("Enter")
    cards = scenes(page)
    first, second = (cards.nth(at).get_attribute("data-scene") for at in (0, 1))
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert focused_scene(page) == first
    page.keyboard.press("ArrowDown")
    assert focused_scene(page) == second
    page.keyboard.press("k")
    assert focused_scene(page) == first
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_function("() => !document.querySelector('#video').paused")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('#video').paused")
    wait_for_moment(page, 10.81, within_s=4)
    page.keyboard.press("k")
    wait_for_moment(page, 5.205)
    page.keyboard.press("ArrowRight")
    wait_for_moment(page, 10.2)
    page.keyboard.press("ArrowLeft")
    wait_for_moment(page, 5.2)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Help")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Help")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused_scene(page) == first
    page.keyboard.press("s")
    expect(page.locator("#asked-scene")).to_contain_text("More like this scene")


def test_tab_reaches_the_results_and_stays_in_the_player(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/?q=storm")
    scenes(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the results")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    while not page.evaluate("() => Boolean(document.activeElement.closest('article.scene'))"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    strip = page.locator("#scene-strip button")
    expect(strip).to_have_count(3)
    strip.first.focus()
    page.keyboard.press("ArrowRight")
    expect(strip.nth(1)).to_be_focused()
    inside = "() => document.activeElement === document.body || Boolean(document.activeElement.closest('#player'))"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)


def test_single_keys_can_be_switched_off(page: Page, site: Site) -> None:
    page.goto(site.url + "/")
    page.get_by_role("button", name="Help and keys").click()
    page.get_by_label("Single keys do something").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("/")
    expect(page.locator("#q")).not_to_be_focused()
