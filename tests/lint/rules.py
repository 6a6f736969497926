# SPDX-License-Identifier: GPL-3.0-or-later
"""House rules that ruff and mypy do not know, as checks of the syntax tree. `python -m tests.lint.rules` runs them all.

Each rule is a small function over one parsed file; what it finds is a line number and a sentence.
"""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("app", "widgets", "remote_assist", "sync", "resources")
ALL = (*PRODUCT, "tests")

Found = Iterator[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Source:
    """One file of ours, parsed. `place` is its path below the root, with slashes."""

    place: str
    text: str
    tree: ast.Module

    @classmethod
    def read(cls, path: Path, root: Path = ROOT) -> Source:
        """Parse a file. Raises SyntaxError."""
        text = path.read_text("utf-8")
        return cls(path.relative_to(root).as_posix(), text, ast.parse(text, str(path)))

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the last part of the name that is called."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
                yield node, name

    def is_in(self, *places: str) -> bool:
        """Whether the file is one of these, or below one of these folders."""
        return any(self.place == place or self.place.startswith(place.rstrip("/") + "/") for place in places)


def _is_qt_enum(node: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Attribute) and part.attr == name for part in ast.walk(node))


def plain_labels(source: Source) -> Found:
    """UX-32: text from outside is never markup, so labels and boxes come from the foundation."""
    if source.is_in("widgets/foundation/labels.py", "widgets/foundation/dialogs.py"):
        return
    for node, name in source.calls():
        if name in ("QLabel", "QMessageBox", "QErrorMessage"):
            yield node.lineno, f"{name}() reads markup; use PlainLabel or the dialogs of widgets.foundation"
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        if isinstance(owner, ast.Name) and owner.id == "QMessageBox":
            yield node.lineno, "QMessageBox reads markup; use the dialogs of widgets.foundation"


def rich_text(source: Source) -> Found:
    """UX-32: only the message view may render HTML, after cleaning."""
    if source.is_in("widgets/foundation/html_view.py", "widgets/ticket/message_html.py"):
        return
    for node, name in source.calls():
        if name in ("setHtml", "insertHtml", "appendHtml", "setMarkdown"):
            yield node.lineno, f"{name}() outside of the message view"
        if name == "setTextFormat" and not any(_is_qt_enum(argument, "PlainText") for argument in node.args):
            yield node.lineno, "text formats other than PlainText are for the message view only"


_COLOUR = re.compile(r"#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$|(rgb|hsl)a?\(")
_DRAWN = ("widgets", "app/desktop", "app/entry")


def literal_colours(source: Source) -> Found:
    """Colours come from the tokens, so that every theme and contrast is right."""
    if not source.is_in(*_DRAWN) or source.is_in("widgets/foundation/tokens.py"):
        return
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(source.tree):
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if text and id(node) not in docstrings and _COLOUR.match(text):
            yield getattr(node, "lineno", 1), f"colour {text!r}: take it from the tokens"
        if isinstance(node, ast.Attribute) and node.attr in _QT_COLOURS:
            yield node.lineno, f"Qt.{node.attr}: take the colour from the tokens"
    for node, name in source.calls():
        if name in ("QColor", "fromRgb") and node.args and all(_is_number(argument) for argument in node.args):
            yield node.lineno, "a colour made of numbers: take it from the tokens"


_QT_COLOURS = {
    "black", "white", "red", "darkRed", "green", "darkGreen", "blue", "darkBlue", "cyan", "darkCyan", "magenta",
    "darkMagenta", "yellow", "darkYellow", "gray", "darkGray", "lightGray",
}  # fmt: skip
_SIZES = {
    "setFixedSize", "setFixedWidth", "setFixedHeight", "setMinimumSize", "setMinimumWidth", "setMinimumHeight",
    "setMaximumSize", "setMaximumWidth", "setMaximumHeight", "setContentsMargins", "setSpacing", "setIconSize",
    "setHorizontalSpacing", "setVerticalSpacing", "setPointSize", "setPointSizeF", "setPixelSize", "addSpacing",
}  # fmt: skip
_DURATIONS = {"setInterval", "setDuration", "setToolTipDuration"}


