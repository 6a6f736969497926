# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments in a world: the real mover of each worker on its real folder, the server's real blobs, bad lines.

Files are a few hundred bytes, and so are the parts in which they are sent, the blocks in which they are sealed and
the room that a computer has for them.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import app.entry.sync_worker_blobs as mover_module
import app.store.blob_desk
import app.store.blobs
import sync.blobs
from app.domain import link
from app.domain.attachments import Attachment, BlobState, load_attachments
from app.store.blobs import BlobFolder
from sync.server.blobs import Blobs
from sync.server.sealed_blobs import BlobSeal
from tests.sync.sim.env import KEY, Person
from tests.sync.sim.files_line import FilesLine, Mover
from tests.sync.sim.model_base import MESSAGE, NOTE, Image
from tests.sync.sim.oracle import Violation

if TYPE_CHECKING:
    from tests.sync.sim.client import Window
    from tests.sync.sim.computer import Client
    from tests.sync.sim.world import World

_SHARE = 0.25  # of the worlds have attachments
LIMITS = mover_module.Limits(kept=3_000, pinned=2_000, pinned_file=900)


class _Time:
    """What the mover takes for the clocks of its computer."""

    def __init__(self, world: World) -> None:
        self._world = world

    def monotonic(self) -> float:
        return self._world.now / 1000

    time = monotonic

    def time_ns(self) -> int:
        return self._world.now * 1_000_000


class _Log:
    """A bug that the mover survives is one all the same."""

    error: BaseException | None = None  # what it survived

    def info(self, *_: object, **__: object) -> None:
        pass

    warning = info

    def exception(self, *_: object, **__: object) -> None:
        self.error = sys.exc_info()[1]


_KEY = bytes(32)  # of the server's files


