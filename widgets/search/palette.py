# SPDX-License-Identifier: GPL-3.0-or-later
"""The command palette: commands with their keys first, recently used on top, then tickets and customers that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QWidget

from app.commands.registry import Registry
from app.commands.table import Command
from app.config.i18n import _
from app.domain.deed_ports import CustomerHit
from app.domain.ports import SearchHit, TicketQueries
from app.services.texts import polite
from widgets.foundation import Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.foundation.hangul import matches
from widgets.foundation.jobs import Jobs

__all__ = ["Palette", "keys_text"]

TICKETS = 8
PEOPLE = 4


def keys_text(command: Command) -> str:
    """Return the command's keys as this system writes them."""
    native = QKeySequence.SequenceFormat.NativeText
    shown = [QKeySequence(key).toString(native) for key in command.keys if "Enter" not in key]
    return ", ".join(shown)


class Palette(Chooser):
    """`command_chosen` gives an id, `ticket_chosen` a TicketId, `customer_chosen` a CustomerId.

    All come after the focus is back where it was.
    """

    command_chosen = Signal(str)
    ticket_chosen = Signal(object)
    customer_chosen = Signal(object)

    def __init__(
        self, theme: Theme, registry: Registry, queries: TicketQueries, jobs: Jobs, parent: QWidget,
        customers: Callable[[str, int], Sequence[CustomerHit]] | None = None,
    ) -> None:  # fmt: skip
        """`customers` finds people by name, organisation, number, address or serial number. Blocks on disk."""
        self._queries, self._find_people = queries, customers
        self._people: Sequence[CustomerHit] = ()
        self._jobs = jobs
        self._commands = self._options(registry)
        self._hits: Sequence[SearchHit] = ()
        super().__init__(theme, _("Type a command or search for a ticket"), parent, wide=theme.tokens.space.vast * 12)
        self.set_nothing(_("No command and no ticket fits."))
        self.typed.connect(self._ask)
        self.chosen.connect(self._chose)
        self._show()

    @staticmethod
    def _options(registry: Registry) -> list[Option]:
        recent = registry.recent()
        commands = [c for c in registry.commands() if c.id != "palette.open" and registry.can_run(c.id)]
        commands.sort(key=lambda c: recent.index(c.id) if c.id in recent else len(recent))
        return [Option(c.id, _(c.title), detail=keys_text(c), also=f"{c.title} {c.id}") for c in commands]

    def open_over(self, window: QWidget) -> None:
        """Open in the upper middle of a window."""
        x = (window.width() - self._width) // 2
        self.open_at(window.mapToGlobal(QPoint(x, self._theme.tokens.space.vast)))

    def _ask(self, text: str) -> None:
        self._show()
        wanted = text.strip()
        if len(wanted) < 2:
            self._hits = self._people = ()
            return
        self._jobs.query(lambda: self._queries.search(wanted, TICKETS), self._found, lambda _why: None, key="palette")
        people = self._find_people
        if people is not None:
            self._jobs.query(
                lambda: people(wanted, PEOPLE), self._found_people, lambda _why: None, key="palette.people"
            )

    def _found(self, hits: Sequence[SearchHit]) -> None:
        self._hits = hits
        self._show()

    def _found_people(self, people: Sequence[CustomerHit]) -> None:
        self._people = people
        self._show()

    def _show(self) -> None:
        text = self.text().strip()
        commands = [o for o in self._commands if not text or matches(text, f"{o.text} {o.also}")]
        tickets = [
            Option(hit.row.id, hit.row.subject, "ticket", detail=f"{hit.row.label} · {hit.row.customer_name}")
            for hit in self._hits
        ]
        people = [
            Option(hit, polite(hit.name), "user", detail=" · ".join(filter(None, (hit.organisation, _found_by(hit)))))
            for hit in self._people
        ]
        self.show_options([*commands, *([*tickets, *people] if text else [])], narrow=False)

    def _chose(self, value: object) -> None:
        if isinstance(value, str):
            self.command_chosen.emit(value)
        elif isinstance(value, CustomerHit):
            self.customer_chosen.emit(value.id)
        else:
            self.ticket_chosen.emit(value)


def _found_by(hit: CustomerHit) -> str:
    return hit.products[0][1] if len(hit.products) == 1 and not hit.address else hit.address
