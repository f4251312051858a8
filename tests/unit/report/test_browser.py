"""The pages in a browser: what moves, what is asked of others, and whether they fit a phone."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganforge.files import write_json
from ganforge.registry import Components
from ganforge.report.comparison import compare_runs
from ganforge.report.live import LivePage
from ganforge.report.report import Drawn
from ganforge.report.serving import served
from ganforge.report.writing import write_comparison, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install -e '.[dev]')")

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: It speaks to nobody but the page.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SHOWN = "[...document.querySelectorAll('#frames img')].filter(each => !each.hidden).map(each => each.src)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is on the PATH (Debian: apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address; in the end the page must have said nothing on the console, and asked nobody else."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(address: str, width: int = 1280, height: int = 900, **options: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield open_page
    own = {each.pages[0].url.split("#")[0] for each in contexts}
    for context in contexts:
        context.close()
    assert said == []
    strangers = [url for url in asked if not url.startswith("data:") and not any(url.startswith(each) for each in own)]
    assert strangers == []


def address(path: Path) -> str:
    return path.absolute().as_uri()


def test_the_slider_moves_by_keyboard_and_mouse_and_changes_the_picture(made: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(made / "report.html"))
    slider, when = page.locator("#slider"), page.locator("#when")
    assert when.inner_text() == "step 4, 16 images seen"
    seen = [page.evaluate(SHOWN)]
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert when.inner_text() == "step 2, 8 images seen"
    assert slider.get_attribute("aria-valuetext") == "step 2, 8 images seen"
    seen.append(page.evaluate(SHOWN))
    page.keyboard.press("Home")
    assert when.inner_text() == "step 0, 0 images seen (before the training)"
    seen.append(page.evaluate(SHOWN))
    assert [len(each) for each in seen] == [1, 1, 1] and len({each[0] for each in seen}) == 3
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    assert page.evaluate(SHOWN) == seen[0]


def test_it_plays_from_the_start_to_the_end_and_stops(made: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(made / "report.html"))
    page.locator("#play").click()
    assert page.locator("#play").inner_text() == "Pause"
    assert page.locator("#when").inner_text().startswith("step 0,")
    playwright.expect(page.locator("#play")).to_have_text("Play", timeout=20_000)
    assert page.locator("#when").inner_text() == "step 4, 16 images seen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_the_screen(
    made: Path, finished: Path, opened: Callable[..., Any], width: int, scheme: str
) -> None:
    other = Path(shutil.copytree(finished, finished.parent / "00001-other"))
    recipe = other / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("batch: 4", "batch: 8").replace("ema: 0.9", f"ema: {'9' * 60}"))
    write_comparison(compare_runs([finished, other]), other / "comparison.html")
    for path in (made / "report.html", other / "comparison.html"):
        page = opened(address(path), width, 740, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 384) == (scheme == "dark")


def test_everything_can_be_reached_by_keyboard_and_has_a_name(made: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(made / "report.html"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    unnamed = page.evaluate(
        """[...document.querySelectorAll('img, svg[role=img], input, button, section, [role=region]')]
            .filter(each => !(each.alt || each.getAttribute('aria-label') || each.getAttribute('aria-labelledby')
                              || each.textContent.trim())).map(each => each.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    lost = page.evaluate(
        """[...document.querySelectorAll('[aria-labelledby], a[href^="#"]')].flatMap(
            each => (each.getAttribute('aria-labelledby') || each.getAttribute('href').slice(1)).split(' '))
            .filter(id => !document.getElementById(id))"""
    )
    assert lost == []
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    twice = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(twice) == len(set(twice))


CONTRAST = """(() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => { const [r, g, b] = rgb.map((each) => { const c = each / 255;
    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (element) => { const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(each).backgroundColor);
      layers.push([r, g, b, a]); if (a === 1) break; }
    return layers.reverse().reduce((below, [r, g, b, a]) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a)),
                                   [255, 255, 255]); };
  const low = [];
  for (const element of document.querySelectorAll('main *, footer *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest('svg') || element.offsetParent === null) continue;
    const [a, b] = [light(numbers(getComputedStyle(element).color).slice(0, 3)), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  return low; })()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_wcag_aa(
    finished: Path, components: Components, opened: Callable[..., Any], scheme: str
) -> None:
    state = json.loads((finished / "run.json").read_text())
    write_json(finished / "run.json", {**state, "is_phantom": True, "state": "running", "error": "x"})
    with served(LivePage(finished, components)) as url:
        page = opened(url, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate(CONTRAST) == []


def test_a_served_page_follows_the_run_and_keeps_its_place(
    finished: Path, components: Components, opened: Callable[..., Any]
) -> None:
    with served(LivePage(finished, components)) as url:
        page = opened(url)
        page.locator("#slider").focus()
        page.keyboard.press("Home")
        page.locator("#recipe > summary").click()
        page.locator("#slider").focus()
        with (finished / "metrics.jsonl").open("a") as file:
            file.write('{"step": 5, "images": 20, "loss_generator": 7.125}\n')
        shutil.copy(finished / "samples" / "step_00000002.png", finished / "samples" / "step_00000005.png")
        playwright.expect(page.locator("#slider")).to_have_attribute("max", "3", timeout=20_000)
        assert page.locator("#chart-loss").inner_html().count("7.125") >= 1
        assert page.locator("#when").inner_text().startswith("step 0,")
        assert page.locator("#recipe").get_attribute("open") is not None
        assert page.evaluate("document.activeElement.id") == "slider"
        page.keyboard.press("End")
        assert page.locator("#when").inner_text() == "step 5, 20 images seen"
        shutil.copy(finished / "samples" / "step_00000002.png", finished / "samples" / "step_00000006.png")
        playwright.expect(page.locator("#slider")).to_have_attribute("max", "4", timeout=20_000)
        assert page.locator("#when").inner_text() == "step 6, 24 images seen"


def test_a_page_that_is_opened_as_a_file_asks_for_no_news(made: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(made / "report.html"))
    page.wait_for_timeout(2500)
    assert page.locator("#live").count() == 0


def test_whatever_gets_into_a_page_it_can_not_speak_to_others_or_run(made: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto(address(made / "report.html"))
    assert page.evaluate("fetch('https://example.org/').then(() => 'answered', () => 'refused')") == "refused"
    page.evaluate(
        """document.querySelector('main').insertAdjacentHTML('beforeend',
            '<img id="probe" src="data:," onerror="document.title = 1"><p id="red" style="color: red">x</p>')"""
    )
    page.wait_for_timeout(200)
    assert page.title() == "tiny: finished"
    assert page.evaluate("getComputedStyle(document.getElementById('red')).color") != "rgb(255, 0, 0)"
    page.close()


def test_paper_shows_no_buttons_and_what_was_folded(made: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(made / "report.html"))
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible() and not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#environment").get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#environment").get_attribute("open") is None


def colours(element: Any) -> Any:
    """(H, W, 3) of what is seen of an element."""
    return np.asarray(Image.open(io.BytesIO(element.screenshot())).convert("RGB")).astype(int)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_goes_on_has_a_shade_where_it_is_cut(
    finished: Path, opened: Callable[..., Any], scheme: str
) -> None:
    path, _ = write_report(finished, Drawn(missing="not asked for"))
    page = opened(address(path), 375, 812, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    table = page.locator("#scores .scroll").first
    assert table.evaluate("each => each.scrollWidth > each.clientWidth")

    def shades() -> list[bool]:
        """Whether the left and the right edge are shaded: the most frequent colour of each against the ground."""
        seen, plain = colours(table), np.array([int(number) for number in re.findall(r"\d+", ground)])
        edges = (np.median(seen[:, column], axis=0) for column in (1, -2))
        return [bool(np.abs(edge - plain).max() > 25) for edge in edges]

    assert shades() == [False, True]
    table.evaluate("each => { each.scrollLeft = 100 }")
    assert shades() == [True, True]
    table.evaluate("each => { each.scrollLeft = each.scrollWidth }")
    assert shades() == [True, False]


def test_two_lines_of_the_same_values_are_both_seen(finished: Path, opened: Callable[..., Any]) -> None:
    page = opened(address(finished / "report.html"), color_scheme="light")
    chart = page.locator("#chart-rate > svg")
    seen = colours(chart)
    counts = [int((np.abs(seen - np.array(look)).max(axis=2) < 40).sum()) for look in ((10, 100, 104), (179, 77, 21))]
    assert min(counts) > 0.25 * max(counts) > 0
