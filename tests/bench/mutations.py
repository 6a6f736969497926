# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations a second through the real HTTP endpoint: PostgreSQL with fsync on, 8 clients, one scope and twenty.

`python -m tests.bench.mutations [--json FILE] [--batch 20] [--seconds 5] [--servers 1]`. Half are notes of 400 bytes,
half edits of a field; each brings its history line. The clients' requests are made before the clock starts.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from app.domain.changes import AnyChange, NoteAdd, TicketSet
from app.domain.entities import CUSTOMER, TEAM, TICKET, Value, customer_scope, team_scope
from app.domain.ids import new_id
from sync.protocol import PushAnswer, unpack
from sync.server.bootstrap import seed_states
from sync.server.bulk import load_rows
from sync.server.parts import build_parts, open_parts
from sync.server.schema import ENTITY_TABLES
from sync.server.staff import Staff
from tests.fakes.device import Device
from tests.fakes.fleet import PASSWORD, Server
from tests.fakes.services import Broker, Postgres

GOALS = {"one_scope_per_s": 2000.0}
_CLIENTS = 8
_TEAMS = 20
_TICKETS = 40  # a team
_BODY = "Drucker im dritten Stock druckt nur noch leere Seiten. " * 8


@dataclass(frozen=True, slots=True)
class _Row:
    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


def fill(data: Path, database: str) -> list[list[bytes]]:
    """Make a help desk of twenty teams; return the tickets of each."""
    store, keys = open_parts(data, database)
    parts = build_parts(store, keys)
    try:
        now = parts.clock()
        seed_states(store, now)
        staff = Staff(store, keys, os.urandom, parts.accounts.hash_password)
        teams = [f"team {n}" for n in range(_TEAMS)]
        for n in range(_CLIENTS):
            staff.create_user(now, f"agent{n}", f"Agent {n}", PASSWORD, ["agent"], teams)
        with store.read() as cx:
            table = ENTITY_TABLES[TEAM.number]
            ids = [bytes(id_) for id_ in cx.execute(table.select().with_only_columns(table.c.id)).scalars()]
            state = bytes(cx.exec_driver_sql("SELECT id FROM state WHERE category = 'open'").scalar_one())
        tickets = [[new_id() for _ in range(_TICKETS)] for _ in ids]
        store.write(lambda cx: load_rows(cx, _rows(ids, tickets, state, now)))
    finally:
        parts.close()
    return tickets


def _rows(teams: Sequence[bytes], tickets: Sequence[Sequence[bytes]], state: bytes, now: int) -> list[_Row]:
    customer = new_id()
    out = [_Row(CUSTOMER.number, customer, customer_scope(customer), {"name": "한예린", "language": "ko"})]
    number = 10_000
    for team, its in zip(teams, tickets, strict=True):
        for ticket in its:
            number += 1
            values: dict[str, Value] = {
                "number": number, "subject": "Drucker", "team": team, "state": state, "customer": customer,
                "priority": 2, "created_at": now, "last_at": now, "kind": "question", "msg_seq": 0,
            }  # fmt: skip
            out.append(_Row(TICKET.number, ticket, team_scope(team), values))
    return out


