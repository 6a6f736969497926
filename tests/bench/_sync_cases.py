# SPDX-License-Identifier: GPL-3.0-or-later
"""What `tests.bench.sync` measures, one round of each: real server, real worker, real encrypted files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from app.domain import link
from app.domain.changes import NoteAdd
from app.domain.entities import NOTE
from app.domain.ids import TicketId, new_id
from app.domain.ports import ViewKey
from app.entry.demo_relay import Relay
from tests.bench import _stage

Figures = dict[str, float]

_FIRST_ROWS = 50  # what a tall window shows
_POLL_S = 0.02
_LIMIT_S = 900.0
_EDITS = 1_000
_NOOPS = 30
_CHANGES = 60


def full(folder: Path, size: str) -> Figures:
    """From the sign-in to the first usable screen, and to everything held, indexed and checked."""
    data = _stage.prepared(size)
    with _stage.server(data, folder / "server") as server, _stage.seat(folder / "seat") as seat:
        began = seat.ask(server.url)
        cpu = seat.cpu_s()
        usable = _first_screen(seat) - began
        done = seat.wait(seat.live, _LIMIT_S) - began
        rows = _rows(seat)
        return {
            "first_usable_s": round(usable, 2),
            "full_s": round(done, 2),
            "rows": rows,
            "tickets": seat.count("ticket"),
            "rows_per_s": round(rows / done),
            "worker_peak_mb": seat.peak_mb(),
            "worker_cpu_s": round(seat.cpu_s() - cpu, 1),
            "replica_mb": round((seat.folder / "replica.db").stat().st_size / 2**20),
        }


def _first_screen(seat: _stage.Seat) -> float:
    """Wait until a person can work: a page of tickets in the list, and the newest of them opens."""
    queries = seat.profile.queries
    end = time.monotonic() + _LIMIT_S
    while time.monotonic() < end:
        ids = list(queries.ids(ViewKey.ALL_LIVE))[:_FIRST_ROWS]
        if len(ids) == _FIRST_ROWS and len(queries.rows(ids)) == _FIRST_ROWS and queries.details(ids[0]) is not None:
            return time.perf_counter()
        time.sleep(_POLL_S)
    raise TimeoutError(f"no list: {seat.status}")


def _rows(seat: _stage.Seat) -> int:
    """How many rows the scopes hold; compared with the server's own count at the checkpoint."""
    with seat.profile.readers().read() as tx:
        return int(tx.value("SELECT sum(n) FROM main.scope_state"))


def pull(folder: Path) -> Figures:
    """20,000 rows of about 600 bytes into an empty replica, from the moment the device is known; then no-op syncs."""
    with _stage.server(_stage.documents(), folder / "server") as server, _stage.seat(folder / "seat") as seat:
        seat.ask(server.url)
        seat.wait(seat.live, _LIMIT_S)
        seconds = time.perf_counter() - seat.signed_in_at
        rows = _rows(seat)
        noops = sorted(_noop(seat) for _ in range(_NOOPS))
        return {
            "pull_docs_per_s": round(rows / seconds),
            "pull_rows": rows,
            "noop_ms": round(noops[len(noops) // 2], 2),
            "noop_p95_ms": round(noops[int(len(noops) * 0.95)], 2),
        }


def _noop(seat: _stage.Seat) -> float:
    """Ask for a sync with nothing to say on either side; return ms until the worker says it is done."""

    assert seat.status is not None
    before = seat.status.last_sync or 0
    time.sleep(0.01)  # the status tells whole milliseconds
    began = time.perf_counter()
    seat.send(link.SyncNow())
    done = seat.wait(lambda: seat.live() and (seat.status.last_sync or 0) > before, 10)  # type: ignore[union-attr]  # live() says that there is one
    return (done - began) * 1000


def push(folder: Path) -> Figures:
    """1,000 edits made without a line, from its return until the worker's own files say that all arrived."""

    with _stage.server(_stage.prepared("demo"), folder / "server") as server, _stage.seat(folder / "seat") as seat:
        line = Relay("127.0.0.1", server.port)
        try:
            seat.ask(f"http://127.0.0.1:{line.start()}")
            seat.wait(seat.live, _LIMIT_S)
            line.cut()
            seat.send(link.SyncNow())
            seat.wait(lambda: seat.status is not None and seat.status.phase == "offline", 30)
            tickets = list(seat.profile.queries.ids(ViewKey.ALL_LIVE))[:100]
            began = time.perf_counter()
            for number in range(_EDITS):
                seat.do(_note(tickets[number % len(tickets)], number), tell=False)
            saved = time.perf_counter() - began
            line.restore()
            began = time.perf_counter()
            seat.send(link.SyncNow())
            _until(lambda: seat.profile.numbers().waiting == 0, 120, 0.005)
            seconds = time.perf_counter() - began
        finally:
            line.stop()
        return {"push_1000_s": round(seconds, 3), "save_ms": round(saved * 1000 / _EDITS, 2)}


def visible(folder: Path) -> Figures:
    """A note saved on one computer, until another one's replica holds it."""

    with (
        _stage.server(_stage.prepared("demo"), folder / "server") as server,
        _stage.seat(folder / "a") as one,
        _stage.seat(folder / "b") as other,
    ):
        for each in (one, other):
            each.ask(server.url)
        for each in (one, other):
            each.wait(each.live, _LIMIT_S)
        tickets = list(one.profile.queries.ids(ViewKey.ALL_LIVE))[:_CHANGES]
        took: list[float] = []
        for number, ticket in enumerate(tickets):
            change = _note(ticket, number)
            began = time.perf_counter()
            one.do(change)
            _until(lambda: other.has(NOTE.name, change.note), 10, 0.001)  # noqa: B023 - called at once
            took.append((time.perf_counter() - began) * 1000)
            one.wait_sent()
        took.sort()
        return {
            "visible_p50_ms": round(took[len(took) // 2], 1),
            "visible_p95_ms": round(took[int(len(took) * 0.95)], 1),
        }


def _note(ticket: TicketId, number: int) -> NoteAdd:
    return NoteAdd(new_id(), new_id(), ticket, f"현장에서 적은 메모 {number}. 부품을 바꾸고 다시 확인했습니다.")


def _until(holds: Callable[[], bool], timeout_s: float, step_s: float) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(step_s)
