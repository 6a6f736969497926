# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of the window does which command."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from app.commands.registry import Registry
from app.domain.formatting import BULLET, FIRST, QUOTE, Look
from app.domain.ports import DraftKind, ViewKey
from app.services.needs_you import Action
from app.services.triage_writing import After
from widgets.inbox.pane import InboxPane
from widgets.shell.appearance import Appearance
from widgets.shell.callbacks import CallbackPart
from widgets.shell.complaints import ComplaintPart
from widgets.shell.customer_part import CustomerPart
from widgets.shell.deeds import Deeds
from widgets.shell.desk import TicketDesk
from widgets.shell.dialogs import Dialogs
from widgets.shell.knowledge import KnowledgePart
from widgets.shell.promises import PromisePart
from widgets.shell.reading import ReadingPart
from widgets.shell.side_windows import SideWindows
from widgets.shell.ticket_deeds import TicketDeeds
from widgets.shell.ticket_pane import TicketPane
from widgets.shell.views_part import ViewsPart
from widgets.shell.writing import WritingPart

__all__ = ["Commandable", "bind_commands"]


class Commandable(Protocol):
    """What the commands need of the window."""

    inbox: InboxPane
    ticket: TicketPane
    desk: TicketDesk
    deeds: Deeds
    dialogs: Dialogs
    ticket_deeds: TicketDeeds | None
    writing: WritingPart
    promises: PromisePart
    complaints: ComplaintPart
    appearance: Appearance
    saved_views: ViewsPart
    knowledge: KnowledgePart | None
    calls: CallbackPart | None
    reading: ReadingPart
    windows: SideWindows
    customers: CustomerPart | None

    def open_beside(self) -> None: ...
    def open_view_beside(self) -> None: ...
    def close(self) -> bool: ...
    def focus_search(self) -> None: ...
    def go_to(self, view: ViewKey) -> None: ...
    def go_outbox(self) -> None: ...
    def go_needs_you(self) -> None: ...
    def decide(self, action: Action) -> None: ...
    def go(self, by: int) -> None: ...
    def next_pane(self, by: int) -> None: ...
    def open_menu(self) -> None: ...
    def focus_customer(self) -> None: ...
    def toggle_details(self) -> None: ...
    def step_text(self, by: int) -> None: ...
    def sync_now(self) -> None: ...
    def quit(self) -> None: ...


def bind_commands(registry: Registry, window: Commandable, *, sessions: bool) -> None:
    """Bind every command that this window has. `sessions`: whether screens can be asked for here."""
    composer = window.ticket.composer
    runs: dict[str, Callable[[], object]] = {
        "palette.open": window.dialogs.palette,
        "search.open": window.focus_search,
        "search.in_ticket": window.ticket.finder.open,
        "nav.mine": lambda: window.go_to(ViewKey.MINE),
        "nav.unassigned": lambda: window.go_to(ViewKey.UNASSIGNED),
        "nav.team": lambda: window.go_to(ViewKey.TEAM),
        "nav.waiting": lambda: window.go_to(ViewKey.WAITING),
        "nav.snoozed": lambda: window.go_to(ViewKey.SNOOZED),
        "nav.all_live": lambda: window.go_to(ViewKey.ALL_LIVE),
        "nav.solved": lambda: window.go_to(ViewKey.SOLVED),
        "nav.all": lambda: window.go_to(ViewKey.ALL),
        "nav.view": window.saved_views.choose,
        "view.save": window.saved_views.save,
        "view.edit": window.saved_views.edit,
        "view.delete": window.saved_views.delete,
        "list.filter": window.saved_views.filter,
        "list.clear_filters": window.saved_views.clear_filters,
        "list.sort": window.saved_views.sort,
        "list.look": window.saved_views.look,
        "nav.outbox": window.go_outbox,
        "nav.needs_you": window.go_needs_you,
        "nav.reports": window.dialogs.own_work,
        "needs.keep_mine": lambda: window.decide(Action.MINE),
        "needs.keep_theirs": lambda: window.decide(Action.THEIRS),
        "needs.edit_merged": lambda: window.decide(Action.EDIT),
        "nav.back": lambda: window.go(-1),
        "nav.forward": lambda: window.go(1),
        "window.ticket": window.open_beside,
        "window.view": window.open_view_beside,
        "window.next": window.windows.next,
        "window.close": window.close,
        "pane.next": lambda: window.next_pane(1),
        "pane.previous": lambda: window.next_pane(-1),
        "menu.focus": window.open_menu,
        "list.next": lambda: window.inbox.step(1),
        "list.previous": lambda: window.inbox.step(-1),
        "list.toggle": window.inbox.toggle,
        "ticket.reply": lambda: composer.write(DraftKind.REPLY),
        "ticket.note": lambda: composer.write(DraftKind.NOTE),
        "composer.send": composer.send,
        "composer.send_wait": lambda: composer.send(After.WAIT),
        "composer.send_solve": lambda: composer.send(After.SOLVE),
        "composer.send_later": composer.send_later,
        "composer.other": composer.other,
        "composer.attach": composer.attach,
        "composer.preview": composer.preview,
        "composer.note_to_reply": composer.note_to_reply,
        "composer.bold": lambda: composer.format(Look.BOLD),
        "composer.italic": lambda: composer.format(Look.ITALIC),
        "composer.monospace": lambda: composer.format(Look.MONO),
        "composer.bullets": lambda: composer.format_lines(BULLET),
        "composer.numbers": lambda: composer.format_lines(FIRST),
        "composer.quote": lambda: composer.format_lines(QUOTE),
        "composer.link": composer.insert_link,
        "ticket.assign_me": window.deeds.take,
        "ticket.solve": window.deeds.solve,
        "ticket.reopen": window.deeds.reopen,
        "ticket.unread": window.reading.mark_unread,
        "ticket.read": window.reading.mark_read,
        "ticket.copy_link": window.deeds.copy_link,
        "customer.open": window.focus_customer,
        "details.toggle": window.toggle_details,
        "app.text_larger": lambda: window.step_text(10),
        "app.text_smaller": lambda: window.step_text(-10),
        "edit.undo": window.deeds.undo,
        "edit.redo": window.deeds.redo,
        "sync.now": window.sync_now,
        "sync.details": window.dialogs.sync,
        "app.language": window.appearance.toggle_language,
        "help.keys": window.dialogs.keys,
        "app.settings": window.dialogs.settings,
        "app.policies": window.dialogs.policies,
        "app.quit": window.quit,
    }
    for id_ in ("ticket.state", "ticket.priority", "ticket.assign", "ticket.tags", "ticket.snooze"):
        runs[id_] = partial(window.deeds.pick, id_)
    if sessions:
        runs["session.invite"] = window.deeds.invite
    runs |= window.writing.runs()
    if window.knowledge is not None:
        runs |= window.knowledge.runs()
    if window.calls is not None:
        runs |= window.calls.runs()
    runs |= window.promises.runs() | window.complaints.runs()
    if window.ticket_deeds is not None:
        runs |= window.ticket_deeds.runs()
    if window.customers is not None:
        runs |= window.customers.runs()
    for id_, run in runs.items():
        registry.bind(id_, run)
