# SPDX-License-Identifier: GPL-3.0-or-later
"""The person's part in the demo: reads orders from standard input and presses the real buttons of this process.

It lives only in the demo's own client processes. Steps run on the GUI thread and never block it: a step is a generator
that yields a condition to wait for.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.entry.demo_part import WHERE

Wait = Callable[[], bool]
Steps = Generator[Wait, None, dict[str, Any]]
Step = Callable[..., Steps]


_LONG_MS = 25.0
_WORST = 8


class Heartbeat(QObject):
    """A 5 ms timer on the GUI thread that remembers how far its ticks lie apart."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._gaps: list[float] = []
        self._last = 0.0
        self._worst: list[tuple[float, str]] = []
        self.doing = ""
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._beat)

    def start(self) -> None:
        """Begin to measure, anew."""
        self._gaps.clear()
        self._worst.clear()
        self._last = time.perf_counter()
        self._timer.start()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave out what the demo itself does here: taking a picture of a window is no work of the client."""
        self._beat()
        yield
        self._last = time.perf_counter()

    def _beat(self) -> None:
        now = time.perf_counter()
        gap = (now - self._last) * 1000
        self._gaps.append(gap)
        self._last = now
        if gap > _LONG_MS:
            self._worst = sorted([*self._worst, (gap, self.doing)], reverse=True)[:_WORST]

    def result(self) -> dict[str, Any]:
        """Median, p99 and longest gap in ms, how many, and during which orders the longest came."""
        gaps = sorted(self._gaps) or [0.0]
        return {
            "p50": round(gaps[len(gaps) // 2], 2),
            "p99": round(gaps[min(len(gaps) - 1, int(len(gaps) * 0.99))], 2),
            "max": round(gaps[-1], 2),
            "beats": len(gaps),
            "worst": [{"ms": round(gap, 1), "during": doing} for gap, doing in self._worst],
        }


class Driver(QObject):
    """Carries out orders one after the other. `quit` is called when standard input ends."""

    _line_read = Signal(str)
    _input_ended = Signal()

    def __init__(
        self, steps: Mapping[str, Step], leave: Callable[[], None], parent: QObject, beat: Heartbeat | None = None
    ) -> None:
        super().__init__(parent)
        self._beat = beat
        self._steps = steps
        self._running: Steps | None = None
        self._until: Wait | None = None
        self._what = ""
        self._poll = QTimer(self)
        self._poll.setInterval(4)
        self._poll.timeout.connect(self._advance)
        self._line_read.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._input_ended.connect(leave, Qt.ConnectionType.QueuedConnection)
        threading.Thread(target=self._read, name="demo-orders", daemon=True).start()

    def _read(self) -> None:
        for line in sys.stdin:
            self._line_read.emit(line)
        self._input_ended.emit()

    def _take(self, line: str) -> None:
        order = json.loads(line)
        if order["do"] == WHERE:
            self._tell_where()
            return
        self._what = order.pop("do")
        if self._beat is not None:
            self._beat.doing = self._what
        step = self._steps.get(self._what)
        if step is None:
            self._say({"error": f"unknown order {self._what}"})
            return
        self._running = step(**order)
        self._until = None
        self._poll.start()
        self._advance()

    def _advance(self) -> None:
        if self._running is None or (self._until is not None and not self._until()):
            return
        try:
            self._until = next(self._running)
        except StopIteration as end:
            self._finish({"done": self._what, **(end.value or {})})
        except Exception as error:  # noqa: BLE001  # whatever went wrong is the answer to the order
            self._finish({"error": f"{type(error).__name__}: {error}"})

    def _tell_where(self) -> None:
        """Give up the order that runs, and answer with the line of it that waits in vain."""
        frame = getattr(self._running, "gi_frame", None)  # None: nothing runs
        if frame is not None:
            code, file = frame.f_code, Path(frame.f_code.co_filename).name
            self._finish({"error": f"waits in {code.co_qualname}, line {frame.f_lineno} of {file}"})

    def _finish(self, answer: dict[str, Any]) -> None:
        self._running = None
        self._poll.stop()
        self._say(answer)

    def _say(self, answer: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def pause(seconds: float) -> Wait:
    """Return a condition that holds after some time: a person looks at the picture for a while."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def save_picture(widget: QWidget, path: Path) -> None:
    """Save what a window shows; encoding runs in a thread, so that the window does not wait."""
    picture = widget.grab().toImage()
    threading.Thread(target=lambda: picture.save(str(path)), name="save-picture").start()
