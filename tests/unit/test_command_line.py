# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses on a command line: a password never stands there, a file may hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.i18n import set_language
from app.entry.server import parser


def test_an_address_with_a_password_comes_from_a_file_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Arguments are read by everybody on the machine; the refusal says what to do."""
    set_language("en")
    file = tmp_path / "database"
    file.write_text("postgresql+psycopg://deskside:pa55word@db/deskside\n")
    data = ["--data", str(tmp_path)]
    given = parser().parse_args([*data, "--database", f"@{file}", "--nats", "nats://a:4222,nats://b:4222"])
    assert given.database == "postgresql+psycopg://deskside:pa55word@db/deskside"
    assert given.nats == "nats://a:4222,nats://b:4222"
    for words in (["--nats", "nats://a,tls://x:pa55word@b"], ["--database", "postgresql+psycopg://x:pa55word@db/d"]):
        with pytest.raises(SystemExit) as ended:
            parser().parse_args([*data, *words])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert "@FILE" in said
        assert "pa55word" not in said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing starts."""
    set_language("en")
    with pytest.raises(SystemExit):
        parser().parse_args(["--data", str(tmp_path), "--database", f"@{tmp_path / 'missing'}"])
    assert "missing" in capsys.readouterr().err
