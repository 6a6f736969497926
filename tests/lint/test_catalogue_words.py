# SPDX-License-Identifier: GPL-3.0-or-later
"""One word per idea in Korean, too: what a customer reads in the app is what an agent reads in the help desk."""

from __future__ import annotations

import polib
import pytest

from tests.lint.catalogue import areas, check_texts


@pytest.mark.parametrize(
    "text", ["컴패니언에서 열기", "상담 시간", "티켓을 엽니다", "다시 시도하십시오", "세션이 끝났습니다"]
)
def test_another_word_for_what_has_one_is_found(text: str) -> None:
    """The glossary has one word for each; people are asked with -해 주세요."""
    catalogue = polib.POFile()
    catalogue.append(polib.POEntry(msgid="Text", msgstr=text))
    assert [line for line in check_texts([], {"made": catalogue}) if "our word is" in line]


def test_the_catalogues_use_the_words_of_the_glossary() -> None:
    """A session of the desktop or of X11 is another thing."""
    assert not [line for line in check_texts([], areas()) if "our word is" in line]
