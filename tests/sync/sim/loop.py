# SPDX-License-Identifier: GPL-3.0-or-later
"""An event loop in virtual time: what the product writes with asyncio runs in a world, one turn at a time."""

from __future__ import annotations

import asyncio
from asyncio import base_events
from collections.abc import Callable
from typing import Any

__all__ = ["VirtualLoop"]


class _NoSelector:
    """Nothing ever comes from outside; what a world brings is put into the loop directly."""

    @staticmethod
    def select(_timeout: float | None) -> list[Any]:
        return []


class VirtualLoop(base_events.BaseEventLoop):
    """Work of threads is done at once. `dead` is what killed the process meanwhile."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        super().__init__()
        self._now_ms = now_ms
        self._selector = _NoSelector()
        self.dead: BaseException | None = None
        self.set_exception_handler(lambda _loop, context: self._trouble(context))

    def _trouble(self, context: dict[str, Any]) -> None:
        self.dead = self.dead or context.get("exception")

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now_ms() / 1000

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # no thread
        """Do it now. Whatever kills a process ends the turn: nobody gets an answer."""
        done: asyncio.Future[Any] = self.create_future()
        if self.dead is not None:
            return done
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on to whoever waits
            done.set_exception(error)
        except BaseException as killed:  # noqa: BLE001 - raised again after the turn
            self.dead = killed
            self.stop()
        return done

    def turn(self) -> None:
        """Run until everything waits. Raises what killed the process."""
        while self.dead is None:
            self.stop()
            self.run_forever()
            if not self._ready:  # type: ignore[attr-defined]  # of the base class
                break
        if self.dead is not None:
            raise self.dead

    def due(self) -> float | None:
        """Return when the next timer ends, in seconds."""
        timers = self._scheduled  # type: ignore[attr-defined]  # of the base class
        return min((t.when() for t in timers if not t.cancelled()), default=None)

    def end(self) -> None:
        """Drop what still waits, as the end of a process does: nothing of it goes on."""
        self.dead = self.dead or RuntimeError("ended")
        for task in asyncio.all_tasks(self):
            task.cancel()
        for _ in range(5):
            self.stop()
            self.run_forever()
        self.close()

    def _process_events(self, _events: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
