# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of a session's record says, for people who read the ticket: who, what was shown, why it ended.

Only words that this program knows are taken over. The signature is not checked here: the server took only entries that
the customer's end signed, and `deskside admin verify-receipt` checks the whole record. What the agent's program says
of a record without an end has `ended_by`, `ended_at` and `left` too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from app.domain.assist import EndReason, Scope
from app.domain.attachments import clean_name
from app.domain.documents import BadDocument, Fields, SignedDocument

__all__ = ["session_facts"]

_PLAIN = "{"  # texts that are no link of the chain are JSON as it stands
_BY = frozenset({"agent", "customer", "system"})
_TARGETS = frozenset({"screen", "window", "region", "tab", "drawn"})
_SCOPES = frozenset(scope.value for scope in Scope)
_REASONS = frozenset(reason.value for reason in EndReason)
_DIRECTIONS = ("to_customer", "to_agent")
_MOST_NAME = 80
_MOST_PLAIN = 4096


def session_facts(entry: str) -> dict[str, object]:
    """Return `by`, `target`, `scopes`, `reason`, `ok`, `policy`, a `file`, the `agent`, as far as the entry says."""
    by, at, data = _read(entry)
    facts: dict[str, object] = {"by": by} if by in _BY else {}
    target, reason = data.get("target_kind", data.get("kind")), data.get("reason")
    if isinstance(target, str) and target in _TARGETS:
        facts["target"] = target
    if isinstance(reason, str) and reason in _REASONS:
        facts["reason"] = reason
    facts |= {word: data[word] for word in ("ok", "left") if isinstance(data.get(word), bool)}
    ended_by = data.get("ended_by")
    if isinstance(ended_by, str) and ended_by in _BY:
        facts |= {"ended_by": ended_by, "ended_at": at}
    if data.get("policy") is True:
        facts["policy"] = True
    several = data.get("scopes")
    named = several if isinstance(several, list) else [data.get("scope")]
    if scopes := [scope for scope in named if isinstance(scope, str) and scope in _SCOPES]:
        facts["scopes"] = scopes
    facts |= _file(data)
    agent = data.get("agent")
    name = agent.get("name") if isinstance(agent, Mapping) else None
    if isinstance(name, str) and name.strip():
        facts["agent"] = name.strip()[:_MOST_NAME]
    return facts


def _file(data: Mapping[str, Any]) -> dict[str, object]:
    """Return name, direction and result of a file. The name is cleaned again, as any from outside."""
    name, direction, result = data.get("name"), data.get("direction"), data.get("result")
    if not isinstance(name, str) or direction not in _DIRECTIONS or not isinstance(result, str):
        return {}
    outcome = result if result in ("allowed", "whole") else "not"
    return {"file": clean_name(name)[:_MOST_NAME], "direction": direction, "outcome": outcome}


def _read(entry: str) -> tuple[str, int, Mapping[str, Any]]:
    try:
        if entry.startswith(_PLAIN):
            plain = json.loads(entry) if len(entry) <= _MOST_PLAIN else {}
            return str(plain.get("by", "")), 0, plain
        fields = Fields.parse(SignedDocument.from_text(entry).document)
        return fields.text("by", 16), fields.integer("at"), fields.inner("data").raw
    except (BadDocument, ValueError, AttributeError, RecursionError):
        return "", 0, {}
