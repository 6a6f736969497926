# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings window: looks, keys, writing, notices, trouble. A change acts at once; what is locked says by whom."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFormLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.config import settings as conf
from app.config.i18n import N_, _, ngettext
from app.config.policy_view import policy_rows
from app.config.settings import Setting, Settings
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, column, row, scroll

__all__ = ["SettingsWindow"]

_SYSTEM: Final = N_("As the system")
_CHOICES: Final[dict[str, tuple[tuple[object, str], ...]]] = {
    conf.LANGUAGE.key: (
        (conf.Language.SYSTEM, _SYSTEM), (conf.Language.KO, "한국어"), (conf.Language.EN, "English"),
    ),
    conf.THEME.key: (
        (conf.Theme.SYSTEM, _SYSTEM), (conf.Theme.LIGHT, N_("Light")), (conf.Theme.DARK, N_("Dark")),
    ),
    conf.MOTION.key: (
        (conf.Motion.SYSTEM, _SYSTEM), (conf.Motion.FULL, N_("Movement")), (conf.Motion.REDUCED, N_("Nothing moves")),
    ),
    conf.CRASH_REPORTS.key: (
        (conf.CrashReports.ASK, N_("Show and ask")), (conf.CrashReports.NEVER, N_("Never ask")),
    ),
}  # fmt: skip
_SIZES: Final = (80, 90, 100, 110, 125, 150, 175, 200)
_USUAL_HOURS: Final = "20:00-08:00"
_HALF_HOURS: Final = tuple(f"{n // 2:02}:{n % 2 * 30:02}" for n in range(48))
_MAY_BREAK: Final = "\u200b"  # a long path goes on in the next line
_SECONDS: Final = (0, 3, 5, 10, 15, 20, 30)


