"""What a listing finds behind links, and what it refuses rather than passes over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_calc.errors import UnreadableInput
from session_calc.inputs import Listing, list_inputs


def listed(listing: Listing, folder: Path) -> tuple[list[str], list[str]]:
    names = [Path(one.path).relative_to(folder).as_posix() for one in listing.inputs]
    return names, [Path(path).relative_to(folder).as_posix() for path in listing.ignored]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "day=1").mkdir(parents=True)
    (tmp_path / "in" / "day=1" / "events.jsonl").write_text("{}\n")
    return tmp_path / "in"


def test_a_linked_folder_is_searched_like_any_other(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.jsonl").write_text("{}\n")
    (folder / "day=2").symlink_to(tmp_path / "elsewhere")
    assert listed(list_inputs([str(folder)]), folder) == (["day=1/events.jsonl", "day=2/more.jsonl"], [])


def test_a_file_that_links_lead_to_again_is_read_once_and_the_listing_says_so(folder: Path) -> None:
    (folder / "latest").symlink_to("day=1")
    (folder / "same.jsonl").symlink_to("day=1/events.jsonl")
    assert listed(list_inputs([str(folder), f"{folder}/day=1/*"]), folder) == (
        ["day=1/events.jsonl"],
        ["latest/events.jsonl", "same.jsonl"],
    )


def test_a_link_that_leads_back_up_is_no_endless_way(folder: Path) -> None:
    (folder / "day=1" / "back").symlink_to(folder)
    assert listed(list_inputs([str(folder)]), folder) == (["day=1/events.jsonl"], [])


def test_a_link_to_nothing_is_refused_and_not_passed_over(folder: Path) -> None:
    (folder / "gone.jsonl").symlink_to("nowhere")
    message = f"{folder}/gone.jsonl cannot be read: No such file or directory."
    with pytest.raises(UnreadableInput, match=f"^{re.escape(message)}$"):
        list_inputs([str(folder)])


def test_a_folder_that_may_not_be_read_is_refused_and_not_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Any) -> Iterator[os.DirEntry[str]]:  # the tests may run as root, who may read all
        if str(path).endswith("day=1"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    message = f"READ_PATH has a folder {folder}/day=1 that cannot be read: Permission denied."
    with pytest.raises(UnreadableInput, match=f"^{re.escape(message)}$"):
        list_inputs([str(folder)])


def test_a_name_that_is_no_utf_8_is_refused(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.jsonl")).write_text("{}\n")
    with pytest.raises(UnreadableInput, match=r"udcff\.jsonl' has a name that is no UTF-8\. Rename the file\.$"):
        list_inputs([str(folder)])
