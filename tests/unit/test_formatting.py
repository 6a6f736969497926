# SPDX-License-Identifier: GPL-3.0-or-later
"""Formatting of replies and notes: marks, the piece of HTML they become, and what foreign HTML leaves behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.foreign_html import read_html, safe_html
from app.domain.formatting import (
    Look,
    Mark,
    Rich,
    dump_marks,
    is_ours,
    joined,
    link_target,
    load_marks,
    plain,
    replaced,
    tidy,
    to_html,
)

LINES = st.lists(
    st.tuples(
        st.sampled_from(["", "• ", "> ", "1. ", "2. "]), st.text(alphabet="가나a b<&\"'{}", min_size=0, max_size=8)
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> Rich:
    """A text with marks anywhere."""
    text = "\n".join(sign + words.strip() for sign, words in draw(LINES))
    place = st.integers(0, len(text))
    made = [
        Mark(draw(place), draw(place), look, "https://example.com/a?b=1&c=2" if look is Look.LINK else "")
        for look in draw(st.lists(st.sampled_from(Look), max_size=4))
    ]
    return Rich(text, tidy(made, len(text)))


@given(texts())
def test_what_goes_out_is_the_subset_and_reads_back_the_same(rich: Rich) -> None:
    """The server may clean it again and again: nothing changes any more, and no markup of the writer's slips in."""
    html = to_html(rich)
    if html is not None:
        assert is_ours(html)
        once = safe_html(html)
        assert once is None or safe_html(once) == once
        there, back = rich.text.rstrip("\n").split("\n"), read_html(html).text.split("\n")
        # a tab comes back as spaces; between words as many spaces may stand as they like
        assert [" ".join(line.split()) for line in back] == [" ".join(line.split()) for line in there]


@given(texts())
def test_marks_survive_the_way_through_a_draft(rich: Rich) -> None:
    """What is kept is what was there; a damaged row leaves the words."""
    assert load_marks(dump_marks(rich.marks), len(rich.text)) == rich.marks
    assert load_marks("[[1,2", 10) == load_marks('[[0,1,"z"]]', 10) == ()


def test_plain_words_have_no_markup_at_all() -> None:
    """An older server or reader sees what it always saw."""
    assert to_html(Rich("안녕하세요.\n\n1. 한 줄은 목록이 아닙니다.")) is None
    assert to_html(Rich("1. 하나\n2. 둘")) == "<ol><li>하나</li><li>둘</li></ol>"


def test_a_list_and_a_quote_read_well_without_formatting_too() -> None:
    """The signs are in the text; in markup they are lists and quotes."""
    rich = Rich("순서:\n• 끄기\n• 켜기\n> 안 됩니다\n확인", (Mark(5, 7, Look.BOLD),))
    assert plain(rich) == rich.text
    assert to_html(rich) == (
        "<p>순서:</p><ul><li><b>끄</b>기</li><li>켜기</li></ul><blockquote>안 됩니다</blockquote><p>확인</p>"
    )


def test_a_links_target_is_never_hidden_from_who_reads_plain_text() -> None:
    """Words with a target are followed by it; an address that says itself is not doubled."""
    rich = Rich("안내 보기, example.com", (
        Mark(0, 5, Look.LINK, "https://example.com/guide"), Mark(7, 18, Look.LINK, "https://example.com"),
    ))  # fmt: skip
    assert plain(rich) == "안내 보기 (https://example.com/guide), example.com"


@pytest.mark.parametrize("bad", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b", "//x"])
def test_only_web_and_mail_addresses_are_links(bad: str) -> None:
    """Everything else stays plain words."""
    assert link_target(bad) == ""
    assert to_html(Rich("words", (Mark(0, 5, Look.LINK, bad),))) is None
    assert link_target("example.com/a") == "https://example.com/a"
    assert link_target("a@example.com") == "mailto:a@example.com"


def test_a_filled_placeholder_keeps_the_look_of_its_place() -> None:
    """Bold around {{…}} is bold around the name; what comes after moves along."""
    rich = Rich("{{n}} 님, 확인", (Mark(0, 5, Look.BOLD), Mark(9, 11, Look.ITALIC)))
    done = replaced(rich, ((0, 5, "박민수"),))
    assert done == Rich("박민수 님, 확인", (Mark(0, 3, Look.BOLD), Mark(7, 9, Look.ITALIC)))
    assert joined([done, done], "\n").marks[-1] == Mark(17, 19, Look.ITALIC)


def test_pasted_pages_leave_words_lists_and_links_and_nothing_that_loads() -> None:
    """From a browser, an office program or a mail: no picture, script, style or form comes along."""
    rich = read_html(
        '<html><head><style>b{}</style><title>t</title></head><body><p style="color:red">Hi '
        '<b style="font-weight:normal">no <span style="font-weight:700">yes</span></b><img src="http://x/y.png"></p>'
        '<p>two<br>three<script>alert(1)</script></p><ul><li><p>a</p></li><li>b <a href="javascript:x">j</a> '
        '<a href="https://ok.example?a=1&amp;b" onclick="x()">ok</a></ul><blockquote><div>x</div>y</blockquote>'
        "<table><tr><td>1</td><td>2</td></tr></table><form><input value=v><button>go</button></form>"
    )
    assert rich.text == "Hi no yes\n\ntwo\nthree\n• a\n• b j ok\n> x\n> y\n1\t2"
    assert {(rich.text[m.start : m.end], m.look, m.target) for m in rich.marks} == {
        ("yes", Look.BOLD, ""), ("ok", Look.LINK, "https://ok.example?a=1&b"),
    }  # fmt: skip


@given(st.text(alphabet="<>/abiupl rt=\"'&;!-", max_size=60))
def test_no_markup_however_broken_gets_past(html: str) -> None:
    """Whatever comes in, what goes on is the subset or nothing."""
    made = safe_html(html)
    assert made is None or is_ours(made)


def test_deep_markup_is_read_without_a_fall() -> None:
    """Ten thousand elements in each other are words all the same."""
    assert read_html("<div><b>" * 10_000 + "tief").text == "tief"
