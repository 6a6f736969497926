# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files from outside: harmless on every system, honest about what they are, the same on both ends."""

from __future__ import annotations

import json
import random
import unicodedata

import pytest

from app.config.i18n import set_language
from app.domain.attachments import (
    MAX_FILES,
    MAX_NAME_BYTES,
    Attachment,
    BlobState,
    BlobStatus,
    clean_media_type,
    clean_name,
    disguise,
    dump_attachments,
    is_program,
    load_attachments,
)
from app.services.texts_files import open_warning, save_warning, short_name, state_text

SHA = bytes(range(32))


def file(name: str, media: str = "application/octet-stream") -> Attachment:
    """An attachment of this name."""
    return Attachment(SHA, name, media, 5)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("보고서.pdf", "보고서.pdf"),
        (unicodedata.normalize("NFD", "보고서.pdf"), "보고서.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\kim\\a.txt", "a.txt"),
        ("a/b/", "b"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        (" . ", "file"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\u2066b\u2069\u200e.txt", "ab.txt"),
        ("a\nb\tc\x00\x1b[31m.txt", "abc[31m.txt"),
        ('a:b|c?*<d>".txt', "a_b_c___d__.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("console.txt", "console.txt"),
        (".bashrc", "bashrc"),
        ("trailing. . ", "trailing"),
        ("zero\u200bwidth\ufeff.txt", "zerowidth.txt"),
        ("two   spaces\u00a0.txt", "two spaces .txt"),
        ("\ud800.txt", "txt"),
        ("👩\u200d🔧.png", "👩\u200d🔧.png"),
        ("cafe\u202e\u0301.txt", "café.txt"),
        ("CONIN$", "_CONIN$"),
        ("com¹.txt", "_com¹.txt"),
        ("aux .txt", "_aux .txt"),
        ("견적.pdf" + "\u3164" * 50 + ".exe", "견적.pdf.exe"),
        ("blank\u2800\uffa0.txt", "blank.txt"),
        ("\u200d", "file"),
        ("\u200c.profile\u200c", "profile"),
    ],
)
def test_a_name_comes_out_harmless(given: str, kept: str) -> None:
    """No path, no control or direction characters, nothing a file system takes for something else."""
    assert clean_name(given) == kept


def test_a_long_name_keeps_its_ending_and_cleaning_twice_changes_nothing() -> None:
    """Whatever it is made of."""
    rng = random.Random(7)
    assert clean_name("가" * 300 + ".pdf").endswith("가.pdf")
    for _ in range(300):
        picks = (rng.randrange(32, 0x2FF), rng.randrange(0x2000, 0x2070), 0xAC00, 46, 47, 92)
        raw = "".join(chr(rng.choice(picks) + rng.randrange(2)) for _ in range(rng.randrange(300)))
        once = clean_name(raw)
        assert clean_name(once) == once
        assert 0 < len(once.encode()) <= MAX_NAME_BYTES
        assert "/" not in once
        assert once.replace("\u200c", "").replace("\u200d", "").isprintable()


def test_programs_are_known_by_ending_or_type_and_disguises_are_named() -> None:
    """The last ending counts, whatever stands before it."""
    assert is_program(file("setup.EXE"))
    assert is_program(file("a.pdf.scr"))
    assert is_program(file("shared.library-ms"))
    assert is_program(file("notes", "application/x-msdownload"))
    assert is_program(file("notes", "text/x-shellscript"))
    assert not is_program(file("invoice.pdf", "application/pdf"))
    assert not is_program(file("exe"))
    assert disguise(file("invoice.pdf.exe")) == "pdf"
    assert disguise(file("invoice.v2.exe")) == ""
    assert disguise(file("archive.tar.gz")) == ""


def test_what_a_row_names_survives_its_column_and_what_is_no_attachment_is_left_out() -> None:
    """Names come out clean whoever wrote them; sample data without content is told apart."""
    made = (file("a.txt"), file("b/c.txt", "TEXT/Plain; charset=x"))
    column = dump_attachments(made)
    assert load_attachments(column) == (file("a.txt"), file("c.txt", "text/plain"))
    assert dump_attachments(load_attachments(column)) == column
    assert dump_attachments(()) is None
    for junk in (None, "", "[]", "{}", "x" * 30, '[1, {"filename": 1}, {"filename": "a", "size_bytes": true}]  '):
        assert load_attachments(junk) == ()
    old = json.dumps([{"id": "0" * 32, "filename": "\u202ea.png", "media_type": "image/png", "size_bytes": 3}])
    assert load_attachments(old) == (Attachment(b"", "a.png", "image/png", 3),)
    many = json.dumps([{"filename": "a", "size_bytes": 1, "media_type": "", "sha256": "zz"}] * 100)
    assert len(load_attachments(many)) == MAX_FILES
    assert clean_media_type("../x") == "application/octet-stream"


def test_people_read_where_a_file_is_and_what_it_is() -> None:
    """In both languages; a name too long for its chip keeps its ending."""
    set_language("en")
    assert state_text(BlobStatus(BlobState.HERE)) == ""
    assert state_text(BlobStatus(BlobState.SENDING, 7, 10)) == "uploading 70 %"
    assert state_text(BlobStatus(BlobState.FETCHING, 99, 10)) == "fetching 100 %"
    assert "disk is full" in state_text(BlobStatus(BlobState.FAILED, code="disk_full"))
    assert state_text(BlobStatus(BlobState.FAILED, code="whatever")) == "failed"
    assert save_warning(file("a.pdf")) == ""
    assert "calls itself a pdf file" in save_warning(file("a.pdf.exe"))
    assert "can run on this computer" in save_warning(file("a.exe"))
    assert "“a.pdf”" in open_warning(file("a.pdf"))
    assert short_name("x" * 60 + ".jpeg.exe").endswith(".jpeg.exe")
    set_language("ko")
    assert state_text(BlobStatus(BlobState.WAITING)) == "업로드 대기 중"
    set_language("en")
