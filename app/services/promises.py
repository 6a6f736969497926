# SPDX-License-Identifier: GPL-3.0-or-later
"""Use cases on promises: make one, take one back, the times that are offered. Blocks on disk but for the times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from app.config.i18n import _
from app.domain.calendars import Span
from app.domain.changes import PromiseAdd, PromiseWithdraw
from app.domain.ids import new_id
from app.domain.ports import Commits, TicketRow
from app.domain.promises import Promise
from app.services.triage import Done, run_changes

__all__ = ["NewPromise", "Promises", "promise_times"]


@dataclass(frozen=True, slots=True)
class NewPromise:
    """What a person promises. `waits`: their next reply tells it; else the customer heard it already."""

    due_at: int
    text: str = ""
    waits: bool = True


class Promises:
    """Thread: a worker. Saved when a call returns; a rule that forbids it stands in the answer."""

    def __init__(self, commits: Commits, make_id: Callable[[], bytes] = new_id) -> None:
        self._commits, self._make_id = commits, make_id

    def make(self, row: TicketRow, new: NewPromise, when: str) -> Done:
        """Promise a time; `when` is that time in words."""
        text = " ".join(new.text.split())
        change = PromiseAdd(self._make_id(), self._make_id(), row.id, new.due_at, text, new.waits)
        told, waits = _("{what}: promised by {when}"), _("{what}: promised by {when}; your next reply tells it")
        words = waits if new.waits else told
        return run_changes(self._commits, [(row, change)], lambda what: words.format(what=what, when=when))

    def withdraw(self, row: TicketRow, promise: Promise) -> Done:
        """Take a promise back that the customer does not know of."""
        change = PromiseWithdraw(self._make_id(), promise.id, row.id)
        return run_changes(
            self._commits, [(row, change)], lambda what: _("{what}: the promise is taken back").format(what=what)
        )


def promise_times(spans: Sequence[Span], now_ms: int, zone: tzinfo | None = None) -> list[tuple[str, int]]:
    """Return the times that are offered by name: soon, the end of this working day, the next morning."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).replace(second=0, microsecond=0)
    out = [
        (_("In 30 minutes"), _round(now + timedelta(minutes=30))),
        (_("In one hour"), _round(now + timedelta(hours=1))),
        (_("In two hours"), _round(now + timedelta(hours=2))),
    ]
    ends = [end * 1000 for _start, end in spans if end * 1000 > now_ms]
    today = [end for end in ends if datetime.fromtimestamp(end / 1000, UTC).astimezone(zone).date() == now.date()]
    evening = max(today) if today else _ms(now.replace(hour=18, minute=0))
    if evening - now_ms > 30 * 60_000:
        out.append((_("End of today"), evening))
    out.append((_("Tomorrow at ten"), _ms((now + timedelta(days=1)).replace(hour=10, minute=0))))
    return out


def _round(moment: datetime) -> int:
    """Return the next full five minutes: nobody says 15:03."""
    return _ms(moment + timedelta(minutes=-moment.minute % 5))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
