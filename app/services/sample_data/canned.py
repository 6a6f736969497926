# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned replies and macros of the sample help desk, in Korean and English, for everybody in it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from app.domain.entities import Value
from app.services.sample_data.rows import js

__all__ = ["template_values"]


def template_values(tags: Mapping[str, bytes], owner: bytes) -> Iterator[dict[str, Value]]:
    """Yield the columns of each template, canned replies first; `tags` are ids by name."""
    found = tomllib.loads(files("resources").joinpath("sample_data", "templates.toml").read_text("utf-8"))
    for kind in ("canned", "macro"):
        for position, each in enumerate(found[kind]):
            actions = [_action(what, value, tags) for what, value in each.get("actions", ())]
            yield {
                "kind": kind, "name_ko": each["name"]["ko"], "name_en": each["name"]["en"], "folder": each["folder"],
                "body_ko": each.get("ko", ""), "body_en": each.get("en", ""),
                "actions": js(actions) if actions else None, "share": "all", "team": None,
                "owner": owner, "position": position,
            }  # fmt: skip


def _action(what: str, value: Any, tags: Mapping[str, bytes]) -> dict[str, Any]:
    return {"do": what, "value": tags[value].hex() if what in ("tag", "untag") else value}
