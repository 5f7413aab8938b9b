"""Look at a page in a real Chromium, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESK = 390, 1280
HIDDEN_TEXTS = """() => [...document.querySelectorAll('svg')]
    .filter(svg => svg.getClientRects().length)
    .flatMap(svg => {
        const frame = svg.getBoundingClientRect()
        return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBoundingClientRect()
            return box.left < frame.left - 1 || box.right > frame.right + 1 ||
                box.top < frame.top - 1 || box.bottom > frame.bottom + 1
        }).map(text => text.textContent)
    })"""


@dataclass
class Seen:
    """What a browser made of a page.

    Attributes
    ----------
    said : everything on the console, uncaught errors, and what the page asked the network for
    """

    page: Any
    said: list[str] = field(default_factory=list)

    def ask(self, script: str) -> Any:
        return self.page.evaluate(script)


def program_of(is_required: bool) -> str:
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        why = f"there is none of {', '.join(PROGRAMS)} on this machine"
        if is_required:
            pytest.fail(f"{why}, and --browser-required was given")
        pytest.skip(f"{why}: the pages were not tested in a browser")
    return found


@contextmanager
def open_page(browser: Any, path: Path, width: int, scheme: str) -> Iterator[Seen]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    seen = Seen(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("dialog", lambda dialog: seen.said.append(dialog.message))
    page.on("request", lambda request: seen.said.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    yield seen
    page.close()
