# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organisation has set, as people read it: which setting, its value in words, how firmly, in which file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from app.config.i18n import _, ngettext
from app.config.policy_schema import Kind, kind_of, policies, value_word
from app.config.settings import Setting, Settings

__all__ = ["Force", "PolicyRow", "as_text", "force_word", "policy_rows", "value_text"]


class Force(Enum):
    """How firmly a value is set."""

    FIXED = "fixed"
    PRESET = "preset"
    OVERRULED = "overruled"  # a preset that the person has changed


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One policy that is set here. `value` is what the organisation says, also where the person has chosen another."""

    key: str
    label: str
    value: str
    force: Force
    source: str


def policy_rows(settings: Settings) -> tuple[PolicyRow, ...]:
    """Return what is set, in the declared order and the language spoken now."""
    rows = []
    for setting in policies():
        if setting.key in settings.managed:
            rows.append(_row(setting, settings.managed[setting.key], Force.FIXED, settings.managed_by(setting)))
        elif setting.key in settings.preset_sources:
            force = Force.OVERRULED if settings.is_own(setting) else Force.PRESET
            source = str(settings.preset_sources[setting.key])
            rows.append(_row(setting, settings.recommended[setting.key], force, source))
    return tuple(rows)


def _row(setting: Setting[Any], raw: object, force: Force, source: str) -> PolicyRow:
    return PolicyRow(setting.key, _(setting.label), value_text(setting, raw), force, source)


def value_text(setting: Setting[Any], raw: object) -> str:
    """Return an accepted value in words."""
    value = setting.accept(raw)
    kind = kind_of(setting)
    if kind is Kind.FLAG:
        return _("Yes") if value else _("No")
    if kind is Kind.CHOICE:
        return _(value_word(setting, value.value))
    if kind is Kind.RULES:
        paused = _("{word} (nothing is shown)")
        return ", ".join(paused.format(word=rule.word) if rule.pause else rule.word for rule in value) or _("None")
    if kind is Kind.NUMBER:
        return _number(setting.key, value)
    return str(value) or _("Empty")


def _number(key: str, n: int) -> str:
    """Return a number with the unit that its key names."""
    if key.endswith("_s"):
        return ngettext("{n} second", "{n} seconds", n).format(n=n)
    if key.endswith("_minutes"):
        return ngettext("{n} minute", "{n} minutes", n).format(n=n)
    if key.endswith("_days"):
        return ngettext("{n} day", "{n} days", n).format(n=n)
    return str(n)


def force_word(force: Force) -> str:
    """Say how firmly a value is set."""
    return {
        Force.FIXED: _("Fixed"),
        Force.PRESET: _("Preset, you can change it"),
        Force.OVERRULED: _("Preset, you chose another"),
    }[force]


def as_text(rows: Sequence[PolicyRow], problems: Sequence[str]) -> str:
    """Return everything as plain lines, for a message to whoever looks after the computer."""
    lines = [f"{row.key} = {row.value} ({force_word(row.force)}, {row.source})" for row in rows]
    return "\n".join([*lines, *(f"! {problem}" for problem in problems)])