def _changes(tickets: Sequence[bytes], count: int, start: int) -> list[AnyChange]:
    out: list[AnyChange] = []
    for n in range(start, start + count):
        ticket = tickets[n % len(tickets)]
        if n % 2:
            out.append(NoteAdd(new_id(), new_id(), ticket, _BODY[:400]))
        else:
            out.append(TicketSet(new_id(), ticket, {"priority": 1 + n // 2 % 4}))
    return out


class _Client:
    """One device with its requests made beforehand."""

    def __init__(self, url: str, number: int, tickets: Sequence[bytes], batch: int, count: int) -> None:
        self.device = Device(url, f"agent{number}", PASSWORD)
        self.bodies = [self.device.body(_changes(tickets, batch, batch * n)) for n in range(count)]
        self.sent = 0
        self.took: list[float] = []
        self.errors: list[str] = []

    def run(self, gate: threading.Barrier, batch: int, until: list[float]) -> None:
        """Push one request after the other until the time is over."""
        place = urlsplit(self.device.url)
        line = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        gate.wait()
        for body in self.bodies:
            begin = time.perf_counter()
            if begin > until[0]:
                break
            line.request("POST", "/sync/v1/push", body, self.device.headers)
            answer = line.getresponse()
            raw = answer.read()
            self.took.append(time.perf_counter() - begin)
            if answer.status != 200:
                self.errors.append(f"{answer.status} {raw[:100]!r}")
                break
            told: PushAnswer = unpack(raw, PushAnswer)
            refused = [f"{r.st} {r.code}" for r in told.results if r.st not in ("ok", "merged", "conflict")]
            self.errors += refused
            self.sent += batch
        line.close()


class _Spent:
    """Processor time of servers, database and clients; on a busy machine the better figures to compare."""

    def __init__(self, servers: Sequence[int], postmaster: int) -> None:
        self._servers = [psutil.Process(pid) for pid in servers]
        self._postmaster = psutil.Process(postmaster)
        self._own = psutil.Process()
        self._before = (0.0, 0.0, 0.0)

    def begin(self) -> None:
        """Count from now."""
        self._before = self._now()

    def each(self, count: int) -> dict[str, float]:
        """Return microseconds a mutation since then."""
        names = ("server_cpu_us", "database_cpu_us", "clients_cpu_us")
        spent = zip(names, self._now(), self._before, strict=True)
        return {name: round((now - before) / count * 1e6, 1) for name, now, before in spent}

    def _now(self) -> tuple[float, float, float]:
        database = [self._postmaster, *self._postmaster.children()]
        return _cpu(self._servers), _cpu(database), _cpu([self._own])


def _cpu(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def run(
    urls: Sequence[str], tickets: Sequence[Sequence[bytes]], batch: int, seconds: float, spent: _Spent
) -> dict[str, float]:
    """Let eight clients push for a while; `tickets` are what each may touch, in turn."""
    count = int(seconds * 8000 / _CLIENTS / batch) + 1
    clients = [
        _Client(urls[n % len(urls)], n, tickets[n % len(tickets)], batch, count) for n in range(_CLIENTS)
    ]  # fmt: skip
    gate, until = threading.Barrier(_CLIENTS + 1), [0.0]
    threads = [threading.Thread(target=client.run, args=(gate, batch, until)) for client in clients]
    for thread in threads:
        thread.start()
    spent.begin()
    begin = time.perf_counter()
    until[0] = begin + seconds
    gate.wait()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    for client in clients:
        client.device.close()
        if client.errors:
            raise RuntimeError(f"refused: {client.errors[:3]}")
    waits = sorted(wait for client in clients for wait in client.took)
    sent = sum(client.sent for client in clients)
    return {
        "per_s": round(sent / took, 1),
        **spent.each(sent),
        "request_p50_ms": round(1000 * waits[len(waits) // 2], 2),
        "request_p95_ms": round(1000 * waits[int(len(waits) * 0.95)], 2),
    }


def measure(batch: int, seconds: float, servers: int) -> dict[str, Any]:
    """Start everything, run both cases, and return the report."""
    with tempfile.TemporaryDirectory(prefix="deskside-bench-") as folder, Postgres(durable=True) as postgres:
        data, database = Path(folder) / "data", postgres.fresh()
        data.mkdir()
        tickets = fill(data, database)
        with Broker() as broker:
            running = [Server(data, database, broker.url if servers > 1 else None) for _ in range(servers)]
            try:
                for server in running:
                    server.start()
                urls = [server.url for server in running]
                spent = _Spent([server.process.pid for server in running if server.process], postgres.pid)
                run(urls, tickets[:1], batch, 1.0, spent)  # connections, statements, pages
                one = run(urls, tickets[:1], batch, seconds, spent)
                twenty = run(urls, _spread(tickets), batch, seconds, spent)
                single = run(urls, tickets[:1], 1, seconds, spent)
            finally:
                for server in running:
                    server.stop()
    figures = {"one_scope_per_s": one["per_s"], "twenty_scopes_per_s": twenty["per_s"]}
    figures |= {"one_scope_unbatched_per_s": single["per_s"]}
    return {"figures": figures, "cases": {"one": one, "twenty": twenty, "unbatched": single},
            "batch": batch, "clients": _CLIENTS, "servers": servers, "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2)}  # fmt: skip


def _spread(tickets: Sequence[Sequence[bytes]]) -> list[list[bytes]]:
    """Each client works in all twenty scopes; one push touches one, the next another."""
    return [[its[n] for its in tickets for n in range(client, _TICKETS, _CLIENTS)] for client in range(_CLIENTS)]


def main() -> int:
    """Measure, print, write the file; the status says whether the goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--batch", type=int, default=20, help="mutations a request")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--servers", type=int, default=1)
    args = parser.parse_args()
    report = measure(args.batch, args.seconds, args.servers)
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if all(report["figures"][name] >= goal for name, goal in GOALS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
