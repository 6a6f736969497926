# SPDX-License-Identifier: GPL-3.0-or-later
"""The real worker and server: devices that are locked, wiped or numbered anew, and servers that answer nonsense."""

from __future__ import annotations

import contextlib
import http.server
import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from app.domain import link
from app.domain.changes import NoteAdd
from app.domain.errors import StoreUnavailable
from app.domain.ids import new_id
from app.domain.ports import ViewKey
from app.entry.agent_profile import open_agent_profile
from app.entry.sync_worker_device import WIPE_MARK, WipeMark, Wiper
from app.entry.sync_worker_live import LiveRetry
from app.store.pending_file import pending_path
from tests.fakes.wait import wait_until
from tests.sync.processes import ServerProcess, Window


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("server"))
    yield made
    made.stop()


@pytest.fixture
def window(server: ServerProcess, tmp_path: Path) -> Iterator[Window]:
    made = Window(tmp_path / "profile")
    made.start_worker()
    made.connect()
    made.sign_in(server.url)
    yield made
    made.close()


def _ask(server: ServerProcess, sql: str, *args: object) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(server.folder / "server.db", timeout=10)) as db:
        found = db.execute(sql, args).fetchall()
        db.commit()
    return found


def _device(window: Window) -> bytes:
    identity = window.profile.identity
    assert identity is not None
    return identity.device


def _set_state(server: ServerProcess, window: Window, state: str) -> None:
    _ask(server, "UPDATE device SET state = ? WHERE id = ?", state, _device(window))


def _told(window: Window, why: str) -> bool:
    return any(isinstance(m, link.Locked) and m.why == why for m in window.messages)


def _ticket(window: Window) -> bytes:
    return next(iter(window.profile.queries.ids(ViewKey.ALL_LIVE)))


def test_a_suspended_device_is_locked_and_comes_back_by_itself(server: ServerProcess, window: Window) -> None:
    """The window is told, everything typed stays, and it goes out when the device is active again."""
    _set_state(server, window, "suspended")
    note = new_id()
    window.do(NoteAdd(new_id(), note, _ticket(window), "trotzdem geschrieben"))
    wait_until(lambda: _told(window, "suspended"), 15)
    assert window.status is not None
    assert (window.status.phase, window.status.code) == ("refused", "suspended")
    _set_state(server, window, "active")
    window.send(link.SyncNow())
    wait_until(lambda: _told(window, ""), 15)
    window.wait_sent()
    assert len(_ask(server, "SELECT 1 FROM note WHERE id = ?", note)) == 1


def test_a_revoked_device_deletes_everything_and_says_so(server: ServerProcess, window: Window) -> None:
    """Databases and key file are gone, the server knows it, and the worker has ended."""
    (window.folder / "secrets.json").write_text("{}")
    (window.folder / "blobs").mkdir(exist_ok=True)
    (window.folder / "blobs" / "one").write_bytes(b"x")
    device = _device(window)
    _ask(server, "UPDATE device SET state = 'revoked', wipe_token = 'gone' WHERE id = ?", device)
    window.send(link.SyncNow())
    wait_until(lambda: _told(window, "revoked"), 15)
    assert window.process is not None
    assert window.process.wait(30) == 0
    left = {path.name for path in window.folder.iterdir() if path.suffix != ".lock"}
    assert left <= {"logs", "run"}
    assert _ask(server, "SELECT wiped_at IS NOT NULL FROM device WHERE id = ?", device) == [(1,)]


def test_a_profile_whose_number_is_taken_gets_a_new_device_id_and_sends_its_work(
    server: ServerProcess, window: Window
) -> None:
    """A restored copy: the server knows more mutations than were made here. Nothing is lost or sent twice."""
    first = new_id()
    window.do(NoteAdd(new_id(), first, _ticket(window), "vorher"))
    window.wait_sent()
    old = _device(window)
    window.kill_worker()
    _ask(server, "UPDATE device SET lmid = lmid + 3 WHERE id = ?", old)
    second = new_id()
    window.do(NoteAdd(new_id(), second, _ticket(window), "nachher"), tell=False)
    window.start_worker()
    window.connect()
    wait_until(lambda: _device(window) != old, 20)
    assert window.process is not None
    assert window.process.wait(20) == 0
    window.leave()
    window.start_worker()
    window.connect()
    window.wait_sent()
    for note in (first, second):
        assert len(_ask(server, "SELECT 1 FROM note WHERE id = ?", note)) == 1
    assert window.profile.numbers().needs_you == 0
    assert pending_path(window.folder).exists()


class _Nonsense(http.server.BaseHTTPRequestHandler):
    """Answers every request in one of the wrong ways."""

    way = "html"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = b"<html>Please sign in to the hotel's network</html>"
        if self.way == "nothing":
            self.close_connection = True
            return
        self.send_response(500 if self.way == "500" else 200)
        kind = "application/vnd.deskside.sync+msgpack" if self.way in ("half", "garbage") else "text/html"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) * (2 if self.way == "half" else 1)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        del args


_WAYS = (
    ("html", "wrong_server"),
    ("500", "busy"),
    ("garbage", "wrong_server"),
    ("half", "server_unreachable"),
    ("nothing", "server_unreachable"),
)


