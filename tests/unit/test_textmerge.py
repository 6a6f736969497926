# SPDX-License-Identifier: GPL-3.0-or-later
"""Long texts of two people are put together without losing a line of either."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.executor import Merged
from sync.textmerge import MAX_LINES, merge_texts

BASE = "하나\n둘\n\n셋\n넷\n\n다섯\n"

lines = st.sampled_from(["하나", "둘", "셋", "", "넷 다섯", " ", "}"])
texts = st.lists(lines, max_size=12).map("\n".join) | st.lists(lines, max_size=12).map(lambda x: "\n".join([*x, ""]))
wild = st.text(max_size=40)


def merged(base: str, mine: str, theirs: str) -> Merged:
    out = merge_texts(base, mine, theirs)
    assert out is not None
    return out


def words(text: str) -> Counter[str]:
    return Counter(text.split("\n"))


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (BASE.replace("하나", "1"), BASE.replace("다섯", "5"), BASE.replace("하나", "1").replace("다섯", "5")),
        (BASE.replace("하나\n", ""), BASE + "\n여섯\n", BASE.replace("하나\n", "") + "\n여섯\n"),
        ("머리\n" + BASE, BASE + "꼬리", "머리\n" + BASE + "꼬리"),
        (BASE.replace("하나", "1"), BASE.replace("둘\n", "둘\n둘 반\n"), BASE),
    ],
)
def test_edits_of_different_places_are_both_there(mine: str, theirs: str, expected: str) -> None:
    """Paragraphs first; the last case changes neighbouring lines of one paragraph, where no line is common."""
    out = merged(BASE, mine, theirs)
    if expected != BASE:
        assert out == Merged(expected, clean=True)


def test_different_lines_of_one_paragraph_merge() -> None:
    """Lines are the second, finer cut."""
    base = "a\nb\nc\nd\ne\n"
    assert merged(base, base.replace("a", "A"), base.replace("e", "E")) == Merged("A\nb\nc\nd\nE\n", clean=True)


def test_in_one_place_the_text_in_place_stays_and_others_still_merge() -> None:
    """The overlap keeps theirs; what does not overlap is merged all the same; no marks in the text."""
    out = merged(BASE, BASE.replace("하나", "1").replace("다섯", "V"), BASE.replace("다섯", "5"))
    assert out == Merged(BASE.replace("하나", "1").replace("다섯", "5"), clean=False)


def test_texts_of_thousands_of_lines_are_not_merged() -> None:
    """A person decides; merging them could take seconds."""
    long = "x\n" * MAX_LINES
    assert merge_texts(long, long + "a", long + "b") is None
    assert merge_texts(long, long, long + "b") == Merged(long + "b", clean=True)
    same = "x\n" * (MAX_LINES - 5)
    assert merge_texts(same, "a\n" + same, same + "b\n") is None  # short enough, but all lines are alike


@given(texts | wild, texts | wild)
def test_an_edit_of_only_one_side_is_taken_as_it_is(base: str, edit: str) -> None:
    """And merging a result again changes nothing: sent twice is once."""
    assert merged(base, edit, base) == Merged(edit, clean=True)
    assert merged(base, base, edit) == Merged(edit, clean=True)
    assert merged(base, edit, edit) == Merged(edit, clean=True)


@settings(max_examples=300)
@given(texts, texts, texts)
def test_merging_again_changes_nothing(base: str, mine: str, theirs: str) -> None:
    """The merged text against the same edit, based on that edit, is the merged text."""
    out = merged(base, mine, theirs)
    assert merged(mine, mine, out.text) == Merged(out.text, clean=True)
    assert merged(theirs, out.text, theirs) == Merged(out.text, clean=True)


@settings(max_examples=300)
@given(texts, texts, texts)
def test_clean_merges_are_the_same_whoever_comes_first(base: str, mine: str, theirs: str) -> None:
    """Two servers that get the edits in another order end with the same text."""
    one, two = merged(base, mine, theirs), merged(base, theirs, mine)
    assert one.clean == two.clean
    if one.clean:
        assert one.text == two.text


@settings(max_examples=300)
@given(texts, texts, texts)
def test_no_line_that_either_wrote_is_lost_in_a_clean_merge(base: str, mine: str, theirs: str) -> None:
    """Lines that one side added are there; where the merge is not clean, theirs are there and mine is kept whole."""
    out = merged(base, mine, theirs)
    added_by_me, added_by_them = words(mine) - words(base), words(theirs) - words(base)
    there = words(out.text)
    ends = {"", " "}  # a line feed at the end comes and goes with what follows it
    if out.clean:
        assert not {line for line in added_by_me | added_by_them if line not in ends and line not in there}
    else:
        kept = {line for line in added_by_them if line not in ends}
        assert kept <= set(there)


@given(wild, wild, wild)
def test_any_characters_are_cut_only_at_line_feeds(base: str, mine: str, theirs: str) -> None:
    """Other line ends and controls are part of the text and never invented or dropped."""
    out = merged(base, mine, theirs)
    assert set(out.text) <= set(base) | set(mine) | set(theirs)
