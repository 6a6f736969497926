# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside data`: a person sees what is not sent, takes it along, and then nothing of theirs is left to read."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config.i18n import set_language
from app.desktop import keyring_store
from app.desktop.companion_store import CompanionStore, WrittenItem
from app.desktop.keyring_store import open_secrets
from app.domain.ids import TicketId
from app.domain.ports import Draft, DraftKind
from app.entry import data
from app.entry.agent_profile import open_agent_profile
from app.store.pending_file import connect_writer, pending_path

_WORD = "a passphrase of the test"
_TICKET = TicketId(bytes(range(16)))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keyring_store, "_MEMORY_KIB", 1 << 10)
    yield
    set_language("en")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A person's folders: a reply begun, a note thrown away, a picture taken in, and a request not sent."""
    root = tmp_path / "mine"
    opened = open_agent_profile(root / "data" / "agent", _WORD)
    profile = opened.profile
    picture = tmp_path / "screen.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    file = profile.blobs.add(picture)
    profile.commits.save_draft(
        Draft(
            _TICKET, DraftKind.REPLY, "we found the cause\x1b[2J", updated=time.time_ns() // 10**6, attachments=(file,)
        )
    )
    profile.close()
    companion = root / "data" / "companion"
    companion.mkdir()
    keys = open_secrets(companion, f"companion {companion}", _WORD)
    keys.put("database", b"k" * 32)
    store = CompanionStore(companion / "companion.db", b"k" * 32)
    store.add_written(WrittenItem("1", "request", "t", "The printer", json.dumps({"body": "it smokes"}).encode(), 1))
    store.close()
    return root


def _run(home: Path, monkeypatch: pytest.MonkeyPatch, *words: str, passphrase: str | None = _WORD) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{passphrase}\n" if passphrase else ""))
    given = ["--passphrase-stdin"] if passphrase else []
    return data.main(["--language", "en", "--data", str(home), *given, *words])


def test_both_programs_tell_what_no_server_has(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Drafts and requests, in plain letters: nothing that a terminal would obey."""
    assert _run(home, monkeypatch, "show") == 0
    told = capsys.readouterr().out
    assert "draft  we found the cause\\u001b[2J" in told
    assert "waiting  it smokes" in told


def test_what_was_typed_can_be_taken_along_with_its_files(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As JSON, and the attachment as the file it was."""
    assert _run(home, monkeypatch, "export", str(tmp_path / "out")) == 0
    told = json.loads((tmp_path / "out" / "unsent.json").read_text("utf-8"))
    agent, companion = told["profiles"]
    assert agent["unsent"][0]["text"] == "we found the cause\x1b[2J"
    assert companion["unsent"][0]["args"] == {"body": "it smokes"}
    (name,) = told["files"]
    assert (tmp_path / "out" / "files" / name).read_bytes() == (tmp_path / "screen.png").read_bytes()
    assert name.endswith("-screen.png")


def test_an_export_never_writes_into_a_folder_that_is_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What lay in it stays."""
    assert _run(home, monkeypatch, "export", str(tmp_path)) == 1
    assert not (tmp_path / "unsent.json").exists()


def test_without_a_yes_nothing_is_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that forgot the word, or a slip of the hand, costs nothing; what would be lost was shown."""
    before = sorted(home.rglob("*.db"))
    assert _run(home, monkeypatch, "remove") == 2
    assert "we found the cause" in capsys.readouterr().out
    assert sorted(home.rglob("*.db")) == before


def test_a_yes_removes_keys_and_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of either program."""
    assert _run(home, monkeypatch, "remove", "--yes") == 0
    assert list(home.iterdir()) == []


def test_what_cannot_be_read_is_said_and_can_be_removed_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forgotten passphrase must not keep a person from leaving no traces."""
    assert _run(home, monkeypatch, "show", passphrase="another") == 1
    assert "cannot be read" in capsys.readouterr().out
    assert _run(home, monkeypatch, "remove", "--yes", passphrase="another") == 0
    assert list(home.iterdir()) == []


def test_while_the_help_desk_is_open_nothing_is_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window would go on writing into files that nobody can read."""
    opened = open_agent_profile(home / "data" / "agent", _WORD)
    try:
        assert _run(home, monkeypatch, "remove", "--yes") == 1
    finally:
        opened.profile.close()
    assert pending_path(home / "data" / "agent").exists()


def test_a_file_of_a_newer_program_is_named_and_not_touched(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a step back to an older version what was typed is neither mended nor lost."""
    folder = home / "data" / "agent"
    key = open_secrets(folder, "", _WORD).get("database_key")
    assert key is not None
    raw = connect_writer(pending_path(folder), key)
    raw.execute("PRAGMA user_version=999")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    before = pending_path(folder).read_bytes()
    assert _run(home, monkeypatch, "show") == 1
    assert "newer version" in capsys.readouterr().out
    assert pending_path(folder).read_bytes() == before
