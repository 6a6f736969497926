# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that an administrator's tools read: templates for Windows, a manifest for macOS, a schema, an example."""

from __future__ import annotations

import datetime as dt
import json
import plistlib
from collections.abc import Callable
from typing import Any, Final

from app.config.policy_admx import adml, admx
from app.config.policy_schema import CLASHES, Kind, choices, example, json_schema, kind_of, policies, value_word
from app.config.policy_systems import BUNDLE_ID
from app.config.settings import Setting

__all__ = ["forms", "manifest"]

_MADE: Final = dt.datetime(2026, 11, 1)  # noqa: DTZ001 - a plist holds no zone; the same bytes from the same source


def forms(korean: Callable[[str], str]) -> dict[str, bytes]:
    """Return every file by its name below a folder. `korean` translates."""
    schema = json.dumps(json_schema(korean), ensure_ascii=False, indent=2)
    off = {clash.setting.key: clash.setting.default for clash in CLASHES}  # or the rest of the file would do nothing
    values = {setting.key: off.get(setting.key, example(setting)) for setting in policies()}
    return {
        "windows/deskside.admx": admx().encode(),
        "windows/en-US/deskside.adml": adml(str).encode(),
        "windows/ko-KR/deskside.adml": adml(korean).encode(),
        f"macos/{BUNDLE_ID}.plist": plistlib.dumps(manifest(korean), sort_keys=False),
        "policy.schema.json": (schema + "\n").encode(),
        "example.json": (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode(),
    }


def manifest(korean: Callable[[str], str]) -> dict[str, object]:
    """Return the preference manifest that editors of macOS profiles read, in both languages."""
    return {
        "pfm_domain": BUNDLE_ID,
        "pfm_title": "Deskside",
        "pfm_description": "What an organisation sets for Deskside.",
        "pfm_format_version": 1,
        "pfm_version": 1,
        "pfm_last_modified": _MADE,
        "pfm_platforms": ["macOS"],
        "pfm_targets": ["system-managed"],
        "pfm_unique": True,
        "pfm_subkeys": [*_payload(), *(_preference(setting, korean) for setting in policies())],
    }


def _payload() -> list[dict[str, object]]:
    """Return the keys that every part of a profile has."""
    words: tuple[tuple[str, str, object], ...] = (
        ("PayloadDescription", "string", "What an organisation sets for Deskside."),
        ("PayloadDisplayName", "string", "Deskside"),
        ("PayloadIdentifier", "string", BUNDLE_ID),
        ("PayloadType", "string", BUNDLE_ID),
        ("PayloadUUID", "string", ""),
        ("PayloadVersion", "integer", 1),
    )
    return [
        {"pfm_name": name, "pfm_title": name.removeprefix("Payload"), "pfm_description": "", "pfm_type": kind,
         "pfm_default": value, "pfm_require": "always"}
        for name, kind, value in words
    ]  # fmt: skip


def _preference(setting: Setting[Any], korean: Callable[[str], str]) -> dict[str, object]:
    kind = kind_of(setting)
    said = [setting.help, korean(setting.help)] if setting.help else [setting.label, korean(setting.label)]
    found: dict[str, object] = {
        "pfm_name": setting.key,
        "pfm_title": f"{setting.label} ({korean(setting.label)})",
        "pfm_description": "\n".join(said),
        "pfm_type": {Kind.CHOICE: "string", Kind.RULES: "array"}.get(kind, kind.value),
    }
    if kind is Kind.RULES:
        word = {"pfm_name": "word", "pfm_title": "word", "pfm_type": "string"}
        return {**found, "pfm_subkeys": [word]}
    found["pfm_default"] = setting.default.value if kind is Kind.CHOICE else setting.default
    if kind is Kind.CHOICE:
        words = choices(setting)
        found |= {"pfm_range_list": list(words), "pfm_range_list_titles": [value_word(setting, w) for w in words]}
    elif setting.limits:
        found |= {"pfm_range_min": setting.limits[0], "pfm_range_max": setting.limits[1]}
    return found
