# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the product as tests serve them to a browser: as they are, or with a control removed from their copy."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["ROOT", "copy_of", "remove"]

ROOT = Path(__file__).parents[2]
_EDITS: dict[str, list[tuple[str, str]]] = {}


def remove(path: str, old: str, new: str) -> None:
    """From now on copies have `new` for `old` in a file of this repository, named from its root."""
    _EDITS.setdefault(path, []).append((old, new))


def copy_of(folder: str, to: Path) -> Path:
    """Copy a folder of this repository, changed as `remove` said, and return where it is."""
    made = Path(shutil.copytree(ROOT / folder, to))
    for path, edits in _EDITS.items():
        if not path.startswith(f"{folder}/"):
            continue
        file = made / Path(path).relative_to(folder)
        text = file.read_text("utf-8")
        for old, new in edits:
            text = text.replace(old, new)
        file.write_text(text, "utf-8")
    return made
