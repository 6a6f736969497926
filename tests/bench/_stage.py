# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage of the sync benchmarks: sample data made once, real servers on copies of it, real workers on real files."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.config.paths import child_command
from app.domain import link
from app.domain.entities import CUSTOMER, MESSAGE, NOTE, TICKET, Value, customer_scope, team_scope
from app.domain.ids import new_id
from app.services.sample_data import DEFAULT_AS_OF_MS, DEFAULT_SEED, generate
from sync.server.bootstrap import seed_states
from sync.server.bulk import load_rows
from sync.server.parts import build_parts, open_parts
from sync.server.retention import set_archive_days
from sync.server.staff import Staff
from tests.sync.processes import KEY, Window

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "bench-data"
PASSWORD = "correct horse"
_START_S = 60.0
_NICE = 10  # a server is another computer: on this one it must not take the processor from what is measured
_SNAPSHOTS_GOOD_S = 40 * 3600
_DOCUMENTS = 20_000
_DOCUMENT_BYTES = 600


# --- data -----------------------------------------------------------------------------------------------------------


def prepared(size: str) -> Path:
    """Return a server's folder with sample data of a size; made at first use (`large` takes minutes) and kept.

    Like the folder of any server that has run for a few minutes it has a snapshot of each large scope.
    """
    folder = CACHE / f"{size}-{_generator_version()}"
    if not (folder / "ready").exists():
        fresh = _empty(folder)
        command = [*child_command("admin"), "--data", str(fresh), "sample", "--size", size]
        command += ["--seed", str(DEFAULT_SEED), "--as-of", str(DEFAULT_AS_OF_MS), "--password-stdin"]
        subprocess.run(command, input=PASSWORD.encode() + b"\n", check=True, stdout=subprocess.DEVNULL)
        _keep(fresh, folder)
    _keep_snapshots(folder)
    return folder


def _keep_snapshots(folder: Path) -> None:
    """Let a server's folder have what the server builds in its first minutes; offered for two days.

    Nothing goes to the archives: sample data are of a fixed day, and whatever is older than a year would leave the
    scopes while they are measured.
    """
    built = folder / "snapshots-built"
    if built.exists() and time.time() - built.stat().st_mtime < _SNAPSHOTS_GOOD_S:
        return
    store, keys = open_parts(folder, None)
    parts = build_parts(store, keys, data=folder)
    try:
        assert parts.snapshots is not None
        set_archive_days(store, 0)
        store.write(lambda cx: cx.exec_driver_sql("DELETE FROM snapshot"))
        parts.snapshots.refresh()
    finally:
        parts.close()
    built.touch()


def documents() -> Path:
    """Return a server's folder with 20,000 rows of about 600 bytes in one team: a ticket and its texts, in turn."""
    folder = CACHE / f"documents-{_generator_version()}"
    if (folder / "ready").exists():
        return folder
    fresh = _empty(folder)
    store, keys = open_parts(fresh, None)
    try:
        parts = build_parts(store, keys)
        now = parts.clock()
        seed_states(store, now)
        staff = Staff(store, keys, os.urandom, parts.accounts.hash_password)
        staff.create_user(now, "agent1", "김지우", PASSWORD, ["agent"], ["북부"])
        with store.read() as cx:
            team = bytes(cx.exec_driver_sql("SELECT id FROM team").scalar_one())
            state = bytes(cx.exec_driver_sql("SELECT id FROM state WHERE category = 'open'").scalar_one())
        store.write(lambda cx: load_rows(cx, _documents(team, state)))
    finally:
        store.close()
    return _keep(fresh, folder)


def _empty(folder: Path) -> Path:
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700, parents=True)
    return fresh


def _keep(fresh: Path, folder: Path) -> Path:
    for older in folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*"):
        if older != fresh:
            shutil.rmtree(older)
    (fresh / "ready").touch()
    fresh.rename(folder)
    return folder