class SettingsWindow(QDialog):
    """`changed` gives the key of a setting after it was saved; the others ask for the windows beside this one."""

    changed = Signal(str)
    keys_wanted = Signal()
    policies_wanted = Signal()

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._theme = theme
        self._space = theme.tokens.space
        self._locks: dict[str, PlainLabel] = {}
        self.heading = PlainLabel(type="title")
        self._labels: dict[str, PlainLabel] = {}
        self._helps: dict[str, PlainLabel] = {}
        self._boxes: dict[str, tuple[Setting[Any], QComboBox]] = {}
        self._checks: dict[str, tuple[Setting[bool], QCheckBox]] = {}
        self._titles: list[tuple[PlainLabel, str]] = []
        self._page = column(gap=self._space.large, margins=(0, 0, self._space.medium, 0))
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self._looks()
        self._keys(theme)
        self._writing()
        self._notices()
        self._trouble()
        self._organisation(theme)
        self._page.addStretch(1)
        body = QWidget()
        body.setLayout(self._page)
        self.close_button = Button(theme, "", look=Look.PRIMARY, pressed=self.accept)
        edge = (self._space.wide, self._space.wide, self._space.wide, self._space.large)
        self.setLayout(
            column(
                self.heading, scroll(body), self.problem, row(None, self.close_button), gap=self._space.large,
                margins=edge,
            )
        )  # fmt: skip
        self.resize(self._space.vast * 12, self._space.vast * 14)
        self.setMinimumWidth(self._space.vast * 9)
        self.retranslate()
        first = (box for _s, box in self._boxes.values() if box.isEnabled())
        next(first, self.close_button).setFocus()

    # --- parts --------------------------------------------------------------------------------------------------------

    def _looks(self) -> None:
        form = self._group(N_("Looks"))
        self.language = self._choice(form, conf.LANGUAGE)
        self.theme = self._choice(form, conf.THEME)
        self.size_box = self._choice(form, conf.TEXT_PERCENT)
        self.motion = self._choice(form, conf.MOTION)

    def _keys(self, theme: Theme) -> None:
        form = self._group(N_("Keyboard"))
        self.single_keys = self._check(form, conf.SINGLE_KEYS)
        self.shortcuts = Button(theme, "", pressed=self.keys_wanted.emit)
        form.addRow(row(self.shortcuts, None))

    def _writing(self) -> None:
        form = self._group(N_("Writing"))
        self.undo_send = self._choice(form, conf.UNDO_SEND_S)

    def _notices(self) -> None:
        form = self._group(N_("Notifications and tray"))
        self.notices = self._check(form, conf.NOTICES_ON)
        self.hide_text = self._check(form, conf.HIDE_NOTICE_TEXT)
        self.quiet = QCheckBox()
        self.quiet_from, self.quiet_to = QComboBox(), QComboBox()
        for field in (self.quiet_from, self.quiet_to):
            field.activated.connect(lambda _i: self._set_hours())
        self.quiet.toggled.connect(self._set_hours)
        self._until = PlainLabel()
        hours = row(self.quiet, self.quiet_from, self._until, self.quiet_to, None, gap=self._space.small)
        self._helps[conf.QUIET_HOURS.key] = PlainLabel(type="caption", tone="muted", wrap=True)
        form.addRow(column(hours, self._helps[conf.QUIET_HOURS.key], gap=self._space.tiny))
        self.tray = self._check(form, conf.STAY_IN_TRAY)

    def _trouble(self) -> None:
        self.crash_reports = self._choice(self._group(N_("When something fails")), conf.CRASH_REPORTS)

    def _organisation(self, theme: Theme) -> None:
        form = self._group(N_("Your organisation"))
        self.organisation = PlainLabel(tone="muted", wrap=True)
        self.policies = Button(theme, "", pressed=self.policies_wanted.emit)
        form.addRow(self.organisation)
        form.addRow(row(self.policies, None))

    def _group(self, title: str) -> QFormLayout:
        label = PlainLabel(type="strong")
        self._titles.append((label, title))
        form = QFormLayout()
        form.setHorizontalSpacing(self._space.large)
        form.setVerticalSpacing(self._space.medium)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._page.addLayout(column(label, form, gap=self._space.small))
        return form

    def _choice(self, form: QFormLayout, setting: Setting[Any]) -> QComboBox:
        box = QComboBox()
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.setEnabled(not self._settings.is_locked(setting))
        box.activated.connect(lambda _i: self._set(setting, box.currentData()))
        self._boxes[setting.key] = (setting, box)
        self._add(form, setting, box)
        return box

    def _add(self, form: QFormLayout, setting: Setting[Any], field: QWidget) -> None:
        self._labels[setting.key] = PlainLabel()
        self._helps[setting.key] = PlainLabel(type="caption", tone="muted", wrap=True)
        side: QVBoxLayout = column(field, self._explained(setting), gap=self._space.tiny)
        form.addRow(self._labels[setting.key], side)

    def _check(self, form: QFormLayout, setting: Setting[bool]) -> QCheckBox:
        check = QCheckBox()
        check.setEnabled(not self._settings.is_locked(setting))
        check.toggled.connect(lambda on: self._set(setting, on))
        self._checks[setting.key] = (setting, check)
        self._helps[setting.key] = PlainLabel(type="caption", tone="muted", wrap=True)
        form.addRow(column(check, self._explained(setting), gap=self._space.tiny))
        return check

    def _explained(self, setting: Setting[Any]) -> QHBoxLayout:
        """Return the words under a field, behind a lock where the organisation has set it."""
        lock = self._locks[setting.key] = PlainLabel()
        self._theme.set_label_icon(lock, "lock")
        lock.setVisible(self._settings.is_locked(setting))
        line = row(lock, self._helps[setting.key], gap=self._space.tiny)
        line.setAlignment(lock, Qt.AlignmentFlag.AlignTop)
        line.setStretch(1, 1)
        return line

    def control(self, setting: Setting[Any]) -> QWidget | None:
        """Return the field in which a setting is changed here, None if it has none."""
        box, check = self._boxes.get(setting.key), self._checks.get(setting.key)
        return box[1] if box is not None else check[1] if check is not None else None

    # --- changing -----------------------------------------------------------------------------------------------------

    def _set_hours(self) -> None:
        on = self.quiet.isChecked()
        for field in (self.quiet_from, self.quiet_to):
            field.setEnabled(on)
        begin, end = (field.currentData() for field in (self.quiet_from, self.quiet_to))
        self._set(conf.QUIET_HOURS, conf.Hours(f"{begin}-{end}" if on else ""))

    def _set(self, setting: Setting[Any], value: Any) -> None:
        try:
            if self._settings.get(setting) == value:
                return
            self._settings.set(setting, value)
        except (OSError, ValueError, conf.SettingLocked):
            self.problem.tell(_("This setting could not be saved. Nothing was changed. Try again."), "danger")
            self.problem.show()
            return
        self.problem.hide()
        self.changed.emit(setting.key)

    # --- words --------------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setWindowTitle(_("Settings"))
        self.heading.setText(_("Settings"))
        for label, title in self._titles:
            label.setText(_(title))
        for setting, box in self._boxes.values():
            choices = [(value, _(text)) for value, text in _CHOICES.get(setting.key, ())]
            numbers = self._sizes() if setting.key == conf.TEXT_PERCENT.key else self._seconds()
            self._fill(box, choices or numbers, self._settings.get(setting))
            self._name(setting, box)
        for check_setting, check in self._checks.values():
            check.blockSignals(True)
            check.setText(_(check_setting.label))
            check.setChecked(self._settings.get(check_setting))
            check.blockSignals(False)
            self._help(check_setting, check)
        self._show_hours()
        self.shortcuts.setText(_("Change shortcuts…"))
        self.organisation.setText(self._set_by_others())
        self.policies.setText(_("See what is set…"))
        self.close_button.setText(_("Close"))

    def _set_by_others(self) -> str:
        number, wrong = len(policy_rows(self._settings)), len(self._settings.policy_problems)
        told = _("Nothing is set by your organisation.")
        if number:
            told = ngettext("{n} setting is set by it.", "{n} settings are set by it.", number).format(n=number)
        if wrong:
            told += " " + ngettext(
                "{n} place in its files is wrong.", "{n} places in its files are wrong.", wrong
            ).format(n=wrong)
        return told

    def _name(self, setting: Setting[Any], field: QWidget) -> None:
        self._labels[setting.key].setText(_(setting.label))
        field.setAccessibleName(_(setting.label))
        self._help(setting, field)

    def _help(self, setting: Setting[Any], field: QWidget) -> None:
        """Say what it is for, or who locked it and where that stands."""
        text, shown = _(setting.help) if setting.help else "", ""
        if setting.key == conf.TEXT_PERCENT.key:
            text = _("Ctrl+Plus and Ctrl+Minus change it in any window.")
        if self._settings.is_locked(setting):
            where = self._settings.managed_by(setting)
            text = _("Set by your organisation, so it cannot be changed here.")
            if where:
                text = _("Set by your organisation, so it cannot be changed here. It stands in {place}.")
                shown = text.format(place=where.replace("/", f"/{_MAY_BREAK}"))
                text = text.format(place=where)
        self._helps[setting.key].setText(shown or text)
        self._helps[setting.key].setVisible(bool(text))
        field.setAccessibleDescription(text)

    def _show_hours(self) -> None:
        hours = self._settings.get(conf.QUIET_HOURS)
        begin, _dash, end = (hours or _USUAL_HOURS).partition("-")
        self.quiet.blockSignals(True)
        self.quiet.setText(_(conf.QUIET_HOURS.label))
        self.quiet.setChecked(bool(hours))
        for field, text, name in (
            (self.quiet_from, begin, _("Quiet from")), (self.quiet_to, end, _("Quiet until")),
        ):  # fmt: skip
            self._fill(field, [(t, t) for t in sorted({*_HALF_HOURS, text})], text)
            field.setEnabled(bool(hours))
            field.setAccessibleName(name)
        self._until.setText(_("until"))
        self.quiet.blockSignals(False)
        self._helps[conf.QUIET_HOURS.key].setText(_("What comes meanwhile is told afterwards."))

    def _sizes(self) -> list[tuple[object, str]]:
        size = self._settings.get(conf.TEXT_PERCENT)
        return [(n, f"{n} %") for n in sorted({*_SIZES, size})]

    def _seconds(self) -> list[tuple[object, str]]:
        low, high = conf.UNDO_SEND_S.limits or (0, 30)
        numbers = sorted({*(n for n in _SECONDS if low <= n <= high), self._settings.get(conf.UNDO_SEND_S)})
        return [(n, ngettext("{n} second", "{n} seconds", n).format(n=n) if n else _("Send at once")) for n in numbers]

    @staticmethod
    def _fill(box: QComboBox, choices: list[tuple[object, str]], current: object) -> None:
        box.blockSignals(True)
        box.clear()
        for value, text in choices:
            box.addItem(text, value)
        box.setCurrentIndex(next((i for i, (value, _t) in enumerate(choices) if value == current), 0))
        box.blockSignals(False)
