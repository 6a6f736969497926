# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings on the way to their ticket: sealed on this computer, an internal note with files, also after a fall."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.attachments import Attachment, BlobState
from app.domain.errors import Refused, StoreUnavailable
from app.domain.ids import TicketId
from app.domain.ports import ItemKind, ThreadItem
from app.entry.agent_recording import About, RecordingStore
from app.store.profile import wipe
from remote_assist.sealed_file import SealedWriter
from tests.sync.desk import KEY, Client

SID = b"\x05" * 16
FILM = b"\x1a\x45\xdf\xa3 a film with a secret 4711" * 100


@pytest.fixture
def store(kim: Client) -> RecordingStore:
    return store_of(kim)


def store_of(kim: Client) -> RecordingStore:
    return RecordingStore(kim.folder, KEY, kim.profile.blobs, kim.profile.commits.commit)


def recorded(store: RecordingStore, ticket: TicketId, **files: bytes) -> Path:
    """What a session's child leaves."""
    folder, secret = store.open(SID, About(ticket.hex(), 1_770_000_000_000))
    for name, content in files.items():
        writer = SealedWriter(folder / name, secret)
        writer.write(content)
        writer.close()
    return folder


def notes(kim: Client, ticket: TicketId) -> list[ThreadItem]:
    details = kim.profile.queries.details(ticket)
    assert details is not None
    return [item for item in details.items if item.kind is ItemKind.NOTE]


def saved(kim: Client, attachment: Attachment, to: Path) -> bytes:
    kim.profile.blobs.save_as(attachment, to)
    return to.read_bytes()


@pytest.mark.ux("UX-53")
def test_film_and_pictures_come_to_the_ticket_as_a_note_with_files(
    kim: Client, store: RecordingStore, tmp_path: Path
) -> None:
    """The agent finds them in the ticket's thread, saves them where they like, and they are what was recorded."""
    ticket = kim.new_ticket()
    folder = recorded(store, ticket, part001=FILM, part002=FILM + b"2", still001=b"\x89PNG")
    assert len(store.hand_in(SID)) == 1
    (note,) = notes(kim, ticket)
    assert note.body == "Kept of the screen sharing, with the customer's consent: 2 recordings, 1 still picture."
    assert [each.media_type for each in note.attachments] == ["video/x-matroska", "video/x-matroska", "image/png"]
    assert note.attachments[1].filename.endswith(" (2).mkv")
    assert saved(kim, note.attachments[0], tmp_path / "film.mkv") == FILM
    states = [status.state for status in kim.profile.blobs.statuses(note.attachments).values()]
    assert states == [BlobState.WAITING] * 3
    assert not folder.exists()
    assert store.left() == []
    assert store.hand_in(SID) == []


def test_nothing_of_it_is_plain_in_the_profile(kim: Client, store: RecordingStore) -> None:
    """Neither before nor after it is on the ticket, and neither does the ticket's id show."""
    ticket = kim.new_ticket()
    recorded(store, ticket, part001=FILM)
    for step in (lambda: None, lambda: store.hand_in(SID)):
        step()
        for path in (path for path in kim.folder.rglob("*") if path.is_file()):
            raw = path.read_bytes()
            assert b"secret 4711" not in raw
            assert b"\x1a\x45\xdf\xa3" not in raw[:64]
            assert ticket.hex().encode() not in raw


def test_what_a_fallen_program_left_comes_at_the_next_start(kim: Client, store: RecordingStore) -> None:
    """The program fell in mid-session: the next one finds the recording, once."""
    ticket = kim.new_ticket()
    folder = recorded(store, ticket, part001=FILM)
    whole = (folder / "part001").read_bytes()
    (folder / "part001").write_bytes(whole + b"a piece that was being written")
    again = store_of(kim)
    assert again.left() == [SID]
    again.hand_in(SID)
    (note,) = notes(kim, ticket)
    assert note.attachments[0].size_bytes == len(FILM)


def test_a_fall_after_the_note_makes_no_second_one(
    kim: Client, store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note was saved, the folder not yet removed: handing in again adds nothing."""
    ticket = kim.new_ticket()
    recorded(store, ticket, part001=FILM)
    with monkeypatch.context() as patch:
        patch.setattr("app.entry.agent_recording.shutil.rmtree", lambda *_a, **_k: None)
        store.hand_in(SID)
    assert store.left() == [SID]
    store.hand_in(SID)
    assert len(notes(kim, ticket)) == 1


def test_what_cannot_be_read_is_said_and_the_rest_comes(kim: Client, store: RecordingStore) -> None:
    """A file that the disk damaged does not keep the others from the ticket; an empty one is nothing."""
    ticket = kim.new_ticket()
    folder = recorded(store, ticket, part001=FILM, part002=b"")
    (folder / "part003").write_bytes(b"no sealed file")
    (folder / "something else").write_bytes(b"x")
    store.hand_in(SID)
    (note,) = notes(kim, ticket)
    assert len(note.attachments) == 1
    assert note.body.endswith("1 file could not be read.")


def test_a_full_disk_keeps_it_for_later(kim: Client, store: RecordingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it cannot be taken in now, nothing is removed; it comes at the next start."""
    ticket = kim.new_ticket()
    recorded(store, ticket, part001=FILM)

    def full(*_a: object) -> Attachment:
        raise StoreUnavailable("disk_full", path="")

    with monkeypatch.context() as patch:
        patch.setattr(type(kim.profile.blobs), "add_stream", full)
        with pytest.raises(StoreUnavailable):
            store.hand_in(SID)
    assert notes(kim, ticket) == []
    store.hand_in(SID)
    assert len(notes(kim, ticket)) == 1


def test_nothing_kept_is_no_note(kim: Client, store: RecordingStore) -> None:
    """It was allowed and nothing came of it: the ticket gets no empty note."""
    ticket = kim.new_ticket()
    recorded(store, ticket)
    assert store.hand_in(SID) == []
    assert notes(kim, ticket) == []
    assert store.left() == []


def test_a_ticket_that_is_gone_keeps_it_here(kim: Client, store: RecordingStore) -> None:
    """A note that is refused does not cost the recording."""
    recorded(store, TicketId(b"\x09" * 16), part001=FILM)
    with pytest.raises(Refused):
        store.hand_in(SID)
    assert store.left() == [SID]


def test_a_recording_whose_ticket_cannot_be_read_is_not_thrown_away(kim: Client, store: RecordingStore) -> None:
    """The word that says where it belongs is damaged: nothing comes to a ticket, and nothing is removed."""
    folder = recorded(store, kim.new_ticket(), part001=FILM)
    (folder / "about").write_bytes(b"damaged")
    assert store.hand_in(SID) == []
    assert (folder / "part001").exists()


def test_whoever_wipes_a_profile_wipes_its_recordings(kim: Client, store: RecordingStore) -> None:
    """A device that was withdrawn keeps none."""
    folder = recorded(store, kim.new_ticket(), part001=FILM)
    kim.profile.close()
    wipe(kim.folder)
    assert not folder.exists()
