# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator or a server does to an agent at work: real server, worker, window and `deskside admin`."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.config.settings import Settings
from app.domain.changes import NoteAdd, TicketDelete
from app.domain.errors import StoreUnavailable
from app.domain.ids import TicketId, new_id
from app.domain.needs import NeedKind
from app.domain.ports import Identity, SyncPhase, ViewKey
from app.entry.agent_app import AgentApp
from app.store.locks import FileLock
from app.store.profile import Profile
from sync.protocol import PushAnswer, unpack
from tests.fakes.device import Device
from tests.fakes.wait import wait_until
from tests.sync.processes import CLI, PASSWORD, ServerProcess, Window
from widgets.foundation import Theme, ThemeMode, load_tokens
from widgets.shell.window import AgentWindow

PASSPHRASE = "correct horse battery"
LONG_MS = 60_000
pytestmark = pytest.mark.slow  # real programs, ten seconds each; `.ci/run` runs them


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


class Agent:
    """The program, signed in, everything here."""

    def __init__(self, app: AgentApp, qtbot: QtBot, folder: Path) -> None:
        self.app, self._qtbot, self.folder = app, qtbot, folder

    @property
    def window(self) -> AgentWindow:
        """The main window."""
        assert self.app.window is not None
        return self.app.window

    @property
    def profile(self) -> Profile:
        """The files, while they are open."""
        assert self.app.profile is not None
        return self.app.profile

    @property
    def identity(self) -> Identity:
        """Who is signed in."""
        assert self.profile.identity is not None
        return self.profile.identity

    @property
    def worker(self) -> int:
        """The worker's process id."""
        assert self.app.link is not None
        assert self.app.link.worker_pid is not None
        return self.app.link.worker_pid

    @contextlib.contextmanager
    def held_up(self) -> Iterator[None]:
        """The worker does nothing meanwhile: what happens is found at its next contact."""
        worker = self.worker
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def wait(self, until: Callable[[], bool]) -> None:
        """Let the window live until something is so."""
        self._qtbot.waitUntil(until, timeout=LONG_MS)

    def tickets(self) -> set[TicketId]:
        """What this computer shows."""
        return set(self.profile.queries.ids(ViewKey.ALL))

    def note(self, ticket: bytes, text: str) -> bytes:
        """Save a note as the window does."""
        note = new_id()
        saved = self.profile.commits.commit(NoteAdd(new_id(), note, ticket, text))
        assert self.app.link is not None
        self.app.link.poke(saved.mid)
        return note


@pytest.fixture
def agent(server: ServerProcess, qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Agent]:
    """Signed in by the sign-in window, loaded, nothing left to say."""
    theme = Theme(qapp, load_tokens(), ThemeMode.LIGHT)
    app = AgentApp(qapp, theme, Settings(tmp_path / "settings.json"), tmp_path / "agent", PASSPHRASE)
    app.start()
    made = Agent(app, qtbot, tmp_path / "agent")
    made.wait(lambda: app.sign_in is not None)
    form = app.sign_in
    assert form is not None
    form.server.setText(server.url)
    form.login.setText("agent1")
    form.password.setText(PASSWORD)
    form.submit.click()
    made.wait(lambda: app.window is not None and app.window.isVisible())
    made.wait(lambda: app.status.phase is SyncPhase.LIVE)
    yield made
    app.leave()


