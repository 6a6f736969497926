# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the other end makes up, and what a file is before anybody opens it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attachments import MAX_NAME_BYTES
from remote_assist.file_names import (
    disguise,
    folder_name,
    numbered,
    part_name,
    program_by_content,
    program_by_name,
    safe_name,
)

# What has led programs out of their folder, over a file, or into a device; `safe_name` must take the sting out of each.
_PATHS = (
    "", " ", ".", "..", "...", "/", "\\", "//", "\\\\", "~", "~root", "-rf", "--", "%2e%2e%2f", "$HOME", "`id`", "\x00",
    "../x", "..\\x", "a/../../x", "/etc/passwd", "C:\\Windows\\win.ini", "C:x", "\\\\host\\share\\x", "\\\\?\\C:\\x",
    "....//....//x", "..\\/x", "x/", "x\\", "x/.", "x/..", "./x", "a\x00/../b", "file:///etc/passwd", "x\r\ny",
    "／etc／passwd", "‥／x", "a∕b", "<>|?*'\"",
)  # fmt: skip
_DEVICES = (
    "CON", "con.txt", "PRN.tar.gz", "AUX.", "nul ", "NUL .txt", "COM1", "com9.x", "LPT¹", "CONIN$", "conout$.txt",
    "x.txt:stream", "x.txt::$DATA", ":x", "x:Zone.Identifier", "desktop.ini", ".htaccess", ".ssh", "..bashrc",
)  # fmt: skip
_UNSEEN = (
    "x. ", "x .", "x...", " x", "x\t", "x\u3000", "x\u00a0", "\u2028x", "x\u0085", "\ufeffx", "\u200d", "\u3164",
    "\u202egnp.exe", "a\u2066b\u2069", "\u200f.txt", "ex\u00ade.exe", "x\x00.exe", "\ud800\udfff", "\udcff", "\x7f",
    "e\u202e\u0301", "\u0301", "\u3164.exe",
)  # fmt: skip
_LONG = (
    "가" * 300 + ".hwp", unicodedata.normalize("NFD", "견적서 최종.hwp"), "각" * 70 + "." + "나" * 50, "a" * 5000,
    "x.part", "x.part.part", "x (2).txt", ".part",
)  # fmt: skip
NASTY = _PATHS + _DEVICES + _UNSEEN + _LONG


def assert_harmless(name: str) -> None:
    """One component, on every system, that shows what it is."""
    assert name
    assert not set('/\\<>:"|?*') & set(name)
    assert name == unicodedata.normalize("NFC", name)
    assert name.strip(" .") == name
    assert not {unicodedata.category(c) for c in name.replace("\u200c", "").replace("\u200d", "")} & {"Cc", "Cf", "Cs"}
    assert len(part_name(numbered(name, 1000)).encode()) <= 255
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert name.split(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "CONIN$", "COM1", "COM¹", "LPT9"}


@pytest.mark.parametrize("raw", NASTY)
def test_no_name_leads_out_of_its_folder(raw: str) -> None:
    """Row 11 of the threats, name by name."""
    assert_harmless(safe_name(raw))
    assert_harmless(folder_name(raw))
    assert safe_name(safe_name(raw)) == safe_name(raw)


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(NASTY), max_size=4).map("".join)))
def test_no_made_up_name_does_either(raw: str) -> None:
    """Whatever it is made of, and cleaning it again changes nothing."""
    assert_harmless(safe_name(raw))
    assert_harmless(folder_name(raw))
    assert safe_name(safe_name(raw)) == safe_name(raw)


def test_names_stay_what_people_called_them() -> None:
    """Korean names keep their letters and their ending, also when they are too long."""
    assert safe_name("2026년 견적서 (최종).hwp") == "2026년 견적서 (최종).hwp"
    assert safe_name("가" * 300 + ".hwp").endswith("가.hwp")
    assert safe_name("x" * 3000 + "/report.pdf") == "report.pdf"
    assert folder_name("HD-1042") == "HD-1042"
    assert folder_name("../../x") == "x"
    assert folder_name("") == "file"
    assert folder_name("###") == "ticket"


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("a.txt", 1, "a.txt"),
        ("a.txt", 2, "a (2).txt"),
        ("archive.tar.gz", 3, "archive.tar (3).gz"),
        ("Makefile", 2, "Makefile (2)"),
        ("a.a very long ending of a sentence", 2, "a.a very long ending of a sentence (2)"),
    ],
)
def test_a_second_file_of_a_name_gets_a_number_before_its_ending(name: str, count: int, expected: str) -> None:
    """So that it still opens with the same program."""
    assert numbered(name, count) == expected


def test_programs_are_told_by_name_and_by_content() -> None:
    """The name is what the offer shows; the first bytes are what it cannot hide."""
    assert program_by_name("setup.exe")
    assert program_by_name("열어보세요.pdf.LNK")
    assert disguise("열어보세요.pdf.lnk") == "pdf"
    assert not program_by_name("보고서.hwp")
    for head in (
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"#!/bin/sh",
        b"\xef\xbb\xbf[Desktop Entry]\n",
        b"L\x00\x00\x00\x01\x14\x02\x00",
    ):
        assert program_by_content(head.ljust(64, b"\x00"))
    for head in (b"", b"M", b"MZ is a country code of old" * 4, b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG", b"# title"):
        assert not program_by_content(head)
