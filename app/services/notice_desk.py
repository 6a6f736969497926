# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes what waits, shows it by the rules of app.domain.notices, and settles what was told or seen; no Qt, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from app.domain.ids import TicketId
from app.domain.notices import LastNotice, Moment, Notice, NoticeEvent, plan

__all__ = ["NoticeDesk", "Teller"]


class Teller(Protocol):
    """A way to show a notice. `done` is called once: whether it is shown; False leaves it to the next way."""

    def __call__(self, notice: Notice, done: Callable[[bool], object]) -> None: ...


class NoticeDesk:
    """One thread. An event is told when a teller has it, and only then settled: what falls between is told again.

    Nothing is told twice while the program runs, whatever is asked twice or comes in another order.
    """

    def __init__(
        self,
        tellers: Sequence[Teller],
        moment: Callable[[], Moment],
        settle: Callable[[Sequence[NoticeEvent]], object],
        seen: Callable[[Sequence[NoticeEvent]], object] = lambda _events: None,
    ) -> None:
        """`tellers` are asked in order; `settle` keeps events for good and may take its time.

        `seen` hears, once, of what happened to the ticket that is in front.
        """
        self._seen = seen
        self._tellers, self._moment, self._settle = tellers, moment, settle
        self._last: dict[TicketId, LastNotice] = {}
        self._over: set[bytes] = set()  # told, seen, or on the way to the person

    def take(self, waiting: Iterable[NoticeEvent]) -> bool:
        """Show what is due of the events that wait; tell whether something goes on waiting."""
        moment = self._moment()
        made = plan((e for e in waiting if e.id not in self._over), self._last, moment)
        if made.seen:
            self._over.update(event.id for event in made.seen)
            self._settle(made.seen)
            self._seen(made.seen)
        for notice in made.notices:
            self._over.update(event.id for event in notice.fresh)
            self._tell(notice, moment.now_ms, 0)
        return made.waits

    def pass_over(self, events: Sequence[NoticeEvent]) -> None:
        """Settle events without telling them: their person wants no notices."""
        fresh = [event for event in events if event.id not in self._over]
        if fresh:
            self._over.update(event.id for event in fresh)
            self._settle(fresh)

    def _tell(self, notice: Notice, now_ms: int, way: int) -> None:
        if way == len(self._tellers):
            self._over.difference_update(event.id for event in notice.fresh)  # nobody could show it: it waits
            self._last.pop(notice.ticket, None)
            return
        before = self._last.get(notice.ticket)
        since = before.since_ms if before is not None and notice.replaces else now_ms
        self._last[notice.ticket] = LastNotice(since, notice.events)

        def done(told: bool) -> None:
            if told:
                self._settle(notice.fresh)
            else:
                self._tell(notice, now_ms, way + 1)

        self._tellers[way](notice, done)
