# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the agent's window from adapters: all that app.entry.agent has to know."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.config.settings import Settings
from app.domain.attachments import BlobDesk
from app.domain.callback_ports import CallStore
from app.domain.customer_ports import CustomerStore
from app.domain.deed_ports import DeedStore
from app.domain.knowledge_ports import KnowledgeStore
from app.domain.needs import NeedsYouStore
from app.domain.own_work import OwnWork
from app.domain.ports import Commits, Identity, SyncLink, SyncStatus, TicketQueries
from widgets.foundation import Theme
from widgets.foundation.jobs import Jobs
from widgets.remote.ports import SessionDesk
from widgets.shell.window import AgentWindow, Ports

__all__ = ["build_agent_window"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def build_agent_window(
    *,
    theme: Theme,
    queries: TicketQueries,
    commits: Commits,
    link: SyncLink,
    jobs: Jobs,
    settings: Settings,
    identity: Identity | None,
    needs: NeedsYouStore,
    sessions: SessionDesk | None = None,
    status: SyncStatus | None = None,
    now_ms: Callable[[], int] = _now_ms,
    blobs: BlobDesk | None = None,
    deeds: DeedStore | None = None,
    own_work: OwnWork | None = None,
    customers: CustomerStore | None = None,
    knowledge: KnowledgeStore | None = None,
    calls: CallStore | None = None,
) -> AgentWindow:
    """Return the window, reading already; call `show()` on it.

    Afterwards tell it `show_status` (worker's status), `rows_changed` (ids the worker changed) and `show_identity`, and
    connect `sign_in_wanted` and `closed`. Without `sessions` the window has no session commands.
    """
    ports = Ports(
        queries,
        commits,
        link,
        jobs,
        settings,
        sessions,
        now_ms,
        needs,
        blobs,
        deeds,
        own_work,
        customers,
        knowledge,
        calls,
    )
    window = AgentWindow(theme, ports, identity)
    window.appearance.apply()
    if status is not None:
        window.show_status(status)
    window.start()
    return window
