# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipe between a window process and its session child, and the start of that child.

Bytes only, never pickled objects. Each end reads in a thread of its own and writes through a bounded queue, so neither
a window nor an event loop ever waits for the other process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Final, cast

from remote_assist.child_protocol import (
    MAX_MESSAGE_BYTES,
    BadMessage,
    Frame,
    FromChild,
    ToChild,
    decode_from_child,
    decode_to_child,
    encode,
)
from remote_assist.shm import FrameReader

KEY_BYTES: Final = 32
_SOCKET_PATH_MAX: Final = 107
_QUEUE_MAX: Final = 512
_EXIT_S: Final = 0.5  # between a closed pipe and the end of an orderly child
_PR_SET_PDEATHSIG: Final = 1
_NICE: Final = 5
# What a child needs to find its display, fonts and language; secrets of the parent's environment stay behind.
_ENV_NAMES: Final = frozenset(
    {"DISPLAY", "HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "USER", "WAYLAND_DISPLAY"}
    | {"XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_DATA_DIRS", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE"}
    | {"DBUS_SESSION_BUS_ADDRESS", "COVERAGE_PROCESS_START", "DESKSIDE_CAPTURE"}
)
_ENV_PREFIXES: Final = ("LC_", "QT_", "PYTHON")
# glibc (mallopt(3)) gives each of a child's twenty threads a heap of its own, and what one lets go no other may use:
# with two heaps a session needs some 20 MB less and reaches its level sooner (docs/bench.md, G12). Ignored elsewhere.
_ENV_MEMORY: Final = {"MALLOC_ARENA_MAX": "2"}


class LinkClosed(Exception):  # a state, not a mistake
    """The other process is gone."""


class _Writer:
    """Writes messages in a thread of its own. Of pictures only the newest notice waits."""

    def __init__(self, conn: Connection, on_broken: Callable[[], None]) -> None:
        self._conn = conn
        self._on_broken = on_broken
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUE_MAX)
        self._frame: bytes | None = None
        self.longest = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="session-link-writer", daemon=True)
        self._thread.start()

    def put(self, raw: bytes, *, newest_only: bool = False) -> None:
        """Queue bytes and return at once. Raises LinkClosed when the other end has stopped reading."""
        if newest_only:
            with self._lock:
                waiting, self._frame = self._frame is not None, raw
            if waiting:
                return
            raw = b""
        try:
            self._queue.put_nowait(raw)
            self.longest = max(self.longest, self._queue.qsize())
        except queue.Full:
            self._on_broken()
            raise LinkClosed("the other process does not read") from None

    def close(self) -> None:
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while (raw := self._queue.get()) is not None:
                if not raw:
                    with self._lock:
                        raw, self._frame = self._frame or b"", None
                self._conn.send_bytes(raw)
        except (OSError, ValueError):
            self._on_broken()


class ChildLink:
    """The parent's end of one running child. `receive` belongs to one thread; the rest may be called from any."""

    def __init__(self, process: subprocess.Popen[bytes], conn: Connection, frames: FrameReader) -> None:
        self._process = process
        self._conn = conn
        self._writer = _Writer(conn, self.kill)
        self._closed = threading.Event()
        self._left = False
        self.frames = frames
        self.pid = process.pid

    def send(self, message: ToChild) -> None:
        """Queue a message and return at once. Raises LinkClosed, BadMessage."""
        if self._closed.is_set():
            raise LinkClosed("closed")
        self._writer.put(encode(message))

    def receive(self) -> FromChild:
        """Wait for the child's next message. Raises LinkClosed when it is gone, BadMessage when it lies."""
        try:
            raw = self._conn.recv_bytes(MAX_MESSAGE_BYTES)
        except (EOFError, OSError, TypeError) as error:  # TypeError: closed by another thread
            self._left = True
            raise LinkClosed(type(error).__name__) from error
        return decode_from_child(raw)

    @property
    def pictures(self) -> FrameReader:
        """The window's end of the picture memory."""
        return self.frames

    def tell(self, message: object) -> bool:
        """As `send` for a ToChild message, but return False when the child is gone or the message too large."""
        try:
            self.send(cast(ToChild, message))
        except (LinkClosed, BadMessage):
            return False
        return True

    def next_message(self) -> FromChild | None:
        """As `receive`, but None when the child is gone; one that lies is killed."""
        try:
            return self.receive()
        except LinkClosed:
            return None
        except BadMessage:
            self.kill()
            return None

    def kill(self) -> None:
        """End the child now, also a stopped one. Idempotent."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Return the exit status, negative for a signal, or None when it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def close(self) -> int:
        """Let a child that hung up go, kill any other; reap, free, return the exit status. Idempotent."""
        if self._closed.is_set():
            return self._process.returncode or 0
        self._closed.set()
        if not self._left or self.wait(_EXIT_S) is None:
            self.kill()
        status = self._process.wait()
        self._writer.close()
        self._writer.join(1)
        self._conn.close()
        self.frames.close()
        return status


def child_command() -> list[str]:
    """Return what starts a session child of this program, frozen or not."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "session"]
    return [sys.executable, "-m", "app.entry.session"]


