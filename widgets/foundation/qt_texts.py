# SPDX-License-Identifier: GPL-3.0-or-later
"""Qt's own texts (file dialogs, menus of fields) in the language the program speaks."""

from __future__ import annotations

from PySide6.QtCore import QLibraryInfo, QTranslator
from PySide6.QtWidgets import QApplication

from app.config.i18n import language

__all__ = ["install_qt_texts"]

_NAME = "qt-texts"


def install_qt_texts(app: QApplication) -> bool:
    """Let Qt speak the language spoken now and no other; False when it has no catalogue (English needs none)."""
    for former in app.findChildren(QTranslator, _NAME):
        app.removeTranslator(former)
        former.deleteLater()
    translator = QTranslator(app)
    translator.setObjectName(_NAME)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    return translator.load(f"qtbase_{language()}", folder) and app.installTranslator(translator)
