# SPDX-License-Identifier: GPL-3.0-or-later
"""Theme: puts the tokens on the application, follows the system, switches while windows are open."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from weakref import WeakKeyDictionary

from PySide6.QtCore import QObject, QPoint, QSize, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QStyleFactory
from shiboken6 import isValid

from widgets.foundation.icons import icon_pixmap, make_icon
from widgets.foundation.stylesheet import stylesheet, write_art
from widgets.foundation.tokens import Scheme, Tokens

# What fontconfig names when no desktop chose a font: then the font that comes with the program looks better.
_OTHER_SCRIPTS = ("漢", "あ", "😀", "→")  # what names and messages hold beside Hangul and Latin
_NO_CHOICE = frozenset({"", "Sans Serif", "Sans", "sans-serif", "DejaVu Sans", "Bitstream Vera Sans"})
_EFFECTS = (
    Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu, Qt.UIEffect.UI_AnimateCombo, Qt.UIEffect.UI_AnimateTooltip,
    Qt.UIEffect.UI_FadeTooltip, Qt.UIEffect.UI_AnimateToolBox,
)  # fmt: skip
_STILL = "\nQProgressBar, QAbstractScrollArea, QScrollBar, QAbstractButton { widget-animation-duration: 0; }"
_FONT_FILES = ("Pretendard-Regular.otf", "Pretendard-SemiBold.otf")


class ThemeMode(StrEnum):
    """What the user chose. SYSTEM follows the desktop while the program runs."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    CONTRAST_LIGHT = "contrast_light"
    CONTRAST_DARK = "contrast_dark"