def test_a_server_that_answers_nonsense_is_offline_with_a_reason(server: ServerProcess, window: Window) -> None:
    """The worker lives on and says what is wrong; what was typed waits and goes out when the server is back."""
    window.kill_worker()
    nonsense = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Nonsense)
    thread = threading.Thread(target=nonsense.serve_forever, args=(0.05,))
    thread.start()
    note = new_id()
    try:
        _point_at(window, f"http://127.0.0.1:{nonsense.server_address[1]}")
        _Nonsense.way = "html"
        window.start_worker()
        window.connect()
        window.do(NoteAdd(new_id(), note, _ticket(window), "geduldig"))
        for way, code in _WAYS:
            _Nonsense.way = way
            wait_until(lambda code=code: _is_offline(window, code), 20)  # type: ignore[misc]  # bound now
        assert window.process is not None
        assert window.process.poll() is None
    finally:
        nonsense.shutdown()
        thread.join()
        nonsense.server_close()
    window.kill_worker()
    _point_at(window, server.url)
    window.start_worker()
    window.connect()
    window.wait_sent()
    assert len(_ask(server, "SELECT 1 FROM note WHERE id = ?", note)) == 1


def _is_offline(window: Window, code: str) -> bool:
    if window.status is not None and (window.status.phase, window.status.code) == ("offline", code):
        return True
    window.send(link.SyncNow())
    return False


def _point_at(window: Window, url: str) -> None:
    with window.profile._writer.write() as tx:
        raw = str(tx.value("SELECT v FROM meta WHERE k = 'identity'"))
        old = raw.split('"server": "')[1].split('"')[0]
        tx.run("UPDATE meta SET v = ? WHERE k = 'identity'", (raw.replace(old, url),))


def test_a_wipe_that_was_stopped_in_the_middle_is_finished_by_the_next_start(tmp_path: Path) -> None:
    """The keys are gone already: the files go before anything is opened, and a fresh profile begins."""
    folder = tmp_path / "profile"
    open_agent_profile(folder, "a passphrase").profile.close()
    (folder / "blobs").mkdir()
    wiper = Wiper(folder, None)
    wiper.destroy_keys(WipeMark(server="http://127.0.0.1:9", device=b"d" * 16, wipe_token="t"))
    before = pending_path(folder).read_bytes()
    opened = open_agent_profile(folder, "another passphrase")
    assert opened.profile.identity is None
    assert pending_path(folder).read_bytes() != before
    assert not (folder / "blobs").exists()
    opened.profile.close()
    open_agent_profile(folder, "another passphrase").profile.close()
    wiper.reported()
    assert wiper.order() is None


def test_a_wipe_that_is_not_reported_yet_takes_no_later_profile_along(tmp_path: Path) -> None:
    """The server was never reached since; then the new profile's key goes missing, and may come back."""
    folder = tmp_path / "profile"
    wiper = Wiper(folder, None)
    open_agent_profile(folder, "a passphrase").profile.close()
    wiper.destroy_keys(WipeMark(server="http://127.0.0.1:9", device=b"d" * 16, wipe_token="t"))
    open_agent_profile(folder, "another passphrase").profile.close()
    typed = pending_path(folder).read_bytes()
    (folder / "secrets.json").rename(tmp_path / "secrets.json")
    with pytest.raises(StoreUnavailable, match="store_wrong_key"):
        open_agent_profile(folder, "another passphrase")
    assert pending_path(folder).read_bytes() == typed
    (tmp_path / "secrets.json").rename(folder / "secrets.json")
    open_agent_profile(folder, "another passphrase").profile.close()
    assert wiper.order() is not None  # still to be reported


def test_a_wipe_that_a_restored_server_knows_nothing_of_is_not_reported_for_ever(
    server: ServerProcess, window: Window
) -> None:
    """The order went with the server's last hours: the next start reports it in vain, and that is the end of it."""
    window.kill_worker()
    mark = window.folder / WIPE_MARK
    order = WipeMark(server=server.url, device=_device(window), wipe_token="of before")
    mark.write_bytes(msgspec.json.encode(order))
    window.start_worker()
    wait_until(lambda: not mark.exists(), 15)
    assert _ask(server, "SELECT state, wiped_at FROM device WHERE id = ?", _device(window)) == [("active", None)]
    window.kill_worker()  # it waits for a window that never comes


def test_a_live_channel_that_does_not_last_is_not_tried_at_once() -> None:
    """Behind a proxy that knows none, polling does the work; one that lasted is opened again immediately."""
    rng, retry = random.Random(1), LiveRetry()
    retry.opened(100.0)
    retry.ended(101.0, rng)
    assert retry.due_s(101.0) > 0
    assert retry.due_s(103.0) == 0
    retry.failed(103.0, rng)
    retry.opened(110.0)
    retry.ended(200.0, rng)
    assert retry.due_s(200.0) == 0
    for second in range(10):
        retry.failed(200.0 + second, rng)
    assert retry.due_s(210.0) > 0
    retry.network_gone()
    assert retry.due_s(210.0) == 0, "it was not the channel's fault, and the line is back"
