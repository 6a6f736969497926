# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker's orders do in the window's process: the guard's question, the lock, a new device id, the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalServer, QLocalSocket
from pytestqt.qtbot import QtBot

from app.desktop.children import Child, Children
from app.desktop.jobs import QtJobs
from app.desktop.worker_link import StoreHooks, WorkerLink, WorkerOrders
from app.desktop.worker_place import socket_path
from app.domain import link
from app.domain.changes import NoteAdd
from app.domain.entities import TICKET
from app.domain.ids import new_id
from app.domain.ports import Identity
from app.entry.sync_codec import open_profile, wall_ms
from app.store.locks import FileLock
from tests.sync.desk import KEY, Client, Desk


class NoChildren(Children):
    """Starts nothing: the test plays the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.starts = 0

    def start(
        self, command: Sequence[str], first_line: bytes, started: Callable[[Child], None], ended: Callable[[int], None]
    ) -> None:
        """Count."""
        self.starts += 1
        self.ended = ended


class Worker:
    """The worker's end of the socket, played by hand."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self._qtbot = qtbot
        self.server = QLocalServer()
        path = socket_path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.server.listen(str(path))
        self.socket: QLocalSocket | None = None
        self._reader = link.LinkReader(link.UiToWorker)
        self.heard: list[object] = []

    def join(self) -> None:
        """Wait for the window and greet it."""
        self._qtbot.waitUntil(self.server.hasPendingConnections)
        self.socket = self.server.nextPendingConnection()
        self.socket.readyRead.connect(self._read)
        self._read()
        self.say(link.Hi(socket_token=b"t", role="worker"))

    def say(self, message: link.WorkerToUi) -> None:
        """Tell the window something."""
        assert self.socket is not None
        self.socket.write(link.encode_frame(message))
        self.socket.flush()

    def _read(self) -> None:
        assert self.socket is not None
        self.heard += list(self._reader.feed(bytes(self.socket.readAll().data())))


@pytest.fixture
def reported() -> list[Exception]:
    return []


@pytest.fixture
def jobs(qtbot: QtBot, reported: list[Exception]) -> Iterator[QtJobs]:
    made = QtJobs(reported.append)
    yield made
    made.close()
    assert reported == []


@pytest.fixture
def signed_in(tmp_path: Path) -> Iterator[Client]:
    made = Desk(tmp_path / "server")
    client = Client(made, tmp_path / "kim", "kim")
    client.sync()
    yield client
    client.close()
    made.close()


def joined(qtbot: QtBot, jobs: QtJobs, client: Client) -> tuple[WorkerLink, Worker]:
    """A link and the worker that it found."""
    profile = client.profile
    worker = Worker(qtbot, profile.folder)

    def renumber(device: bytes, device_code: str, keep_above: int) -> Identity | None:
        profile.renumber(device, device_code, keep_above)
        return profile.identity

    hooks = StoreHooks(
        profile.numbers, profile.poll, profile.after_checkpoint, profile.reopen, profile.commits.save_identity, renumber
    )
    made = WorkerLink(WorkerOrders(profile.folder, KEY, b"t" * 16), hooks, jobs, NoChildren(), wall_ms)
    made.start()
    made._connect()
    worker.join()
    qtbot.waitUntil(lambda: made._greeted)
    return made, worker


