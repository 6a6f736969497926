# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside sync-worker`: the child that pulls, applies and pushes. Started by the help desk, never by hand. No Qt.

The profile folder is its only argument; key, socket and secret come as one line of JSON on standard input, so that
they stand in no process list and no environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

import msgspec

from app.config.i18n import _, set_language
from app.config.logs import configure, get_logger
from app.domain.errors import StoreUnavailable
from app.entry.sync_codec import Hashes
from app.entry.sync_worker_blobs import BlobMover
from app.entry.sync_worker_device import Wiper
from app.entry.sync_worker_loop import Worker
from app.entry.sync_worker_tokens import open_token_store
from app.store.locks import FileLock
from app.store.pending_file import check_key, open_reader, pending_path
from app.store.replica import ReplicaStore, open_replica
from app.store.replica_sound import SoundMark

EXIT_IN_USE = 3
EXIT_STORE = 4
EXIT_USAGE = 2
_LEAVE_S = 3.0  # a system that shuts down waits no longer
_NICE = 10
_SWITCH_S = 0.0005  # a thread that comes back from SQLite waits no longer for one that makes rows ready
_GC_OBJECTS = 50_000  # rows on their way hold no cycles; looking for some every 700 objects costs a tenth of a load
_log = get_logger("worker")


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the window says over standard input. Bytes as hex. `keyring` names the profile in the system's key store."""

    key: str
    socket: str
    socket_token: str
    keyring: str | None = None
    version: str = ""


def read_orders(stream: TextIO) -> Orders:
    """Read the one line. Raises ValueError."""
    line = stream.readline()
    return msgspec.json.decode(line.encode(), type=Orders)


def main(argv: list[str]) -> int:
    """Run until the window is gone and everything is sent, or the window says so; returns the exit code."""
    set_language("system")
    parser = argparse.ArgumentParser(prog="deskside sync-worker")
    parser.add_argument("--profile", type=Path, required=True)
    profile: Path = parser.parse_args(argv).profile
    if hasattr(os, "nice"):
        os.nice(_NICE)  # windows first
    sys.setswitchinterval(_SWITCH_S)
    gc.set_threshold(_GC_OBJECTS)
    try:
        orders = read_orders(sys.stdin)
        key, token = bytes.fromhex(orders.key), bytes.fromhex(orders.socket_token)
    except (ValueError, msgspec.ValidationError, json.JSONDecodeError):
        print(_("The sync worker is started by Deskside itself."), file=sys.stderr)
        return EXIT_USAGE
    try:
        with configure(profile / "logs", "sync-worker"):
            logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for every request says nothing
            return run(profile, key, token, orders)
    except StoreUnavailable as error:
        _log.error("store unavailable", code=error.code)
        return EXIT_IN_USE if error.code == "store_in_use" else EXIT_STORE


def run(profile: Path, key: bytes, token: bytes, orders: Orders) -> int:
    """Open the files and serve. Raises StoreUnavailable."""
    if not pending_path(profile).exists():
        raise StoreUnavailable("store_unavailable")
    lock = FileLock(profile / "worker.lock")
    try:
        check_key(profile, key)
        pending = open_reader(profile, key)

        mark = SoundMark(profile, _now_ms)

        def reopen() -> tuple[ReplicaStore, bool]:
            return open_replica(profile, key, pending, Hashes(), _now_ms, mark)

        worker = Worker(
            pending,
            reopen,
            token,
            lambda store: open_token_store(orders.keyring, profile, store),
            wiper=Wiper(profile, orders.keyring),
            open_blobs=lambda line, tell: BlobMover(profile, key, pending, line, tell, random.Random()),  # noqa: S311 - jitter
        )
        ended = asyncio.run(_serve(worker, Path(orders.socket)))
        pending.close()
        mark.leave(key)
    finally:
        lock.release()
    if not ended:
        _die()
    return 0


async def _serve(worker: Worker, socket: Path) -> bool:
    """Serve to the end. When the system wants the program gone (SIGTERM), close in good order; returns False then."""
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(worker.serve(socket))

    def leave() -> None:
        serving.cancel()
        loop.call_later(_LEAVE_S, _die)

    with contextlib.suppress(NotImplementedError, ValueError):  # Windows; a test that runs it in a thread
        loop.add_signal_handler(signal.SIGTERM, leave)
    try:
        await serving
    except asyncio.CancelledError:
        return False
    return True


def _die() -> None:
    """End as a program ends that takes no notice of SIGTERM: whoever sent it looks for that."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
