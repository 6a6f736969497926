# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments between real windows' files, real workers and a real server."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.domain import link
from app.domain.attachments import Attachment, BlobState
from app.domain.changes import MessageAdd, NoteAdd
from app.domain.entities import MESSAGE, NOTE
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from app.entry.sync_worker_blobs import BlobMover, Line
from app.store.blob_index import BlobIndex, Named
from app.store.pending_file import open_reader
from tests.fakes.gate import Gate
from tests.fakes.wait import wait_until
from tests.sync.processes import KEY, ServerProcess, Window

MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


@pytest.fixture
def gate(server: ServerProcess) -> Iterator[Gate]:
    made = Gate(server.port)
    yield made
    made.close()


@pytest.fixture
def kim(tmp_path: Path) -> Iterator[Window]:
    made = Window(tmp_path / "kim")
    yield made
    made.close()


@pytest.fixture
def lee(tmp_path: Path) -> Iterator[Window]:
    made = Window(tmp_path / "lee")
    yield made
    made.close()


def _state(window: Window, attachment: Attachment) -> BlobState:
    return window.profile.blobs.statuses([attachment])[attachment.sha256].state


def _file(folder: Path, name: str, size: int) -> tuple[Path, bytes]:
    content = random.Random(size).randbytes(size)
    (folder / name).write_bytes(content)
    return folder / name, content


def _seen(window: Window, ticket: TicketId, id_: bytes) -> Attachment | None:
    details = window.profile.queries.details(ticket)
    found = [i for i in details.items if i.id == id_ and i.attachments] if details else []
    return found[0].attachments[0] if found else None


@pytest.mark.slow  # real programs for many seconds; `.ci/run` runs it
def test_a_file_attached_offline_survives_a_killed_worker_and_reaches_a_colleague_whole(
    server: ServerProcess, gate: Gate, kim: Window, lee: Window, tmp_path: Path
) -> None:
    """It goes up once, from where it broke off; the colleague has it without asking, as the ticket is open."""
    kim.start_worker()
    kim.connect()
    kim.sign_in(gate.url)
    ticket = kim.profile.queries.ids(ViewKey.ALL_LIVE)[0]
    kim.kill_worker()
    path, content = _file(tmp_path, "Protokoll 기록.zip", 10 * MIB)
    attachment = kim.profile.blobs.add(path)
    path.unlink()  # it is ours now, whatever becomes of the original
    note = new_id()
    kim.do(NoteAdd(new_id(), note, ticket, "angehängt", attachments=(attachment,)), tell=False)
    assert _state(kim, attachment) is BlobState.WAITING
    gate.stop_after(5 * MIB)
    kim.start_worker()
    kim.connect()
    wait_until(gate.is_full, 30)
    kim.kill_worker()
    part = next((server.folder / "blobs" / "parts").glob("*.part"))
    assert 0 < part.stat().st_size < len(content)
    before = gate.up
    gate.open()
    lee.start_worker()
    lee.connect()
    lee.sign_in(server.url)
    kim.start_worker()
    kim.connect()
    wait_until(lambda: _state(kim, attachment) is BlobState.HERE, 30)
    assert gate.up - before < 7 * MIB  # not from the beginning
    kim.wait_sent()
    wait_until(lambda: (found := _seen(lee, ticket, note)) is not None and _state(lee, found) is BlobState.HERE, 30)
    found = _seen(lee, ticket, note)
    assert found == attachment
    lee.profile.blobs.save_as(found, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == content
    with closing(sqlite3.connect(server.folder / "server.db", timeout=10)) as db:
        assert db.execute("SELECT size FROM blob WHERE sha256 = ?", (attachment.sha256,)).fetchall() == [(10 * MIB,)]
    sealed = (lee.folder / "blobs" / attachment.sha256.hex()).read_bytes()
    assert content[:64] not in sealed
    sent = gate.up
    kim.kill_worker()
    kim.start_worker()
    kim.connect()
    kim.wait_phase("live")
    kim.send(link.BlobsAdded())
    wait_until(lambda: kim.status is not None and kim.status.phase == "live", 10)
    assert gate.up - sent < MIB  # a new worker asks, it does not send again


@pytest.mark.slow  # real programs for many seconds; `.ci/run` runs it
def test_the_words_come_before_the_file_and_the_file_comes_when_it_is_there(
    server: ServerProcess, kim: Window, lee: Window, tmp_path: Path
) -> None:
    """A reader is told that it is not here yet; asked for, it is fetched as soon as its sender has sent it."""
    content = b"a late picture" * 100
    late = Attachment(hashlib.sha256(content).digest(), "late.png", "image/png", len(content))
    for window in (kim, lee):
        window.start_worker()
        window.connect()
        window.sign_in(server.url)
    ticket = kim.profile.queries.ids(ViewKey.ALL_LIVE)[1]
    message, read = new_id(), kim.profile.queries.details(ticket)
    assert read is not None
    reply = MessageAdd(
        new_id(), message, ticket, "see picture", read.seen_seq, attachments=(late,), seen_id=read.seen_id
    )
    kim.do(reply)
    wait_until(lambda: _seen(lee, ticket, message) == late, 20)
    assert _state(lee, late) is BlobState.ABSENT
    lee.send(link.FetchBlob(sha256=late.sha256, size=late.size_bytes, type=MESSAGE.number, id=message))
    wait_until(lambda: any(isinstance(m, link.BlobMoved) and m.code == "not_uploaded" for m in lee.messages), 20)
    assert kim.profile.blobs.add_content(content, "late.png", "image/png") == late
    kim.send(link.BlobsAdded())
    wait_until(lambda: _state(kim, late) is BlobState.HERE, 20)
    wait_until(lambda: _state(lee, late) is BlobState.HERE, 30)


def test_what_a_person_may_not_see_any_more_leaves_the_computer(
    server: ServerProcess, kim: Window, tmp_path: Path
) -> None:
    """Fetched for a note that is then gone from here: its content goes too; own unsent files stay."""

    kim.start_worker()
    kim.connect()
    kim.sign_in(server.url)
    kim.kill_worker()
    blobs = kim.profile.blobs
    own = blobs.add_content(b"mine", "mine.txt", "text/plain")
    other = blobs.add_content(b"not mine", "other.txt", "text/plain")
    blobs.drop(other)
    index = BlobIndex(kim.folder, KEY)
    index.came(Named(other, NOTE.number, new_id()))
    index.close()
    line = Line(lambda: None, lambda: b"", lambda: b"", lambda: True)
    reader = open_reader(kim.folder, KEY)
    mover = BlobMover(kim.folder, KEY, reader, line, lambda _m: None, random.Random(1))
    assert [mark for mark, _ in mover.make_room(set())] == [other.sha256]
    assert (_state(kim, own), _state(kim, other)) == (BlobState.WAITING, BlobState.ABSENT)
    mover.close()
    reader.close()
