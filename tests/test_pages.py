"""The pages in a real browser: whole without a network, readable at every width and in the dark, and never run data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from browser import DESK, HIDDEN_TEXTS, PHONE, open_page, program_of

from session_calc import pages, run, run_profile
from session_calc.doctor import Finding, examine
from session_calc.engines.engine import Engine
from session_calc.errors import UserError
from session_calc.pages import plots, svg
from session_calc.settings import resolve

START = 1_554_681_600_000
SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    "</svg></title></style><img src=x onerror=alert(2)>",
    "' onmouseover=alert(3) x='",
    '" onmouseover="alert(4)',
    "{{ 7*7 }}{% raw %}",
    "$x_1$ \\frac",
    "&lt;b&gt; &amp;",
    "日本語のデバイス",
    "\u202eright to left",
    "line\nfeed\ttab\u0001\u0000",
    "]]><!--",
    "a" * 500,
    "",
    None,
)


def hostile_lines() -> list[str]:
    lines = []
    for number in range(400):
        value = HOSTILE[number % len(HOSTILE)]
        user = f"{value}{number % 40}"
        time = START + number * 97_000 + number % 7 * 86_400_000
        lines.append(
            json.dumps(
                {
                    "anonymous_id": user,
                    "device_sent_timestamp": time,
                    "device_family": value,
                    f"<b>{number % 3}</b>": value,
                }
            )
        )
    return [*lines, f'{{"{SCRIPT}', '{"device_sent_timestamp": 1}', "[1]", ""]


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    program = program_of(bool(request.config.getoption("--browser-required")))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def written(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a profile and of a run over hostile events."""
    folder = tmp_path_factory.mktemp("pages")
    path = folder / "<i>events.jsonl"
    path.write_text("\n".join(hostile_lines()))
    given = {"READ_PATH": str(path), "WRITE_PATH": str(folder / "output")}
    settings = resolve({"ENGINE": engine.name}, given, {})
    with pytest.MonkeyPatch.context() as patch:
        for module in (run, run_profile):
            patch.setattr(module, "open_engine", lambda *_: nullcontext(engine))
        run_profile.profile(settings, {}, verbose=False, tell=lambda _: None)
        run.count(settings, run.Circumstances({}, lambda _: None, with_page=True))
    return folder / "output"


pytestmark = pytest.mark.one_engine

PAGES = ["eda.html", "sessions_by_device_family.html"]


