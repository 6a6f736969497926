# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings window: language, theme, text size, single keys. Every change acts at once."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFormLayout, QWidget

from app.config import settings as conf
from app.config.i18n import N_, _
from app.config.settings import Setting, Settings
from widgets.foundation import Button, Look, Notice, PlainLabel, Theme, column, row

__all__ = ["SettingsWindow"]

_LANGUAGES = ((conf.Language.SYSTEM, N_("As the system")), (conf.Language.KO, "한국어"), (conf.Language.EN, "English"))
_THEMES = (
    (conf.Theme.SYSTEM, N_("As the system")),
    (conf.Theme.LIGHT, N_("Light")),
    (conf.Theme.DARK, N_("Dark")),
)
_SIZES = (80, 90, 100, 110, 125, 150, 175, 200)


class SettingsWindow(QDialog):
    """`changed` gives the key of a setting after it was saved."""

    changed = Signal(str)

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        space = theme.tokens.space
        self.heading = PlainLabel(type="title")
        self.language, self.theme, self.size_box = QComboBox(), QComboBox(), QComboBox()
        self.single_keys = QCheckBox()
        self.single_words = PlainLabel(type="caption", tone="muted", wrap=True)
        self.problem = Notice(theme, kind="danger")
        self.problem.hide()
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(space.large)
        self.form.setVerticalSpacing(space.medium)
        self._labels: dict[str, PlainLabel] = {}
        for setting, box in self._boxes():
            self._labels[setting.key] = PlainLabel()
            box.setEnabled(not settings.is_locked(setting))
            self.form.addRow(self._labels[setting.key], box)
            box.activated.connect(lambda _i, box=box, setting=setting: self._set(setting, box.currentData()))
        self.single_keys.toggled.connect(lambda on: self._set(conf.SINGLE_KEYS, on))
        self.close_button = Button(theme, "", look=Look.PRIMARY, pressed=self.accept)
        keys = column(self.single_keys, self.single_words, gap=space.tiny)
        edge = (space.wide, space.wide, space.wide, space.large)
        self.setLayout(
            column(
                self.heading, self.form, keys, self.problem, None, row(None, self.close_button), gap=space.large,
                margins=edge,
            )
        )  # fmt: skip
        self.setMinimumWidth(space.vast * 9)
        self.retranslate()
        next((box for _setting, box in self._boxes() if box.isEnabled()), self.close_button).setFocus()

    def _boxes(self) -> list[tuple[Setting[Any], QComboBox]]:
        return [(conf.LANGUAGE, self.language), (conf.THEME, self.theme), (conf.TEXT_PERCENT, self.size_box)]

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

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def retranslate(self) -> None:
        """Say everything in the language spoken now."""
        self.setWindowTitle(_("Settings"))
        self.heading.setText(_("Settings"))
        for setting, box in self._boxes():
            label = _(setting.label)
            locked = _(" (set by your organisation)") if self._settings.is_locked(setting) else ""
            self._labels[setting.key].setText(label + locked)
            box.setAccessibleName(label)
        self._fill(self.language, [(v, _(t)) for v, t in _LANGUAGES], self._settings.get(conf.LANGUAGE))
        self._fill(self.theme, [(v, _(t)) for v, t in _THEMES], self._settings.get(conf.THEME))
        size = self._settings.get(conf.TEXT_PERCENT)
        self._fill(self.size_box, [(n, f"{n} %") for n in sorted({*_SIZES, size})], size)
        self.single_keys.blockSignals(True)
        self.single_keys.setText(_(conf.SINGLE_KEYS.label))
        self.single_keys.setChecked(self._settings.get(conf.SINGLE_KEYS))
        self.single_keys.blockSignals(False)
        self.single_words.setText(_(conf.SINGLE_KEYS.help))
        self.close_button.setText(_("Close"))

    @staticmethod
    def _fill(box: QComboBox, choices: list[tuple[Any, str]], current: Any) -> None:
        box.blockSignals(True)
        box.clear()
        for value, text in choices:
            box.addItem(text, value)
        box.setCurrentIndex(next((i for i, (value, _t) in enumerate(choices) if value == current), 0))
        box.blockSignals(False)
