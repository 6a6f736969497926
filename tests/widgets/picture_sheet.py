# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole set: drawn by a program per processor, then one HTML sheet on which a person looks at it."""

from __future__ import annotations

import hashlib
import html
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from tests.widgets.picture_set import SET, Look, Shown

__all__ = ["draw_set"]

_SCREEN = (1920, 1200)  # px of Qt's, at every scale
_ASKED = "Clipped? Overlapping? Whose turn is it? What is the one next action?"
_USUAL = "This plugin does not support"  # what Qt says of windows without a screen
_STYLE = """\
body{font:14px/1.5 sans-serif;margin:2em;color:#1b1e23;background:#f4f5f7}
nav a{margin-right:1em;white-space:nowrap} h2{margin-top:3em;border-top:1px solid #7a828e;padding-top:.5em}
section{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start}
figure{margin:0;max-width:min(46vw,900px)} img{max-width:100%;border:1px solid #7a828e;background:#fff}
figcaption b{color:#b3261e} .new{outline:3px solid #0a5cb8}
"""


def draw_set(out: Path, looks: Sequence[Look], words: Sequence[str]) -> int:
    """Draw the set in all looks and write index.html; 1 when anything is cut, covered or could not be drawn."""
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    before = {path.relative_to(out).as_posix(): _mark(path) for path in out.glob("*/*.png")}
    parts = [list(part) for _key, part in groupby(looks, lambda look: (look.scale, look.mode, look.text))]
    told: dict[str, list[str]] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for part, found in zip(parts, pool.map(lambda part: _draw(out, part, words), parts), strict=True):
            told |= found
            sys.stdout.write(f"{len(found):4} pictures: {', '.join(map(str, part))}\n")
            sys.stdout.flush()
    changed = {file for file in told if before.get(file) not in (None, _mark(out / file))}
    if not words:
        (out / "index.html").write_text("".join(_page(looks, told, changed)), encoding="utf-8")
    cut = {file: lines for file, lines in told.items() if lines}
    for file, lines in sorted(cut.items()):
        sys.stdout.writelines(f"{file}: {line}\n" for line in lines)
    seconds = time.monotonic() - begun
    sys.stdout.write(f"{len(told)} pictures, {len(changed)} changed, {len(cut)} with faults, in {seconds:.0f} s\n")
    return 1 if cut or not told else 0


def _draw(out: Path, looks: Sequence[Look], words: Sequence[str]) -> dict[str, list[str]]:
    scale = looks[0].scale
    with tempfile.TemporaryDirectory() as folder:
        # a screen of its own: as large for the windows at every scale
        width, height = (side * scale // 100 for side in _SCREEN)
        screen = {"name": "one", "x": 0, "y": 0, "width": width, "height": height, "dpr": 1}
        screen |= {"logicalDpi": 96, "logicalBaseDpi": 96}
        described = Path(folder) / "screens.json"
        described.write_text(json.dumps({"screens": [screen]}), encoding="utf-8")
        environment = os.environ | {
            "QT_QPA_PLATFORM": f"offscreen:configfile={described}",
            "QT_SCALE_FACTOR": f"{scale / 100:g}",
        }
        command = [sys.executable, "-m", "tests.widgets.screenshots", "--out", str(out), *words, "--part"]
        done = subprocess.run(
            [*command, *map(str, looks)], env=environment, capture_output=True, text=True, check=False
        )
    said = (line for line in done.stderr.splitlines(keepends=True) if not line.startswith(_USUAL))
    sys.stderr.writelines(said)
    done.check_returncode()
    found = json.loads(done.stdout)
    return {str(file): [str(line) for line in lines] for file, lines in found.items()}


def _mark(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _page(looks: Sequence[Look], told: dict[str, list[str]], changed: set[str]) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>Deskside windows</title><style>{_STYLE}</style>"
    yield f"<h1>Deskside: {len(SET)} scenes, {len(told)} pictures</h1><p>{_ASKED}</p>"
    yield "<p>A blue frame: not as when it was drawn last. Red: what the program itself found cut or covered.</p><nav>"
    yield from (f'<a href="#{shown.name}">{html.escape(_heading(shown))}</a>' for shown in SET)
    yield "</nav>"
    for shown in SET:
        yield f'<h2 id="{shown.name}">{html.escape(_heading(shown))}</h2>'
        for state in shown.states:
            yield f"<h3>{state}</h3><section>"
            for look in looks:
                file = f"{shown.name}/{state}-{look}.png"
                if file in told:
                    yield _figure(file, look, told[file], new=file in changed)
            yield "</section>"
    yield "<h2>Looked at</h2><p>Release: ____________ Name: ____________ Date: ____________</p></html>"


def _heading(shown: Shown) -> str:
    return f"{shown.name}: {shown.title}"


def _figure(file: str, look: Look, lines: Sequence[str], *, new: bool) -> str:
    words = f"{look.language}, {look.mode.value.replace('_', ' ')}, screen {look.scale} %, text {look.text} %"
    found = "".join(f"<br><b>{html.escape(line)}</b>" for line in lines)
    frame = " class=new" if new else ""
    return (
        f'<figure><a href="{file}"><img{frame} loading=lazy src="{file}" alt="{words}"></a>'
        f"<figcaption>{words}{found}</figcaption></figure>"
    )
