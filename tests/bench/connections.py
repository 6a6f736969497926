# SPDX-License-Identifier: GPL-3.0-or-later
"""Idle live connections on one server: its memory, and the time until each got a poke.

`python -m tests.bench.connections [--count 20000] [--json FILE]`. Several client processes hold the websockets, each
with a device of its own (its token is made here with the server's key) that may see every team. Then one device pushes,
and each connection notes when its poke came. Where the machine allows a process fewer files, two servers share them
over PostgreSQL and NATS, and their memory is added up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import sqlalchemy as sa

from app.domain.changes import NoteAdd
from app.domain.ids import new_id
from sync.protocol import Auth, Ping, Poke, Pong, decode, encode
from sync.protocol import LiveDown as Down
from sync.server.keys import ServerKeys
from sync.server.schema import SYSTEM
from sync.server.store import Store, sqlite_url
from sync.server.tokens import AGENT, TokenSigner
from tests.bench.mutations import fill
from tests.fakes.device import Device
from tests.fakes.fleet import PASSWORD, Server
from tests.fakes.services import Broker, Postgres

GOALS = {"connections_mb": 800.0, "connections_poke_s": 1.0}
_PROCESSES = 4
_AT_ONCE = 60
_HOUR_S = 3600
_OTHER_FILES = 1000
_BINARY, _PING, _PONG = 0x82, 0x89, 0x8A  # whole frames
_UPGRADE = (
    "GET /live HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def more_files(count: int) -> int:
    """Raise the limit of open files, for this process and its children; return how many servers the limit needs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHER_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        with contextlib.suppress(ValueError, OSError):  # the machine may forbid it even to root
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return math.ceil(count / (hard - _OTHER_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return 1


_READ = bytearray(64 << 10)  # one for all lines of a process: they are read one after the other


class _Line(asyncio.BufferedProtocol):
    """A websocket client of the fewest bytes: it upgrades, says who it is, and waits for one poke.

    The clients share the machine with the server here, as they never do elsewhere, so they cost as little as can be.
    """

    def __init__(self, host: str, token: str, ready: asyncio.Event, pokes: list[float]) -> None:
        self._host = host
        self._token = token
        self._ready = ready
        self._pokes = pokes
        self._buffer = b""
        self._open = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(_UPGRADE.format(host=self._host).encode())

    def get_buffer(self, sizehint: int) -> bytearray:
        return _READ

    def buffer_updated(self, nbytes: int) -> None:
        now = time.monotonic()
        self._buffer += _READ[:nbytes]
        if not self._open:
            if b"\r\n\r\n" not in self._buffer:
                return
            self._buffer = self._buffer.partition(b"\r\n\r\n")[2]
            self._open = True
            assert self._transport is not None
            self._transport.write(_masked(encode(Auth(token=self._token))) + _masked(encode(Ping())))
        while (message := self._next()) is not None:
            told = decode(message, Down) if message else None
            if isinstance(told, Pong):
                self._ready.set()  # the answer to the ping: the hub has taken us in
            elif isinstance(told, Poke) and self._ready.is_set():
                self._pokes.append(now)

    def _next(self) -> bytes | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1], 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        if len(buffer) < start + size:
            return None
        self._buffer = buffer[start + size :]
        payload = buffer[start : start + size]
        if buffer[0] == _PING and self._transport is not None:
            self._transport.write(_masked(payload, _PONG))
        return payload if buffer[0] == _BINARY else b""


def _masked(payload: bytes, kind: int = _BINARY) -> bytes:
    size = len(payload)
    head = bytes([kind, 0x80 | size]) if size < 126 else bytes([kind, 0xFE]) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload  # a mask of zeros is a mask


def holder(url: str, tokens: list[str], pipe: Connection) -> None:
    """Hold connections in a process of its own; send `ready`, then the times of the pokes when asked."""
    asyncio.run(_hold(url, tokens, pipe))


async def _hold(url: str, tokens: list[str], pipe: Connection) -> None:
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    pokes: list[float] = []
    gate = asyncio.Semaphore(_AT_ONCE)
    lines: list[asyncio.BaseTransport] = []

    async def connect(token: str) -> None:
        async with gate:
            ready = asyncio.Event()
            transport, _ = await loop.create_connection(
                lambda: _Line(place.netloc, token, ready, pokes), str(place.hostname), place.port or 80
            )
            lines.append(transport)
            await asyncio.wait_for(ready.wait(), 120)

    await asyncio.gather(*(connect(token) for token in tokens))
    pipe.send("ready")
    while not pipe.poll():
        await asyncio.sleep(0.05)
    end = loop.time() + 30
    while len(pokes) < len(tokens) and loop.time() < end:
        await asyncio.sleep(0.02)
    pipe.send(pokes)


def make_devices(data: Path, database: str, count: int) -> list[str]:
    """Add devices of the eight agents straight to the database; return an access token of each."""
    store = Store.open(database)
    signer = TokenSigner(ServerKeys.load(data).tokens)
    now = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(count)]
    with store.read() as cx:
        accounts = [bytes(id_) for id_ in cx.execute(sa.select(SYSTEM.account.c.id)).scalars()]
    owner = [accounts[n % len(accounts)] for n in range(count)]
    store.write(lambda cx: cx.execute(SYSTEM.device.insert(), [_device(n, i, owner[n]) for n, i in enumerate(ids)]))
    store.close()
    return [signer.issue(now, AGENT, who, id_, _HOUR_S) for id_, who in zip(ids, owner, strict=True)]


