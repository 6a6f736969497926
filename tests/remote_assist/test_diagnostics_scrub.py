# SPDX-License-Identifier: GPL-3.0-or-later
"""What never leaves a computer with its diagnostics: who its person is, what opens something, what is one of a kind."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_assist.diagnostics import MAX_KEY, MAX_TEXT, Item, unseen
from remote_assist.diagnostics_scrub import Scrubber

SCRUB = Scrubber(
    PurePosixPath("/home/hgildong"),
    ["hgildong", "홍길동", "Gildong Hong", "root", ""],
    ["gildong-thinkpad", "corp.example"],
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("open /home/hgildong/Documents/이혼 서류.pdf: no", "open ~/<left out>: no"),
        ("at /home/hgildong/.local/share/x.py:12 f", "at ~/.local/share/x.py:12 f"),
        ("/home/kim/a b.txt", "/home/<user>/<left out>"),
        ("C:\\Users\\Hong Gil\\AppData\\Local\\x.log", "C:\\Users\\<user>\\AppData\\Local\\x.log"),
        ("/Users/kim/Library/Logs/x", "/Users/<user>/Library/Logs/x"),
        ("/run/media/hgildong/USB/x", "/run/media/<user>/<left out>"),
        ("홍길동이 gildong-thinkpad에서", "<user>이 <computer>에서"),
        ("password=hunter2 ok", "password=<secret> ok"),
        ('{"db_password": "a b", "n": 1}', '{"db_password": <secret>, "n": 1}'),
        ("Authorization: Bearer abcdefghij next", "Authorization: <secret> <secret> next"),
        ("run --token abc go", "run --token <secret> go"),
        ("비밀번호: 1234", "비밀번호: <secret>"),
        ("https://u:p@h.example/x?a=b#c", "https://<secret>@h.example/x?<left out>"),
        ("eyJhbGciOi.eyJzdWIi.sig", "<secret>"),
        ("AKIAIOSFODNN7EXAMPLE", "<secret>"),
        ("ghp_abcdefghijklmnopqrstuvwxyzABCDEF0123", "<id>"),
        ("mail a.b@c.example now", "mail <mail> now"),
        ("ether 52:54:00:ab:cd:ef x", "ether <mac> x"),
        ("52-54-00-AB-CD-EF", "<mac>"),
        ("5254.00ab.cdef", "<mac>"),
        ("enx525400abcdef up", "enx<mac> up"),
        ("fe80::5054:ff:feab:cdef", "fe80::<mac>"),
        ("{6B29FC40-CA47-1067-B31D-00DD010662DA}", "<id>"),
        ("Serial Number: C02XK1 ok", "Serial Number: <id> ok"),
        ("machine 0123456789abcdef0123456789abcdef", "machine <id>"),
        ("S-1-5-21-1-2-3", "<id>"),
        ("900101-1234567", "<number>"),
        ("010-1234-5678", "<number>"),
        ("4111 1111 1111 1111", "<number>"),
        ("a\u202eb\x1b[31m\r\nc\td\u200b", "ab[31m c d"),
        # and what help needs stays
        (
            "6.18.44-fc-v669 2026-11-22T23:16:33Z 10.0.22631.4460",
            "6.18.44-fc-v669 2026-11-22T23:16:33Z 10.0.22631.4460",
        ),
        ("/usr/lib/x86_64-linux-gnu/libfoo.so.1: 없는 파일", "/usr/lib/x86_64-linux-gnu/libfoo.so.1: 없는 파일"),
        ("root tokenizer ready, the author: kim", "root tokenizer ready, the author: kim"),
    ],
)
def test_what_must_not_leave_is_taken_out_and_the_rest_stays(text: str, left: str) -> None:
    """Each by its own rule."""
    assert SCRUB.text(text) == left


def test_a_windows_home_is_known_in_every_spelling() -> None:
    """Slashes of both kinds, letters of both cases, blanks in the name."""
    scrub = Scrubber(PureWindowsPath("C:\\Users\\홍 길동"), ["kim"], [])
    assert scrub.text("c:/users/홍 길동/Desktop/a b.txt, next") == "~/<left out>, next"
    assert scrub.text("C:\\Users\\홍 길동\\AppData\\x") == "~\\AppData\\x"


def test_a_computer_without_a_person_is_no_error() -> None:
    """Services have `/` for a home and no name."""
    assert Scrubber(PurePosixPath("/"), ["", "a"], []).text("a plain /etc/x text") == "a plain /etc/x text"


PLANTED = ("hgildong", "홍길동", "gildong", "52:54:00:ab:cd:ef", "hunter2", "gildong-thinkpad")
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="0123456789"), max_size=12)


@settings(max_examples=150)
@given(st.sampled_from(PLANTED), AROUND, AROUND)
def test_wherever_it_stands_a_known_word_does_not_leave(planted: str, before: str, after: str) -> None:
    """In keys as in values; what leaves is short, on one line, and shows all it says."""
    word = f"password={planted} " if planted == "hunter2" else planted
    item = SCRUB.item(Item("log:" + f"{before} {word} {after}"[: MAX_KEY - 4], f"{before} {word} {after}"))
    assert planted not in f"{item.key}{item.value}".lower()
    assert not any(map(unseen, f"{item.key}{item.value}"))
    again = SCRUB.item(item)
    assert len(item.key) <= MAX_KEY
    assert isinstance(item.value, str)
    assert len(item.value) <= MAX_TEXT
    assert planted not in f"{again.key}{again.value}".lower()


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "password" * 20_000, "-" * 100_000, "/" * 100_000, "0:" * 50_000, "A1a" * 40_000]
)
def test_a_text_without_end_takes_no_time_without_end(text: str) -> None:
    """It is cut before any rule looks at it."""
    value = SCRUB.value(text)
    assert isinstance(value, str)
    assert len(value) <= MAX_TEXT


def test_numbers_and_flags_stay_what_they_are() -> None:
    """They are measures."""
    assert [SCRUB.value(value) for value in (True, 5, 1.26, None)] == [True, 5, 1.3, None]
