# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerCore: the sync protocol over a store, without sockets, clocks or threads of its own.

Every method takes the time and the message and blocks on the database; adapters call it from worker threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from sync.protocol import (
    PUSH_MAX_MUTATIONS,
    Hello,
    HelloAnswer,
    Pull,
    PullFrame,
    Push,
    PushAnswer,
    SnapshotRef,
)
from sync.server.access import load_device, scopes_of
from sync.server.epochs import begin_epoch, clear_marks, current_epoch, marked, rolled_back
from sync.server.hello import hello
from sync.server.problems import ProblemError
from sync.server.pull import pull_frames
from sync.server.push import Job, Pushed, check_dense, check_epoch, job_of
from sync.server.push_runs import run_jobs
from sync.server.snapshots import Snapshots
from sync.server.store import DatabaseBusy, Store
from sync.server.tokens import Grant

__all__ = ["ServerCore"]


class ServerCore:
    """Hello, push and pull. `rng` returns that many random bytes."""

    def __init__(self, store: Store, rng: Callable[[int], bytes], snapshots: Snapshots | None = None) -> None:
        self._store = store
        self._rng = rng
        self._snapshots = snapshots

    def hello(self, now: int, who: Grant, message: Hello) -> HelloAnswer:
        """Tell what there is for this device. Raises ProblemError, DatabaseBusy."""
        _check_device(who, message.device)
        id_ = self._rng(16)

        def work(connection: sa.Connection) -> HelloAnswer:
            device = load_device(connection, who.device, who.subject, lock=True)
            if rolled_back(connection, now, device, message):
                begin_epoch(connection, id_, now, "rollback proved by a client")
            offers = self._snapshots.offers if self._snapshots else _no_offers
            return hello(connection, now, device, message, offers)

        return self._store.write(work)

    def push(self, now: int, who: Grant, message: Push) -> PushAnswer:
        """Apply mutations, each once. Raises ProblemError, DatabaseBusy: what was answered before stays applied."""
        (answer,) = self.push_together(now, [(who, message)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def push_together(
        self, now: int, pushes: Sequence[tuple[Grant, Push]]
    ) -> list[PushAnswer | ProblemError | DatabaseBusy]:
        """Apply what several devices push, in as few transactions as may be; each gets its own answer."""
        answers: list[PushAnswer | ProblemError | DatabaseBusy | None] = []
        jobs: dict[int, Job] = {}
        for n, (who, message) in enumerate(pushes):
            try:
                answers.append(self._told_at_once(who, message))
            except (ProblemError, DatabaseBusy) as error:
                answers.append(error)
            if answers[n] is None:
                jobs[n] = job_of(who.device, who.subject, message.epoch, message.muts)
        for n, told in zip(jobs, run_jobs(self._store, now, list(jobs.values())), strict=True):
            answers[n] = _answered(told)
        return [answer for answer in answers if answer is not None]

    def _told_at_once(self, who: Grant, message: Push) -> PushAnswer | None:
        """Return the answer to a push that brings nothing; None for others. Raises ProblemError, DatabaseBusy."""
        _check_device(who, message.device)
        if len(message.muts) > PUSH_MAX_MUTATIONS:
            raise ProblemError(413, "too_large")
        check_dense(message.muts)
        if message.muts:
            return None
        with self._store.read() as connection:
            lmid = load_device(connection, who.device, who.subject).lmid
            check_epoch(connection, message.epoch)
        return PushAnswer(lmid=lmid, results=[], heads={})

    def pull(self, now: int, who: Grant, message: Pull) -> Iterator[PullFrame]:
        """Yield the frames of one snapshot. Raises ProblemError before the first frame. Close it to stop early."""
        _check_device(who, message.device)
        self.loading(who.device, [scope for scope, cursor in message.scopes.items() if cursor == 0])
        with self._store.read() as connection:
            device = load_device(connection, who.device, who.subject)
            epoch = current_epoch(connection).id
            if epoch != message.epoch:
                raise ProblemError(409, "epoch")
            yield from pull_frames(connection, now, self._rng(16), epoch, device, message)

    def snapshot(self, who: Grant, id_: bytes) -> tuple[Path, SnapshotRef]:
        """Return the file of a snapshot for this device. Raises ProblemError 410 `reset` when it is gone."""
        with self._store.read() as connection:
            device = load_device(connection, who.device, who.subject)
            found = self._snapshots.find(connection, id_) if self._snapshots else None
            if found is None or found[0] not in scopes_of(connection, device.account):
                raise ProblemError(410, "reset")
        assert self._snapshots is not None  # noqa: S101 - narrows the type
        self.loading(who.device, [found[0]])
        return self._snapshots.path(id_), found[1]

    def loading(self, device: bytes, scopes: Sequence[str]) -> None:
        """A device begins to load scopes: what an administrator wanted of it is done."""
        if not scopes:
            return
        with self._store.read() as connection:
            wanted = marked(connection, device).intersection(scopes)
        if wanted:
            self._store.write(lambda cx: clear_marks(cx, device, wanted))


def _no_offers(_connection: sa.Connection, _scopes: Sequence[str]) -> dict[str, SnapshotRef]:
    return {}


def _answered(told: Pushed | ProblemError | DatabaseBusy) -> PushAnswer | ProblemError | DatabaseBusy:
    return PushAnswer(lmid=told.lmid, results=told.results, heads=told.heads) if isinstance(told, Pushed) else told


def _check_device(who: Grant, named: bytes) -> None:
    if who.device != named:
        raise ProblemError(403, "device")