def _number(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_number(node: ast.expr) -> bool:
    return _number(node) is not None


def _literals(call: ast.Call) -> list[float]:
    """Numbers written out in a call, except 0, 1 and -1, which are no measures; looks into QSize and QMargins."""
    found: list[float] = []
    for argument in call.args:
        if isinstance(argument, ast.Call) and getattr(argument.func, "id", "") in ("QSize", "QSizeF", "QMargins"):
            found += _literals(argument)
        elif (number := _number(argument)) is not None and abs(number) > 1:
            found.append(number)
    return found


def literal_measures(source: Source) -> Found:
    """Sizes and durations come from the tokens, so that density, text size and reduced motion hold everywhere."""
    if not source.is_in("widgets") or source.is_in("widgets/foundation/tokens.py"):
        return
    for node, name in source.calls():
        if name in _SIZES and _literals(node):
            yield node.lineno, f"{name}() with a written number: take it from the tokens"
        if name in _DURATIONS and _literals(node):
            yield node.lineno, f"{name}() with a written number: name it with its unit, or take it from the tokens"
        if name == "singleShot" and node.args and (_number(node.args[0]) or 0) > 0:
            yield node.lineno, "singleShot() with a written number: name it with its unit"


def launches(source: Source) -> Found:
    """Foreign programs are started in one place, which cleans their environment."""
    if source.is_in("app/desktop/launch.py"):
        return
    for node, name in source.calls():
        if name == "openUrl" and _is_qt_enum(node.func, "openUrl"):
            yield node.lineno, "QDesktopServices.openUrl is forbidden: use app.desktop.launch"


def licence_line(source: Source) -> Found:
    """Every file says its licence in one line."""
    if source.text.strip() and not source.text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n"):
        yield 1, "the first line must be # SPDX-License-Identifier: GPL-3.0-or-later"


_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[\w, -]+\])?(?P<rest>.*)")
_NOQA = re.compile(r"#\s*noqa(?P<code>:\s*[A-Z]+\d+[\w, ]*)?(?P<rest>.*)")
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def comments(source: Source) -> Found:
    """Silenced checks name their code and say why; nothing is left for later in the source."""
    lines = iter(source.text.splitlines(keepends=True))
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type != tokenize.COMMENT:
            continue
        if (match := _IGNORE.search(token.string)) and not (match["code"] and re.search(r"\w{3}", match["rest"])):
            yield token.start[0], "type: ignore needs a code in brackets and a reason after it"
        if (match := _NOQA.search(token.string)) and not (match["code"] and re.search(r"\w{3}", match["rest"])):
            yield token.start[0], "noqa needs a code and a reason after it"
        if _UNFINISHED.search(token.string):
            yield token.start[0], "unfinished: do it, or write down in docs what is left out and why"


_OTHER_WORDS = {r"\b(issues?|cases?)\b": "ticket", r"\bcomments?\b": "internal note or reply"}


def glossary(source: Source) -> Found:
    """One word per idea: texts for people call a ticket a ticket."""
    for node, name in source.calls():
        if name not in ("_", "N_", "ngettext", "pgettext"):
            continue
        for argument in node.args:
            text = argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""
            for word, ours in _OTHER_WORDS.items():
                if re.search(word, text, re.IGNORECASE) and "in case" not in text.lower():
                    yield node.lineno, f"{text!r}: our word is {ours}"


def waiting_tests(source: Source) -> Found:
    """Tests wait for what they expect; mocks know what they stand for."""
    if not source.is_in("tests") or source.is_in("tests/fakes", "tests/bench"):
        return
    for node, name in source.calls():
        function = node.func
        if name == "sleep" and isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "time":
            yield node.lineno, "time.sleep() in a test: wait for the condition (tests/fakes/wait.py)"
        if name in ("Mock", "MagicMock", "AsyncMock") and not any(
            keyword.arg in ("spec", "spec_set") for keyword in node.keywords
        ):
            yield node.lineno, f"{name}() without spec"


RULES: tuple[tuple[Callable[[Source], Found], tuple[str, ...]], ...] = (
    (plain_labels, PRODUCT),
    (rich_text, PRODUCT),
    (literal_colours, PRODUCT),
    (literal_measures, PRODUCT),
    (launches, PRODUCT),
    (glossary, PRODUCT),
    (licence_line, ALL),
    (comments, ALL),
    (waiting_tests, ("tests",)),
)


def check(source: Source) -> Iterator[str]:
    """Complaints about one file, as `place:line: rule: sentence`."""
    for rule, folders in RULES:
        if source.is_in(*folders):
            for line, text in rule(source):
                yield f"{source.place}:{line}: {rule.__name__}: {text}"


def main() -> int:
    """Check the tree; 0 if all is well."""
    files = [path for folder in ALL for path in sorted((ROOT / folder).rglob("*.py"))]
    complaints = [line for path in files for line in check(Source.read(path))]
    print("\n".join(complaints) or f"{len(files)} files keep the house rules")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
