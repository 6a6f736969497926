# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies as data, made from the declared settings: kind, range, example, JSON Schema. All forms come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Final

from app.config import settings as conf
from app.config.i18n import N_, _
from app.config.settings import DECLARED, Setting, WindowRules
from app.domain.masking import WORD_MAX

__all__ = [
    "CLASHES", "GROUPS", "Clash", "Kind", "choices", "example", "group_of", "json_schema", "kind_of", "policies",
    "value_word", "wanted",
]  # fmt: skip


class Kind(Enum):
    """What a value is, which decides its form everywhere."""

    FLAG = "boolean"
    NUMBER = "integer"
    CHOICE = "choice"
    TEXT = "string"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Clash:
    """Where `setting` stands at `value`, the keys that begin with one of `keys` have no effect."""

    setting: Setting[Any]
    value: object
    keys: tuple[str, ...]


CLASHES: Final = (
    Clash(conf.SESSION_ENABLED, False, ("session.",)),
    Clash(conf.ALLOW_FILES, False, (conf.ALLOW_EXECUTABLES.key,)),
    Clash(conf.UPDATES, conf.UpdateMode.OFF, (conf.UPDATE_FEED.key, conf.UPDATE_ROOT.key, conf.UPDATE_CHANNEL.key)),
    Clash(conf.CRASH_REPORTS, conf.CrashReports.NEVER, (conf.CRASH_ADDRESS.key,)),
)
# the folders of an editor of policies, by the first part of a key; one that is not here goes under its own name
GROUPS: Final[dict[str, str]] = {
    "ui": N_("Looks"),
    "server": N_("Server"),
    "composer": N_("Writing"),
    "drafts": N_("Writing"),
    "notices": N_("Notifications"),
    "enrolment": N_("Companion"),
    "companion": N_("Companion"),
    "crash_reports": N_("When something fails"),
    "updates": N_("Updates"),
    "session": N_("Screen sharing"),
}
_ADDRESS: Final = "https://desk.example.org"
_EXAMPLES: Final[dict[str, object]] = {
    conf.CRASH_ADDRESS.key: "it@example.org",
    conf.UPDATE_FEED.key: "https://updates.example.org/deskside",
    conf.UPDATE_ROOT.key: "/etc/deskside/updates-root.json",
    conf.MASK_WINDOWS.key: ["payroll", {"word": "급여", "pause": True}],
}

_SYSTEM: Final = N_("As the system")
_CHOICE_WORDS: Final[dict[str, dict[str, str]]] = {
    conf.LANGUAGE.key: {"system": _SYSTEM, "ko": "한국어", "en": "English"},
    conf.THEME.key: {"system": _SYSTEM, "light": N_("Light"), "dark": N_("Dark")},
    conf.MOTION.key: {"system": _SYSTEM, "full": N_("Movement"), "reduced": N_("Nothing moves")},
    conf.CRASH_REPORTS.key: {"ask": N_("Show and ask"), "never": N_("Never ask")},
    conf.UPDATES.key: {"off": N_("Ask no feed"), "notify": N_("Tell"), "install": N_("Tell, too")},
    conf.UPDATE_CHANNEL.key: {"stable": N_("Finished versions"), "beta": N_("Also versions to try")},
    conf.ALLOW_RECORDING.key: {"off": N_("Never"), "ask": N_("When asked for and allowed")},
}


def policies() -> tuple[Setting[Any], ...]:
    """Every setting that an organisation may set, in the declared order."""
    return tuple(setting for setting in DECLARED if setting.lockable or setting.managed_only)


def kind_of(setting: Setting[Any]) -> Kind:
    """Return the kind of a setting's value."""
    if setting.type is bool:
        return Kind.FLAG
    if setting.type is int:
        return Kind.NUMBER
    if setting.type is WindowRules:
        return Kind.RULES
    return Kind.CHOICE if issubclass(setting.type, StrEnum) else Kind.TEXT


def choices(setting: Setting[Any]) -> tuple[str, ...]:
    """Return the words that a setting takes, () if it takes others than a few."""
    return tuple(word.value for word in setting.type) if kind_of(setting) is Kind.CHOICE else ()


def value_word(setting: Setting[Any], value: str) -> str:
    """Return a choice as a msgid for people, or as it is written where it has no word."""
    return _CHOICE_WORDS.get(setting.key, {}).get(value, value)


def group_of(setting: Setting[Any]) -> str:
    """Return the msgid of the folder that a policy stands in."""
    first = setting.key.partition(".")[0]
    return GROUPS.get(first, first)


def wanted(setting: Setting[Any]) -> str:
    """Say what a setting takes, in the language spoken now."""
    kind = kind_of(setting)
    if kind is Kind.FLAG:
        return _("true or false")
    if kind is Kind.NUMBER:
        low, high = setting.limits or (0, 0)
        return _("a whole number from {low} to {high}").format(low=low, high=high) if high else _("a whole number")
    if kind is Kind.CHOICE:
        return _("one of: {words}").format(words=", ".join(f'"{word}"' for word in choices(setting)))
    if kind is Kind.RULES:
        return _("a list of words, or of {“word”: …, “pause”: true}")
    return _("a text")


def example(setting: Setting[Any]) -> object:
    """Return a value as a file would give it, other than the built-in one. Raises ValueError where none is known."""
    if setting.key in _EXAMPLES:
        return _EXAMPLES[setting.key]
    kind = kind_of(setting)
    if kind is Kind.FLAG:
        return not setting.default
    if kind is Kind.NUMBER:
        low, high = setting.limits or (0, setting.default + 1)
        return low if low != setting.default else high
    if kind is Kind.CHOICE:
        return next(word for word in choices(setting) if word != setting.default)
    if kind is Kind.TEXT and setting.type is str:
        return _ADDRESS if setting.key.endswith((".server", ".url")) else "abc"
    raise ValueError(setting.key)


def _text_value(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _values(setting: Setting[Any]) -> dict[str, object]:
    kind = kind_of(setting)
    if kind is Kind.CHOICE:
        return {"type": "string", "enum": list(choices(setting))}
    if kind is Kind.RULES:
        word = {"type": "string", "minLength": 1, "maxLength": WORD_MAX}
        both = {"word": word, "pause": {"type": "boolean"}}
        rule = {"type": "object", "properties": both, "required": ["word"], "additionalProperties": False}
        return {"type": "array", "items": {"anyOf": [word, rule]}}
    found: dict[str, object] = {"type": kind.value}
    if setting.limits:
        found |= {"minimum": setting.limits[0], "maximum": setting.limits[1]}
    return found


def json_schema(korean: Callable[[str], str]) -> dict[str, object]:
    """Return the schema of a policy file (JSON Schema 2020-12). `korean` translates."""
    keys: dict[str, object] = {}
    for setting in policies():
        described = f"{setting.label}. {setting.help}".strip()
        about = {
            **_values(setting),
            "title": setting.label,
            "description": described,
            "default": _text_value(setting.default),
            "examples": [example(setting)],
            "x-level": ["managed"] if setting.managed_only else ["managed", "recommended"],
            "x-text-ko": {"title": korean(setting.label), "description": korean(setting.help) if setting.help else ""},
        }
        if setting.safe is not None:
            about["x-safe"] = setting.safe
        keys[setting.key] = about
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:deskside:policy",
        "title": "Deskside policy file",
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
    }