def test_beside_a_worker_that_still_drains_none_is_started_and_one_at_once_when_it_ends(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """The older window's worker has the profile: another one could only fail, again and again."""
    made, worker = joined(qtbot, jobs, signed_in)
    children = made._children
    assert isinstance(children, NoChildren)
    children.ended(3)
    assert not made._restart.isActive()
    made._start_child()
    assert children.starts == 1
    worker.server.close()
    assert worker.socket is not None
    worker.socket.abort()
    qtbot.waitUntil(lambda: not made._greeted)
    assert children.starts == 2
    made.close()


def test_a_worker_that_crashes_is_started_again_only_after_its_pause(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """Its end may be noticed before that of its connection; one that crashes at once must not run in circles."""
    made, worker = joined(qtbot, jobs, signed_in)
    children = made._children
    assert isinstance(children, NoChildren)
    made._pause_ms = 30_000
    children.ended(1)
    assert worker.socket is not None
    worker.socket.abort()
    qtbot.waitUntil(lambda: not made._greeted)
    assert (children.starts, made._restart.isActive()) == (1, True)
    made.close()


@pytest.mark.ux("UX-17")
def test_the_guards_question_reaches_the_window_and_the_answer_the_worker(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """Numbers there, a choice back."""
    made, worker = joined(qtbot, jobs, signed_in)
    with qtbot.waitSignal(made.guard_asked) as asked:
        worker.say(link.GuardAsked(tickets=412, total=967))
    assert asked.args == [412, 967]
    made.answer_guard(apply=True)
    qtbot.waitUntil(lambda: link.GuardAnswer(apply=True) in worker.heard)
    made.close()


@pytest.mark.ux("UX-18")
def test_a_lock_is_told_with_its_reason_and_lifted(qtbot: QtBot, jobs: QtJobs, signed_in: Client) -> None:
    """suspended, then usable again."""
    made, worker = joined(qtbot, jobs, signed_in)
    for why in ("suspended", ""):
        with qtbot.waitSignal(made.locked) as told:
            worker.say(link.Locked(why=why))
        assert told.args == [why]
    made.close()


def test_the_place_being_loaded_and_diagnostics_stand_in_the_status(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """What the worker knows is what the strip and its details can say."""
    made, worker = joined(qtbot, jobs, signed_in)
    worker.say(link.Status(phase="loading", since=1, percent=40, detail={"scope": "team:00", "tries": 2}))
    qtbot.waitUntil(lambda: made.status.percent == 40)
    assert made.status.scope == "team:00"
    assert made.status.detail["tries"] == 2
    made.close()


def test_what_shows_is_read_again_once_the_images_of_pending_changes_are_made_anew(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """The news of the row comes first: whoever reads at that moment still sees the older image."""
    client = signed_in
    ticket = client.new_ticket("before")
    client.sync()
    client.note(ticket)
    client.profile.after_checkpoint()
    made, worker = joined(qtbot, jobs, client)
    made._poll.stop()  # the fallback would find it, too, but not in time, and only while it is unseen
    seen: list[str] = []

    def read_again(types: frozenset[int], ids: frozenset[bytes]) -> None:
        details = client.profile.queries.details(ticket)
        if details is not None and not types and not ids:
            seen.append(details.row.subject)

    made.rows_changed.connect(read_again)
    with client.replica._file.write() as tx:
        tx.run("UPDATE ticket SET subject = 'after', rev = rev + 1 WHERE id = ?", (ticket,))
        tx.run("UPDATE meta SET v = v + 1 WHERE k = 'checkpoint_no'")
    worker.say(link.Changed(types=[TICKET.number], ids=[ticket]))
    qtbot.waitUntil(lambda: seen == ["after"])
    qtbot.waitUntil(lambda: not made._checkpoints._rest.isActive())
    with qtbot.waitSignal(made.rows_changed):
        worker.say(link.Changed(types=[TICKET.number], ids=[ticket]))
    jobs.change(lambda: None, lambda _: seen.append("end"))
    qtbot.waitUntil(lambda: seen == ["after", "end"])  # nothing was made anew, so nothing is read for it
    made.close()


def test_a_new_device_id_renumbers_what_waits_and_asks_for_a_fresh_worker(
    qtbot: QtBot, jobs: QtJobs, signed_in: Client
) -> None:
    """In one transaction of pending.db; the note that waits keeps its id under a new number."""
    client = signed_in
    ticket = client.new_ticket()
    client.sync()
    client.profile.commits.commit(NoteAdd(new_id(), new_id(), ticket, "쓴 글"))
    made, worker = joined(qtbot, jobs, client)
    with qtbot.waitSignal(made.signed_in) as told:
        worker.say(link.Renumber(device=b"n" * 16, device_code="Q9", keep_above=1))
    assert told.args[0].device == b"n" * 16
    assert client.profile.identity is not None
    assert client.profile.identity.device_code == "Q9"
    assert [i.mid for i in client.profile.queries.outbox()] == [1]
    made.close()


@pytest.mark.ux("UX-18")
def test_after_a_withdrawal_the_files_are_let_go_and_no_work_is_taken_any_more(qtbot: QtBot, tmp_path: Path) -> None:
    """The window's lock is free, so that the worker can remove the files; late changes are dropped in silence."""
    reported: list[Exception] = []
    jobs = QtJobs(reported.append)
    profile = open_profile(tmp_path / "profile", KEY)
    done: list[str] = []
    jobs.change(profile.close, lambda _none: done.append("closed"))
    jobs.retire()
    jobs.change(lambda: done.append("late"))
    jobs.query(lambda: done.append("late"), lambda _none: None)
    qtbot.waitUntil(lambda: done == ["closed"])
    FileLock(tmp_path / "profile" / "ui.lock").release()
    jobs.close()
    assert (done, reported) == (["closed"], [])
