# SPDX-License-Identifier: GPL-3.0-or-later
"""UX ids: none is forgotten, none is invented, and the waiting list only shrinks."""

from __future__ import annotations

from tests.lint.ux_ids import complaints, marked_ids


def test_every_requirement_is_tested_or_waits() -> None:
    """A requirement without a test is named."""
    assert complaints(["UX-01", "UX-02"], ["UX-01"], ["UX-02"], ["UX-02"]) == []
    assert complaints(["UX-01", "UX-02"], ["UX-01"], [], ["UX-02"]) == ["UX-02: no test proves it"]


def test_the_waiting_list_only_shrinks() -> None:
    """Nobody gets rid of a failing requirement by letting it wait."""
    assert "may only shrink" in complaints(["UX-01", "UX-02"], [], ["UX-01", "UX-02"], ["UX-01"])[0]
    assert "take it out" in complaints(["UX-01"], ["UX-01"], ["UX-01"], ["UX-01"])[0]


def test_an_unknown_id_is_noticed() -> None:
    """A typing mistake in a mark proves nothing."""
    assert "does not know it" in complaints(["UX-01"], ["UX-01", "UX-99"], [], [])[0]


def test_marks_are_found_wherever_they_stand() -> None:
    """On functions, on modules, on parameters."""
    text = "pytestmark = pytest.mark.ux('UX-01')\n@pytest.mark.ux('UX-02', 'UX-03')\ndef test_a(): ...\n"
    assert sorted(marked_ids(text)) == ["UX-01", "UX-02", "UX-03"]


def test_a_mark_that_slipped_from_its_test_to_a_helper_does_not_count() -> None:
    """Pytest runs no helper: what only such a mark names is not proved."""
    text = "@pytest.mark.ux('UX-01')\ndef _helper(): ...\n@pytest.mark.ux('UX-02')\ndef test_a(): ...\n"
    assert list(marked_ids(text)) == ["UX-02"]
