# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's commands: id, title, keys, when. Menus, keys, palette, shortcut sheet and docs are made from it.

Keys are in Qt's portable spelling ("Ctrl" is Cmd on macOS); a command with several keys obeys each. A single key is one
without Ctrl or Alt: it works outside text fields only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from app.config.i18n import N_

__all__ = ["AGENT", "Command", "Menu", "Place", "When", "applies", "is_single", "single_keys"]


class Place(StrEnum):
    """What is true of the window now; several can be."""

    TICKET = "ticket"  # one is open or selected
    LIST = "list"  # the ticket list has the focus
    COMPOSER = "composer"  # the composer has the focus
    NOTE = "note"  # and an internal note is being written
    TEXT = "text"  # some text field has the focus
    SESSION = "session"  # a session window is in front
    NEEDS = "needs"  # the Needs-you page shows


class When(StrEnum):
    """Where a command applies."""

    ALWAYS = "always"
    LIST = "list"
    TICKET = "ticket"
    COMPOSER = "composer"
    COMPOSER_NOTE = "composer, note"
    TICKET_OR_COMPOSER = "ticket or composer"
    SESSION = "session"
    NEEDS = "Needs you"


class Menu(StrEnum):
    """Where a command stands in the menu; NONE: palette and keys only."""

    GO = N_("Go")
    TICKET = N_("Ticket")
    WRITE = N_("Write")
    SESSION = N_("Session")
    VIEW = N_("View")
    APP = N_("Deskside")
    NONE = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that can be done. `many`: also on several selected tickets."""

    id: str
    title: str
    keys: tuple[str, ...]
    when: When
    menu: Menu
    many: bool = False


def applies(when: When, places: Collection[Place]) -> bool:
    """Tell whether a command applies where the person is."""
    if when is When.ALWAYS:
        return True
    if when is When.LIST:
        return Place.LIST in places
    if when is When.TICKET:
        return Place.TICKET in places
    if when is When.COMPOSER:
        return Place.COMPOSER in places
    if when is When.COMPOSER_NOTE:
        return Place.COMPOSER in places and Place.NOTE in places
    if when is When.SESSION:
        return Place.SESSION in places
    if when is When.NEEDS:
        return Place.NEEDS in places and Place.TEXT not in places
    return Place.TICKET in places or Place.COMPOSER in places


def is_single(key: str) -> bool:
    """Tell whether a key types a character or moves in a list, so that it must be dead in a text field."""
    return not key.startswith(("Ctrl+", "Alt+", "Meta+", "F1", "Shift+F", "F5", "F6"))


def single_keys(command: Command) -> tuple[str, ...]:
    """Return the single keys of a command."""
    return tuple(key for key in command.keys if is_single(key))


def _c(id_: str, title: str, keys: str, when: When, menu: Menu, *, many: bool = False) -> Command:
    return Command(id_, title, tuple(keys.split()), when, menu, many)


_A, _L, _T, _C = When.ALWAYS, When.LIST, When.TICKET, When.COMPOSER
_TC, _S = When.TICKET_OR_COMPOSER, When.SESSION

AGENT: tuple[Command, ...] = (
    _c("palette.open", N_("Command palette"), "Ctrl+K", _A, Menu.GO),
    _c("search.open", N_("Search"), "Ctrl+F /", _A, Menu.GO),
    _c("search.in_ticket", N_("Find in this ticket"), "Ctrl+Shift+F", When.TICKET_OR_COMPOSER, Menu.GO),
    _c("nav.mine", N_("My tickets"), "Ctrl+1", _A, Menu.GO),
    _c("nav.unassigned", N_("Unassigned"), "Ctrl+2", _A, Menu.GO),
    _c("nav.team", N_("Team queue"), "Ctrl+3", _A, Menu.GO),
    _c("nav.waiting", N_("Waiting"), "Ctrl+4", _A, Menu.GO),
    _c("nav.snoozed", N_("Snoozed"), "Ctrl+5", _A, Menu.GO),
    _c("nav.all_live", N_("All open tickets"), "", _A, Menu.GO),
    _c("nav.solved", N_("Solved"), "", _A, Menu.GO),
    _c("nav.all", N_("All tickets"), "", _A, Menu.GO),
    _c("nav.view", N_("Go to view…"), "Ctrl+0", _A, Menu.GO),
    _c("nav.outbox", N_("Outbox"), "Ctrl+6", _A, Menu.GO),
    _c("nav.needs_you", N_("Needs you"), "Ctrl+7", _A, Menu.GO),
    _c("articles.open", N_("Articles…"), "Ctrl+8", _A, Menu.GO),
    _c("told.open", N_("What customers are told…"), "", _A, Menu.GO),
    _c("nav.reports", N_("My work"), "Ctrl+9", _A, Menu.GO),
    _c("nav.callbacks", N_("Calls to make…"), "Ctrl+Shift+D", _A, Menu.GO),
    _c("nav.back", N_("Back"), "Alt+Left", _A, Menu.GO),
    _c("nav.forward", N_("Forward in history"), "Alt+Right", _A, Menu.GO),
    _c("window.ticket", N_("Open in a window of its own"), "Shift+Return Shift+Enter", _T, Menu.TICKET),
    _c("window.view", N_("Open the view in a window of its own"), "Ctrl+Shift+W", _A, Menu.VIEW),
    _c("window.next", N_("Next window"), "Ctrl+F6", _A, Menu.VIEW),
    _c("window.close", N_("Close the window"), "Ctrl+W", _A, Menu.VIEW),
    _c("pane.next", N_("Next pane"), "F6", _A, Menu.VIEW),
    _c("pane.previous", N_("Previous pane"), "Shift+F6", _A, Menu.VIEW),
    _c("menu.focus", N_("Menu"), "F10", _A, Menu.NONE),
    _c("list.next", N_("Next ticket"), "J", _L, Menu.NONE),
    _c("list.previous", N_("Previous ticket"), "K", _L, Menu.NONE),
    _c("list.toggle", N_("Select or unselect"), "X", _L, Menu.NONE),
    _c("list.filter", N_("Filter the list…"), "Ctrl+L", _A, Menu.VIEW),
    _c("list.clear_filters", N_("Clear the filters"), "", _A, Menu.VIEW),
    _c("list.look", N_("Cards, table and density…"), "", _A, Menu.VIEW),
    _c("list.sort", N_("Order the list…"), "", _A, Menu.VIEW),
    _c("view.save", N_("Save this search as a view…"), "", _A, Menu.VIEW),
    _c("view.edit", N_("Edit or share the view…"), "", _A, Menu.VIEW),
    _c("view.delete", N_("Delete the view"), "", _A, Menu.VIEW),
    _c("ticket.reply", N_("Write reply"), "R", _T, Menu.WRITE),
    _c("ticket.note", N_("Write internal note"), "N", _T, Menu.WRITE),
    _c("composer.send", N_("Send"), "Ctrl+Return Ctrl+Enter", _C, Menu.WRITE),
    _c("composer.send_wait", N_("Send and wait"), "Ctrl+Shift+H", _C, Menu.WRITE),
    _c("composer.send_solve", N_("Send and solve"), "Ctrl+Shift+Return Ctrl+Shift+Enter", _C, Menu.WRITE),
    _c("composer.send_later", N_("Send later…"), "", _C, Menu.WRITE),
    _c("composer.preview", N_("Preview the reply"), "Ctrl+Shift+P", _C, Menu.WRITE),
    _c("composer.canned", N_("Insert canned reply…"), "Ctrl+J", When.TICKET_OR_COMPOSER, Menu.WRITE),
    _c("composer.templates", N_("Canned replies and macros…"), "", _A, Menu.WRITE),
    _c("composer.article", N_("Insert article…"), "Ctrl+Shift+J", When.TICKET_OR_COMPOSER, Menu.WRITE),
    _c("composer.attach", N_("Attach files…"), "Ctrl+Shift+A", When.TICKET_OR_COMPOSER, Menu.WRITE),
    _c("composer.bold", N_("Bold"), "Ctrl+B", _C, Menu.WRITE),
    _c("composer.italic", N_("Italic"), "Ctrl+I", _C, Menu.WRITE),
    _c("composer.monospace", N_("Monospace"), "Ctrl+Shift+M", _C, Menu.WRITE),
    _c("composer.bullets", N_("Bulleted list"), "Ctrl+Shift+L", _C, Menu.WRITE),
    _c("composer.numbers", N_("Numbered list"), "Ctrl+Shift+O", _C, Menu.WRITE),
    _c("composer.quote", N_("Quote"), "Ctrl+Shift+B", _C, Menu.WRITE),
    _c("composer.link", N_("Insert link…"), "Ctrl+Shift+K", _C, Menu.WRITE),
    _c("composer.other", N_("Go to the other draft"), "Ctrl+Shift+N", _C, Menu.WRITE),
    _c("composer.note_to_reply", N_("Copy note into reply…"), "", When.COMPOSER_NOTE, Menu.WRITE),
    _c("ticket.new", N_("New ticket"), "Ctrl+N", _A, Menu.TICKET),
    _c("ticket.assign_me", N_("Assign to me"), "I", _T, Menu.TICKET, many=True),
    _c("ticket.assign", N_("Assign…"), "A", _T, Menu.TICKET, many=True),
    _c("ticket.state", N_("Change state…"), "S", _T, Menu.TICKET, many=True),
    _c("ticket.priority", N_("Change priority…"), "P", _T, Menu.TICKET, many=True),
    _c("ticket.tags", N_("Tags…"), "T", _T, Menu.TICKET, many=True),
    _c("ticket.snooze", N_("Snooze…"), "H", _T, Menu.TICKET, many=True),
    _c("ticket.macro", N_("Run macro…"), "G", _T, Menu.TICKET, many=True),
    _c("ticket.promise", N_("Promise a time…"), "W", _T, Menu.TICKET),
    _c("ticket.callback", N_("Plan a callback…"), "C", _T, Menu.TICKET),
    _c("ticket.answers", N_("Write down answers to the two questions…"), "", _T, Menu.TICKET),
    _c("ticket.complaint", N_("Go to the complaint guide"), "", _T, Menu.TICKET),
    _c("articles.from_ticket", N_("Draft an article from this ticket…"), "", _T, Menu.TICKET),
    _c("ticket.solve", N_("Solve"), "E", _T, Menu.TICKET, many=True),
    _c("ticket.reopen", N_("Reopen"), "Shift+E", _T, Menu.TICKET, many=True),
    _c("ticket.hand_over", N_("Hand over…"), "", _T, Menu.TICKET, many=True),
    _c("ticket.merge", N_("Merge…"), "M", _T, Menu.TICKET),
    _c("ticket.unmerge", N_("Undo a merge…"), "", _T, Menu.TICKET),
    _c("ticket.split", N_("Split from here…"), "Shift+M", _T, Menu.TICKET),
    _c("ticket.link", N_("Link with another ticket…"), "", _T, Menu.TICKET),
    _c("ticket.watch", N_("Watch, or no longer"), "", _T, Menu.TICKET, many=True),
    _c("ticket.log", N_("Log a call or visit…"), "", _T, Menu.TICKET),
    _c("ticket.timer", N_("Start or stop the timer"), "", _T, Menu.TICKET),
    _c("ticket.time", N_("Note working time…"), "", _T, Menu.TICKET),
    _c("ticket.unread", N_("Mark as unread"), "U", _T, Menu.TICKET, many=True),
    _c("ticket.read", N_("Mark as read"), "Shift+U", _T, Menu.TICKET, many=True),
    _c("ticket.history", N_("History"), "Y", _T, Menu.TICKET),
    _c("ticket.delete", N_("Delete"), "Del", _T, Menu.TICKET, many=True),
    _c("ticket.restore", N_("Restore a deleted ticket…"), "", _A, Menu.TICKET),
    _c("ticket.copy_link", N_("Copy link"), "Ctrl+Shift+C", _T, Menu.TICKET),
    _c("customer.open", N_("Customer card"), "O", _T, Menu.TICKET),
    _c("customer.merge", N_("Merge the customer with another record…"), "", _T, Menu.TICKET),
    _c("needs.keep_mine", N_("Keep mine"), "1", When.NEEDS, Menu.NONE),
    _c("needs.keep_theirs", N_("Keep theirs"), "2", When.NEEDS, Menu.NONE),
    _c("needs.edit_merged", N_("Edit merged"), "3", When.NEEDS, Menu.NONE),
    _c("session.invite", N_("Ask to see the screen…"), "Ctrl+Shift+S", _TC, Menu.SESSION),
    _c("session.fit", N_("Fit window"), "0", _S, Menu.NONE),
    _c("session.actual", N_("Actual size"), "1", _S, Menu.NONE),
    _c("session.zoom_in", N_("Zoom in"), "+", _S, Menu.NONE),
    _c("session.zoom_out", N_("Zoom out"), "-", _S, Menu.NONE),
    _c("session.reason", N_("Reason for the next request"), "Y", _S, Menu.NONE),
    _c("session.request_pointer", N_("Ask to point and draw"), "P", _S, Menu.NONE),
    _c("session.send_file", N_("Send a file…"), "F", _S, Menu.NONE),
    _c("session.request_file", N_("Ask for a file"), "G", _S, Menu.NONE),
    _c("session.request_control", N_("Ask for control"), "C", _S, Menu.NONE),
    _c("session.release", N_("Release keyboard"), "Ctrl+Shift+F12", _S, Menu.NONE),
    _c("session.request_diagnostics", N_("Ask for diagnostics"), "I", _S, Menu.NONE),
    _c("session.pointer", N_("Pointer"), "V", _S, Menu.NONE),
    _c("session.pen", N_("Pen"), "D", _S, Menu.NONE),
    _c("session.box", N_("Box"), "B", _S, Menu.NONE),
    _c("session.arrow", N_("Arrow"), "A", _S, Menu.NONE),
    _c("session.keep_marks", N_("Keep drawings"), "K", _S, Menu.NONE),
    _c("session.clear", N_("Clear my drawings"), "Backspace", _S, Menu.NONE),
    _c("session.record", N_("Record, or stop recording"), "R", _S, Menu.NONE),
    _c("session.still", N_("Still picture to ticket"), "S", _S, Menu.NONE),
    _c("session.chat", N_("Chat, or close it"), "T", _S, Menu.NONE),
    _c("session.clipboard", N_("Clipboard with the customer"), "L", _S, Menu.NONE),
    _c("session.end", N_("End session"), "Ctrl+Shift+End", _S, Menu.NONE),
    _c("details.toggle", N_("Show or hide details"), "Ctrl+Shift+I", _A, Menu.VIEW),
    _c("app.text_larger", N_("Larger text"), "Ctrl++ Ctrl+=", _A, Menu.VIEW),
    _c("app.text_smaller", N_("Smaller text"), "Ctrl+-", _A, Menu.VIEW),
    _c("edit.undo", N_("Undo"), "Ctrl+Z", _A, Menu.APP),
    _c("edit.redo", N_("Redo"), "Ctrl+Shift+Z", _A, Menu.APP),
    _c("sync.now", N_("Sync now"), "F5", _A, Menu.APP),
    _c("sync.details", N_("How sync stands…"), "", _A, Menu.APP),
    _c("app.language", N_("Switch the language"), "", _A, Menu.APP),
    _c("help.keys", N_("Keyboard shortcuts"), "F1 ?", _A, Menu.APP),
    _c("app.settings", N_("Settings"), "Ctrl+,", _A, Menu.APP),
    _c("app.policies", N_("Set by your organisation"), "", _A, Menu.APP),
    _c("app.quit", N_("Quit"), "Ctrl+Q", _A, Menu.APP),
)
