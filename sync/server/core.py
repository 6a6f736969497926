# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerCore: the sync protocol over a store, without sockets, clocks or threads of its own.

Every method takes the time and the message and blocks on the database; adapters call it from worker threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from sync.protocol import (
    PUSH_MAX_MUTATIONS,
    Hello,
    HelloAnswer,
    Mutation,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    Result,
)
from sync.server.access import load_device
from sync.server.hello import begin_epoch, current_epoch, hello, rolled_back
from sync.server.problems import ProblemError
from sync.server.pull import pull_frames
from sync.server.push import CHUNK, Pushed, apply_chunk, check_dense
from sync.server.store import Store
from sync.server.tokens import Grant

__all__ = ["ServerCore"]


class ServerCore:
    """Hello, push and pull. `rng` returns that many random bytes."""

    def __init__(self, store: Store, rng: Callable[[int], bytes]) -> None:
        self._store = store
        self._rng = rng

    def hello(self, now: int, who: Grant, message: Hello) -> HelloAnswer:
        """Tell what there is for this device. Raises ProblemError, DatabaseBusy."""
        _check_device(who, message.device)
        id_ = self._rng(16)

        def work(connection: sa.Connection) -> HelloAnswer:
            device = load_device(connection, who.device, who.subject, lock=True)
            if rolled_back(connection, device, message):
                begin_epoch(connection, id_, now, "rollback proved by a client")
            return hello(connection, now, device, message)

        return self._store.write(work)

    def push(self, now: int, who: Grant, message: Push) -> PushAnswer:
        """Apply mutations, each once. Raises ProblemError (nothing after the last answered mid is applied)."""
        _check_device(who, message.device)
        if len(message.muts) > PUSH_MAX_MUTATIONS:
            raise ProblemError(413, "too_large")
        check_dense(message.muts)
        with self._store.read() as connection:
            device = load_device(connection, who.device, who.subject)
            if current_epoch(connection).id != message.epoch:
                raise ProblemError(409, "epoch")
        lmid, results, heads = device.lmid, list[Result](), dict[str, int]()
        for start in range(0, len(message.muts), CHUNK):
            for pushed in self._apply(now, who, message.muts[start : start + CHUNK]):
                lmid = pushed.lmid
                results += pushed.results
                heads |= pushed.heads
        return PushAnswer(lmid=lmid, results=results, heads=heads)

    def pull(self, now: int, who: Grant, message: Pull) -> Iterator[PullFrame]:
        """Yield the frames of one snapshot. Raises ProblemError before the first frame. Close it to stop early."""
        _check_device(who, message.device)
        with self._store.read() as connection:
            device = load_device(connection, who.device, who.subject)
            epoch = current_epoch(connection).id
            if epoch != message.epoch:
                raise ProblemError(409, "epoch")
            yield from pull_frames(connection, now, self._rng(16), epoch, device, message)

    def _apply(self, now: int, who: Grant, muts: Sequence[Mutation]) -> Iterator[Pushed]:
        """Apply a chunk at once; if the database refuses a value in it, one by one, and reject only the bad one."""
        try:
            yield self._store.write(lambda cx: apply_chunk(cx, now, who.device, who.subject, muts))
        except sa.exc.SQLAlchemyError:
            if len(muts) > 1:
                for mutation in muts:
                    yield from self._apply(now, who, [mutation])
            else:
                yield self._store.write(lambda cx: apply_chunk(cx, now, who.device, who.subject, muts, reject_all=True))


def _check_device(who: Grant, named: bytes) -> None:
    if who.device != named:
        raise ProblemError(403, "device")
