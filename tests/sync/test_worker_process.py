# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain import link
from app.domain.changes import NoteAdd, TicketSet
from app.domain.formatting import Look, Mark
from app.domain.ids import TicketId, new_id
from app.domain.ports import Draft, DraftKind, ViewKey
from app.entry.demo_relay import Relay
from app.store.replica_sound import SoundMark
from tests.fakes.wait import wait_until
from tests.sync.processes import CLI, KEY, PASSWORD, ServerProcess, Window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


@pytest.fixture
def relay(server: ServerProcess) -> Iterator[Relay]:
    made = Relay("127.0.0.1", server.port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    made = Window(tmp_path / "profile")
    yield made
    made.close()


def _notes(server: ServerProcess, ids: list[bytes]) -> int:
    with sqlite3.connect(f"file:{server.folder / 'server.db'}?mode=ro", uri=True) as db:
        marks = ", ".join("?" * len(ids))
        count: int = db.execute(f"SELECT count(*) FROM note WHERE id IN ({marks})", ids).fetchone()[0]  # noqa: S608 - marks
    db.close()
    return count


def _live_tickets(window: Window) -> list[TicketId]:
    return list(window.profile.queries.ids(ViewKey.ALL_LIVE))


def _pause(seconds: float) -> None:
    moment = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > moment, seconds + 2)


def test_work_through_a_cut_network_is_sent_once_each(server: ServerProcess, relay: Relay, window: Window) -> None:
    """Offline is noticed within seconds, work goes on and waits, and goes out within seconds of the return."""
    window.start_worker()
    window.connect()
    window.sign_in(f"http://127.0.0.1:{relay.port}")
    tickets = _live_tickets(window)
    assert len(window.profile.queries.ids(ViewKey.ALL)) == 300
    relay.cut()
    window.wait_phase("offline", 5)
    status = window.status
    assert status is not None
    assert status.code == "server_unreachable"
    assert abs(status.since - time.time() * 1000) < 10_000
    ids = [new_id() for _ in range(5)]
    for note in ids:
        window.do(NoteAdd(new_id(), note, tickets[0], "im Keller geschrieben"))
    window.do(TicketSet(new_id(), tickets[0], {"priority": 4}))
    assert window.profile.numbers().waiting == 6
    relay.restore()
    window.wait_phase("live", 8)
    window.wait_sent()
    assert _notes(server, ids) == 5
    details = window.profile.queries.details(tickets[0])
    assert details is not None
    assert sum(item.id in ids for item in details.items) == 5


def test_much_work_without_a_network_does_not_put_off_the_next_try(
    server: ServerProcess, relay: Relay, window: Window
) -> None:
    """Each saved change is a reason to try; the line that comes back right after the last one is used at once."""
    window.start_worker()
    window.connect()
    window.sign_in(f"http://127.0.0.1:{relay.port}")
    ticket = _live_tickets(window)[0]
    relay.cut()
    window.wait_phase("offline", 5)
    note = new_id()
    window.do(NoteAdd(new_id(), note, ticket, "Stück für Stück"))
    _pause(2.5)  # the worker's own look at the queue is past: only the line's return can be the next reason
    for _ in range(14):
        window.send(link.Committed(mid=1))
        _pause(0.06)
    relay.restore()
    window.wait_sent(8)
    assert _notes(server, [note]) == 1


def test_killing_the_worker_at_any_moment_loses_and_doubles_nothing(server: ServerProcess, window: Window) -> None:
    """kill -9 while it pushes and pulls; the next worker goes on.

    Not twice in a row while it renews its token: the server accepts a spent one a second time only.
    """
    window.start_worker()
    window.connect()
    window.sign_in(server.url)
    ticket = _live_tickets(window)[0]
    rng = random.Random(5)
    ids: list[bytes] = []
    for _ in range(4):
        for _ in range(12):
            ids.append(new_id())
            window.do(NoteAdd(new_id(), ids[-1], ticket, "unter Feuer"))
        _pause(rng.random() * 0.12)
        window.kill_worker()
        window.status = None
        window.start_worker()
        window.connect()
        wait_until(lambda: window.status is not None and window.status.phase in ("live", "syncing"), 20)
    window.wait_sent()
    assert _notes(server, ids) == len(ids)
    assert window.profile.numbers().needs_you == 0


def test_a_worker_whose_window_died_sends_what_waits_and_ends(server: ServerProcess, window: Window) -> None:
    """The window is gone: the rest is sent, then the worker ends by itself, and the socket file with it."""
    window.start_worker()
    window.connect()
    window.sign_in(server.url)
    ticket, note = _live_tickets(window)[0], new_id()
    window.do(NoteAdd(new_id(), note, ticket, "letztes Wort"), tell=False)
    window.leave()
    assert window.process is not None
    assert window.process.wait(30) == 0
    assert _notes(server, [note]) == 1
    assert not window.path.exists()


def test_two_computers_see_each_others_work_soon(server: ServerProcess, window: Window, tmp_path: Path) -> None:
    """A note written at another computer arrives by itself, without asking."""
    other = Window(tmp_path / "other")
    try:
        for each in (window, other):
            each.start_worker()
            each.connect()
            each.sign_in(server.url)
        shared = set(_live_tickets(window)) & set(_live_tickets(other))
        ticket, note = shared.pop(), new_id()
        window.do(NoteAdd(new_id(), note, ticket, "seht ihr das?"))

        def arrived() -> bool:
            details = other.profile.queries.details(ticket)
            return details is not None and any(item.id == note for item in details.items)

        wait_until(arrived, 10)
        assert any(isinstance(m, link.Changed) for m in other.messages)
    finally:
        other.close()


