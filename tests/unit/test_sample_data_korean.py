# SPDX-License-Identifier: GPL-3.0-or-later
"""Korean of the sample texts: particles fit, names become roman letters."""

from __future__ import annotations

import pytest

from app.services.sample_data.korean import particles, roman_parts


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("복합기(을) 켭니다", "복합기를 켭니다"),
        ("프로그램(을) 켭니다", "프로그램을 켭니다"),
        ("PX-220(이) 멈춥니다", "PX-220이 멈춥니다"),
        ("PX-222(이) 멈춥니다", "PX-222가 멈춥니다"),
        ("버전 3.1.8(으로) 올립니다", "버전 3.1.8로 올립니다"),
        ("버전 3.3.0(으로) 올립니다", "버전 3.3.0으로 올립니다"),
        ("서울(으로) 보냅니다", "서울로 보냅니다"),
        ("LB-13A(은) 새것입니다", "LB-13A는 새것입니다"),
        ("NUC-M(은) 새것입니다", "NUC-M은 새것입니다"),
        ("Meet Web(을) 씁니다", "Meet Web을 씁니다"),
        ("괄호 (가상) 그대로", "괄호 (가상) 그대로"),
    ],
)
def test_particles_fit_the_word_as_it_is_read(text: str, right: str) -> None:
    """Hangul by its last consonant, figures and letters by how they are spoken."""
    assert particles(text) == right


def test_names_become_roman_letters() -> None:
    """For mail addresses that look like their owner's name."""
    assert roman_parts("김민수") == ("minsu", "kim")
    assert roman_parts("박지은") == ("jieun", "park")