def _generator_version() -> str:
    """Return a word that changes with what makes the data; the tables' own changes are migrated by the server."""
    digest = hashlib.blake2b(digest_size=6)
    for place in (ROOT / "app" / "services" / "sample_data", ROOT / "resources" / "sample_data"):
        for file in sorted(place.rglob("*")):
            if file.suffix in (".py", ".toml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Row:
    type: int
    id: bytes
    scope_id: str
    values: dict[str, Value]


def _documents(team: bytes, state: bytes) -> Iterator[_Row]:
    """Yield tickets with four texts each, in the words of the sample data."""
    chance = random.Random(DEFAULT_SEED)
    words = [str(row.values["body"]) for row in generate("small") if row.type in (MESSAGE.number, NOTE.number)]
    customer, scope = new_id(), team_scope(team)
    yield _Row(CUSTOMER.number, customer, customer_scope(customer), {"name": "한예린", "language": "ko"})
    ticket, at = b"", DEFAULT_AS_OF_MS
    for number in range(_DOCUMENTS):
        text = _text(chance, words)
        at += 1000
        if number % 5 == 0:
            ticket = new_id()
            yield _Row(TICKET.number, ticket, scope, {
                "number": 10_001 + number // 5, "subject": text[:80], "preview": text[:200], "team": team,
                "state": state, "customer": customer, "created_at": at, "last_at": at,
            })  # fmt: skip
        else:
            yield _Row(NOTE.number, new_id(), scope, {"ticket": ticket, "body": text, "created_at": at})


def _text(chance: random.Random, words: list[str]) -> str:
    text = ""
    while len(text.encode()) < _DOCUMENT_BYTES:
        text += chance.choice(words) + " "
    return text.encode()[:_DOCUMENT_BYTES].decode(errors="ignore")


# --- processes ------------------------------------------------------------------------------------------------------


class Server:
    """The real server as a process, on a copy of a prepared folder."""

    def __init__(self, data: Path, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(data, folder)
        port_file = folder / "port"
        command = [*child_command("server"), "--data", str(folder), "--listen", "127.0.0.1:0"]
        with (folder.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen([*command, "--port-file", str(port_file)], stdout=log, stderr=log)
        os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICE)
        end = time.monotonic() + _START_S
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start: {(folder.parent / 'server.log').read_text()[-500:]}")
            time.sleep(0.01)
        self.url = port_file.read_text().strip()
        self.port = int(self.url.rsplit(":", 1)[1])
        self.pid = self._process.pid

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Seat(Window):
    """One agent's computer: the files, a real worker, and a window that notes when it is told what."""

    def __init__(self, folder: Path) -> None:
        self._told = threading.Condition()
        self.signed_in_at = 0.0
        super().__init__(folder)
        self.worker_pid = self.start_worker()
        self.connect()

    def _take(self, message: link.WorkerToUi) -> None:
        super()._take(message)
        with self._told:
            if isinstance(message, link.SignedIn) and not self.signed_in_at:
                self.signed_in_at = time.perf_counter()
            self._told.notify_all()

    def wait(self, holds: Callable[[], bool], timeout_s: float) -> float:
        """Wait for something that a message of the worker brings; return the time. Raises TimeoutError."""
        with self._told:
            if not self._told.wait_for(holds, timeout_s):
                raise TimeoutError(f"{self.status} {self.messages[-2:]}")
        return time.perf_counter()

    def ask(self, url: str) -> float:
        """Send the sign-in; return when."""
        self.send(link.SignIn(server=url, login="agent1", password=PASSWORD, device_name="bench"))
        return time.perf_counter()

    def live(self) -> bool:
        """Whether the worker says that everything is here."""
        return self.status is not None and self.status.phase == "live" and self.status.last_sync is not None

    def count(self, table: str) -> int:
        """How many rows of an entity the replica shows."""
        with self.profile.readers().read() as tx:
            return int(tx.value(f"SELECT count(*) FROM main.{table}"))  # noqa: S608 - a name of our own schema

    def has(self, table: str, id_: bytes) -> bool:
        """Whether the replica holds a row."""
        with self.profile.readers().read() as tx:
            return tx.value(f"SELECT 1 FROM main.{table} WHERE id = ?", (id_,)) is not None  # noqa: S608  # - a table of ours

    def peak_mb(self) -> float:
        """The worker's largest resident size so far."""
        for line in Path(f"/proc/{self.worker_pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
        return 0.0

    def cpu_s(self) -> float:
        """Processor time of the worker so far."""
        fields = Path(f"/proc/{self.worker_pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def seat(folder: Path) -> Iterator[Seat]:
    """A seat that is closed at the end."""
    made = Seat(folder)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def server(data: Path, folder: Path) -> Iterator[Server]:
    """A server that is stopped, and its copy removed, at the end."""
    made = Server(data, folder)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["CACHE", "KEY", "PASSWORD", "Seat", "Server", "documents", "prepared", "seat", "server"]