class Theme(QObject):
    """The looks of one application. GUI thread only; make one, after QApplication, and keep it as long as that.

    `changed` comes after colours or text size changed; widgets that paint themselves then update.
    """

    changed = Signal()

    def __init__(
        self,
        app: QApplication,
        tokens: Tokens,
        mode: ThemeMode = ThemeMode.SYSTEM,
        system: Callable[[], Scheme] | None = None,
        control_px: int = 0,
    ) -> None:
        """`system` tells what the desktop wants; by default Qt is asked. `control_px`: height of buttons and fields."""
        super().__init__()
        self._system = system or partial(_system_scheme, app)
        self.tokens = tokens
        self._app = app
        self._mode = mode
        self._control_px = control_px or tokens.control_normal
        self._text_percent = 100
        self._still = False
        self._usual_flash_ms = app.cursorFlashTime()
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._pictures: dict[tuple[str, str, int, float], QPixmap] = {}
        self._fonts: dict[tuple[str, bool], tuple[QFont, QFontMetrics]] = {}
        self._bound: WeakKeyDictionary[QAbstractButton, tuple[str, str]] = WeakKeyDictionary()
        self._bound_labels: WeakKeyDictionary[QLabel, tuple[str, str, int]] = WeakKeyDictionary()
        self._art = QTemporaryDir()
        self._family, self._base_pt = self._choose_font()
        self._scheme = self._wanted_scheme()
        app.setStyle(QStyleFactory.create("Fusion"))
        app.styleHints().colorSchemeChanged.connect(self._follow)
        app.styleHints().accessibility().contrastPreferenceChanged.connect(self._follow)
        self._apply()

    # --- choices ---------------------------------------------------------------------------------------------

    @property
    def scheme(self) -> Scheme:
        """The colours in use."""
        return self._scheme

    @property
    def mode(self) -> ThemeMode:
        """What the user chose."""
        return self._mode

    @property
    def text_percent(self) -> int:
        """Text size in percent of the system's."""
        return self._text_percent

    def set_mode(self, mode: ThemeMode) -> None:
        """Switch at once, in all open windows."""
        self._mode = mode
        self._scheme = self._wanted_scheme()
        self._apply()

    def set_text_percent(self, percent: int) -> None:
        """Set the text size; values out of range are brought into it."""
        self._text_percent = max(self.tokens.text_scale_smallest, min(self.tokens.text_scale_largest, percent))
        self._apply()

    @property
    def still(self) -> bool:
        """Whether nothing may move (UX-58)."""
        return self._still

    def set_still(self, still: bool) -> None:
        """Let nothing move any more, or again: no sliding, fading, running bars or blinking."""
        if still == self._still:
            return
        self._still = still
        for effect in _EFFECTS:
            self._app.setEffectEnabled(effect, not still)
        self._app.setCursorFlashTime(0 if still else self._usual_flash_ms)
        self._apply()

    # --- what self-painting widgets ask for ------------------------------------------------------------------

    def colour(self, name: str) -> QColor:
        """Return a colour of the token table, for example "fg.muted". Raises KeyError."""
        return QColor(self.tokens.colour[self._scheme][name])

    def font(self, step: str = "body", *, tabular: bool = False) -> QFont:
        """Return the font of a step of the type scale; `tabular` gives figures one width. Raises KeyError."""
        return QFont(self._measured(step, tabular=tabular)[0])

    def metrics(self, step: str = "body", *, tabular: bool = False) -> QFontMetrics:
        """Return the measures of the same font. Raises KeyError."""
        return self._measured(step, tabular=tabular)[1]

    def _measured(self, step: str, *, tabular: bool) -> tuple[QFont, QFontMetrics]:
        key = (step, tabular)
        if key not in self._fonts:
            size = self.tokens.type[step]
            font = QFont(self._app.font())
            font.setPointSizeF(self._base() * size.factor)
            font.setWeight(QFont.Weight(size.weight))
            if tabular:
                font.setFeature(QFont.Tag("tnum"), 1)
            self._fonts[key] = (font, QFontMetrics(font))
        return self._fonts[key]

    def icon(self, name: str, colour: str = "fg.default") -> QIcon:
        """Return an icon in a token's colour. Not kept up to date: see `set_icon`. Raises FileNotFoundError."""
        key = (name, colour)
        if key not in self._icons:
            self._icons[key] = make_icon(name, self.colour(colour), self.colour("fg.muted"))
        return self._icons[key]

    def pixmap(self, name: str, colour: str, side_px: int, scale: float) -> QPixmap:
        """Return an icon as a picture, for painting. `scale` is the screen's device pixel ratio."""
        key = (name, colour, side_px, scale)
        if key not in self._pictures:
            self._pictures[key] = icon_pixmap(name, self.colour(colour), side_px, scale)
        return self._pictures[key]

    def set_icon(self, button: QAbstractButton, name: str, colour: str = "fg.default") -> None:
        """Give a button an icon that follows every later change of the theme."""
        if self._bound.get(button) == (name, colour):
            return
        self._bound[button] = (name, colour)
        side = self.tokens.icon_small
        button.setIconSize(QSize(side, side))
        button.setIcon(self.icon(name, colour))

    def set_label_icon(self, label: QLabel, name: str, colour: str = "fg.muted", side_px: int = 0) -> None:
        """Show an icon in a label; it follows every later change of the theme."""
        self._bound_labels[label] = (name, colour, side_px or self.tokens.icon_small)
        self._paint_label(label)

    def warm_up(self) -> None:
        """Let Qt find the fonts for scripts that ours lacks; else the first such letter holds a list up."""
        picture = QPixmap(1, 1)
        painter = QPainter(picture)
        for step in self.tokens.type:
            painter.setFont(self.font(step))
            for letter in _OTHER_SCRIPTS:
                painter.drawText(QPoint(0, 0), letter)
        painter.end()

    # --- inside ----------------------------------------------------------------------------------------------

    def _choose_font(self) -> tuple[str, float]:
        for name in _FONT_FILES:
            with as_file(files("resources").joinpath("fonts", "pretendard", name)) as path:
                QFontDatabase.addApplicationFont(str(path))
        system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        if system.family() in _NO_CHOICE:
            return "", self.tokens.font_base_pt
        return system.family(), max(system.pointSizeF(), 1.0)

    def _base(self) -> float:
        return self._base_pt * self._text_percent / 100

    def _wanted_scheme(self) -> Scheme:
        return self._system() if self._mode is ThemeMode.SYSTEM else Scheme(self._mode.value)

    def _follow(self) -> None:
        if self._mode is ThemeMode.SYSTEM and self._wanted_scheme() is not self._scheme:
            self._scheme = self._wanted_scheme()
            self._apply()

    def _apply(self) -> None:
        folder = Path(self._art.path()) / self._scheme  # a folder each: Qt caches pictures by path
        if not folder.is_dir():
            folder.mkdir()
            write_art(folder, self.tokens.colour[self._scheme])
        font = QFont()
        font.setFamilies([family for family in (self._family, *self.tokens.font_families) if family])
        font.setPointSizeF(self._base())
        text_px = QFontMetrics(font).height()
        sheet = stylesheet(self.tokens, self._scheme, self._base(), folder.as_posix(), self._control_px, text_px)
        if self._still:
            sheet += _STILL
        if sheet == self._app.styleSheet():  # "light" where the system is light: every widget would be polished anew
            return
        self._app.setFont(font)
        self._fonts.clear()
        self._app.setPalette(self._palette())
        self._app.setStyleSheet(sheet)
        self._icons.clear()
        self._pictures.clear()
        # a wrapper may outlive its widget until Python collects it
        for button, (name, colour) in list(self._bound.items()):
            if isValid(button):
                button.setIcon(self.icon(name, colour))
        for label in list(self._bound_labels):
            if isValid(label):
                self._paint_label(label)
        self.changed.emit()

    def _paint_label(self, label: QLabel) -> None:
        name, colour, side = self._bound_labels[label]
        label.setPixmap(self.pixmap(name, colour, side, label.devicePixelRatioF()))

    def _palette(self) -> QPalette:
        role = QPalette.ColorRole
        palette = QPalette()
        for target, name in (
            (role.Window, "bg.window"),
            (role.WindowText, "fg.default"),
            (role.Base, "bg.surface"),
            (role.AlternateBase, "bg.window"),
            (role.Text, "fg.default"),
            (role.PlaceholderText, "fg.muted"),
            (role.Button, "bg.surface"),
            (role.ButtonText, "fg.default"),
            (role.BrightText, "live.fg"),
            (role.Highlight, "selected.bg"),
            (role.HighlightedText, "selected.fg"),
            (role.Accent, "accent.bg"),
            (role.Link, "fg.link"),
            (role.LinkVisited, "fg.link"),
            (role.ToolTipBase, "bg.raised"),
            (role.ToolTipText, "fg.default"),
            (role.Mid, "border.control"),
            (role.Dark, "border.control"),
            (role.Light, "bg.raised"),
            (role.Midlight, "border.subtle"),
            (role.Shadow, "border.control"),
        ):
            palette.setColor(target, self.colour(name))
        for target in (role.Text, role.WindowText, role.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, target, self.colour("fg.muted"))
        return palette


def _system_scheme(app: QApplication) -> Scheme:
    hints = app.styleHints()
    dark = hints.colorScheme() is Qt.ColorScheme.Dark
    if hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast:
        return Scheme.CONTRAST_DARK if dark else Scheme.CONTRAST_LIGHT
    return Scheme.DARK if dark else Scheme.LIGHT