class Elements(HTMLParser):
    """Every element of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_pages_open_in_a_browser_at_both_widths_in_light_and_dark(written: Path, browser: Any) -> None:
    for name in PAGES:
        for width in (PHONE, DESK):
            for scheme in ("light", "dark"):
                with open_page(browser, written / name, width, scheme) as seen:
                    assert seen.said == []
                    assert seen.ask("document.documentElement.scrollWidth") == width
                    pictures = seen.ask(SHOWN_PICTURES)
                    assert pictures == seen.ask("document.querySelectorAll('figure').length") >= 4
                    assert seen.ask(LOWEST_FIGURE) > 60
                    assert seen.ask(HIDDEN_TEXTS) == []
                    assert contrast(seen.ask(COLOURS)) > 4.5


COLOURS = """() => {
    const look = (selector, what) => getComputedStyle(document.querySelector(selector))[what]
    const paper = look('body', 'backgroundColor')
    const inks = [look('body', 'color'), look('.muted', 'color'), look('a', 'color'), look('svg text', 'fill')]
    return inks.map(ink => [ink, paper])
}"""
SHOWN_PICTURES = "[...document.querySelectorAll('svg')].filter(one => one.getClientRects().length).length"
LOWEST_FIGURE = "Math.min(...[...document.querySelectorAll('figure')].map(one => one.clientHeight))"
FOLDED_TABLES = """[...document.querySelectorAll('details table')]
    .filter(one => !one.checkVisibility({contentVisibilityAuto: true})).length"""


def contrast(pairs: list[list[str]]) -> float:
    """Give the lowest contrast of pairs of colours, as WCAG 2.2 computes it."""
    return min(ratio(*map(luminance, pair)) for pair in pairs)


def ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def luminance(colour: str) -> float:
    parts = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_on_paper_every_table_is_open_and_the_colours_are_light(written: Path, browser: Any) -> None:
    for name in PAGES:
        with open_page(browser, written / name, DESK, "dark") as seen:
            assert seen.ask("document.querySelectorAll('details').length") > 0
            assert seen.ask(FOLDED_TABLES) == seen.ask("document.querySelectorAll('details table').length")
            seen.page.emulate_media(media="print")
            seen.page.wait_for_function(f"{FOLDED_TABLES} === 0")  # the browser lays the page out anew
            assert seen.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            assert seen.page.pdf()[:5] == b"%PDF-"


def test_values_from_the_data_are_text_everywhere(written: Path) -> None:
    for name in PAGES:
        page = (written / name).read_text(encoding="utf-8")
        elements = Elements(page).found
        assert {tag for tag, _ in elements} & {
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "link",
            "form",
            "i",
        } == set()
        assert [attributes for _, attributes in elements if any(one.startswith("on") for one in attributes)] == []
        assert {(attributes["href"] or "")[:1] for _, attributes in elements if "href" in attributes} == {"#"}
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "{{ 7*7 }}" in page
        assert "日本語のデバイス" in page
        assert [one for one in page if not one.isprintable() and one != "\n"] == []


def test_a_page_asks_the_network_for_nothing_and_may_run_nothing(written: Path) -> None:
    for name in PAGES:
        elements = Elements((written / name).read_text(encoding="utf-8")).found
        policy = next(attributes["content"] or "" for _, attributes in elements if "http-equiv" in attributes)
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_ids_are_unique_and_pictures_have_words_for_screen_readers(written: Path) -> None:
    for name in PAGES:
        elements = Elements((written / name).read_text(encoding="utf-8")).found
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        targets = {attributes["href"] for tag, attributes in elements if tag in {"a", "use"}}
        assert targets <= {f"#{one}" for one in ids}
        pictures = [attributes for tag, attributes in elements if tag == "svg"]
        assert pictures
        assert all(one["role"] == "img" and len(one["aria-label"] or "") > 20 for one in pictures)
        assert all(attributes.get("scope") for tag, attributes in elements if tag == "th")


def test_a_page_without_its_tools_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "find_spec", lambda name: None if name == "matplotlib" else name)
    with pytest.raises(UserError, match=r"^The page needs matplotlib, .* pip install 'session_calc\[report\]'\.$"):
        run_profile.profile(resolve({}, {}, {}), {}, verbose=False, tell=lambda _: None)
    assert not Path("output").exists()


def test_doctor_says_whether_pages_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert next(one for one in examine({}, tmp_path) if one.name == "pages").is_fine
    monkeypatch.setattr(pages, "find_spec", lambda name: None if name == "jinja2" else name)
    assert next(one for one in examine({}, tmp_path) if one.name == "pages") == Finding(
        "pages",
        is_fine=False,
        found="not installed (jinja2 missing)",
        advice="Only pages of HTML need it: pip install 'session_calc[report]'.",
    )


def test_a_profile_without_a_page_needs_no_tools_for_pages(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_profile, "open_engine", lambda *_: nullcontext(engine))
    monkeypatch.setattr(pages, "find_spec", lambda _: None)
    settings = resolve({"ENGINE": engine.name}, {}, {})
    run_profile.profile(settings, {}, verbose=False, tell=lambda _: None, with_page=False)
    assert [path.name for path in Path("output").iterdir()] == ["eda.json"]


def test_events_without_anything_in_them_have_a_page_too(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_profile, "open_engine", lambda *_: nullcontext(engine))
    path = tmp_path / "events.jsonl"
    for content in ("", "\n", '{"anonymous_id": "a", "device_sent_timestamp": 1554681600000}\n'):
        path.write_text(content)
        settings = resolve({"ENGINE": engine.name, "READ_PATH": str(path)}, {}, {})
        run_profile.profile(settings, {}, verbose=False, tell=lambda _: None)
        assert "<h2>Which gap fits</h2>" in Path("output/eda.html").read_text()


def test_a_drawing_gets_the_colours_of_the_page_and_ids_of_its_own() -> None:
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt">'
        b'<metadata>x</metadata><defs><path id="m1"/></defs><g id="figure_1" clip-path="url(#m1)">'
        b'<use xlink:href="#m1" style="fill: #101112; font-family: Serif, Sans"/></g></svg>'
    )
    found = svg.to_inline(drawing, "plot", 'a "title"', {"#101112": "var(--ink)"})
    assert "metadata" not in found
    assert 'id="figure_1"' not in found
    assert '<use style="fill: var(--ink); " href="#plot-m1"' in found
    assert 'clip-path="url(#plot-m1)"' in found
    assert 'aria-label="a &quot;title&quot;"' in found


def test_the_same_numbers_make_the_same_picture() -> None:
    first, second = (plots.bars("b", "says", [("a", 1), ("b", 2)], "sessions") for _ in range(2))
    assert first == second


def test_without_a_browser_its_tests_are_left_out_or_fail_where_one_is_demanded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(pytest.skip.Exception, match="the pages were not tested in a browser"):
        program_of(is_required=False)
    with pytest.raises(pytest.fail.Exception, match="and --browser-required was given"):
        program_of(is_required=True)
