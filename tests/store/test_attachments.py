# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments on this computer: taken in sealed or not at all, never in the clear, given out only when asked for."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from app.config.i18n import set_language
from app.domain.attachments import Attachment, BlobState
from app.domain.changes import MessageAdd, NoteAdd, ReplyRelease
from app.domain.errors import Refused, StoreUnavailable
from app.domain.ids import new_id
from app.domain.ports import Choices, Draft, DraftKind
from app.services.texts_needs import body_text
from app.store import blob_desk
from app.store.blob_desk import BlobStore
from app.store.blob_index import BlobIndex, index_path
from app.store.blobs import SealedBlob
from app.store.cipher import open_raw
from tests.sync.desk import KEY, Client

NOTE = DraftKind.NOTE
SECRET = b"Kundennummer 4711, streng vertraulich. " * 4000


@pytest.fixture
def blobs(kim: Client) -> BlobStore:
    return kim.profile.blobs


def state(blobs: BlobStore, attachment: Attachment) -> BlobState:
    """How it stands."""
    return blobs.statuses([attachment])[attachment.sha256].state


def own(kim: Client) -> list[bytes]:
    """What is noted to be uploaded."""
    with kim.profile._writer.read() as tx:
        return [row[0] for row in tx.all("SELECT sha256 FROM blob_new ORDER BY rowid")]


