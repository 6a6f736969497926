# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the documentation: those of README.md, those of the agent's guide, and three contact sheets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from tests.widgets.picture_set import SET, Look
from tests.widgets.screenshots import Easel, find_scenes
from widgets.foundation import ThemeMode

__all__ = ["draw"]

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
_LIGHT, _DARK = ThemeMode.LIGHT, ThemeMode.DARK
README = (  # file in docs/images, scene, language, theme
    ("agent-light-en.png", "agent-ticket", "en", _LIGHT),
    ("agent-dark-ko.png", "agent-ticket", "ko", _DARK),
    ("companion-light-en.png", "companion-home", "en", _LIGHT),
    ("request-light-ko.png", "companion-request", "ko", _LIGHT),
    ("session-light-ko.png", "session-live", "ko", _LIGHT),
)
GUIDE = ("agent-sign-in", "agent-search", "agent-reply", "tickets-merge", "needs-text", "session-pointing")
_GUIDE_WIDTH = 900  # px
_KIND = 0xFFE0E0E0  # three bits of each colour
_FORMAT = QImage.Format.Format_RGB32
_THUMB, _GAP, _COLUMNS, _LABEL = QSize(300, 190), 12, 4, 18  # px


def draw(easel: Easel, out: Path) -> None:
    """Draw all of them anew; the contact sheets from the set as it was drawn last in `out`."""
    scenes = {scene.name: scene for scene in find_scenes([])}
    for file, name, language, mode in README:
        picture, _found = easel.draw(scenes[name], Look(language, mode))
        picture.save(str(IMAGES / file))
    for name in GUIDE:
        for language in ("ko", "en"):
            picture, _found = easel.draw(scenes[name], Look(language, _LIGHT))
            if picture.width() > _GUIDE_WIDTH:
                picture = picture.scaledToWidth(_GUIDE_WIDTH, Qt.TransformationMode.SmoothTransformation)
            _small(picture.toImage(), IMAGES / f"guide-{name}-{language}.png")
    for program in ("agent", "session", "companion"):
        _small(_contact(out, program), IMAGES / f"contact-{program}.png")


def _small(image: QImage, path: Path) -> None:
    """Save with 256 of the picture's colours, the most frequent and one of each kind: a third of the bytes."""
    plain = image.convertToFormat(_FORMAT)
    counted = Counter(memoryview(plain.constBits()).cast("I"))
    kinds: dict[int, int] = {}
    for colour, _n in counted.most_common():
        kinds.setdefault(colour & _KIND, colour)
    table = list(dict.fromkeys([colour for colour, _n in counted.most_common(96)] + list(kinds.values())))[:256]
    few = plain.convertToFormat(QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.ThresholdDither)
    few.save(str(path))


def _contact(out: Path, program: str) -> QImage:
    """Every state once light in Korean and once dark in English, with its name."""
    looks = (Look("ko", _LIGHT), Look("en", _DARK))
    shown = [
        (out / each.name / f"{state}-{look}.png", f"{state} {look.language}")
        for each in SET if each.name.startswith(program) for state in each.states for look in looks
    ]  # fmt: skip
    cell = QSize(_THUMB.width() + _GAP, _THUMB.height() + _LABEL + _GAP)
    sheet = QImage(cell.width() * _COLUMNS + _GAP, cell.height() * -(-len(shown) // _COLUMNS) + _GAP, _FORMAT)
    sheet.fill(QColor("#c9ced6"))
    for place, (file, label) in enumerate(shown):
        corner = QPoint(place % _COLUMNS * cell.width() + _GAP, place // _COLUMNS * cell.height() + _GAP)
        _paint(sheet, QImage(str(file)), corner, label)
    return sheet


def _paint(sheet: QImage, picture: QImage, corner: QPoint, label: str) -> None:
    painter = QPainter(sheet)
    painter.setPen(QColor("#1b1e23"))
    painter.drawText(QRect(corner, QSize(_THUMB.width(), _LABEL)), Qt.AlignmentFlag.AlignLeft, label)
    small = picture.scaled(_THUMB, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    painter.drawImage(corner + QPoint(0, _LABEL), small)
    painter.end()
