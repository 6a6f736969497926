# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's profile folder as the window's process holds it: both files, queries, commits, and what keeps them true.

Methods block on the local disk; the GUI thread uses them through app.desktop.jobs. Opening takes ui.lock.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.changes_reading import READ_MARK_NAME
from app.domain.errors import StoreUnavailable
from app.domain.ports import Identity
from app.store.blob_desk import BlobStore
from app.store.blobs import remove_copies
from app.store.callbacks import StoreCalls
from app.store.cipher import Database, Session, file_uri, key_literal, open_raw, translate
from app.store.customers import StoreCustomers
from app.store.deeds import StoreDeeds
from app.store.knowledge import StoreKnowledge
from app.store.locks import FileLock
from app.store.needs_you import NeedsYouFile
from app.store.notice_log import NoticeLog
from app.store.own_work import OwnHistory
from app.store.pending import PendingStore, Tools
from app.store.pending_copy import CopyAside
from app.store.pending_file import Opened, open_writer, pending_path, prepare
from app.store.queries import StoreQueries
from app.store.rebuild import Rebuilder
from app.store.replica_file import replica_path
from app.store.replica_sound import doubt
from app.store.schema import fingerprint, replica_ddl
from app.store.shown import Shown
from app.store.tray_kept import TrayRecord

__all__ = ["Profile", "SyncNumbers"]


@dataclass(frozen=True, slots=True)
class SyncNumbers:
    """What the status strip counts: unconfirmed changes and the time of the oldest, entries of the Needs-you tray."""

    waiting: int = 0
    waiting_since: int | None = None
    needs_you: int = 0


class _Readers(Database):
    """The readers of both files. A damaged page of the replica that they come upon is found again by the worker."""

    def __init__(self, connect: Callable[[], Any], folder: Path) -> None:
        super().__init__(connect, keep=4)
        self._folder = folder

    @contextmanager
    def plain(self) -> Iterator[Session]:
        """As the base has it."""
        try:
            with super().plain() as session:
                yield session
        except StoreUnavailable as error:
            if error.code == "store_damaged":
                doubt(self._folder)
            raise


class Profile:
    """An open profile. `queries` and `commits` fulfil the ports of app.domain.ports."""

    def __init__(self, folder: Path, key: bytes, tools: Tools) -> None:
        """Open a profile folder, creating what is missing.

        Raises StoreUnavailable: store_in_use, store_wrong_key, store_too_new, store_damaged, disk_full.
        """
        self._folder = folder
        self._key = key
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(folder / "ui.lock")
        try:
            self.opened: Opened = prepare(folder, key)
            self._writer = open_writer(folder, key)
            self._copy = CopyAside(folder, key, self._writer, copied=self.opened.found != "restored")
            self._readers_lock = threading.Lock()
            self._readers, self._replica_id = self._open_readers(), self._replica_inode()
            self.commits = PendingStore(self._writer, self.readers, tools)
        except BaseException:
            self._lock.release()
            raise
        self._rebuilder = Rebuilder(self.commits, self._writer, self.readers, tools)
        self._tray = TrayRecord(self.commits.lock, self._writer, self.readers)
        self.own_work = OwnHistory(self.readers, lambda: self.commits.identity, tools.now_ms)
        self.calls = StoreCalls(self.readers, lambda ids: self.queries.rows(ids), tools.now_ms)
        self.notices = NoticeLog(
            self.commits.lock, self._writer, self.readers, lambda: self.commits.identity, tools.now_ms
        )
        self.needs_you = NeedsYouFile(
            self.readers, self._writer, self.commits, tools.codec, lambda: self.commits.identity, tools.now_ms
        )
        self.blobs = BlobStore(folder, key, self._writer, self.commits.lock, tools.now_ms)
        self.blobs.tidy()
        self.queries = StoreQueries(self.readers, lambda: self.commits.identity, tools.now_ms)
        self.customers = StoreCustomers(self.readers, lambda: self.commits.identity)
        self.knowledge = StoreKnowledge(self.readers)
        self.deeds = StoreDeeds(
            self.readers, lambda: self.commits.identity, tools.now_ms, lambda: self.commits.provisional()
        )
        self._seen_version: tuple[int, int] = (-1, -1)

    @property
    def folder(self) -> Path:
        """Where the profile lies."""
        return self._folder

    @property
    def key(self) -> bytes:
        """The database key; for the worker's standard input, nothing else."""
        return self._key

    @property
    def identity(self) -> Identity | None:
        """Who is signed in, or None before the first sign-in."""
        return self.commits.identity

    def socket_token(self) -> bytes:
        """The secret by which window and worker know each other."""
        with self._writer.read() as tx:
            token: bytes = tx.value("SELECT v FROM meta WHERE k = 'socket_token'")
            return token

    # --- readers ------------------------------------------------------------------------------------------------------

    def readers(self) -> Database:
        """The pool that reads both files. A replica that came, went or was set aside is noticed here."""
        with self._readers_lock:
            inode = self._replica_inode()
            if inode != self._replica_id:
                self._readers.close()
                self._readers, self._replica_id = self._open_readers(), inode
            return self._readers

    def reopen(self) -> None:
        """Close the readers; the next query opens the files as they are then."""
        with self._readers_lock:
            self._replica_id = None
            self._readers.close()
            self._readers = self._open_readers()
            self._replica_id = self._replica_inode()

    def _replica_inode(self) -> int | None:
        try:
            return os.stat(replica_path(self._folder)).st_ino  # noqa: PTH116 - one call, each query makes it
        except OSError:
            return None

    def _open_readers(self) -> Database:
        return _Readers(self._connect, self._folder)

    def _connect(self) -> Any:
        raw = self._connect_replica()
        attach = f"ATTACH DATABASE ? AS pending KEY {key_literal(self._key)}"
        raw.execute(attach, (file_uri(pending_path(self._folder), "rw"),))
        raw.execute("PRAGMA pending.cache_size=-8192")
        raw.execute("PRAGMA query_only=ON")
        return raw

    def _connect_replica(self) -> Any:
        """Open the replica, or an empty one in memory while there is none that this program can read."""
        path = replica_path(self._folder)
        if path.exists():
            try:
                raw = open_raw(file_uri(path, "rw"), self._key, cache_kib=20_480)
                if raw.execute("SELECT v FROM meta WHERE k = 'schema'").fetchone()[0] == fingerprint():
                    return raw
                raw.close()
            except Exception as error:
                # a missing file, a damaged one: the worker sets it aside and loads it again
                if translate(error) is None:
                    raise
        raw = open_raw("file::memory:", None)
        for statement in replica_ddl():
            raw.execute(statement)
        return raw

    # --- what keeps the view true -------------------------------------------------------------------------------------

    def numbers(self) -> SyncNumbers:
        """Count what waits. Raises StoreUnavailable."""
        with self.readers().read() as tx:
            shown = Shown(tx)
            waiting, since = tx.one(
                f"SELECT count(*), min(k.created) FROM pending.outbox k WHERE {shown.active()} "
                f"AND k.name <> '{READ_MARK_NAME}'"
            ) or (0, None)
            needs = self.needs_you.count(shown)
        return SyncNumbers(waiting, since, needs)

    def poll(self) -> bool:
        """Whether the worker wrote anything since the last call; the fallback when its message got lost."""
        with self.readers().read() as tx:
            now = (self._replica_id or 0, Shown(tx).checkpoint_no)
        changed, self._seen_version = now != self._seen_version, now
        return changed

    def after_checkpoint(self) -> bool:
        """Make images of pending changes anew where their base changed, and prune. On the writer thread."""
        self.poll()
        self._tray.run()
        return self._rebuilder.run()

    def copy_aside(self) -> bool:
        """Keep a copy of what people typed if it changed since the last one; tells whether. In the background."""
        return self._copy.run(self.commits.lock)

    def renumber(self, device: bytes, device_code: str, keep_above: int) -> bool:
        """Take a new device id, as the worker says (`Renumber`). On the writer thread. False if that is done already.

        Raises StoreUnavailable.
        """
        self._tray.run()
        done = self.commits.renumber(device, device_code, keep_above)
        if done:
            self._rebuilder.start_over()
            self._rebuilder.run()
        return done

    def close(self) -> None:
        """Close both files and let go of the lock. Idempotent."""
        self._copy.close()
        self.blobs.close()
        self._readers.close()
        self._writer.close()
        self._lock.release()


def wipe(folder: Path) -> None:
    """Remove a profile's files; the key goes elsewhere. Raises StoreUnavailable("store_in_use")."""
    lock = FileLock(folder / "ui.lock")
    try:
        remove_copies(folder)
        for path in folder.iterdir():
            if path.name == "blobs":
                shutil.rmtree(path, ignore_errors=True)
            elif path.is_file() and path.name != "ui.lock":
                path.unlink(missing_ok=True)
    finally:
        lock.release()