def test_a_draft_goes_on_at_the_other_computer_and_goes_when_it_is_sent(
    server: ServerProcess, window: Window, tmp_path: Path
) -> None:
    """Typed here, gone on with and sent there: two workers, one server, nothing asked for."""
    other = Window(tmp_path / "other")
    try:
        for each in (window, other):
            each.start_worker()
            each.connect()
            each.sign_in(server.url)
        ticket = (set(_live_tickets(window)) & set(_live_tickets(other))).pop()
        here, there = window.profile.commits, other.profile.commits
        bold = (Mark(0, 2, Look.BOLD),)
        here.save_draft(Draft(ticket, DraftKind.NOTE, "내일 확인", 2, marks=bold))
        window.send(link.Committed(mid=here.carry_drafts(ticket)))

        def shown() -> Draft | None:
            return there.draft(ticket, DraftKind.NOTE)

        wait_until(lambda: shown() is not None, 10)
        found = shown()
        assert found is not None
        assert (found.body, found.caret, found.marks) == ("내일 확인", 2, bold)
        note = NoteAdd(new_id(), new_id(), ticket, found.body)
        other.send(link.Committed(mid=there.commit(note, clears=(ticket, DraftKind.NOTE)).mid))
        wait_until(lambda: here.draft(ticket, DraftKind.NOTE) is None, 10)
        assert _notes(server, [note.note]) == 1
    finally:
        other.close()


def test_a_wrong_password_is_said_and_the_next_try_works(server: ServerProcess, window: Window) -> None:
    """The refusal has its code; nothing is stored."""
    window.start_worker()
    window.connect()
    window.send(link.SignIn(server=server.url, login="agent1", password="falsch", device_name="t"))
    wait_until(lambda: any(isinstance(m, link.SignInNeeded) and m.code == "sign_in_refused" for m in window.messages))
    assert window.profile.identity is None
    window.sign_in(server.url)


def test_a_login_of_another_account_is_told_as_such(server: ServerProcess, window: Window) -> None:
    """A profile belongs to one account of one server; what was right there is not told as a wrong password."""
    window.start_worker()
    window.connect()
    window.sign_in(server.url)
    user = ["create-user", "eun", "--name", "은", "--team", "x", "--password-stdin"]
    command = [*CLI, "admin", "--data", str(server.folder), *user]
    subprocess.run(command, input=PASSWORD.encode() + b"\n", check=True, capture_output=True)
    before = len(window.messages)
    window.send(link.SignIn(server=server.url, login="eun", password=PASSWORD, device_name="test"))

    def told() -> bool:
        return any(isinstance(m, link.SignInNeeded) and m.code == "other_account" for m in window.messages[before:])

    wait_until(told, 20)
    assert window.profile.identity is not None
    assert window.profile.identity.login == "agent1"


def test_the_session_calls_go_through_and_others_do_not(server: ServerProcess, window: Window) -> None:
    """Calls carry the worker's token, only under /session/v1."""
    window.start_worker()
    window.connect()
    window.sign_in(server.url)
    window.send(link.Call(id=1, method="GET", path="/session/v1/revocations"))
    window.send(link.Call(id=2, method="GET", path="/auth/v1/login"))
    results: dict[int, int] = {}

    def both() -> bool:
        results.update({m.id: m.status for m in window.messages if isinstance(m, link.CallResult)})
        return len(results) == 2

    wait_until(both)
    assert results == {1: 200, 2: 0}


def test_secrets_stand_in_no_process_list(window: Window) -> None:
    """Neither arguments nor environment of the worker hold the key or the socket's secret."""
    pid = window.start_worker()
    window.connect()
    for name in ("cmdline", "environ"):
        raw = Path(f"/proc/{pid}/{name}").read_bytes()
        assert KEY.hex().encode() not in raw
        assert window.profile.socket_token().hex().encode() not in raw
    assert (window.path.stat().st_mode & 0o777, window.path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_stranger_at_the_socket_is_turned_away(window: Window) -> None:
    """Without the secret nothing is said."""
    window.start_worker()
    wait_until(window._try_connect, 20)
    window.send(link.Hi(socket_token=b"falsch", role="ui"))
    assert window._socket is not None
    window._socket.settimeout(30)
    assert window._socket.recv(100) == b""
    window.leave()
    window.connect()
    wait_until(lambda: window.status is not None)


def test_told_to_end_by_the_system_the_worker_closes_its_files_in_good_order(window: Window) -> None:
    """So the next start need not read the whole replica; after a kill it does."""
    window.start_worker()
    window.connect()
    assert window.process is not None
    window.process.terminate()
    assert window.process.wait(30) == -signal.SIGTERM
    assert SoundMark(window.folder, lambda: time.time_ns() // 1_000_000).take()
    window.leave()
    window.start_worker()
    window.connect()
    window.kill_worker()
    assert not SoundMark(window.folder, lambda: time.time_ns() // 1_000_000).take()


def test_a_second_worker_leaves_the_files_alone(window: Window) -> None:
    """One worker per profile: the second one ends with its own exit code."""
    window.start_worker()
    window.connect()
    first = window.process
    window.start_worker()
    assert window.process is not None
    assert window.process.wait(20) == 3
    window.process = first


def test_the_worker_does_not_load_qt() -> None:
    """Qt costs time and memory, and the worker must not need it."""
    code = (
        "import sys, app.entry.sync_worker; print([m for m in sys.modules if m.startswith(('PySide6', 'sqlalchemy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_started_by_hand_it_says_what_it_is(tmp_path: Path) -> None:
    """No orders on standard input: a sentence and an exit code, no trace."""
    done = subprocess.run(
        [*CLI, "sync-worker", "--profile", str(tmp_path)], input=b"hello\n", capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
