# SPDX-License-Identifier: GPL-3.0-or-later
"""The small window in which a view is named, shared and edited."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFormLayout, QLineEdit, QWidget

from app.config.i18n import _
from app.domain.changes_views import MAX_CONDITION_CHARS, MAX_VIEW_NAME_CHARS
from app.domain.ids import TeamId
from app.domain.ports import SavedView
from app.services.saved_views import ViewDraft
from app.services.texts_views import share_name
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, column, commit_composition, row

__all__ = ["ViewForm"]


class ViewForm(QDialog):
    """`saved` gives a ViewDraft; the window stays until its owner closes it, so that a refusal can be shown."""

    saved = Signal(object)

    def __init__(
        self, theme: Theme, draft: ViewDraft, teams: dict[TeamId, str], *, leads: bool, view: SavedView | None = None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """`teams`: those that the person may share with; `leads`: may share with everybody."""
        super().__init__(parent)
        self._draft = draft
        space = theme.tokens.space
        title = _("Edit the view") if view is not None else _("Save as a view")
        self.setWindowTitle(title)
        self.name = QLineEdit(draft.name)
        self.name.setMaxLength(MAX_VIEW_NAME_CHARS)
        self.condition = QLineEdit(draft.condition)
        self.condition.setMaxLength(MAX_CONDITION_CHARS)
        self.share = QComboBox()
        self.share.addItem(share_name("me"), ("me", None))
        for team, name in teams.items():
            self.share.addItem(_("Team {name}").format(name=name), ("team", team))
        if leads or draft.share == "all":
            self.share.addItem(share_name("all"), ("all", None))
        wanted = (draft.share, draft.team if draft.share == "team" else None)
        places = [i for i in range(self.share.count()) if self.share.itemData(i) == wanted]
        self.share.setCurrentIndex(places[0] if places else 0)
        self.pinned = QCheckBox(_("Show it in the list of views, with its count"))
        self.pinned.setChecked(draft.pinned)
        self.problem = Notice(theme, kind="warning")
        self.problem.hide()
        form = QFormLayout()
        form.setHorizontalSpacing(space.large)
        form.setVerticalSpacing(space.medium)
        for label, field in (
            (_("Name"), self.name), (_("Shows"), self.condition), (_("For"), self.share),
        ):  # fmt: skip
            field.setAccessibleName(label)
            form.addRow(PlainLabel(label), field)
        help_ = PlainLabel(
            _("Written as in the search field: state:open owner:me tag:vip has:attachment after:7d, words, OR, -not."),
            type="caption", tone="muted", wrap=True,
        )  # fmt: skip
        self.cancel = Button(theme, _("Cancel"), pressed=self.reject)
        self.save = Button(theme, _("Save view"), look=Look.PRIMARY, pressed=self._save)
        self.name.returnPressed.connect(self._save)
        self.condition.returnPressed.connect(self._save)
        edge = (space.wide, space.wide, space.wide, space.large)
        heading = PlainLabel(title, type="title")
        buttons = row(None, self.cancel, self.save, gap=space.small)
        self.setLayout(
            column(heading, form, help_, self.pinned, self.problem, None, buttons, gap=space.medium, margins=edge)
        )
        self.setMinimumWidth(space.vast * 10 * max(100, theme.text_percent) // 100)
        self.name.selectAll()
        self.name.setFocus()

    def tell(self, text: str) -> None:
        """Say why it was not saved."""
        self.problem.tell(text, "warning")
        self.problem.show()

    def _save(self) -> None:
        commit_composition()
        if not self.name.text().strip():
            self.tell(_("Give the view a name. Nothing was saved yet."))
            self.name.setFocus()
            return
        share, team = self.share.currentData()
        draft = self._draft
        self.saved.emit(
            ViewDraft(
                self.name.text(), self.condition.text().strip(), draft.sort, share, team, draft.columns,
                self.pinned.isChecked(),
            )
        )  # fmt: skip
