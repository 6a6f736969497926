# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves attachments beside the rounds of sync: own ones up, wanted ones down, old ones out. No Qt.

One upload and one download at a time. Everything here can be killed at any instant: what is to be done follows from
pending.db, the replica, the folder and what the server says it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from app.config.logs import get_logger
from app.domain import link
from app.domain.attachments import FINAL_CODES, Attachment, BlobState
from app.domain.entities import MESSAGE, NOTE
from app.domain.errors import StoreUnavailable, WorldError, WrongServer
from app.entry.sync_worker_hints import Tell
from app.store.blob_index import BlobIndex, Known, Named, newest_named, still_named
from app.store.blobs import PART, BlobFolder, SealedBlob
from app.store.cipher import Database
from sync.blobs import Parts, download, is_gone, upload
from sync.transport import FROM_PROXY, Answered, Transport

__all__ = ["BlobMover", "Limits", "Line"]

_log = get_logger("worker.blobs")
_AGAIN_MS = 7 * 86_400_000  # the server is asked again whether it still has what a draft names
_PART_S = 7 * 86_400.0
_STRANGE_S = 8 * 86_400.0
_LOOK_S = 2.0
_TIDY_S = 600.0
_PINS_S, _PINS_SOON_S = 20.0, 1.0
_TELL_S = 0.2
_FALSE_TRIES = 3
_SPARE_BYTES = 256 << 20  # what the two databases may need
# answers that a later try may change; everything else of the server's is for good until a person asks again
_PASSING = frozenset({"busy", "token", "suspended", "revoked", "offset", "digest", "quota", "proxy"})
_SAID = frozenset({"quota", "proxy"})  # passing, and yet somebody can do something about it


@dataclass(frozen=True, slots=True)
class Limits:
    """How much room attachments take on this computer, in bytes."""

    kept: int = 1 << 30  # beside own ones that are still to be uploaded
    pinned: int = 512 << 20
    pinned_file: int = 50 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """What the mover asks of the worker. Read on the event loop."""

    transport: Callable[[], Transport | None]  # None while offline, signed out or locked
    epoch: Callable[[], bytes]
    account: Callable[[], bytes]
    settled: Callable[[], bool]  # the replica is complete: what it does not name is not this person's any more


class _Told:
    """A `BlobFile` that says how far it is."""

    def __init__(self, file: SealedBlob, progress: Callable[[int], None]) -> None:
        self.sha256, self.size = file.sha256, file.size
        self._file = file
        self._progress = progress
        self._have = file.have()
        self._first: int | None = None
        self.moved = False  # something of it arrived: the next try goes on from there

    def have(self) -> int:
        return self._file.have()

    def read(self, start: int, size: int) -> bytes:
        self._progress(start)
        self._first = start if self._first is None else self._first
        self.moved = start > self._first
        return self._file.read(start, size)

    def append(self, data: bytes) -> None:
        self._file.append(data)
        self._have += len(data)
        self.moved = True
        self._progress(self._have)

    def forget(self) -> None:
        self._have = 0
        self.moved = False
        self._file.forget()


class BlobMover:
    """Runs on the worker's event loop; the disk is touched in threads."""

    def __init__(
        self, profile: Path, key: bytes, pending: Database, line: Line, tell: Tell, rng: random.Random,
        limits: Limits | None = None, pace: float = 1.0,
    ) -> None:  # fmt: skip
        """`pace` scales every pause. Raises StoreUnavailable."""
        self._pace = pace
        self._profile = profile
        self._key = key
        self._folder = BlobFolder(profile, key)
        self._index = BlobIndex(profile, key)
        self._pending = pending
        self._line = line
        self._tell = tell
        self._rng = rng
        self._limits = limits or Limits()
        self._news = [asyncio.Event(), asyncio.Event()]
        self._later: dict[bytes, tuple[float, int]] = {}  # not before (monotonic), failures in a row
        self._moving: set[asyncio.Task[None]] = set()
        self._parts = Parts()
        self._false: dict[bytes, int] = {}  # how often the content was not what its name says
        self._pins: list[Named] = []
        self._pins_at = self._tidy_at = float("-inf")
        self._was_off = False
        self.has_uploads = False

    # --- life ---------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Move until cancelled."""
        self._news = [asyncio.Event(), asyncio.Event()]
        await asyncio.gather(self._loop(0, self._send_one), self._loop(1, self._fetch_one))

    def stir(self) -> None:
        """Something may have changed: look again."""
        for news in self._news:
            news.set()

    def rows_came(self, types: Collection[int]) -> None:
        """Rows of these types changed: messages and notes may name what is to be here."""
        if not types or {MESSAGE.number, NOTE.number} & {*types}:
            self._pins_at = min(self._pins_at, time.monotonic() - _PINS_S + _PINS_SOON_S)
            asyncio.get_running_loop().call_later(_PINS_SOON_S + _TELL_S, self.stir)

    async def fetch(self, ask: link.FetchBlob) -> None:
        """Note that a person wants an attachment, and fetch it as soon as it can be had."""
        named = Named(Attachment(ask.sha256, "", "", ask.size), ask.type, ask.id)
        with contextlib.suppress(StoreUnavailable):
            await asyncio.to_thread(self._index.ask, named, _now_ms())
        self._later.pop(ask.sha256, None)
        self._false.pop(ask.sha256, None)
        if self._line.transport() is None:
            self._say(ask.sha256, BlobState.ABSENT, 0, ask.size, "offline")
        self.stir()

    async def hold(self) -> None:
        """Stop what is moving now; what follows waits for the line."""
        for task in list(self._moving):
            task.cancel()
        await asyncio.gather(*self._moving, return_exceptions=True)

    def close(self) -> None:
        """Close the file."""
        self._index.close()

    async def _loop(self, place: int, step: Callable[[Transport], Awaitable[bool]]) -> None:
        while True:
            self._news[place].clear()
            transport = self._line.transport()
            if transport is not None and self._was_off:  # the line is back: what failed in passing is tried at once
                self._later = {mark: (0.0, tries) for mark, (_, tries) in self._later.items()}
            self._was_off = transport is None
            moved = False
            try:
                moved = transport is not None and await step(transport)
            except StoreUnavailable as error:
                _log.warning("attachments wait", code=error.code)
            except Exception as error:  # noqa: BLE001 - a bug here must not end the worker's other work
                _log.exception("attachments failed", error=type(error).__name__)
            if not moved:
                with contextlib.suppress(TimeoutError):
                    look_s = self._pace * (_LOOK_S if self._later else 5 * _LOOK_S)
                    await asyncio.wait_for(self._news[place].wait(), look_s)

    # --- up -----------------------------------------------------------------------------------------------------------

    async def _send_one(self, transport: Transport) -> bool:
        waiting = await asyncio.to_thread(self._waiting)
        self.has_uploads = bool(waiting)
        mark = next((m for m in waiting if self._is_due(m)), None)
        if mark is None:
            return False
        size = await asyncio.to_thread(self._folder.size_of, mark)
        if size is None:
            await self._gave_up(mark, 0, "file_damaged")
            return True
        file = _Told(self._folder.whole(mark, size), self._progress(mark, BlobState.SENDING, size))
        epoch = self._line.epoch()
        if await self._move(mark, size, BlobState.WAITING, file, upload(transport, file, self._parts)):
            await asyncio.to_thread(self._index.sent, mark, size, _now_ms(), epoch)
            self._say(mark, BlobState.HERE, size, size)
            _log.info("attachment sent", size=size)
        return True

    def _waiting(self) -> list[bytes]:
        """Return own attachments that the server is not known to have, in the order in which they were taken in."""
        with self._pending.read() as tx:
            own = [row[0] for row in tx.all("SELECT sha256 FROM blob_new ORDER BY rowid")]
        known = self._index.all() if own else {}
        return [mark for mark in own if not self._is_sent(known.get(mark)) and not self._is_hopeless(known.get(mark))]

    def _is_sent(self, known: Known | None) -> bool:
        if known is None or known.sent is None:
            return False
        return known.epoch == self._line.epoch() and known.sent > _now_ms() - _AGAIN_MS

    def _is_hopeless(self, known: Known | None) -> bool:
        return known is not None and known.code in FINAL_CODES

    # --- down ---------------------------------------------------------------------------------------------------------

    async def _fetch_one(self, transport: Transport) -> bool:
        if self._line.settled():
            await self._tidy()
        wanted = await asyncio.to_thread(self._wanted)
        named = next((n for n in wanted if self._is_due(n.attachment.sha256)), None)
        if named is None:
            return False
        mark, size = named.attachment.sha256, named.attachment.size_bytes
        if shutil.disk_usage(self._profile).free < size + _SPARE_BYTES:
            await self._failed(mark, size, BlobState.ABSENT, StoreUnavailable("disk_full"))
            return True
        part = self._folder.part(mark, size)
        file = _Told(part, self._progress(mark, BlobState.FETCHING, size))
        if await self._move(mark, size, BlobState.ABSENT, file, download(transport, file)):
            await asyncio.to_thread(part.finish)
            await asyncio.to_thread(self._index.came, named)
            self._say(mark, BlobState.HERE, size, size)
            _log.info("attachment fetched", size=size)
        return True

    def _wanted(self) -> list[Named]:
        """Return what is to be fetched: what a person asked for first, then what the open tickets name."""
        known = self._index.all()
        asked = sorted((k for k in known.values() if k.asked is not None), key=lambda k: k.asked or 0)
        out = [Named(Attachment(k.sha256, "", "", k.size), k.type or 0, k.row or b"") for k in asked]
        given_up = {mark for mark, k in known.items() if k.asked is None and k.code in FINAL_CODES}
        out += [pin for pin in self._pins if pin.attachment.sha256 not in given_up]
        return [named for named in out if self._folder.size_of(named.attachment.sha256) is None]

    # --- room ---------------------------------------------------------------------------------------------------------

    async def _tidy(self) -> None:
        """Find out what is to be kept, and make room."""
        now = time.monotonic()
        if now - self._pins_at < _PINS_S:
            return
        self._pins_at = now
        named = await asyncio.to_thread(newest_named, self._profile, self._key, self._line.account())
        self._pins = _within(named, self._limits)
        if self._line.settled() and now - self._tidy_at >= _TIDY_S:
            self._tidy_at = now
            for mark, size in await asyncio.to_thread(self.make_room, {n.attachment.sha256 for n in named}):
                self._say(mark, BlobState.ABSENT, 0, size)

    def make_room(self, named: set[bytes]) -> list[tuple[bytes, int]]:
        """Remove what nothing names (any more), then what was not used for long; own unsent files never. Blocks.

        Returns hash and size of what went. Raises StoreUnavailable.
        """
        self._folder.sweep(PART, time.time() - _PART_S)
        with self._pending.read() as tx:
            own = {row[0] for row in tx.all("SELECT sha256 FROM blob_new")}
        known = self._index.all()
        kept = still_named(self._profile, self._key, list(known.values())) | named
        pinned = {pin.attachment.sha256 for pin in self._pins}
        files = sorted(self._folder.listed(), key=lambda file: file[2])
        total = sum(size for mark, size, _ in files if mark not in own)
        removed: list[tuple[bytes, int]] = []
        for mark, size, used in files:
            if mark in own:
                continue
            entry = known.get(mark)
            strange = mark not in kept and ((entry is not None and entry.row) or used < time.time() - _STRANGE_S)
            if strange or (total > self._limits.kept and mark not in pinned):
                self._folder.remove(mark)
                self._index.gone(mark)
                removed.append((mark, size))
                total -= size
        return removed

    # --- one move -----------------------------------------------------------------------------------------------------

    async def _move(self, mark: bytes, size: int, still: BlobState, file: _Told, work: Awaitable[None]) -> bool:
        """Run a transfer; False if it did not come to its end. What the world does ends in a pause or a code."""
        task = asyncio.ensure_future(work)
        self._moving.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():  # we are cancelled ourselves
                task.cancel()
                raise
            if (current := asyncio.current_task()) is not None and current.cancelling():
                raise
            self._pause(mark, None)
            return False
        except (Answered, WorldError, RuntimeError) as error:  # RuntimeError: the transport was closed meanwhile
            if file.moved:  # the line breaks again and again, and yet something came: no reason for longer pauses
                self._later.pop(mark, None)
            if isinstance(error, Answered):
                await self._refused(mark, size, still, error)
            else:
                await self._failed(mark, size, still, error)
            return False
        finally:
            self._moving.discard(task)
        self._later.pop(mark, None)
        self._false.pop(mark, None)
        return True

    async def _refused(self, mark: bytes, size: int, still: BlobState, answered: Answered) -> None:
        code = answered.problem.code
        if code == "too_large" and answered.problem.detail == FROM_PROXY:
            code = "proxy"  # not the server's word: it may be let through tomorrow
        _log.info("attachment refused", code=code, status=answered.status)
        if is_gone(answered) and still is BlobState.ABSENT:
            self._pause(mark, answered.retry_s)  # its sender may still be uploading it, or it is not for this person
            await self._note(mark, size, "not_uploaded")
            self._say(mark, BlobState.ABSENT, 0, size, "not_uploaded")
        elif code in _PASSING or answered.status >= 500 or answered.status in (401, 409, 429):
            self._pause(mark, answered.retry_s)
            if code in _SAID:
                await self._note(mark, size, code)
            self._say(mark, still, 0, size, code if code in _SAID else "")
        elif code == "hash" and not self._is_false_again(mark):
            self._pause(mark, None)  # the server has thrown it away: from the beginning
        else:
            await self._gave_up(
                mark, size, code if code in FINAL_CODES else "file_damaged" if code == "hash" else "error"
            )

    async def _failed(self, mark: bytes, size: int, still: BlobState, error: WorldError | RuntimeError) -> None:
        code = error.code if isinstance(error, WorldError) else "server_unreachable"
        _log.info("attachment interrupted", code=code)
        self._pause(mark, 60.0 if code == "disk_full" else None)
        if code == "disk_full":
            await self._note(mark, size, code)
            self._say(mark, BlobState.FAILED, 0, size, code)
        elif code == "store_damaged" and still is BlobState.WAITING:
            await self._gave_up(mark, size, "file_damaged")
        elif code == "store_damaged":
            await asyncio.to_thread(self._folder.part(mark, size).forget)
        elif _is_false(error) and still is BlobState.ABSENT and self._is_false_again(mark):
            await self._gave_up(mark, size, "file_damaged")  # what comes is not what its name says, again and again
        else:
            self._say(mark, still, 0, size)

    def _is_false_again(self, mark: bytes) -> bool:
        """Count a false content; True when it was false often enough."""
        self._false[mark] = self._false.get(mark, 0) + 1
        return self._false[mark] >= _FALSE_TRIES

    async def _gave_up(self, mark: bytes, size: int, code: str) -> None:
        await self._note(mark, size, code)
        self._pause(mark, 3600.0)
        self._say(mark, BlobState.FAILED, 0, size, code)

    async def _note(self, mark: bytes, size: int, code: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            await asyncio.to_thread(self._index.failed, mark, size, code)

    def _is_due(self, mark: bytes) -> bool:
        return self._later.get(mark, (0.0, 0))[0] <= time.monotonic()

    def _pause(self, mark: bytes, least_s: float | None) -> None:
        """Let an attachment wait, longer each time, with jitter."""
        tries = self._later.get(mark, (0.0, 0))[1] + 1
        pause = self._rng.uniform(0.5, 1.0) * min(2.0 ** min(tries, 9), 300.0)
        self._later[mark] = (time.monotonic() + self._pace * max(pause, least_s or 0.0), tries)

    # --- news ---------------------------------------------------------------------------------------------------------

    def _progress(self, mark: bytes, state: BlobState, size: int) -> Callable[[int], None]:
        """Return what a transfer calls, from a thread, as it gets on."""
        loop, last = asyncio.get_running_loop(), [float("-inf")]

        def told(have: int) -> None:
            now = time.monotonic()
            if now - last[0] >= _TELL_S:
                last[0] = now
                with contextlib.suppress(RuntimeError):  # the worker is about to end
                    loop.call_soon_threadsafe(self._say, mark, state, have, size)

        return told

    def _say(self, mark: bytes, state: BlobState, have: int, size: int, code: str = "") -> None:
        self._tell(link.BlobMoved(sha256=mark, state=state.value, have=have, size=size, code=code))


def _is_false(error: WorldError | RuntimeError) -> bool:
    """Whether content came that is not what its name says; a portal's page in its place is only no answer."""
    return isinstance(error, WrongServer) and error.details.get("detail") == "blob"


def _within(named: list[Named], limits: Limits) -> list[Named]:
    """Return what fits the room for pinned ones, in order, each content once."""
    out: dict[bytes, Named] = {}
    room = limits.pinned
    for each in named:
        size = each.attachment.size_bytes
        if each.attachment.sha256 not in out and size <= min(room, limits.pinned_file):
            out[each.attachment.sha256] = each
            room -= size
    return list(out.values())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
