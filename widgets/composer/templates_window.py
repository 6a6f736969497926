# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of canned replies and macros: make, edit, order, share and delete what one may."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QWidget,
)

from app.config.i18n import _, language
from app.domain.entities import LIVE, Category, Priority
from app.domain.ids import TeamId
from app.domain.placeholders import NAMES
from app.domain.ports import Choices, Identity, Template
from app.services.templates import TemplateDraft, may_change
from app.services.texts import category_name, priority_name
from widgets.foundation import Button, Look, Notice, PlainEdit, PlainLabel, Theme, column, read_text, row

__all__ = ["TemplatesWindow"]

_NOTHING = ""
_SOLVING = (*sorted(LIVE - {Category.NEW, Category.HELD}), Category.SOLVED)


class TemplatesWindow(QDialog):
    """GUI thread. `saved` gives (Template or None, TemplateDraft), `deleted` a Template, `ordered` a list of them."""

    saved = Signal(object, object)
    deleted = Signal(object)
    ordered = Signal(object)

    def __init__(
        self, theme: Theme, choices: Choices, identity: Identity | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._choices, self._identity = choices, identity
        self._all: Sequence[Template] = ()
        self._current: Template | None = None
        self._kind = "canned"
        space = theme.tokens.space
        self.setWindowTitle(_("Canned replies and macros"))
        self.list = QListWidget()
        self.list.setAccessibleName(_("Canned replies and macros"))
        self.list.setSpacing(space.tiny)
        self.list.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, False)
        self.list.currentItemChanged.connect(lambda now, _before: self._show(now))
        self.new_canned = Button(theme, _("New canned reply"), icon="plus", pressed=lambda: self._begin("canned"))
        self.new_macro = Button(theme, _("New macro"), icon="plus", pressed=lambda: self._begin("macro"))
        self.up = Button(theme, _("Up"), pressed=lambda: self._move(-1))
        self.down = Button(theme, _("Down"), pressed=lambda: self._move(1))
        left = QWidget()
        box = column(
            row(self.new_canned, self.new_macro, None, gap=space.small),
            self.list,
            row(self.up, self.down, None, gap=space.small),
            gap=space.small,
        )
        left.setLayout(box)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(self._make_form(theme))
        split.setStretchFactor(1, 1)
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.save = Button(theme, _("Save"), look=Look.PRIMARY, pressed=self._save)
        self.delete = Button(theme, _("Delete"), pressed=self._delete)
        self.close_button = Button(theme, _("Close"), pressed=self.accept)
        foot = row(self.delete, None, self.close_button, self.save, gap=space.small)
        self.setLayout(column(split, self.problem, foot, gap=space.medium, margins=(space.large,) * 4))
        self.layout_stretch(split)
        self.resize(space.vast * 19, space.vast * 14)
        self._begin("canned")

    def layout_stretch(self, split: QSplitter) -> None:
        """The list and the form take what room there is."""
        split.setMinimumHeight(self.fontMetrics().height() * 20)

    def _make_form(self, theme: Theme) -> QWidget:
        space = theme.tokens.space
        self.heading = PlainLabel(type="strong")
        self.name_ko, self.name_en, self.folder = QLineEdit(), QLineEdit(), QLineEdit()
        self.share = QComboBox()
        self.body_ko = PlainEdit(name=_("Text in Korean"))
        self.body_en = PlainEdit(name=_("Text in English"))
        for body in (self.body_ko, self.body_en):
            body.setMinimumHeight(space.vast * 2)
        self.hint = PlainLabel(type="caption", tone="muted", wrap=True)
        names = ", ".join(f"{{{{{name}}}}}" for name in sorted(set(NAMES.values())))
        self.hint.setText(
            _("Filled when the reply is sent: {names}. A fallback stands after a bar.").format(names=names)
        )
        self.state, self.priority, self.owner, self.tag = QComboBox(), QComboBox(), QComboBox(), QComboBox()
        self.note = QLineEdit()
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(space.large)
        self.form.setVerticalSpacing(space.small)
        self._actions: list[QWidget] = [self.state, self.priority, self.owner, self.tag, self.note]
        rows: list[tuple[str, QWidget]] = [
            (_("Name in Korean"), self.name_ko), (_("Name in English"), self.name_en), (_("Folder"), self.folder),
            (_("For whom"), self.share), (_("Text in Korean"), self.body_ko), (_("Text in English"), self.body_en),
            (_("State"), self.state), (_("Priority"), self.priority), (_("Owner"), self.owner),
            (_("Add a tag"), self.tag), (_("Internal note"), self.note),
        ]  # fmt: skip
        for text, field in rows:
            field.setAccessibleName(text)
            self.form.addRow(PlainLabel(text), field)
        self._fill()
        page = QWidget()
        page.setLayout(column(self.heading, self.form, self.hint, gap=space.small, margins=(space.medium, 0, 0, 0)))
        return page

    def _fill(self) -> None:
        shares: list[tuple[str, object]] = [(_("Only me"), "me")]
        for team in sorted(self._choices.my_teams):
            ko, en = self._choices.teams.get(team, ("", ""))
            shares.append((ko if language() == "ko" else en, f"team {team.hex()}"))
        if self._identity is not None and self._identity.roles & {"lead", "admin"}:
            shares.append((_("Everybody"), "all"))
        choices: list[tuple[QComboBox, list[tuple[str, object]]]] = [
            (self.share, shares),
            (self.state, [(category_name(c), c.value) for c in _SOLVING]),
            (self.priority, [(priority_name(p), int(p)) for p in Priority]),
            (self.owner, [(_("Who runs the macro"), "me"), (_("Nobody"), "none")]),
            (self.tag, [(name, tag.hex()) for tag, name in self._choices.tags.items()]),
        ]
        for box, options in choices:
            if box is not self.share:
                box.addItem(_("Leave as it is"), _NOTHING)
            for text, value in options:
                box.addItem(text, value)

    # --- what the window is told -----------------------------------------------------------------------------

    def show_templates(self, templates: Sequence[Template]) -> None:
        """Show what there is; what is being edited stays."""
        keep = self._current.id if self._current is not None else None
        self._all = templates
        self.list.blockSignals(True)
        self.list.clear()
        for template in templates:
            kind = _("Macro") if template.kind == "macro" else _("Canned reply")
            where = f"{template.folder} / " if template.folder else ""
            item = QListWidgetItem(f"{where}{template.name(language())} ({kind})")
            item.setData(Qt.ItemDataRole.UserRole, template)
            self.list.addItem(item)
            if template.id == keep:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._enable()

    def refused(self, text: str) -> None:
        """It was not saved; what was typed stays."""
        self.problem.tell(text, "danger")
        self.problem.show()

    def was_saved(self) -> None:
        """It is safe."""
        self.problem.hide()
        if self._current is None:
            self._begin(self._kind)

    # --- by the person ---------------------------------------------------------------------------------------

    def _begin(self, kind: str) -> None:
        self._current, self._kind = None, kind
        self.list.setCurrentRow(-1)
        self._load({"ko": "", "en": ""}, {"ko": "", "en": ""}, "", (), "me")
        self.name_ko.setFocus()

    def _show(self, item: QListWidgetItem | None) -> None:
        template = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        if not isinstance(template, Template):
            return
        self._current, self._kind = template, template.kind
        self._load(template.names, template.bodies, template.folder, template.actions, _share(template))

    def _load(
        self, names: Mapping[str, str], bodies: Mapping[str, str], folder: str, actions: Sequence[tuple[str, object]],
        share: str,
    ) -> None:  # fmt: skip
        self.problem.hide()
        macro = self._kind == "macro"
        self.heading.setText(_("Macro") if macro else _("Canned reply"))
        for field in self._actions:
            self.form.setRowVisible(field, macro)
        self.name_ko.setText(names.get("ko", ""))
        self.name_en.setText(names.get("en", ""))
        self.body_ko.setPlainText(bodies.get("ko", ""))
        self.body_en.setPlainText(bodies.get("en", ""))
        self.folder.setText(folder)
        if self.share.findData(share) < 0:
            self.share.addItem(_("Others"), share)
        self.share.setCurrentIndex(self.share.findData(share))
        found = dict(actions)
        for box, what in ((self.state, "state"), (self.priority, "priority"), (self.owner, "owner"), (self.tag, "tag")):
            box.setCurrentIndex(max(0, box.findData(found.get(what, _NOTHING))))
        self.note.setText(str(found.get("note", "")))
        self._enable()

    def _enable(self) -> None:
        mine = self._current is None or may_change(self._current, self._identity)
        self.save.setEnabled(mine)
        self.delete.setEnabled(mine and self._current is not None)
        for button in (self.up, self.down):
            button.setEnabled(mine and self._current is not None)

    def draft(self) -> TemplateDraft:
        """Return what the form says."""
        boxes = ((self.state, "state"), (self.priority, "priority"), (self.owner, "owner"), (self.tag, "tag"))
        actions = [(what, box.currentData()) for box, what in boxes if box.currentData() != _NOTHING]
        note = read_text(self.note).strip()
        share, _space, team = str(self.share.currentData()).partition(" ")
        return TemplateDraft(
            self._kind, {"ko": read_text(self.name_ko), "en": read_text(self.name_en)},
            {"ko": read_text(self.body_ko), "en": read_text(self.body_en)}, read_text(self.folder),
            [*actions, *([("note", note)] if note else [])] if self._kind == "macro" else (), share,
            TeamId(bytes.fromhex(team)) if team else None,
        )  # fmt: skip

    def _save(self) -> None:
        draft = self.draft()
        has_text, has_name = any(map(str.strip, draft.bodies.values())), any(map(str.strip, draft.names.values()))
        complaints: list[tuple[bool, str, Callable[[], object]]] = [
            (not has_name, _("Give it a name in one language at least."), self.name_ko.setFocus),
            (
                not has_text and self._kind == "canned",
                _("Write its text in one language at least."),
                self.body_ko.setFocus,
            ),
            (not has_text and not draft.actions, _("Choose what the macro does."), self.state.setFocus),
        ]
        for wrong, words, focus in complaints:
            if wrong:
                self.refused(words)
                focus()
                return
        self.saved.emit(self._current, draft)

    def _delete(self) -> None:
        if self._current is not None:
            gone = self._current
            self._begin(self._kind)
            self.deleted.emit(gone)

    def _move(self, by: int) -> None:
        """Past the next one of the same folder that the person may order."""
        template = self._current
        if template is None:
            return
        group = [t for t in self._all if t.folder == template.folder and may_change(t, self._identity)]
        place = next((i for i, t in enumerate(group) if t.id == template.id), -1)
        if place < 0 or not 0 <= place + by < len(group):
            return
        group[place], group[place + by] = group[place + by], group[place]
        self.ordered.emit(group)


def _share(template: Template) -> str:
    """Return who sees it, as one word for the box."""
    return f"team {template.team.hex()}" if template.share == "team" and template.team is not None else template.share