class Attachments:
    """One world's attachments; in most worlds nobody has any."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rng = random.Random(f"attachments {world.seed}")
        self.used = self.rng.random() < _SHARE
        self.folder = world.env.folder / "blobs"
        self.contents: dict[bytes, bytes] = {}
        self.given: dict[tuple[bytes, bytes], set[str]] = {}  # (account, hash) -> the texts they were attached to
        self.came: set[tuple[str, bytes]] = set()  # (login, hash) that was fetched and right
        self._asked: set[tuple[str, bytes]] = set()
        self._kept: set[str] | None = None  # file names of the time of the server's copy
        self.line = FilesLine(world, self)
        self.log = _Log()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.server = Blobs(world.env.store, self.folder, lambda: world.now, _KEY)

    @contextmanager
    def small(self) -> Iterator[None]:
        """Let parts, blocks and small files be a few hundred bytes while the block runs."""
        if not self.used:
            yield
            return
        with ExitStack() as stack:
            for owner, name, value in (
                (sync.blobs, "PART_BYTES", 300), (sync.blobs, "SMALL_BYTES", 200),
                (app.store.blobs, "BLOCK_BYTES", 256), (app.store.blobs, "_SEALED_BYTES", 256 + 28),
                (mover_module, "time", _Time(self._world)), (mover_module, "_log", self.log),
                (app.store.blob_desk, "time", _Time(self._world)),
                (mover_module, "_SPARE_BYTES", 0), (BlobFolder, "listed", self._listed(BlobFolder.listed)),
            ):  # fmt: skip
                stack.enter_context(patch.object(owner, name, value))
            yield

    def _listed(self, listed: Any) -> Any:
        """Files have no time of the real computer: what was used last goes by its name."""
        now = self._world
        return lambda folder: sorted((mark, size, now.now / 1000) for mark, size, _ in listed(folder))

    # --- people -------------------------------------------------------------------------------------------------------

    def attach(self, window: Window, person: Person, token: str) -> tuple[Attachment, ...]:
        """Take a file or two in, for what a person is about to save."""
        if not self.used or self.rng.random() < 0.4:
            return ()
        out = []
        for number in range(self.rng.choice((1, 1, 2))):
            # now and then what others send too
            name = f"shared {self.rng.randrange(3)}" if self.rng.random() < 0.3 else f"{token} {number}"
            content = (name.encode() * 100)[: random.Random(name).randint(20, 1_400)]
            self.contents[hashlib.sha256(content).digest()] = content
            made = window.profile.blobs.add_content(content, f"{number}.txt", "text/plain")
            self.given.setdefault((person.account, made.sha256), set()).add(token)
            out.append(made)
        return tuple({a.sha256: a for a in out}.values())

    def saved(self, window: Window, person: Person, attached: tuple[Attachment, ...]) -> None:
        """I17: what a person attached is here; the worker hears of it, mostly."""
        if not attached:
            return
        states = window.profile.blobs.statuses(attached)
        here = (BlobState.WAITING, BlobState.HERE)
        lost = [a.sha256.hex()[:8] for a in attached if states[a.sha256].state not in here]
        if lost:
            raise Violation("I17", f"{person.login}: {lost} was attached a moment ago and is not here")
        client = next(c for c in self._world.clients if c.person.login == person.login)
        if client.mover is not None and self.rng.random() < 0.7:
            client.mover.soon(client.mover.mover.stir)

    def click(self, client: Client) -> None:
        """A person asks for a file of a message."""
        rows = self._named(client)
        if client.mover is None or not rows:
            return
        client.mover.fetch(*self.rng.choice(rows))

    def _named(self, client: Client) -> list[tuple[Attachment, int, bytes]]:
        """Return what the rows of this computer name."""
        assert client.worker is not None
        out = []
        with client.worker.replica._file.read() as tx:
            for type_, name in ((MESSAGE, "message"), (NOTE, "note")):
                sql = f"SELECT id, attachments FROM {name} WHERE deleted = 0 AND attachments IS NOT NULL ORDER BY id"  # noqa: S608  # - two names of ours
                out += [(a, type_, id_) for id_, raw in tx.all(sql) for a in load_attachments(raw)]
        return out

    # --- processes ----------------------------------------------------------------------------------------------------

    def open(self, client: Client) -> None:
        """Start the mover of a worker."""
        if self.used and client.worker is not None and client.mover is None:
            client.mover = Mover(self._world, client, LIMITS)

    @staticmethod
    def close(client: Client) -> None:
        """End it with its worker."""
        mover, client.mover = client.mover, None
        if mover is not None:
            mover.close()

    def rows_came(self, client: Client) -> None:
        """The worker applied a checkpoint."""
        if client.mover is not None:
            mover = client.mover.mover
            client.mover.soon(lambda: mover.rows_came(()))
            if self.rng.random() < 0.3:
                self.click(client)

    def told(self, client: Client, message: link.BlobMoved) -> None:
        """I17: what a computer says is here is the whole file, and the right one."""
        if message.state != BlobState.HERE.value:
            return
        folder = BlobFolder(self._world.folder / client.person.login, KEY)
        content = folder.whole(message.sha256, message.size).read(0, message.size)
        if content != self.contents[message.sha256]:
            raise Violation("I17", f"{client.person.login}: {message.sha256.hex()[:8]} is not what was attached")
        self.came.add((client.person.login, message.sha256))

    # --- trouble ------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let the first trouble with files come."""
        if self.used:
            self._world.aside(self.rng.expovariate(1 / 8_000), self._strike)

    def _strike(self) -> None:
        """The server's computer loses what it had not written down yet of a file that is half sent."""
        world = self._world
        if world.healed:
            return
        parts = sorted((self.folder / "parts").glob("*.part"))
        if parts:
            part = self.rng.choice(parts)
            left = self.rng.randint(0, part.stat().st_size)
            with part.open("r+b") as file:
                file.truncate(left)
            world.note("server", "has only", left, "of", part.name[:8])
        world.aside(self.rng.expovariate(1 / 8_000), self._strike)

    def backed_up(self) -> None:
        """The copy of the server has the files of this moment."""
        self._kept = {path.name for path in self.folder.glob("??/*")}

    def restored(self) -> None:
        """The server goes on from its copy, sometimes on another computer: then files that came later are gone."""
        kept, self._kept = self._kept or set(), None
        if self.used and self.rng.random() < 0.5:
            for path in self.folder.glob("??/*"):
                if path.parent.name != "lo" and path.name not in kept:
                    path.unlink()
            shutil.rmtree(self.folder / "parts", ignore_errors=True)

    # --- the end ------------------------------------------------------------------------------------------------------

    def lack(self) -> str:
        """What still is to be sent or fetched when everything else is quiet."""
        if not self.used:
            return ""
        for row in self._rows():
            for mark in self._marks(row):
                if not self._is_whole(mark):
                    return f"content of {mark.hex()[:8]}"
        for client in self._world.clients:
            for attachment, type_, id_ in self._named(client):
                key = client.person.login, attachment.sha256
                named = self._world.oracle.past.rows.get((type_, id_))
                if key in self.came or named is None or attachment.sha256 not in self._marks(named):
                    continue
                if self._is_here(client, attachment):
                    continue
                if key not in self._asked and client.mover is not None:
                    self._asked.add(key)
                    client.mover.fetch(attachment, type_, id_)
                return f"{attachment.sha256.hex()[:8]} on the computer of {client.person.login}"
        return ""

    def _is_here(self, client: Client, attachment: Attachment) -> bool:
        folder = BlobFolder(self._world.folder / client.person.login, KEY)
        return folder.size_of(attachment.sha256) == attachment.size_bytes

    def _rows(self) -> list[Image]:
        rows = self._world.oracle.past.rows.items()
        return [row for (type_, _), row in rows if type_ in (MESSAGE, NOTE) and not row.deleted]

    def _marks(self, row: Image) -> list[bytes]:
        """Return what a row names and what must come: not what went with the files of its author's computer."""
        raw, author = row.values.get("attachments"), row.values.get("created_by")
        here = {c.person.account for c in self._world.clients}
        marks = [bytes.fromhex(a["sha256"]) for a in json.loads(raw)] if raw else []
        lost = self._world.lost
        return [m for m in marks if author in here and not self.given.get((author, m), set()) & lost]

    def _is_whole(self, mark: bytes) -> bool:
        path = self.server.path(mark)
        if not path.exists():
            return False
        with BlobSeal(_KEY).open(path) as content:
            if hashlib.sha256(content.read()).digest() != mark:
                return False
        with self._world.env.store.read() as cx:
            sql = "SELECT state FROM blob WHERE sha256 = ?"
            return bool(cx.exec_driver_sql(sql, (mark,)).scalar() == "complete")
