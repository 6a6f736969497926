# SPDX-License-Identifier: GPL-3.0-or-later
"""What a support bundle holds, and nothing else: only what is known to be harmless goes in, all the rest stays out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from app.config.logs import OWN_WORDS
from app.config.policy import Policy
from app.config.policy_schema import Kind, kind_of
from app.config.settings import DECLARED, Setting, Settings

__all__ = ["Part", "checks_part", "fault_part", "file_rows", "files_part", "log_part", "policies_part", "settings_part"]

_PLAIN: Final = re.compile(r"[ A-Za-z0-9_.,:;()+\-]{1,120}")  # no @, no slash: neither an address nor a path
_PLACE: Final = re.compile(r"(?P<file>[^:]+\.py):(?P<line>\d+) (?P<name>[A-Za-z0-9_<>.]+)")
_FRAME: Final = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<name>[A-Za-z0-9_<>.]+)')
_FAULT: Final = re.compile(r"(Fatal Python error:|(Current )?[Tt]hread) [A-Za-z0-9 :()]{1,80}")
_FILE: Final = re.compile(r"[a-z][a-z0-9_-]{0,40}\.(db|db-wal|db-shm|json|log|log\.[0-9]|txt|key|lock)")
_OURS: Final = ("app", "widgets", "sync", "remote_assist", "site-packages")
_LOG_LINES: Final = 2_000
_SAFE: Final = (Kind.FLAG, Kind.NUMBER, Kind.CHOICE)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle, as text, and a line for people that says what it is (a msgid)."""

    name: str
    text: str
    about: str


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, indent=2) + "\n"


def _value(setting: Setting[Any], value: object) -> object:
    """Return a value that says nothing about a person; of texts and lists only whether there is one."""
    if kind_of(setting) in _SAFE:
        return value
    return "(set)" if value else "(empty)"


def settings_part(settings: Settings, about: str) -> Part:
    """Every setting with its value, and who set it."""
    rows = {
        setting.key: {
            "value": _value(setting, settings.get(setting)),
            "by": "organisation" if setting.key in settings.managed else "person" if settings.is_own(setting) else "",
        }
        for setting in DECLARED
    }
    return Part("settings.json", _json(rows), about)


def policies_part(policy: Policy, about: str) -> Part:
    """What is set here, by which file, and where files are wrong: place and known key, not what stands there."""
    known = {setting.key: setting for setting in DECLARED}
    layers = ((policy.values, policy.sources), (policy.recommended, policy.recommended_sources))
    rows = [
        {"key": key, "value": _value(known[key], value), "file": str(sources.get(key, "")), "level": level}
        for (values, sources), level in zip(layers, ("managed", "recommended"), strict=True)
        for key, value in sorted(values.items())
    ]
    wrong = [
        {"file": str(found.path), "line": found.line, "level": found.level.value,
         "key": found.key if found.key in known else ""}
        for found in policy.findings
    ]  # fmt: skip
    return Part("policies.json", _json({"set": rows, "wrong": wrong}), about)


def checks_part(findings: Iterable[Mapping[str, str]], about: str) -> Part:
    """What the doctor found: check and level. Its sentences may name a path or a host, and stay out."""
    return Part("checks.json", _json([{"check": f["check"], "level": f["level"]} for f in findings]), about)


def file_rows(files: Iterable[tuple[str, str, int]]) -> list[dict[str, object]]:
    """Sum up (folder, name, bytes): files of ours by name, others by number only, for names are people's."""
    rows: list[dict[str, object]] = []
    others: dict[str, list[int]] = {}
    for folder, name, size in files:
        if _FILE.fullmatch(name):
            rows.append({"folder": folder, "name": name, "bytes": size})
        else:
            others.setdefault(folder, []).append(size)
    rows += [{"folder": folder, "others": len(sizes), "bytes": sum(sizes)} for folder, sizes in others.items()]
    return rows


def files_part(files: Iterable[tuple[str, str, int]], about: str) -> Part:
    """Names and sizes of our own files."""
    return Part("files.json", _json(file_rows(files)), about)


def log_part(name: str, lines: Iterable[str], about: str) -> Part:
    """Return the end of a log. Nothing personal should be in one; what is not known as ours stays out."""
    kept = [kept for line in list(lines)[-_LOG_LINES:] if (kept := _log_line(line)) is not None]
    return Part(f"logs/{name}", "".join(f"{line}\n" for line in kept), about)


def _log_line(line: str) -> str | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    kept = {name: value for name, raw in found.items() if (value := _logged(name, raw)) is not None}
    return json.dumps(kept, ensure_ascii=True) if kept else None


def _logged(name: str, raw: object) -> object:
    if not name.isidentifier() or not name.isascii():
        return None
    if isinstance(raw, bool | int | float):
        return raw
    if name == "exception" and isinstance(raw, list):
        return [place for frame in raw if (place := _frame(_PLACE, frame))]
    if isinstance(raw, str) and name in OWN_WORDS and _PLAIN.fullmatch(raw):
        return raw
    return None


def _frame(pattern: re.Pattern[str], frame: object) -> str:
    found = pattern.search(frame) if isinstance(frame, str) else None
    return f"{_place(found['file'])}:{found['line']} {found['name']}" if found else ""


def _place(path: str) -> str:
    """Return a path from our own packages on: the whole one holds the name of the person. Others' files have none."""
    parts = PurePath(path.replace("\\", "/")).parts
    for root in _OURS:
        if root in parts:
            return "/".join(parts[len(parts) - 1 - parts[::-1].index(root) :])
    return "elsewhere"


def fault_part(text: str, about: str) -> Part:
    """Return the places that a hard fault of the program left."""

    def lines() -> Iterator[str]:
        for line in text.splitlines():
            if place := _frame(_FRAME, line):
                yield f"  {place}"
            elif found := _FAULT.match(line):
                yield found.group()

    return Part("fault.txt", "".join(f"{line}\n" for line in lines()), about)
