# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogue check: every text of the source has one Korean translation, and the compiled catalogues are fresh.

python -m tests.lint.catalogue --check             fails on a missing, differing or broken translation or a stale .mo
python -m tests.lint.catalogue --update [AREA …]   compiles the .mo files (of these areas only)
python -m tests.lint.catalogue --missing [PATH …]  prints the entries that still lack a translation, ready for a .po
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polib
from babel.messages.extract import extract

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("app", "widgets", "remote_assist", "sync", "resources")
CATALOGUES = ROOT / "resources" / "locale" / "ko" / "LC_MESSAGES"
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
_OPTIONS = {"encoding": "utf-8"}
_OTHER_WORDS = {  # the glossary's word instead, and how we ask
    "컴패니언": "고객 앱", "상담 시간": "업무 시간", "티켓": "문의", "십시오": "-해 주세요",
    r"(?<!X11 )(?<!데스크톱 )세션": "원격 지원",
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%\([a-z_]+\)[a-z]|%[sdn]")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What identifies a text in a catalogue."""

    context: str
    msgid: str
    plural: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A text and one place where the source uses it."""

    key: Key
    place: str


def _key(message: object, context: str | None) -> Key:
    parts = message if isinstance(message, tuple) else (message,)
    texts = [part for part in parts if isinstance(part, str)]
    return Key(context or "", texts[0], texts[1] if len(texts) > 1 else "")


def uses(folders: Iterable[Path], root: Path = ROOT) -> Iterator[Use]:
    """Every marked text below the folders (or in the files), in order of place."""
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*.py")):
            with path.open("rb") as stream:
                for line, message, _comments, context in extract(
                    "python", stream, KEYWORDS, options={"encoding": "utf-8"}
                ):
                    if message:
                        yield Use(_key(message, context), f"{path.relative_to(root)}:{line}")


def unseen(folders: Iterable[Path], root: Path = ROOT) -> Iterator[str]:
    """Calls whose text no extractor can see: inside an f-string, or with anything but a literal in it."""
    for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
        tree = ast.parse(path.read_text("utf-8"), str(path))
        in_f_strings = {
            inner for outer in ast.walk(tree) if isinstance(outer, ast.JoinedStr) for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in KEYWORDS):
                continue
            where = f"{path.relative_to(root)}:{node.lineno}"
            literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
            if literal and node in in_f_strings:
                yield f"{where}: {node.func.id}() inside an f-string is invisible to the extractor; put it before"
            if node.args and isinstance(node.args[0], ast.JoinedStr):
                yield f"{where}: {node.func.id}() of an f-string cannot be translated; use .format() on the result"


def areas(folder: Path = CATALOGUES) -> dict[str, polib.POFile]:
    """The catalogues by area name. Raises OSError for a file that is no catalogue."""
    return {path.stem: polib.pofile(str(path), encoding="utf-8") for path in sorted(folder.glob("*.po"))}


def translation(entry: polib.POEntry) -> str:
    """The Korean text of an entry: Korean has one plural form."""
    return str(entry.msgstr_plural.get(0, "")) if entry.msgid_plural else str(entry.msgstr)


def _complaints_of_entry(area: str, entry: polib.POEntry, text: str) -> Iterator[str]:
    where = f"{area}.po: {entry.msgid!r}"
    if "fuzzy" in entry.flags:
        yield f"{where} is marked fuzzy"
    allowed = {frozenset(_PLACEHOLDER.findall(source)) for source in (entry.msgid, entry.msgid_plural) if source}
    if text and frozenset(_PLACEHOLDER.findall(text)) not in allowed:
        yield f"{where}: placeholders differ in {text!r}"
    for word, ours in _OTHER_WORDS.items():
        if re.search(word, text):
            yield f"{where}: our word is {ours}, not as in {text!r}"
    if text and entry.msgid.endswith("\n") != text.endswith("\n"):
        yield f"{where}: one ends in a line break and the other does not"


def check_texts(used: Iterable[Use], catalogues: dict[str, polib.POFile]) -> list[str]:
    """Complaints about texts without, with broken or with two different translations."""
    known: dict[Key, tuple[str, str]] = {}
    complaints: list[str] = []
    for area, catalogue in catalogues.items():
        for entry in catalogue:
            if entry.obsolete:
                continue
            text = translation(entry)
            complaints += _complaints_of_entry(area, entry, text)
            key = Key(entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")
            other_area, other = known.setdefault(key, (area, text))
            if other != text:
                complaints.append(f"{key.msgid!r} is {other!r} in {other_area}.po and {text!r} in {area}.po")
    reported: set[Key] = set()
    for use in used:
        if not known.get(use.key, ("", ""))[1] and use.key not in reported:
            reported.add(use.key)
            complaints.append(f"{use.place}: no Korean for {use.key.msgid!r}")
    return complaints


def unused(used: Iterable[Use], catalogues: dict[str, polib.POFile]) -> list[str]:
    """Entries that no source uses any more."""
    wanted = {use.key for use in used}
    return [
        f"{area}.po: nobody uses {entry.msgid!r}"
        for area, catalogue in catalogues.items()
        for entry in catalogue
        if not entry.obsolete and Key(entry.msgctxt or "", entry.msgid, entry.msgid_plural or "") not in wanted
    ]


def stale(catalogues: dict[str, polib.POFile], folder: Path = CATALOGUES) -> list[str]:
    """Areas whose compiled file is missing or differs from what would be compiled now."""
    result = [
        f"{area}.mo is stale: run python -m tests.lint.catalogue --update {area}"
        for area, catalogue in catalogues.items()
        if not (mo := folder / f"{area}.mo").is_file() or mo.read_bytes() != catalogue.to_binary()
    ]
    orphans = {mo.stem for mo in folder.glob("*.mo")} - set(catalogues)
    return result + [f"{area}.mo has no {area}.po" for area in sorted(orphans)]


def update(catalogues: dict[str, polib.POFile], names: Iterable[str], folder: Path = CATALOGUES) -> None:
    """Compile the named areas, or all of them. The same .po gives the same bytes on every machine."""
    for area in list(names) or list(catalogues):
        (folder / f"{area}.mo").write_bytes(catalogues[area].to_binary())


def _print_missing(paths: list[str]) -> None:
    known = {
        Key(e.msgctxt or "", e.msgid, e.msgid_plural or "") for po in areas().values() for e in po if translation(e)
    }
    for key in dict.fromkeys(use.key for use in uses([(ROOT / path) for path in paths or SOURCES])):
        if key not in known:
            entry = polib.POEntry(msgid=key.msgid, msgctxt=key.context or None)
            if key.plural:
                entry.msgid_plural, entry.msgstr_plural = key.plural, {0: ""}
            print(entry)


def main(argv: list[str]) -> int:
    """Run the tool; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.lint.catalogue", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true")
    what.add_argument("--update", action="store_true")
    what.add_argument("--missing", action="store_true")
    parser.add_argument("names", nargs="*", metavar="AREA|PATH")
    options = parser.parse_args(argv)
    if options.missing:
        _print_missing(options.names)
        return 0
    catalogues = areas()
    if options.update:
        update(catalogues, options.names)
        return 0
    folders = [ROOT / folder for folder in SOURCES]
    used = list(uses(folders))
    complaints = list(unseen(folders)) + check_texts(used, catalogues) + unused(used, catalogues) + stale(catalogues)
    print("\n".join(complaints) or f"{len({use.key for use in used})} texts, all in Korean", flush=True)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
