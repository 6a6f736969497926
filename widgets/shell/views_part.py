# SPDX-License-Identifier: GPL-3.0-or-later
"""The window's saved views: listed with counts, opened, made from what shows, edited, shared, ordered, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint
from PySide6.QtWidgets import QMenu

from app.config.i18n import _, language
from app.domain.ids import ViewId
from app.domain.ports import SavedView, ViewKey
from app.services.messages import error_text
from app.services.saved_views import (
    ORDER_KEY,
    SavedViews,
    ViewDraft,
    in_order,
    may_change,
    moved,
)
from app.services.texts import view_name
from app.services.texts_views import share_name
from app.services.triage import Done
from app.services.view_looks import USUAL_COLUMNS
from widgets.foundation import Button, Theme
from widgets.foundation.chooser import Chooser, Option
from widgets.inbox.view_form import ViewForm
from widgets.inbox.views import SavedButton
from widgets.shell.frame import Ports
from widgets.shell.navigation import Spot

if TYPE_CHECKING:
    from widgets.shell.window import AgentWindow

__all__ = ["ViewsPart"]

_LEADS = frozenset({"lead", "admin"})


class ViewsPart(QObject):
    """GUI thread. What is written goes through the desk, so that Ctrl+Z undoes it like any other deed."""

    def __init__(self, window: AgentWindow, theme: Theme, ports: Ports) -> None:
        super().__init__(window)
        self._window, self._theme, self._ports = window, theme, ports
        self._service = SavedViews(ports.commits)
        self.views: list[SavedView] = []
        self._order: list[str] = []
        self._opens: ViewId | None = None  # opened as soon as it is listed
        window.views.saved_chosen.connect(self.go)
        window.views.saved_added.connect(self._connect)
        window.inbox.save_asked.connect(self.save)
        window.inbox.search_narrowed.connect(self._search_for)

    def load(self) -> None:
        """Read the order that the person gave the views on this computer, and how the lists looked."""
        self._window.inbox.looks.load()
        jobs, commits = self._ports.jobs, self._ports.commits
        jobs.query(lambda: commits.ui_state(ORDER_KEY), self._take_order, lambda _why: None, key="views.order")

    def _take_order(self, text: str | None) -> None:
        try:
            order = json.loads(text or "[]")
        except ValueError:
            return
        self._order = [i for i in order if isinstance(i, str)] if isinstance(order, list) else []
        self.take(self.views)

    def take(self, views: Sequence[SavedView]) -> None:
        """These are the saved views now; the one that shows follows what was changed on it, here or elsewhere."""
        window = self._window
        self.views = in_order(views, self._order)
        window.views.show_saved([view for view in self.views if view.pinned])
        shown = window.inbox.saved()
        now = self.get(shown.id) if shown is not None else None
        if shown is not None and now is None and shown.id != self._opens:
            window.go_view(ViewKey.MINE)  # it was deleted, or is shared no longer
        elif now is not None and now != shown and window.inbox.search_text() is None:
            window.inbox.show_saved(now)
        if self._opens is not None and self.get(self._opens) is not None:
            opens, self._opens = self._opens, None
            self.go(opens)

    def get(self, view: ViewId) -> SavedView | None:
        """Return a saved view, or None."""
        return next((v for v in self.views if v.id == view), None)

    # --- going ------------------------------------------------------------------------------------------------

    def go(self, view: ViewId) -> None:
        """Show a saved view."""
        saved, window = self.get(view), self._window
        if saved is None:
            return
        window.top.search.clear()
        window.show_list(window.inbox)
        window.views.show_saved_current(view)
        window.inbox.show_saved(saved)
        window.visit(Spot(ViewKey.ALL, window.inbox.current(), saved=view))

    def go_when_listed(self, view: ViewId) -> None:
        """Show a saved view as soon as it is known."""
        self._opens = view
        self.take(self.views)

    def choose(self) -> Chooser:
        """Let the person go to any view by typing its name, also one that is not in the list."""
        chooser = Chooser(self._theme, _("Go to view"), self._window, wide=self._theme.tokens.space.vast * 9)
        chooser.set_nothing(_("No view fits."))
        saved = [Option(v.id, v.name, detail=share_name(v.share), also=v.condition) for v in self.views]
        chooser.show_options([*saved, *(Option(key, view_name(key)) for key in ViewKey)])
        chooser.chosen.connect(self._chose)
        window = self._window
        chooser.open_at(window.mapToGlobal(QPoint(window.width() // 3, self._theme.tokens.space.vast)))
        return chooser

    def _chose(self, value: object) -> None:
        if isinstance(value, ViewKey):
            self._window.go_to(value)
        elif isinstance(value, bytes):
            self.go(ViewId(value))
            self._window.focus_list()

    # --- the list that shows --------------------------------------------------------------------------------

    def filter(self) -> Chooser:
        """Let the person add a filter."""
        self._to_list()
        return self._window.inbox.bar.ask_filter()

    def clear_filters(self) -> None:
        """Show all of the view again."""
        self._to_list()
        self._window.inbox.clear_filter()

    def sort(self) -> None:
        """Offer the orders."""
        self._drop(self._window.inbox.bar.sort_button)

    def look(self) -> None:
        """Offer cards, table and densities."""
        self._drop(self._window.inbox.bar.look_button)

    def _drop(self, button: Button) -> None:
        self._to_list()
        menu = button.menu()
        if menu is not None and button.isVisible():
            menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def _to_list(self) -> None:
        window = self._window
        if window.lists.currentWidget() is not window.inbox:
            window.back_to_list()

    def _search_for(self, text: str) -> None:
        self._window.top.search.put(text)

    # --- making and changing ----------------------------------------------------------------------------------

    def save(self) -> ViewForm:
        """Keep what shows as a view: a search, or a list with its filters, order and columns."""
        inbox = self._window.inbox
        look, condition = inbox.look(), inbox.condition()
        columns = look.columns if look.table and look.columns != USUAL_COLUMNS else ()
        draft = ViewDraft(inbox.suggested_name(), condition, look.sort, columns=columns)
        return self._ask(draft, None)

    def edit(self, view: ViewId | None = None) -> ViewForm | None:
        """Edit a view: name, condition, who sees it. Another's is kept as a view of one's own instead."""
        shown = self._window.inbox.saved()
        saved = self.get(view) if view is not None else self.get(shown.id) if shown is not None else None
        if saved is None:
            self._window.toast.tell(_("Only saved views can be edited. Save what shows as a view first."))
            return None
        mine = may_change(saved, self._window.identity)
        same = shown is not None and shown.id == saved.id and self._window.inbox.search_text() is None
        condition = self._window.inbox.condition() if same else saved.condition
        sort = self._window.inbox.look().sort if same else saved.sort
        draft = ViewDraft(saved.name, condition, sort, saved.share, saved.team, saved.columns, saved.pinned)
        if not mine:
            draft = ViewDraft(saved.name, condition, sort, columns=saved.columns)
        return self._ask(draft, saved if mine else None)

    def _ask(self, draft: ViewDraft, view: SavedView | None) -> ViewForm:
        identity = self._window.identity
        leads = bool(identity is not None and identity.roles & _LEADS)
        korean = language() == "ko"
        choices = self._window.desk.choices
        teams = {
            team: (ko or en) if korean else (en or ko)
            for team, (ko, en) in choices.teams.items()
            if team in choices.my_teams or team == draft.team
        }
        form = ViewForm(self._theme, draft, teams, leads=leads, view=view, parent=self._window)
        form.saved.connect(lambda filled: self._save(form, filled, view))
        form.open()
        return form

    def _save(self, form: ViewForm, draft: ViewDraft, view: SavedView | None) -> None:
        if view is not None:
            self._write(lambda: self._service.edit(view, draft), form)
            return

        def create() -> Done:
            self._opens, done = self._service.create(draft)
            return done

        self._write(create, form)

    def delete(self, view: ViewId | None = None) -> None:
        """Delete a view without asking; the toast has Undo."""
        shown = self._window.inbox.saved()
        saved = self.get(view) if view is not None else self.get(shown.id) if shown is not None else None
        if saved is not None:
            self._write(lambda: self._service.delete(saved))

    def _write(self, work: Callable[[], Done], form: ViewForm | None = None) -> None:
        def saved(done: Done) -> None:
            if form is not None:
                form.accept()
            self._window.desk.take_done(done)
            self._window.refresher.read_counts()

        def failed(why: Exception) -> None:
            if form is not None:
                form.tell(error_text(why))
            else:
                self._window.toast.tell(error_text(why))

        self._ports.jobs.change(work, saved, failed)

    def move(self, view: ViewId, by: int) -> None:
        """Move a view up or down in the list; the order is this computer's."""
        pinned = [v for v in self.views if v.pinned]
        self._order = moved(pinned, view, by) + [v.id.hex() for v in self.views if not v.pinned]
        text, commits = json.dumps(self._order), self._ports.commits
        self._ports.jobs.change(lambda: commits.save_ui_state(ORDER_KEY, text), error=lambda _why: None)
        self.take(self.views)

    def _connect(self, button: SavedButton) -> None:
        view = button.view.id
        button.moved.connect(lambda by: self.move(view, by))
        button.edit_asked.connect(lambda: self.edit(view))
        button.delete_asked.connect(lambda: self.delete(view))
        button.menu_asked.connect(lambda at: self._menu(button).popup(at))

    def _menu(self, button: SavedButton) -> QMenu:
        view = button.view
        menu = QMenu(self._window)
        mine = may_change(view, self._window.identity)
        menu.addAction(_("Edit or share…") if mine else _("Save as a view of my own…"), lambda: self.edit(view.id))
        menu.addAction(_("Move up"), lambda: self.move(view.id, -1))
        menu.addAction(_("Move down"), lambda: self.move(view.id, 1))
        if mine:
            menu.addSeparator()
            menu.addAction(_("Delete the view"), lambda: self.delete(view.id))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu
