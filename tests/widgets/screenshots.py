# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every window: `python -m tests.widgets.screenshots` draws the set of `picture_set.py` into
build/screenshots, with one HTML sheet; with words it draws the scenes whose names hold one of them.

A scene is a function that builds a window; modules named tests/widgets/scenes_*.py list theirs in `SCENES`. `--docs`
draws those of the documentation anew into docs/images. All are drawn as in Seoul, whatever the machine's time zone is.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QDeadlineTimer, QEvent, QEventLoop, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

import tests.widgets
from app.config.i18n import set_language
from tests.widgets.looks import faults
from tests.widgets.picture_set import COMPANION, LOOKS, SET, Look
from tests.widgets.pseudo import speak_pseudo
from widgets.foundation import FocusRing, Theme, ThemeMode, load_tokens
from widgets.foundation.turns import is_building

__all__ = ["Easel", "Scene", "find_scenes", "main", "render"]

ZONE = "Asia/Seoul"
_STILL_MS = 20
_LONGEST_MS = 5_000
_QUICK = 85  # little work for a smaller file: hundreds are written
_MODES = (ThemeMode.LIGHT, ThemeMode.DARK)
_CONTRAST = (ThemeMode.CONTRAST_LIGHT, ThemeMode.CONTRAST_DARK)


@dataclass(frozen=True)
class Scene:
    """One picture: `build` returns a window filled with its data; `size` None takes the window's own."""

    name: str
    build: Callable[[Theme], QWidget]
    size: tuple[int, int] | None = None
    settle_ms: int = 60
    contrast: bool = False  # also in the high contrast schemes


def find_scenes(words: Sequence[str]) -> list[Scene]:
    """Return the scenes of all modules whose names hold one of the words; all when there are none."""
    scenes: list[Scene] = []
    for module in sorted(pkgutil.iter_modules(tests.widgets.__path__), key=lambda m: m.name):
        if module.name.startswith("scenes_"):
            scenes += importlib.import_module(f"tests.widgets.{module.name}").SCENES
    return [scene for scene in scenes if not words or any(word in scene.name for word in words)]


def render(scene: Scene, theme: Theme) -> tuple[QPixmap, list[str]]:
    """Build the scene, let it settle, and return its picture and what `looks.faults` says of it."""
    before = QApplication.topLevelWidgets()
    window = scene.build(theme)
    if scene.size is not None:
        window.resize(*scene.size)
    window.show()
    window.activateWindow()
    _settle(scene.settle_ms, window)
    picture, found = window.grab(), faults(window)
    window.close()
    window.deleteLater()
    for other in QApplication.topLevelWidgets():  # the one behind it, and what that opened
        if other not in before:
            other.deleteLater()
    # outside exec() nothing else deletes it, and every window left over makes the next change of style slower
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    _turn(0)
    return picture, found


def _settle(ms: int, window: QWidget) -> None:
    _turn(ms)
    most = QDeadlineTimer(_LONGEST_MS)
    places: list[object] = []
    while not most.hasExpired():
        # parts take their places turn by turn: done is what stands twice where it stood
        before, places = places, [(w.geometry(), w.isHidden()) for w in window.findChildren(QWidget)]
        if before == places and not _fills(window):
            return
        _turn(_STILL_MS)


def _turn(ms: int) -> None:
    """Let everything run for so long, idle where nothing does."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _fills(window: QWidget) -> bool:
    # long contents come a piece in each turn of the event loop, in shared steps or by timers without a delay
    return is_building() or any(timer.isActive() and timer.interval() == 0 for timer in window.findChildren(QTimer))


class Easel:
    """One application in which nothing moves, and both programs' themes: the Companion's controls are larger."""

    def __init__(self) -> None:
        os.environ["TZ"] = ZONE
        if hasattr(time, "tzset"):
            time.tzset()
        app = QApplication.instance() or QApplication(sys.argv[:1])
        assert isinstance(app, QApplication)
        tokens = load_tokens()
        self._agent = Theme(app, tokens, ThemeMode.LIGHT)
        self._companion = Theme(app, tokens, ThemeMode.LIGHT, control_px=tokens.target_companion)
        for theme in (self._agent, self._companion):
            theme.set_still(True)
        self._ring = FocusRing(app, self._agent)
        self._back: Callable[[], None] | None = None

    def draw(self, scene: Scene, look: Look) -> tuple[QPixmap, list[str]]:
        """Draw a scene in a look; the scale is that of the process."""
        theme = self._companion if scene.name in COMPANION else self._agent
        theme.set_text_percent(look.text)
        theme.set_mode(look.mode)
        if self._back is not None:
            self._back()
            self._back = None
        if look.language == "pseudo":
            self._back = speak_pseudo()
        else:
            set_language("ko" if look.language == "ko" else "en")
        return render(scene, theme)

    def put_away(self) -> None:
        """End what watches the whole application."""
        self._ring.remove()
        for theme in (self._agent, self._companion):
            theme.set_text_percent(100)


def draw_part(out: Path, looks: Sequence[Look], words: Sequence[str]) -> dict[str, list[str]]:
    """Draw the set in looks of one scale; return the faults by file."""
    scenes = {scene.name: scene for scene in find_scenes([])}
    easel, told = Easel(), {}
    for look in looks:
        for shown in SET:
            (out / shown.name).mkdir(parents=True, exist_ok=True)
            for state in shown.states:
                if words and not any(word in f"{shown.name} {state}" for word in words):
                    continue
                file = f"{shown.name}/{state}-{look}.png"
                try:
                    picture, told[file] = easel.draw(scenes[state], look)
                    picture.save(str(out / file), "PNG", _QUICK)
                except Exception as error:  # noqa: BLE001 - whatever it is, the other pictures are wanted all the same
                    told[file] = [f"could not be drawn: {error!r}"]
    easel.put_away()
    return told


def _draw_words(out: Path, words: Sequence[str], text: int) -> int:
    scenes, easel = find_scenes(words), Easel()
    out.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        for mode in (*_MODES, *(_CONTRAST if scene.contrast else ())):
            for language in ("ko", "en"):
                file = f"{scene.name}-{language}-{mode.value}.png"
                picture, found = easel.draw(scene, Look(language, mode, text=text))
                picture.save(str(out / file), "PNG", _QUICK)
                sys.stdout.write(f"{file} {picture.width()}x{picture.height()}\n")
                sys.stdout.writelines(f"    {line}\n" for line in found)
    easel.put_away()
    return 0 if scenes else 1


def main(argv: list[str]) -> int:
    """Draw what was asked for; 1 when no scene fits, or something of the set is cut or covered."""
    parser = argparse.ArgumentParser(prog="screenshots")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--text", type=int, default=100, help="text size in percent")
    parser.add_argument("--set", action="store_true", help="with words: these windows of the set, in all its looks")
    parser.add_argument("--docs", action="store_true", help="draw the pictures of the documentation")
    parser.add_argument("--part", nargs="+", type=Look.read, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.part:
        sys.stdout.write(json.dumps(draw_part(options.out, options.part, options.words)))
        return 0
    # here: they start this module again
    from tests.widgets import picture_docs, picture_sheet

    if options.docs:
        picture_docs.draw(Easel(), options.out)
        return 0
    if options.words and not options.set:
        return _draw_words(options.out, options.words, options.text)
    return picture_sheet.draw_set(options.out, LOOKS, options.words)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
