# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/shortcuts.md made from the table of commands."""

from __future__ import annotations

from collections.abc import Callable

from app.commands.table import AGENT, Command

__all__ = ["shortcuts_page"]

_HEAD = """# Keyboard shortcuts

Made from `app/commands/table.py` by `python -m tests.lint.generated_docs --update`; do not edit.
"Ctrl" is Cmd on macOS.
Single keys work outside text fields and can be switched off in the settings. "+" = also on several selected tickets.

| id | English | 한국어 | key | when |
|---|---|---|---|---|
"""


def shortcuts_page(korean: Callable[[str], str]) -> str:
    """Return the page; `korean` translates a title."""
    return _HEAD + "".join(_line(command, korean) for command in AGENT)


def _line(command: Command, korean: Callable[[str], str]) -> str:
    keys = ", ".join(key.replace("Return", "Enter") for key in command.keys if key != "Ctrl+Enter") or "none"
    keys = ", ".join(dict.fromkeys(keys.split(", ")))
    when = f"{command.when.value}{' +' if command.many else ''}"
    return f"| {command.id} | {command.title} | {korean(command.title)} | {keys} | {when} |\n"