def _device(number: int, id_: bytes, account: bytes) -> dict[str, Any]:
    values: dict[str, Any] = {column.name: 0 for column in SYSTEM.device.columns}
    values |= {column.name: None for column in SYSTEM.device.columns if column.nullable}
    return values | {"id": id_, "account_id": account, "code": f"b{number}", "name": "bench", "state": "active"}


def measure(count: int) -> dict[str, Any]:
    """Connect everybody, poke them, and return the report."""
    needed = more_files(count)
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deskside-bench-"))) / "data"
        data.mkdir()
        database = stack.enter_context(Postgres()).fresh() if needed > 1 else sqlite_url(data)
        tickets = fill(data, database)
        tokens = make_devices(data, database, count)
        if needed > 1:
            broker = stack.enter_context(Broker())
            servers = [Server(data, database, broker.url) for _ in range(needed)]
        else:
            servers = [Server(data)]
        for server in servers:
            server.start()
            stack.callback(server.kill)
        return _measure(servers, tokens, tickets[0][0])


def _measure(servers: list[Server], tokens: list[str], ticket: bytes) -> dict[str, Any]:
    processes = [psutil.Process(server.process.pid) for server in servers if server.process is not None]
    device = Device(servers[0].url, "agent0", PASSWORD)
    before = sum(process.memory_info().rss for process in processes)
    context = get_context("spawn")
    begin = time.monotonic()
    holders, pipes = [], []
    for n in range(_PROCESSES):
        ours, theirs = context.Pipe()
        child = context.Process(
            target=holder, args=(servers[n % len(servers)].url, tokens[n::_PROCESSES], theirs), daemon=True
        )
        child.start()
        holders.append(child)
        pipes.append(ours)
    for pipe in pipes:
        assert pipe.poll(600), "the connections do not come to stand"
        assert pipe.recv() == "ready"
    connected = time.monotonic() - begin
    memory = sum(process.memory_info().rss for process in processes)
    cpu = _cpu(processes)
    body = device.body([NoteAdd(new_id(), new_id(), ticket, "to all")])
    started = time.monotonic()
    assert device.client.post("/sync/v1/push", content=body, headers=device.headers).status_code == 200
    pokes: list[float] = []
    for pipe in pipes:
        pipe.send("count")
    for pipe in pipes:
        pokes += pipe.recv()
    spent = _cpu(processes) - cpu
    for child in holders:
        child.join()
    device.close()
    took = [at - started for at in pokes]
    figures = {"connections_mb": round(memory / 1e6, 1), "connections_poke_s": round(max(took, default=99.0), 3)}
    return {
        "figures": figures, "count": len(tokens), "servers": len(servers), "poked": len(pokes),
        "poke_p50_s": round(sorted(took)[len(took) // 2], 3) if took else None,
        "poke_cpu_s": round(spent, 3),
        "connect_s": round(connected, 1), "idle_server_mb": round(before / 1e6, 1),
        "kib_each": round((memory - before) / len(tokens) / 1024, 1), "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def main() -> int:
    """Measure, print, write the file; the status says whether the goals were met and nobody was left out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    report = measure(args.count)
    print(json.dumps(report, indent=1))
    if args.json is not None:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    met = all(report["figures"][name] <= goal for name, goal in GOALS.items())
    return 0 if met and report["poked"] == report["count"] else 1


if __name__ == "__main__":
    sys.exit(main())
