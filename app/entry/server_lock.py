# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the data folder of an embedded database, so that one server at a time serves it, and none while it is replaced.

What one server tells its clients (news, signalling, limits on tries) no other process would hear of. Administration
goes on beside a server; only a restore does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.errors import StoreUnavailable
from app.store.locks import FileLock

__all__ = ["alone"]


@contextmanager
def alone(data: Path, database: str | None, held: str = "store_in_use") -> Iterator[None]:
    """Hold the folder; with PostgreSQL there is nothing to hold.

    Raises StoreUnavailable: `held` when another one has it, folder_unwritable.
    """
    if database is not None and not database.startswith("sqlite"):
        yield
        return
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(data / "server.lock")
    except OSError as error:
        raise StoreUnavailable("folder_unwritable", path=str(data)) from error
    except StoreUnavailable as error:
        raise StoreUnavailable(held, path=str(data)) from error
    try:
        yield
    finally:
        lock.release()