def spawn_child(
    role: str,
    *,
    command: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    connect_timeout_s: float = 20,
) -> ChildLink:
    """Start a session child and return the link to it once it has shown the key.

    Call from a thread that lives as long as the child: Linux ends the child when the starting thread ends. Raises
    LinkClosed when the child died or stayed silent. `env` adds to the filtered environment.
    """
    folder = _socket_folder()
    frames = FrameReader()
    key = secrets.token_bytes(KEY_BYTES)
    try:
        address = str(folder / "s")
        with Listener(address, "AF_UNIX", backlog=1, authkey=key) as listener:
            argv = [*(command or child_command()), "--role", role, "--connect", address, "--frames", str(frames.fd)]
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, pass_fds=(frames.fd,), env=_child_env(env or {}), close_fds=True
            )
            _windows_first(process.pid)
            try:
                conn = _accept(listener, address, process, key, connect_timeout_s)
            except BaseException:
                process.kill()
                process.wait()
                raise
    except BaseException:
        frames.close()
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ChildLink(process, conn, frames)


def _windows_first(child: int) -> None:
    # from its first instruction: its interpreter's start alone made the window wait for a processor
    if sys.platform.startswith("linux") and (os.cpu_count() or 1) <= 2:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child, os.getpriority(os.PRIO_PROCESS, child) + _NICE)


def _accept(
    listener: Listener, address: str, process: subprocess.Popen[bytes], key: bytes, timeout_s: float
) -> Connection:
    with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext() as stdin:
        if stdin is not None:
            stdin.write(key)
    done = threading.Event()
    # accept() has no time limit: a watcher dials in its place when the child never comes.
    watcher = threading.Thread(target=_wake_accept, args=(address, process, done, timeout_s), daemon=True)
    watcher.start()
    try:
        return listener.accept()
    except (OSError, EOFError, AuthenticationError) as error:
        raise LinkClosed("the child did not connect") from error
    finally:
        done.set()
        watcher.join()


def _wake_accept(address: str, process: subprocess.Popen[bytes], done: threading.Event, timeout_s: float) -> None:
    waited = 0.0
    while not done.wait(0.05):
        waited += 0.05
        if process.poll() is None and waited < timeout_s:
            continue
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as waker:
            waker.connect(address)
        return


def _socket_folder() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR")
    root = base if base and os.access(base, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="deskside-", dir=root))  # made with mode 0700
    if len(os.fsencode(folder)) + 2 > _SOCKET_PATH_MAX:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="deskside-", dir="/tmp"))  # a 0700 folder of its own
    return folder


def _child_env(extra: Mapping[str, str]) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if k in _ENV_NAMES or k.startswith(_ENV_PREFIXES)}
    if not getattr(sys, "frozen", False):
        root = str(Path(__file__).resolve().parent.parent)
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, env.get("PYTHONPATH", ""))))
    return _ENV_MEMORY | env | dict(extra)


class ParentLink:
    """The child's end. A lost parent ends the process at once."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._writer = _Writer(conn, lambda: os._exit(0))

    def send(self, message: FromChild) -> None:
        """Queue a message; of Frame messages only the newest waits. Any thread."""
        self._writer.put(encode(message), newest_only=isinstance(message, Frame))

    @property
    def queue_longest(self) -> int:
        """How many messages have waited for the parent at once."""
        return self._writer.longest

    def read_into(self, handle: Callable[[ToChild], None]) -> threading.Thread:
        """Call `handle` for each message in a thread of its own; end the process when the parent is gone or lies."""
        thread = threading.Thread(target=self._read, args=(handle,), name="session-link-reader", daemon=True)
        thread.start()
        return thread

    def flush(self, timeout_s: float) -> None:
        """Send what waits and stop writing."""
        self._writer.close()
        self._writer.join(timeout_s)

    def _read(self, handle: Callable[[ToChild], None]) -> None:
        try:
            while True:
                handle(decode_to_child(self._conn.recv_bytes(MAX_MESSAGE_BYTES)))
        except BaseException:  # noqa: BLE001  # EOF, a lie or a bug: this process has no purpose without its parent
            os._exit(0)


def connect_parent(address: str) -> ParentLink:
    """Read the key from stdin and connect to the parent. Raises OSError, AuthenticationError."""
    arm_parent_death()
    key = sys.stdin.buffer.read(KEY_BYTES)
    sys.stdin.close()
    return ParentLink(Client(address, "AF_UNIX", authkey=key))


def arm_parent_death() -> None:
    """Ask Linux to kill this process when the thread that started it ends; elsewhere the closed pipe does it."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        os._exit(0)
