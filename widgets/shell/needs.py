# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the Needs-you page, the guard's question and the lock page to the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.config.i18n import _
from app.domain.errors import StoreUnavailable
from app.domain.needs import NeedItem, NeedsYouStore
from app.domain.ports import Choices, Commits, SyncLink
from app.services.messages import error_text
from app.services.needs_you import Action
from widgets.foundation import Theme
from widgets.foundation.jobs import Jobs
from widgets.needs_you.desk import NeedsDesk
from widgets.needs_you.detail import NeedsDetail
from widgets.needs_you.guard import GuardBar
from widgets.needs_you.listing import NeedsList

__all__ = ["NeedsPart"]


class NeedsPart(QObject):
    """The list, the entry and the question, wired to each other. GUI thread."""

    ticket_asked = Signal(object)  # TicketId
    told = Signal(str)  # a short message, for the toast

    def __init__(
        self, theme: Theme, store: NeedsYouStore, commits: Commits, link: SyncLink, jobs: Jobs,
        now_ms: Callable[[], int], parent: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._jobs = jobs
        self._window = parent
        self.desk = NeedsDesk(store, commits, link, jobs)
        self.listing = NeedsList(theme, now_ms)
        self.detail = NeedsDetail(theme)
        self.guard = GuardBar(theme)
        self._connect()

    def _connect(self) -> None:
        desk, listing, detail = self.desk, self.listing, self.detail
        listing.chosen.connect(self._chosen)
        listing.opened.connect(detail.focus)
        detail.asked.connect(desk.decide)
        detail.released.connect(desk.release)
        detail.edited.connect(desk.edited)
        detail.edit_begun.connect(desk.load_edit)
        detail.edit_changed.connect(desk.save_edit)
        detail.ticket_asked.connect(self.ticket_asked)
        detail.copied.connect(lambda: self.told.emit(_("Copied")))
        detail.export_asked.connect(self._export)
        desk.entries_loaded.connect(listing.show_items)
        desk.detail_loaded.connect(detail.show_detail)
        desk.edit_loaded.connect(detail.load_edit)
        desk.failed.connect(listing.tell)

    def show_choices(self, choices: Choices) -> None:
        """Names of states and people came or changed."""
        self.listing.show_choices(choices)
        self.detail.show_choices(choices)

    def has_focus(self) -> bool:
        """Tell whether the list has the keyboard."""
        return self.listing.list.hasFocus()

    def decide(self, action: Action) -> None:
        """Do something with what is chosen, by key."""
        self.detail.act(action)

    def focus(self) -> None:
        """Put the keyboard into the list."""
        self.listing.list.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def save_now(self) -> None:
        """Keep what is being typed."""
        self.detail.save_now()

    def _chosen(self, items: Sequence[NeedItem]) -> None:
        self.detail.show_items(items, any_wait=bool(self.desk.entries))
        if len(items) == 1:
            self.desk.open(items[0])

    def _export(self, text: str, name: str) -> None:
        dialog = QFileDialog(self._window, _("Export to a file"), name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(_("Text (*.txt)"))
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda path: self.write_file(Path(path), text))
        dialog.open()

    def write_file(self, path: Path, text: str) -> None:
        """Write the text and say so, or say why not."""
        self._jobs.change(
            lambda: _write(path, text),
            lambda _done: self.told.emit(_("Written to {file}").format(file=path.name)),
            lambda why: self.listing.tell(error_text(why)),
        )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreUnavailable("file_not_written", file=path.name) from error
