# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that are put back: of a desk's server, which begins a new epoch then, and of one client's files."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

from app.domain.ids import new_id
from sync.server.epochs import begin_epoch
from tests.sync.desk import Client, Desk


def back_up(folder: Path, backup: Path) -> None:
    """Copy the server's file aside."""
    with contextlib.closing(sqlite3.connect(folder / "server.db")) as raw:
        raw.execute("VACUUM INTO ?", (str(backup),))


def restore(desk: Desk, backup: Path) -> None:
    """Put every row of a backup in the place of what is there, and begin a new epoch."""
    with contextlib.closing(sqlite3.connect(backup.with_name("server") / "server.db", isolation_level=None)) as raw:
        raw.execute("ATTACH DATABASE ? AS old", (str(backup),))
        raw.execute("BEGIN IMMEDIATE")
        for (name,) in raw.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            if not name.startswith("sqlite_"):
                raw.execute(f"DELETE FROM main.{name}")  # noqa: S608 - names of our own tables
                raw.execute(f"INSERT INTO main.{name} SELECT * FROM old.{name}")  # noqa: S608 - as above
        raw.execute("COMMIT")
    desk.store.write(lambda cx: begin_epoch(cx, new_id(), desk.clock(), "restored"))


def copy_files(client: Client, aside: Path) -> None:
    """Copy both files of a client aside, as a backup of the computer does."""
    client.close()
    shutil.copytree(client.folder, aside)
    _open(client)


def put_files_back(client: Client, aside: Path) -> None:
    """Put both files back as they were."""
    client.close()
    shutil.rmtree(client.folder)
    shutil.copytree(aside, client.folder)
    _open(client)


def _open(client: Client) -> None:
    client.restart_window()
    client.open_worker()
