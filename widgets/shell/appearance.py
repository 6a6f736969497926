# SPDX-License-Identifier: GPL-3.0-or-later
"""Language, theme and text size: reads them from the settings, switches all open windows at once."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.config import settings as conf
from app.config.i18n import _, language, set_language
from app.config.settings import Settings
from widgets.foundation import Theme, ThemeMode
from widgets.foundation.qt_texts import install_qt_texts

__all__ = ["Appearance"]


class Appearance:
    """GUI thread. `settings` keeps the choices; `tell` shows why one cannot be changed."""

    def __init__(self, theme: Theme, settings: Settings, tell: Callable[[str], object] = lambda _text: None) -> None:
        self._theme = theme
        self._settings = settings
        self._tell = tell

    def apply(self, key: str = "") -> None:
        """Bring what the settings say on the screen; `key` names the one that changed, "" means all."""
        if key in ("", conf.LANGUAGE.key):
            self._apply_language()
        if key in ("", conf.THEME.key):
            mode = ThemeMode(self._settings.get(conf.THEME).value)
            if mode is not self._theme.mode:
                self._theme.set_mode(mode)
        if key in ("", conf.TEXT_PERCENT.key):
            percent = self._settings.get(conf.TEXT_PERCENT)
            if percent != self._theme.text_percent:
                self._theme.set_text_percent(percent)

    def toggle_language(self) -> None:
        """Switch between Korean and English."""
        self.set(conf.LANGUAGE.key, conf.Language.EN if language() == "ko" else conf.Language.KO)

    def step_text(self, by: int) -> None:
        """Make the text larger or smaller by some percent."""
        low, high = conf.TEXT_PERCENT.limits or (80, 200)
        self.set(conf.TEXT_PERCENT.key, max(low, min(high, self._settings.get(conf.TEXT_PERCENT) + by)))

    def set(self, key: str, value: object) -> None:
        """Keep a choice and act on it. One that the organisation has set stays, and that is told."""
        setting = next(s for s in conf.DECLARED if s.key == key)
        try:
            self._settings.set(setting, value)
        except conf.SettingLocked:
            text = _("Set by your organisation, so it cannot be changed here. It stands in {place}.")
            self._tell(f"{_(setting.label)}: {text.format(place=self._settings.managed_by(setting))}")
            return
        except OSError:
            return
        self.apply(key)

    def _apply_language(self) -> None:
        set_language(self._settings.get(conf.LANGUAGE).value)
        app = QCoreApplication.instance()
        if not isinstance(app, QApplication):
            return
        install_qt_texts(app)
        for window in app.topLevelWidgets():
            QApplication.sendEvent(window, QEvent(QEvent.Type.LanguageChange))