def admin(server: ServerProcess, *words: str) -> str:
    """Run `deskside admin` as an administrator does."""
    done = subprocess.run([*CLI, "admin", "--data", str(server.folder), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(server: ServerProcess, sql: str, *args: object) -> list[tuple[object, ...]]:
    """Look into the server's own database."""
    with contextlib.closing(sqlite3.connect(server.folder / "server.db", timeout=10)) as db:
        return db.execute(sql, args).fetchall()


def has_note(server: ServerProcess, note: bytes) -> bool:
    """Whether the server has a note."""
    return len(ask(server, "SELECT 1 FROM note WHERE id = ?", note)) == 1


def is_free(folder: Path) -> bool:
    """Whether nothing holds the window's files any more."""
    try:
        FileLock(folder / "ui.lock").release()
    except (StoreUnavailable, OSError):
        return False
    return True


@pytest.mark.ux("UX-18")
def test_a_device_revoked_while_its_agent_works_says_so_and_deletes_everything(
    server: ServerProcess, agent: Agent
) -> None:
    """At the next contact: the window is covered, files and keys go, what was not sent goes with them, by intent."""
    device, code = agent.identity.device, agent.identity.device_code
    ticket = next(iter(agent.tickets()))
    with agent.held_up():
        note = agent.note(ticket, "nicht mehr gesendet")
        assert code in admin(server, "device", "revoke", code)
    agent.wait(agent.window.lock.isVisible)
    assert agent.window.lock.title.text() == "This device was withdrawn"
    assert "removed with them" in agent.window.lock.text.text()
    agent.wait(lambda: agent.app.profile is None and is_free(agent.folder))
    agent.wait(lambda: not (agent.folder / "pending.db").exists() and not (agent.folder / "replica.db").exists())
    agent.wait(lambda: ask(server, "SELECT wiped_at IS NOT NULL FROM device WHERE id = ?", device) == [(1,)])
    assert not (agent.folder / "secrets.json").exists()
    assert not has_note(server, note)
    assert agent.window.lock.isVisible()


@pytest.mark.ux("UX-18", "UX-20")
def test_a_server_that_takes_most_tickets_away_at_once_has_to_wait_for_the_agent(
    server: ServerProcess, agent: Agent
) -> None:
    """The question stands in the window, work goes on and out; Keep waiting removes nothing, Remove them here does."""
    before = agent.tickets()
    gone = sorted(before)[:230]
    assert len(before) - len(gone) > 20
    other = Device(server.url, "agent1", PASSWORD)
    with agent.held_up():
        for start in (0, 115):
            body = other.body([TicketDelete(new_id(), ticket) for ticket in gone[start : start + 115]])
            answer = other.client.post("/sync/v1/push", content=body, headers=other.headers)
            results = unpack(answer.content, PushAnswer).results
            assert {r.st for r in results} == {"ok"}
    other.close()
    guard, strip = agent.window.needs.guard, agent.window.strip
    agent.wait(guard.isVisible)
    assert "230" in guard.text.text()
    assert agent.tickets() == before
    note = agent.note(gone[-1], "geht trotzdem hinaus")
    kept = agent.note(sorted(before)[-1], "auch dies")
    agent.wait(lambda: has_note(server, kept))
    assert not has_note(server, note)  # its ticket is deleted there: held for the agent
    guard.wait.click()
    assert not guard.isVisible()
    assert strip.guard.isVisible()
    agent.window.sync_now()
    agent.wait(lambda: agent.app.status.phase is SyncPhase.LIVE)
    assert agent.tickets() == before
    strip.guard.click()
    assert guard.isVisible()
    guard.apply.click()
    agent.wait(lambda: agent.tickets() == before - set(gone))
    agent.wait(lambda: not strip.guard.isVisible() and agent.app.status.waiting == 0)
    agent.wait(lambda: [i.kind for i in agent.profile.needs_you.entries()] == [NeedKind.DELETED])


@pytest.mark.ux("UX-20")
def test_an_agent_taken_out_of_a_team_keeps_only_what_was_not_sent(server: ServerProcess, agent: Agent) -> None:
    """The team's tickets leave list and page; the unsent note stands in Needs you with its words, once."""
    # what other journeys left there belongs to this person too, and came with the first load
    before = {i.id for i in agent.profile.needs_you.entries()}
    [(team, name)] = ask(
        server, "SELECT t.team, m.name_ko FROM ticket t JOIN team m ON m.id = t.team WHERE t.deleted = 0 "
        "GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1",
    )  # fmt: skip
    theirs = {TicketId(bytes(row[0])) for row in ask(server, "SELECT id FROM ticket WHERE team = ?", team)}  # type: ignore[call-overload]  # ids
    theirs &= agent.tickets()
    ticket = min(theirs)
    agent.window.open_ticket(ticket)
    agent.wait(lambda: agent.window.desk.details is not None and agent.window.desk.details.row.id == ticket)
    with agent.held_up():
        note = agent.note(ticket, "여기서만 적은 메모")
        admin(server, "team", "withdraw", "agent1", str(name))
    agent.wait(lambda: not (agent.tickets() & theirs))
    agent.wait(lambda: agent.app.status.needs_you == len(before) + 1)
    agent.wait(lambda: agent.app.status.waiting == 0)  # it was sent all the same; the refusal is of the same entry
    [item] = [i for i in agent.profile.needs_you.entries() if i.id not in before]
    assert item.kind in (NeedKind.ORPHANED, NeedKind.REJECTED)
    assert item.body == "여기서만 적은 메모"
    assert agent.app.status.needs_you == len(before) + 1
    assert not has_note(server, note)
    agent.wait(lambda: agent.window.desk.details is None)
    agent.window.go_needs_you()
    agent.wait(lambda: agent.window.needs.listing.list.model().rowCount() == len(before) + 1)
    assert str(len(before) + 1) in agent.window.strip.needs.text()
    admin(server, "team", "grant", "agent1", str(name))
    agent.wait(lambda: theirs <= agent.tickets())


class _Losing(http.server.BaseHTTPRequestHandler):
    """Forwards to the server; answers to /auth/v1/refresh are lost as often as `lose` says."""

    protocol_version = "HTTP/1.1"
    target = ""
    lose = 0
    lost = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = {k: v for k, v in self.headers.items() if k.lower() in ("content-type", "accept", "authorization")}
        answer = httpx.post(self.target + self.path, content=body, headers=kept, timeout=30)
        if self.path == "/auth/v1/refresh" and type(self).lose:
            type(self).lose -= 1
            type(self).lost += 1
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers.get("content-type", ""))
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *args: object) -> None:
        del args


def test_a_refresh_token_whose_answer_got_lost_needs_no_new_sign_in(server: ServerProcess, tmp_path: Path) -> None:
    """The worker asks again with the token it still has; the server does not take that for theft."""
    _Losing.target, _Losing.lose, _Losing.lost = server.url, 0, 0
    bad_line = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Losing)
    thread = threading.Thread(target=bad_line.serve_forever, args=(0.05,))
    thread.start()
    window = Window(tmp_path / "profile")
    try:
        window.start_worker()
        window.connect()
        window.sign_in(f"http://127.0.0.1:{bad_line.server_address[1]}")
        window.kill_worker()  # the access token is gone with it
        _Losing.lose = 1
        ticket = next(iter(window.profile.queries.ids(ViewKey.ALL_LIVE)))
        note = new_id()
        window.start_worker()
        window.connect()
        window.do(NoteAdd(new_id(), note, ticket, "nach dem Verlust"))
        window.wait_sent(40)
        wait_until(lambda: has_note(server, note), 60)
        assert _Losing.lost == 1
        assert not [m for m in window.messages if type(m).__name__ == "SignInNeeded" and m.code == "token"]  # type: ignore[union-attr]  # named above
    finally:
        window.close()
        bad_line.shutdown()
        thread.join()
        bad_line.server_close()
