# SPDX-License-Identifier: GPL-3.0-or-later
"""How the benchmark of screen sharing judges whether a page can be read: letters counted, ages kept, gates decided."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest

from tests.bench import _legible, _ocr, _pages
from tests.bench._legible import Flip, Legible
from tests.bench._ocr import Errors, errors


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        ("open the door", 0),
        ("open\nthedoor", 0),
        ("open the dour", 1),
        ("open the dor", 1),
        ("open the dooor", 1),
        ("", 11),
        ("shut", 10),
    ],
)
def test_each_letter_that_is_wrong_missing_or_too_much_counts_once_and_space_does_not(read: str, wrong: int) -> None:
    assert errors("open the door", read) == Errors(wrong, 11)


def test_a_korean_syllable_is_one_letter_however_it_is_composed() -> None:
    assert errors("한국어", unicodedata.normalize("NFD", "한국어")) == Errors(0, 3)
    assert errors("한국어", "한극어") == Errors(1, 3)


def test_rates_of_pages_add_up_by_letters_and_never_pass_one() -> None:
    assert (Errors(1, 10) + Errors(0, 90)).rate == 0.01
    assert Errors(30, 10).rate == 1.0


def _rows(value: int) -> _ocr.Rows:
    return np.full((40, 64), value, np.uint32)


def test_at_each_age_the_picture_that_was_seen_then_is_kept_and_none_before_the_first() -> None:
    flip = Flip(1, 0)
    for age_ms, value in ((140.0, 1), (260.0, 2), (300.0, 3), (390.0, 4)):
        flip.take(age_ms, _rows(value))
    seen = {at: (age, int(rows[0, 0])) for at, (age, rows) in flip.kept.items()}
    assert 100 not in seen
    assert [seen[at] for at in (150, 200, 250, 300, 400, 1500)] == [
        (140.0, 1), (140.0, 1), (140.0, 1), (300.0, 3), (390.0, 4), (390.0, 4),
    ]  # fmt: skip


def test_a_page_is_exact_from_the_first_picture_that_equals_the_screen_in_every_pixel() -> None:
    flip = Flip(1, 0, screen=_rows(0xFF102030))
    for age_ms, value in ((200.0, 0x102031), (700.0, 0x00102030), (800.0, 0x102030)):
        flip.take(age_ms, _rows(value))  # the fourth byte of a pixel is nothing that is seen
    assert flip.exact_ms == 700.0


@pytest.mark.parametrize("first", [*_legible.AGES_MS, None])
def test_the_first_legible_age_is_found_with_few_pictures_read(first: int | None) -> None:
    asked: list[int] = []

    def rate(age_ms: int) -> float:
        asked.append(age_ms)
        return 0.0 if first is not None and age_ms >= first else 0.4

    assert _legible.first_legible(rate) == first
    assert len(asked) <= 4


def test_a_page_is_known_in_full_and_fits_the_screen() -> None:
    for kind in _pages.STYLES:
        placed = list(_pages.lines(kind, 3, 1080))
        assert {line.tongue for line in placed} == {"eng", "kor"}
        assert all(_pages.TOP <= line.y < 1080 for line in placed)
        for tongue in ("eng", "kor"):
            assert _pages.truth(kind, 3, 1080, tongue).split("\n") == [x.text for x in placed if x.tongue == tongue]
        assert _pages.truth(kind, 3, 1080, "kor") != _pages.truth(kind, 4, 1080, "kor")


def test_equal_pictures_have_no_distance_and_a_wrong_colour_shows_in_the_colours_alone() -> None:
    assert _legible.distance(_rows(0x404040), _rows(0x404040)) == (99.0, 0.0)
    psnr, chroma = _legible.distance(_rows(0x404040), _rows(0x414040))
    assert psnr > 48
    assert 0 < chroma < 1


def _result(profile: str, found: dict[str, Any]) -> dict[str, Any]:
    return {"peer": "ours", "stimulus": "page", "profile": profile, "figures": found}


def _held(exact_ms: float | None) -> Flip:
    number = next(n for n in range(1, 100) if _pages.held(n))
    return Flip(number, 0, exact_ms=exact_ms, over=True)


def test_pages_read_in_time_and_exact_in_time_pass_their_gates() -> None:
    read = [
        Legible(Errors(2, 3000), Errors(1, 3000), 240.0, Errors(0, 3000)),
        Legible(Errors(20, 3000), Errors(0, 3000), 310.0, Errors(6, 3000)),
    ]
    found = _legible.figures(read, [_held(1500.0), _held(3900.0)])
    assert (found["cer"], found["cer_own"], found["exact_ms"]) == (0.0037, 0.0002, 3900)
    assert found["legible_ms"] == {"p50": 310, "max": 310}
    assert all(passed for _name, _value, _limit, passed in _legible.gates(_result("5m", found)))
    assert [passed for _name, _value, _limit, passed in _legible.gates(_result("lan", found))] == [False]


def test_one_page_among_ten_that_is_late_fails_the_gate() -> None:
    read = [Legible(Errors(0, 3000), Errors(0, 3000), 200.0, Errors(0, 3000))] * 9
    read.append(Legible(Errors(2400, 3000), Errors(), 400.0, Errors(0, 3000)))
    gates = _legible.gates(_result("5m", _legible.figures(read, [_held(900.0)])))
    assert [passed for _name, _value, _limit, passed in gates] == [False, True, True]


def test_a_page_that_never_became_exact_fails_whatever_the_others_did() -> None:
    found = _legible.figures([], [_held(900.0), _held(None)])
    assert [passed for _name, _value, _limit, passed in _legible.gates(_result("lan", found))] == [False]


def test_without_an_ocr_nothing_passes_and_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert _legible.read("page", [_held(900.0)]) == []
    found = _legible.figures([], [_held(900.0)])
    assert "tesseract-ocr-kor" in found["note"]
    assert [passed for _name, _value, _limit, passed in _legible.gates(_result("5m", found))] == [False, False, True]
