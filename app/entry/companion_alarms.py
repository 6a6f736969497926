# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Companion tells the server of invitations that it refused; it waits on the disk until the server has it."""

from __future__ import annotations

import contextlib
import secrets
from typing import Final

import msgspec

from app.desktop.companion_store import ALARM, CompanionStore, WrittenItem
from app.domain.errors import StoreUnavailable
from app.domain.invitation import claims
from sync.session_protocol import BadInvitationReport

__all__ = ["ALARMS_MAX", "bad_invitation", "keep_alarm"]

ALARMS_MAX: Final = 20  # as many wait at most: a flood while the server is away says no more than these


def bad_invitation(document: bytes, why: str, now_ms: int) -> WrittenItem:
    """Return the report of a refused invitation. `why` is the refusal's own text, of which its first word goes out."""
    iid, ticket = claims(document)
    id_ = secrets.token_hex(16)
    body = BadInvitationReport(id=id_, at=now_ms, iid=iid, ticket=ticket, why=why.partition(":")[0])
    return WrittenItem(id_, ALARM, ticket, "", msgspec.json.encode(body), now_ms)


def keep_alarm(store: CompanionStore, item: WrittenItem) -> None:
    """Keep a report until it is sent. Blocks on the disk; a full one costs the report, the warning has been shown."""
    with contextlib.suppress(StoreUnavailable):
        store.add_alarm(item, ALARMS_MAX)
