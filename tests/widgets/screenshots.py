# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of every window: `python -m tests.widgets.screenshots [words…]` writes build/screenshots and one HTML sheet.

A scene is a function that builds a window; modules named tests/widgets/scenes_*.py list theirs in `SCENES`. `--readme`
draws those of README.md anew into docs/images. All are drawn as in Seoul, whatever the machine's own time zone is.
"""

from __future__ import annotations

import argparse
import html
import importlib
import os
import pkgutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QDeadlineTimer, QEvent, QEventLoop, QSize, QTimer
from PySide6.QtWidgets import QApplication, QWidget

import tests.widgets
from app.config.i18n import set_language
from widgets.foundation import FocusRing, Theme, ThemeMode, load_tokens
from widgets.foundation.turns import is_building

__all__ = ["Scene", "main", "render"]

LANGUAGES = ("ko", "en")
MODES = (ThemeMode.LIGHT, ThemeMode.DARK)
EXTRA_MODES = (ThemeMode.CONTRAST_LIGHT, ThemeMode.CONTRAST_DARK)
ZONE = "Asia/Seoul"
README = (  # file in docs/images, scene, language, theme
    ("agent-light-en.png", "agent-ticket", "en", ThemeMode.LIGHT),
    ("agent-dark-ko.png", "agent-ticket", "ko", ThemeMode.DARK),
    ("companion-light-en.png", "companion-home", "en", ThemeMode.LIGHT),
    ("request-light-ko.png", "companion-request", "ko", ThemeMode.LIGHT),
    ("session-light-ko.png", "session-live", "ko", ThemeMode.LIGHT),
)
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


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


def render(app: QApplication, theme: Theme, scene: Scene, path: Path) -> QSize:
    """Build the scene, let it settle, and save its picture. Returns the size in px."""
    window = scene.build(theme)
    if scene.size is not None:
        window.resize(*scene.size)
    window.show()
    window.activateWindow()
    _settle(app, scene.settle_ms, window)
    picture = window.grab()
    picture.save(str(path))
    window.close()
    window.deleteLater()
    # outside exec() nothing else deletes it, and every window left over makes the next change of theme slower
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    _settle(app, 5)
    return picture.size()


def _settle(app: QApplication, ms: int, window: QWidget | None = None) -> None:
    least, most = QDeadlineTimer(ms), QDeadlineTimer(ms + 5_000)
    while not least.hasExpired() or (window is not None and _fills(window) and not most.hasExpired()):
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)


def _fills(window: QWidget) -> bool:
    # long contents come a piece in each turn of the event loop, in shared steps or by timers without a delay
    return is_building() or any(timer.isActive() and timer.interval() == 0 for timer in window.findChildren(QTimer))


def _sheet(out: Path, rows: list[tuple[str, list[str]]]) -> None:
    body = "".join(
        f"<h2>{html.escape(name)}</h2><div>"
        + "".join(f'<figure><img src="{file}"><figcaption>{file}</figcaption></figure>' for file in files)
        + "</div>"
        for name, files in rows
    )
    style = "body{font:14px sans-serif;margin:2em}div{display:flex;flex-wrap:wrap;gap:1em}img{max-width:46vw}"
    page = f"<!doctype html><meta charset=utf-8><title>Deskside windows</title><style>{style}</style>{body}"
    (out / "index.html").write_text(page, encoding="utf-8")


def main(argv: list[str]) -> int:
    """Render what was asked for; 1 when no scene fits."""
    parser = argparse.ArgumentParser(prog="screenshots")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--text", type=int, default=100, help="text size in percent")
    parser.add_argument("--readme", action="store_true", help="draw the pictures of README.md")
    options = parser.parse_args(argv)
    os.environ["TZ"] = ZONE
    if hasattr(time, "tzset"):
        time.tzset()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    if not isinstance(app, QApplication):
        return 1
    theme = Theme(app, load_tokens(), ThemeMode.LIGHT)
    theme.set_text_percent(options.text)
    ring = FocusRing(app, theme)
    if options.readme:
        for file, name, language, mode in README:
            theme.set_mode(mode)
            set_language("ko" if language == "ko" else "en")
            render(app, theme, next(scene for scene in find_scenes([name]) if scene.name == name), IMAGES / file)
        ring.remove()
        return 0
    scenes = find_scenes(options.words)
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, list[str]]] = []
    for scene in scenes:
        files: list[str] = []
        for mode in (*MODES, *(EXTRA_MODES if scene.contrast else ())):
            theme.set_mode(mode)
            for language in LANGUAGES:
                set_language("ko" if language == "ko" else "en")
                files.append(f"{scene.name}-{language}-{mode.value}.png")
                size = render(app, theme, scene, options.out / files[-1])
                sys.stdout.write(f"{files[-1]} {size.width()}x{size.height()}\n")
        rows.append((scene.name, files))
    ring.remove()
    _sheet(options.out, rows)
    return 0 if scenes else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
