# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside policy`: check policy files, show what counts on this computer, write the forms for other systems."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path

from app.config.i18n import _, load_catalogues, set_language
from app.config.policy import MANAGED_FOLDER, Finding, Level, Policy, read_policy
from app.config.policy_check import check
from app.config.policy_file import shown
from app.config.policy_forms import forms
from app.entry.command_line import CommandLine

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Run one of the three. 0: fine. 1: something does not count as written, or could not be written. 2: usage."""
    set_language("system")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(argv)
    if options.language != "system":
        set_language(options.language)
    if options.verb == "check":
        return _check(options)
    if options.verb == "show":
        return _show(read_policy(), as_json=options.json)
    return _generate(options.folder)


def _parser() -> CommandLine:
    parser = CommandLine(prog="deskside policy", description=_("What an organisation sets on its computers."))
    parser.add_argument("--language", choices=("system", "ko", "en"), default="system")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|show|generate")
    one = verbs.add_parser("check", help=_("say what is wrong with policy files, with line and key"))
    where = _("a file, or a folder with all of its files; {folder} if none is named").format(folder=MANAGED_FOLDER)
    one.add_argument("files", nargs="*", type=Path, metavar="FILE", help=where)
    one.add_argument("--recommended", action="store_true", help=_("the files are meant for the folder “recommended”"))
    one.add_argument("--strict", action="store_true", help=_("also end with 1 where there are only warnings"))
    one.add_argument("--json", action="store_true", help=_("print the findings as JSON"))
    two = verbs.add_parser("show", help=_("print what is set on this computer, by which file, and what is wrong"))
    two.add_argument("--json", action="store_true", help=_("print it as JSON"))
    three = verbs.add_parser("generate", help=_("write templates for Windows and macOS, a schema and an example"))
    three.add_argument("folder", type=Path, metavar="DIR", help=_("the folder to write to; it is made if missing"))
    return parser


def _check(options: argparse.Namespace) -> int:
    files: list[Path] = options.files or [MANAGED_FOLDER, MANAGED_FOLDER.parent / "recommended"]
    found = check([path for path in files if options.files or path.is_dir()], recommended=options.recommended)
    bad = {Level.ERROR, Level.WARNING} if options.strict else {Level.ERROR}
    fine = not any(finding.level in bad for finding in found)
    if options.json:
        print(json.dumps({"fine": fine, "findings": [_as_plain(finding) for finding in found]}, indent=2))
        return 0 if fine else 1
    for finding in found:
        print(_line(finding))
    if not found:
        print(_("Everything in these files counts as it is written."))
    elif fine:
        print(_("Nothing here keeps the files from counting."))
    return 0 if fine else 1


def _as_plain(finding: Finding) -> dict[str, object]:
    return {
        "file": str(finding.path), "line": finding.line, "column": finding.column, "key": finding.key,
        "level": finding.level.value, "text": finding.text,
    }  # fmt: skip


def _line(finding: Finding) -> str:
    words = {Level.ERROR: _("error"), Level.WARNING: _("warning"), Level.HINT: _("note")}
    place = f"{_plain(str(finding.path))}:{finding.line}:{finding.column}" if finding.line else str(finding.path)
    return f"{place}: {words[finding.level]}: {_plain(finding.text)}"


def _plain(text: str) -> str:
    """A name from outside without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def _show(policy: Policy, *, as_json: bool) -> int:
    layers = (
        ("managed", _("set"), policy.values, policy.sources),
        ("recommended", _("preset"), policy.recommended, policy.recommended_sources),
    )
    if as_json:
        rows = [
            {"key": key, "value": value, "level": name, "source": str(sources.get(key, ""))}
            for name, _word, values, sources in layers
            for key, value in sorted(values.items())
        ]
        print(json.dumps({"policies": rows, "problems": list(policy.warnings)}, ensure_ascii=False, indent=2))
        return 1 if policy.warnings else 0
    for _name, word, values, sources in layers:
        for key, value in sorted(values.items()):
            print(f"{key} = {shown(value)}  ({word}, {sources.get(key, '')})")
    for warning in policy.warnings:
        print(f"! {_plain(warning)}")
    if not (policy.values or policy.recommended or policy.warnings):
        print(_("Nothing is set on this computer."))
    return 1 if policy.warnings else 0


def _generate(folder: Path) -> int:
    for name, data in forms(load_catalogues("ko").gettext).items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            print(_("{file} cannot be written: {reason}").format(file=path, reason=error.strerror), file=sys.stderr)
            return 1
        print(path)
    return 0
