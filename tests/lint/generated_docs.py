# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of docs/ that are made from the source: `python -m tests.lint.generated_docs --update`, `--check` compares."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from app.commands.docs import shortcuts_page
from app.config.i18n import load_catalogues, set_language
from app.config.policy_forms import forms
from app.config.policy_schema import example, policies, wanted
from app.config.settings import DECLARED, Setting, WindowRules
from app.entry.cli import help_text
from tests.lint.protocol_reference import reference_page

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "widgets", "remote_assist", "sync", "resources", "tests")
_MANAGED = """\
Kept as JSON in the user's configuration folder. What can be locked, an organisation sets in files of its own, which
stand above a person's or are presets: see [policies.md](policies.md) and [policy-reference.md](policy-reference.md).

Keys that are "only managed" are decided there and nowhere else. Those of sessions can forbid, never grant, on the
customer's computer as on the agent's: what either forbids is never asked for, and a request for it is refused at
once. A value that cannot be read counts as the strictest one. They are read anew for each session."""
_MADE = "Made from the source by `python -m tests.lint.generated_docs --update`; do not edit.\n"


def _summary(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def modules_page() -> str:
    """Every module with the first sentence of its docstring."""
    lines = ["# What is where", "", _MADE]
    for package in PACKAGES:
        folders = sorted({path.parent for path in (ROOT / package).rglob("*.py")})
        for folder in folders:
            lines += [f"## {folder.relative_to(ROOT).as_posix()}/", ""]
            if about := _summary(folder / "__init__.py") if (folder / "__init__.py").exists() else "":
                lines += [about, ""]
            files = [path for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
            lines += [f"- `{path.name}`: {_summary(path)}" for path in files]
            lines += [""] if files else []
    return "\n".join(lines).rstrip() + "\n"


def _setting_rows() -> Iterator[str]:
    korean = load_catalogues("ko").gettext
    for setting in DECLARED:
        kind = "list of words" if setting.type is WindowRules else setting.type.__name__
        if issubclass(setting.type, StrEnum):
            kind = ", ".join(cast("Iterable[str]", setting.type))
        if setting.limits:
            kind += f" {setting.limits[0]}–{setting.limits[1]}"
        locked = "only managed" if setting.managed_only else "yes" if setting.lockable else "no"
        default = "" if setting.default in ("", ()) else f"`{str(setting.default).lower()}`"
        texts = f"{setting.label}. {setting.help}".removesuffix(" ")
        yield f"| `{setting.key}` | {kind} | {default} | {locked} | {texts} | {korean(setting.label)} |"


def settings_page() -> str:
    """Every setting with type, default and texts."""
    head = ["# Settings", "", _MADE, _MANAGED, ""]
    head += ["| key | type | default | lockable | meaning | 한국어 |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *_setting_rows()]) + "\n"


def _policy(setting: Setting[Any], korean: Callable[[str], str]) -> Iterator[str]:
    level = "fixed only" if setting.managed_only else "fixed, preset"
    default = "empty" if setting.default in ("", ()) else f"`{json.dumps(setting.default)}`"
    yield from (f"## `{setting.key}`", "", f"**{setting.label}** · {korean(setting.label)}", "")
    if setting.help:
        yield from (setting.help, "", korean(setting.help), "")
    yield f"- takes {wanted(setting)}; built in: {default}; {level}"
    if setting.safe is not None:
        yield f"- a value that cannot be read counts as `{json.dumps(setting.safe)}`"
    shown = json.dumps(example(setting), ensure_ascii=False)
    yield from (f"- example: `{json.dumps(setting.key)}: {shown}`", "")


def policies_page() -> str:
    """Every policy with what it takes, what is built in, and texts in both languages."""
    korean = load_catalogues("ko").gettext
    head = ["# Policies, one by one", "", _MADE]
    head += ["How they are laid down, checked and shown stands in [policies.md](policies.md)"
             " (한국어: [policies.ko.md](policies.ko.md)).", ""]  # fmt: skip
    return "\n".join([*head, *(line for setting in policies() for line in _policy(setting, korean))]).rstrip() + "\n"


def _form(name: str) -> Callable[[], str]:
    return lambda: forms(load_catalogues("ko").gettext)[name].decode()


def command_line_page() -> str:
    """The help of the `deskside` command in both languages."""
    parts = ["# Command line", "", _MADE]
    for language in ("en", "ko"):
        set_language("ko" if language == "ko" else "en")
        parts += ["```", help_text(), "```", ""]
    set_language("en")
    return "\n".join(parts).rstrip() + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/modules.md": modules_page,
    "docs/settings.md": settings_page,
    "docs/policy-reference.md": policies_page,
    "docs/command-line.md": command_line_page,
    "docs/protocol-reference.md": lambda: reference_page(_MADE),
    "docs/shortcuts.md": lambda: shortcuts_page(load_catalogues("ko").gettext),
    **{f"resources/packaging/policies/{name}": _form(name) for name in forms(str)},
}


def main(argv: list[str]) -> int:
    """Write the pages, or say which differ; 0 if none does."""
    stale = []
    for place, make in PAGES.items():
        path, text = ROOT / place, make()
        if "--update" in argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            stale.append(place)
    for place in stale:
        print(f"{place} is stale: run python -m tests.lint.generated_docs --update")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