def test_what_is_attached_is_sealed_at_once_and_comes_out_as_it_went_in(
    kim: Client, blobs: BlobStore, tmp_path: Path
) -> None:
    """No byte of it lies readable in the profile; the same content twice is one file."""
    path = tmp_path / "방문 기록.txt"
    path.write_bytes(SECRET)
    made = blobs.add(path)
    assert (made.filename, made.media_type, made.size_bytes) == ("방문 기록.txt", "text/plain", len(SECRET))
    assert blobs.add_content(SECRET, "other name.txt", "text/plain").sha256 == made.sha256
    assert own(kim) == [made.sha256]
    assert state(blobs, made) is BlobState.WAITING
    for file in (p for p in kim.folder.rglob("*") if p.is_file()):
        assert SECRET[:40] not in file.read_bytes()
        assert not file.name.endswith(".new")
    blobs.save_as(made, tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == SECRET


def test_bad_files_are_refused_by_name_and_leave_nothing_behind(
    kim: Client, blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing, a folder, a pipe, unreadable, empty, too large."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "big").write_bytes(bytes(2000))
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(blob_desk, "MAX_FILE_BYTES", 1000)
    cases = {"missing": "file_missing", ".": "not_a_file", "pipe": "not_a_file", "empty": "file_empty",
             "big": "file_too_large", "no\x00name": "file_unreadable"}  # fmt: skip
    for name, code in cases.items():
        with pytest.raises(Refused) as caught:
            blobs.add(tmp_path / name)
        assert caught.value.code == code

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda *_a, **_k: Broken())
    with pytest.raises(Refused, match="file_unreadable"):
        blobs.add(tmp_path / "big")
    assert own(kim) == []
    assert list((kim.folder / "blobs").glob("*")) == []


def test_a_file_that_changes_while_it_is_read_is_not_taken_for_either_version(kim: Client, blobs: BlobStore) -> None:
    """Other bytes, fewer bytes, more bytes at the second look."""

    class Changing(io.BytesIO):
        def __init__(self, then: bytes) -> None:
            super().__init__(b"a" * 5000)
            self._then = then

        def seek(self, offset: int, whence: int = 0) -> int:
            self.truncate(0)
            super().seek(0)
            self.write(self._then)
            return super().seek(offset, whence)

    for then in (b"b" * 5000, b"a" * 4000, b"a" * 6000):
        with pytest.raises(Refused, match="file_changed"):
            blobs._take(Changing(then), "x.log", "")
    assert own(kim) == []
    assert list((kim.folder / "blobs").glob("*")) == []


def test_a_full_disk_takes_nothing_in_and_says_so(
    kim: Client, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is named that is not there."""

    def full(_self: SealedBlob, _data: bytes) -> None:
        raise StoreUnavailable("disk_full")

    monkeypatch.setattr(SealedBlob, "append", full)
    with pytest.raises(StoreUnavailable, match="disk_full"):
        blobs.add_content(SECRET, "a", "")
    assert own(kim) == []


def test_what_was_half_taken_in_when_the_window_died_is_swept_away(kim: Client, blobs: BlobStore) -> None:
    """And what was whole is still there."""
    made = blobs.add_content(SECRET, "a.txt", "")
    half = kim.folder / "blobs" / f"{made.sha256.hex()}.1234.new"
    half.write_bytes(b"half")
    kim.restart_window()
    assert not half.exists()
    assert state(kim.profile.blobs, made) is BlobState.WAITING


def test_damage_is_noticed_before_anything_is_given_out(kim: Client, blobs: BlobStore, tmp_path: Path) -> None:
    """What the server has is fetched again; what it does not have is kept."""
    made = blobs.add_content(SECRET, "a.txt", "")
    path = kim.folder / "blobs" / made.sha256.hex()
    raw = bytearray(path.read_bytes())
    raw[70_000] ^= 1
    path.write_bytes(raw)
    with pytest.raises(Refused, match="file_damaged"):
        blobs.save_as(made, tmp_path / "out.txt")
    assert list(tmp_path.glob("*out.txt*")) == []
    assert path.exists()
    index = BlobIndex(kim.folder, KEY)
    index.sent(made.sha256, made.size_bytes, 1, b"e")
    index.close()
    with pytest.raises(Refused, match="file_damaged"):
        blobs.save_as(made, tmp_path / "out.txt")
    assert state(blobs, made) is BlobState.ABSENT
    with pytest.raises(Refused, match="not_here_yet"):
        blobs.open_copy(made)


def test_a_copy_for_another_program_is_private_read_only_and_gone_at_the_end(
    kim: Client, blobs: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that a killed window left."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    made = blobs.add_content(SECRET, "../a b.txt", "text/plain")
    copy = blobs.open_copy(made)
    assert (copy.name, copy.read_bytes()) == ("a b.txt", SECRET)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    kim.restart_window()
    assert not copy.exists()
    left = kim.folder / "opened" / "1" / "left.txt"
    left.parent.mkdir(parents=True)
    left.write_text("x")
    kim.restart_window()
    assert not left.exists()


def test_a_place_that_cannot_be_written_leaves_nothing_half(blobs: BlobStore, tmp_path: Path) -> None:
    """Said so; an older file of that name stays as it is."""
    made = blobs.add_content(SECRET, "a.txt", "")
    with pytest.raises(Refused, match="attachment_not_saved"):
        blobs.save_as(made, tmp_path / "no such folder" / "a.txt")
    (tmp_path / "dir").mkdir()
    with pytest.raises(Refused, match="attachment_not_saved"):
        blobs.save_as(made, tmp_path / "dir")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_draft_keeps_its_files_and_holds_on_to_them(kim: Client, blobs: BlobStore) -> None:
    """Through a restart; without words too; taken out, a file that nothing names is sent no further."""
    ticket = kim.new_ticket()
    one, two = blobs.add_content(b"one", "1.txt", ""), blobs.add_content(b"two", "2.txt", "")
    kim.profile.commits.save_draft(Draft(ticket, NOTE, "", attachments=(one, two)))
    kim.restart_window()
    draft = kim.profile.commits.draft(ticket, NOTE)
    assert draft is not None
    assert draft.attachments == (one, two)
    blobs = kim.profile.blobs
    blobs.drop(one)
    assert own(kim) == [one.sha256, two.sha256]
    kim.profile.commits.save_draft(Draft(ticket, NOTE, "", attachments=(two,)))
    blobs.drop(one)
    assert own(kim) == [two.sha256]
    kim.do(NoteAdd(new_id(), new_id(), ticket, "mit Datei", attachments=(two,)))
    kim.profile.commits.save_draft(Draft(ticket, NOTE, ""))
    blobs.drop(two)
    assert own(kim) == [two.sha256]  # the change that names it is not sent yet


def test_the_conversation_shows_what_is_pending_and_what_came(kim: Client, lee: Client, blobs: BlobStore) -> None:
    """Own files before they are sent, a colleague's by the row alone; search finds the name."""
    ticket = kim.new_ticket()
    kim.sync()
    made = blobs.add_content(b"x", "Seriennummer Foto.jpg", "image/jpeg")
    kim.do(NoteAdd(new_id(), new_id(), ticket, "", attachments=(made,)))
    shown = kim.profile.queries.details(ticket)
    assert shown is not None
    assert [i.attachments for i in shown.items if i.attachments] == [(made,)]
    kim.sync()
    lee.sync()
    there = lee.profile.queries.details(ticket)
    assert there is not None
    assert [i.attachments for i in there.items if i.attachments] == [(made,)]
    assert state(lee.profile.blobs, made) is BlobState.ABSENT
    assert [hit.row.id for hit in lee.profile.queries.search("Seriennummer")] == [ticket]


def test_a_profile_of_before_attachments_opens_with_its_drafts(kim: Client) -> None:
    """The column is added on a copy; nothing else changes."""
    ticket = kim.new_ticket()
    kim.profile.commits.save_draft(Draft(ticket, NOTE, "alt"))
    kim.profile.close()
    raw = open_raw(f"file:{kim.folder / 'pending.db'}", KEY)
    raw.execute("ALTER TABLE draft DROP COLUMN attachments")
    raw.execute("PRAGMA user_version=2")
    raw.close()
    kim.profile = type(kim.profile)(kim.folder, KEY, kim.tools)
    draft = kim.profile.commits.draft(ticket, NOTE)
    assert draft is not None
    assert (draft.body, draft.attachments) == ("alt", ())


def test_a_damaged_index_is_made_anew_and_costs_nothing(kim: Client, blobs: BlobStore) -> None:
    """What is own waits again: the server is asked, not sent to."""
    made = blobs.add_content(b"x", "a", "")
    index = BlobIndex(kim.folder, KEY)
    index.sent(made.sha256, 1, 5, b"e")
    assert state(blobs, made) is BlobState.HERE
    index.close()
    index_path(kim.folder).write_bytes(b"not a database at all" * 400)
    BlobIndex(kim.folder, KEY).close()
    blobs._index.close()
    assert state(BlobStore(kim.folder, KEY, kim.profile._writer, kim.profile.commits.lock, lambda: 0), made) is (
        BlobState.WAITING
    )


def sync(client: Client) -> None:
    """Send what was written and get what others did."""
    client.core.committed()
    assert client.sync()


def test_a_held_reply_names_its_files_and_takes_them_along_when_it_goes(
    kim: Client, lee: Client, blobs: BlobStore
) -> None:
    """Also after its author's computer forgot everything but what it typed."""
    ticket = kim.new_ticket()
    sync(kim)
    sync(lee)
    lee.do(MessageAdd(new_id(), new_id(), ticket, "제가 답했습니다", seen_seq=1))
    sync(lee)
    made = blobs.add_content(b"x", "견적서.pdf", "application/pdf")
    kim.do(MessageAdd(new_id(), new_id(), ticket, "", seen_seq=1, attachments=(made,)))
    sync(kim)
    [item] = kim.profile.needs_you.entries()
    set_language("en")
    assert body_text(item, Choices(), str) == "Attachments: 견적서.pdf"
    read = kim.profile.needs_you.detail(item.id)
    assert read is not None
    kim.do(ReplyRelease(new_id(), item.id, read.seen_seq, seen_id=read.seen_id))
    sync(kim)
    sync(lee)
    there = lee.profile.queries.details(ticket)
    assert there is not None
    assert [i.attachments for i in there.items if i.attachments] == [(made,)]
