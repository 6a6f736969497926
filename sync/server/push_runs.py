# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pushes: those that wait at the same time share transactions; what fails together is done again apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from app.config.logs import get_logger
from app.domain.changes import Key
from sync.protocol import Result
from sync.server.problems import ProblemError
from sync.server.push import Job, MoreRootsError, Pushed, apply_jobs
from sync.server.store import DatabaseBusy, Store

__all__ = ["MAX_TOGETHER", "run_jobs"]

MAX_TOGETHER = 400  # mutations a transaction

Answered = Pushed | ProblemError | DatabaseBusy

_log = get_logger("server.push")


def run_jobs(store: Store, now: int, jobs: Sequence[Job]) -> list[Answered]:
    """Apply what devices push, in their order, and answer each; none has more than 200 mutations.

    Where a transaction fails for what is in it, its jobs run apart, then their mutations one by one, and only the one
    at fault is rejected. What the database or the machine cannot do now fails as a whole: it is sent again.
    """
    answers: dict[int, Answered] = {}
    for group in _grouped(jobs):
        told = _run(store, now, [jobs[n] for n in group])
        answers.update(zip(group, told, strict=True))
    return [answers[n] for n in range(len(jobs))]


def _grouped(jobs: Sequence[Job]) -> Iterator[list[int]]:
    """Cut the jobs into transactions; a device is in each only once, and keeps its order."""
    group: list[int] = []
    devices: set[bytes] = set()
    size = 0
    for n, job in enumerate(jobs):
        if group and (job.device in devices or size + len(job.muts) > MAX_TOGETHER):
            yield group
            group, devices, size = [], set(), 0
        group.append(n)
        devices.add(job.device)
        size += len(job.muts)
    if group:
        yield group


def _run(store: Store, now: int, jobs: Sequence[Job], known: frozenset[Key] = frozenset()) -> list[Answered]:
    try:
        return [*store.write(lambda cx: apply_jobs(cx, now, jobs, known=known))]
    except MoreRootsError as more:
        return _run(store, now, jobs, more.roots)
    except DatabaseBusy as error:
        return [error] * len(jobs)
    except (OSError, MemoryError) as error:
        return [DatabaseBusy(type(error).__name__)] * len(jobs)
    except Exception as error:  # noqa: BLE001 - a bug in one change must not stop the device for ever
        muts = sum(len(job.muts) for job in jobs)
        _log.exception("push failed", devices=len(jobs), mutations=muts, error=type(error).__name__)
    if len(jobs) > 1:
        return [answer for job in jobs for answer in _run(store, now, [job])]
    (job,) = jobs
    if len(job.muts) > 1:
        return [_joined(_run(store, now, [job.one(n)])[0] for n in range(len(job.muts)))]
    return _reject(store, now, job)


def _reject(store: Store, now: int, job: Job) -> list[Answered]:
    """The database itself refuses this mutation."""

    def work(connection: sa.Connection) -> list[Pushed | ProblemError]:
        return apply_jobs(connection, now, [job], reject_all=True)

    try:
        return [*store.write(work)]
    except DatabaseBusy as error:
        return [error]


def _joined(answers: Iterable[Answered]) -> Answered:
    """Put the answers to the mutations of one push together; the first that is none ends it."""
    lmid, results, heads = 0, list[Result](), dict[str, int]()
    for answer in answers:
        if not isinstance(answer, Pushed):
            return answer
        lmid = answer.lmid
        results += answer.results
        heads |= answer.heads
    return Pushed(lmid, results, heads)
