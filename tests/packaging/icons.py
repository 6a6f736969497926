# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the programs' icons from their SVG in every size of a menu: `python -m tests.packaging.icons`."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from resources.packaging.linux.stage import HERE, PIXELS


def main() -> None:
    """Write all of them anew."""
    for source in sorted((HERE / "icons").glob("org.deskside.*.svg")):
        if source.stem.endswith("-symbolic"):
            continue
        drawing = QSvgRenderer(QByteArray(source.read_bytes()))
        for side in PIXELS:
            picture = QImage(side, side, QImage.Format.Format_ARGB32)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            drawing.render(painter)
            painter.end()
            place = source.parent / str(side) / f"{source.stem}.png"
            place.parent.mkdir(exist_ok=True)
            if not picture.save(str(place)):
                raise OSError(f"{place} cannot be written")


if __name__ == "__main__":
    main()
