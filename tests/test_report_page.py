"""The pages of results in a real browser that has no network: seen, heard, pointed at and typed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from bars import ordinary
from browser import Browser, find_browser
from report_bars import SECONDS, make_pages, write_results

BROWSER = find_browser()
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome here; scripts/chromium.sh installs one on Debian"
)
WINDOWS = [(1600, 1000, False), (390, 844, True)]
# Letters that mean something in HTML, in a script and in an address; and a name of no end.
NAMES = ("<b>&amp;\"'", "</script>${1}", "middle" * 30)
SHEETS = (
    "[...document.querySelectorAll('.tile')]"
    ".map(tile => getComputedStyle(tile).backgroundImage.slice(5, -2))"
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory, tiny_spec) -> dict[str, Path]:
    """The page of a dataset with labels and odd names, of one without, and the index."""
    found, before = {}, Path.cwd()
    try:
        for name, labelled in (("labelled", True), ("bare", False)):
            folder = tmp_path_factory.mktemp(name)
            os.chdir(folder)
            write_results(tiny_spec, ordinary(), labelled, labelled, content_names=NAMES)
            found[name] = folder / make_pages()
            found["index"] = folder / "plots" / "index.html"
    finally:
        os.chdir(before)
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert BROWSER is not None
    with Browser(BROWSER, tmp_path_factory.mktemp("browser")) as started:
        started.send("Emulation.setFocusEmulationEnabled", enabled=True)
        yield started


@pytest.mark.parametrize(("width", "height", "dark"), WINDOWS)
@pytest.mark.parametrize("page", ["labelled", "bare", "index"])
def test_opens_from_disk_whole(
    browser: Browser, pages: dict[str, Path], page: str, width: int, height: int, dark: bool
) -> None:
    browser.resize(width, height, dark=dark)
    browser.open(pages[page].as_uri())
    browser.run("[...document.images].forEach(image => image.loading = 'eager')")
    unseen = browser.run(
        "Promise.all([...document.images].map(i => i.decode().then(() => '', () => i.src)))"
    )
    assert [file for file in unseen if file] == []
    assert browser.run("[...document.images].filter(image => !image.alt).length") == 0
    assert browser.heard() == []
    assert browser.run("document.documentElement.scrollWidth") <= width, "wider than the window"
    light = browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light != dark
    names = browser.run(
        "[...document.querySelectorAll('h1, h2, a, summary, audio, [role=img], [tabindex]')]"
        ".filter(one => !(one.textContent.trim() || one.getAttribute('aria-label')"
        " || one.getAttribute('aria-labelledby'))).map(one => one.outerHTML)"
    )
    assert names == []


@pytest.mark.parametrize("page", ["labelled", "bare"])
def test_every_plot_is_drawn_and_every_sheet_loads(
    browser: Browser, pages: dict[str, Path], page: str
) -> None:
    browser.resize(1600, 1000)
    browser.open(pages[page].as_uri())
    assert browser.run("document.querySelectorAll('figure[data-chart]').length") == (
        6 if page == "labelled" else 5
    )
    flat = browser.run(
        "[...document.querySelectorAll('figure[data-chart]')]"
        ".filter(one => !one.querySelector('svg.main-svg')"
        " || one.querySelector('svg').getBoundingClientRect().height < 100).length"
    )
    assert flat == 0
    files = browser.run(SHEETS)
    assert files
    loaded = browser.run(
        f"Promise.all([...new Set({SHEETS})].map(src => new Promise(done => {{"
        "  const image = new Image(); image.onload = () => done(image.naturalWidth);"
        "  image.onerror = () => done(0); image.src = src; })))"
    )
    assert min(loaded) > 0


def test_every_sound_plays(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["labelled"].as_uri())
    lengths = browser.run(
        "Promise.all([...document.querySelectorAll('audio')].map(one => new Promise(done => {"
        "  if (one.readyState > 0) done(one.duration);"
        "  one.onloadedmetadata = () => done(one.duration); one.onerror = () => done(-1); })))"
    )
    assert lengths == [SECONDS]
    assert browser.run("document.getElementById('sounds').nextElementSibling.textContent") == (
        "What is lost is said."
    )


def test_a_point_shows_its_fragment_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.resize(390, 844)
    browser.open(pages["labelled"].as_uri())
    maps = "document.querySelectorAll('.chart.map')"
    shown = "document.querySelector('#preview dl').textContent"
    browser.run(f"{maps}[0].focus()")
    first = browser.run(shown)
    assert "sample" in first
    assert "bars-" in first
    arrow(browser, "ArrowRight")
    second = browser.run("window.v3report.map.samples[1]")
    assert second in browser.run(shown)
    ring = f"{maps}[{{}}].data.at(-1).x[0]"
    assert [browser.run(ring.format(place)) for place in (0, 1)] == [10, 10]
    tile = "document.querySelector('#preview .tile').getBoundingClientRect()"
    assert browser.run(f"{tile}.width") >= 64
    assert browser.run(f"{tile}.bottom <= innerHeight && {tile}.top >= 0"), "out of sight"
    arrow(browser, "ArrowLeft")
    assert browser.run(shown) == first
    arrow(browser, "ArrowLeft")  # there is none
    assert browser.run(shown) == first
    assert browser.heard() == []


def test_a_point_shows_its_fragment_when_pointed_at(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.resize(1600, 1000)
    browser.open(pages["labelled"].as_uri())
    browser.run("document.getElementById('map').scrollIntoView()")
    place = browser.run(
        "(() => { const map = document.querySelectorAll('.chart.map')[1];"
        " const box = map.querySelectorAll('.scatterlayer .point')[2].getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    for x, y in ((place[0] + 3, place[1] + 3), place):
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    browser.run(
        "new Promise(done => { const look = () => document.querySelector('#preview dl')"
        " ? done() : setTimeout(look, 20); look(); })"
    )
    sample = browser.run("window.v3report.map.samples[2]")
    assert sample in browser.run("document.querySelector('#preview dl').textContent")


def test_points_change_colour_with_what_they_are_coloured_by(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["labelled"].as_uri())
    kinds = "[...document.querySelectorAll('[name=colouring]')].map(one => one.value)"
    assert browser.run(kinds) == ["content", "style", "code"]
    legend = "[...document.querySelectorAll('#legend li')].map(one => one.textContent)"
    assert set(browser.run(legend)) <= set(NAMES)
    browser.run("document.querySelector('[name=colouring][value=style]').click()")
    assert browser.run(legend) == ["a", "b"]
    browser.open(pages["bare"].as_uri())
    assert browser.run(kinds) == ["code"]


def test_names_stand_as_they_are(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["labelled"].as_uri())
    text = browser.run("document.getElementById('data').parentElement.textContent")
    for name in NAMES:
        assert name in text


def test_links_lead_somewhere(browser: Browser, pages: dict[str, Path]) -> None:
    for page in ("labelled", "bare"):
        browser.open(pages[page].as_uri())
        broken = (
            "[...document.querySelectorAll('nav a')].filter(a => !document.querySelector(a.hash))"
        )
        assert browser.run(f"{broken}.length") == 0
    browser.open(pages["index"].as_uri())
    links = browser.run("[...document.querySelectorAll('main a')].map(a => a.href)")
    assert links == [(pages["index"].parent / "bars" / "report.html").as_uri()]


def test_without_its_script_a_page_shows_pictures(browser: Browser, pages: dict[str, Path]) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(pages["labelled"].as_uri())
    browser.send("Emulation.setScriptExecutionDisabled", value=False)
    seen = browser.run(
        "[...document.images].filter(image => image.getBoundingClientRect().height)"
        ".map(image => image.getAttribute('src'))"
    )
    assert {"codebook/confusion.png", "tsne/tsne.png", "curves/training.png"} <= set(seen)


def arrow(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key)
