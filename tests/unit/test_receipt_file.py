# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt that a customer saves: whole, or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.domain.errors import WorldError
from app.entry.companion_invitations import Invitations
from widgets.companion.session import EndedWindow

FULL = Path("/dev/full")


class _Window:
    """Keeps what the person reads under Save."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def saved(self, text: str, tone: str = "good") -> None:
        self.said.append((text, tone))


def background(work: Callable[[], Path], then: Callable[[Path], None], error: Callable[[WorldError], None]) -> None:
    try:
        then(work())
    except WorldError as failure:
        error(failure)


def save(path: Path) -> tuple[str, str]:
    window = _Window()
    invitations = cast("Invitations", SimpleNamespace(_app=SimpleNamespace(background=background)))
    Invitations.write_receipt(invitations, cast("EndedWindow", window), path, "You stopped it.", b"{}")
    return window.said[-1]


def test_a_receipt_is_saved_with_a_page_beside_it(tmp_path: Path) -> None:
    """Both are whole, and nothing else is left."""
    path = tmp_path / "receipt.json"
    _, tone = save(path)
    assert tone == "good"
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {
        "receipt.json": b"{}",
        "receipt.txt": b"You stopped it.\n",
    }


@pytest.mark.skipif(not FULL.exists(), reason="this system has no disk that is always full")
def test_a_full_disk_leaves_an_older_receipt_whole_and_is_said(tmp_path: Path) -> None:
    """Half a receipt proves nothing, and the older one may be the only one."""
    path = tmp_path / "receipt.json"
    path.write_bytes(b"older")
    (tmp_path / "receipt.json.part").symlink_to(FULL)
    text, tone = save(path)
    assert tone == "danger"
    assert "full" in text
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("receipt.json", b"older")]
