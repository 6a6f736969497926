# SPDX-License-Identifier: GPL-3.0-or-later
"""Work off the GUI thread, answers back on it: reads on a few threads, writes on one, in order.

Answers that come together are handed over one in each turn of the event loop, so that input and painting lie between.

Fulfils `widgets.foundation.jobs.Jobs`. Every exception of the work comes back too; none is lost in a thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

__all__ = ["QtJobs"]

_T = TypeVar("_T")
Failed = Callable[[Exception], object]


class QtJobs(QObject):
    """Queries and changes of one window's process. Create and call on the GUI thread."""

    _back = Signal(object)

    def __init__(self, report: Failed, parent: QObject | None = None, *, readers: int = 3) -> None:
        """`report` gets, on the GUI thread, failures that their caller did not ask for."""
        super().__init__(parent)
        self._report = report
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="query")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="change")
        self._lock = threading.Lock()
        self._newest: dict[str, int] = {}
        self._count = 0
        self._closed = self._retired = False
        self._answers: deque[Callable[[], object]] = deque()
        self._turn = QTimer(self, interval=0)
        self._turn.timeout.connect(self._hand_over)
        self._back.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def query(
        self, read: Callable[[], _T], /, then: Callable[[_T], object], error: Failed | None = None, key: str = ""
    ) -> None:
        """Read in the background. A newer query with the same key supersedes an older one, whose answer is dropped."""
        if self._closed or self._retired:
            return
        number = self._take(key)

        def is_wanted() -> bool:
            return not key or self._newest.get(key) == number

        def work() -> None:
            if is_wanted():
                self._deliver(read, lambda value: then(value) if is_wanted() else None, error)

        self._readers.submit(work)

    def change(
        self, write: Callable[[], _T], /, then: Callable[[_T], object] | None = None, error: Failed | None = None
    ) -> None:
        """Write in the background; writes run one after the other, in the order of the calls, and none is dropped."""
        if self._retired:
            return
        if self._closed:
            self._report(RuntimeError("a change after the end"))
            return
        self._writer.submit(lambda: self._deliver(write, then or (lambda _: None), error))

    def retire(self) -> None:
        """Take no more work, for there is nothing left to work on; what was asked for is still done and answered."""
        self._retired = True

    def close(self) -> None:
        """Finish the writes asked for, drop the reads. Blocks; answers are no longer delivered. Idempotent."""
        self._closed = True
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writer.shutdown(wait=True)

    def _take(self, key: str) -> int:
        with self._lock:
            self._count += 1
            if key:
                self._newest[key] = self._count
            return self._count

    def _deliver(self, work: Callable[[], _T], then: Callable[[_T], object], error: Failed | None) -> None:
        answer: Callable[[], Any]
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - carried to the GUI thread, where it is told or reported
            problem, told = raised, error or self._report
            answer = lambda: told(problem)  # noqa: E731 - the other branch is one too
        else:
            answer = lambda: then(value)  # noqa: E731 - one line, one use
        if not self._closed:
            self._back.emit(answer)

    def _run(self, answer: Callable[[], object]) -> None:
        if self._turn.isActive():
            self._answers.append(answer)
            return
        self._turn.start()  # first: an answer may raise
        if not self._closed:
            answer()

    def _hand_over(self) -> None:
        if not self._answers:
            self._turn.stop()
        else:
            answer = self._answers.popleft()
            if not self._closed:
                answer()
