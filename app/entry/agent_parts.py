# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent's program consists of beside its frame: loaded while the profile is opened, in `AgentApp.start`.

Loading takes as long as making the key of a passphrase, which needs no interpreter. So neither waits for the other.
"""

from __future__ import annotations

from app.desktop.launch import LinkOpener
from app.desktop.worker_link import StoreHooks, WorkerLink, WorkerOrders
from app.entry.agent_diagnostics import DiagnosticsKeeper
from app.entry.agent_recording import RecordingDesk, RecordingStore
from app.entry.agent_sessions import SessionDesk
from app.entry.session_parts import make_session_host
from widgets.companion.enrol import PassphraseWindow
from widgets.onboarding.sign_in import SignInWindow
from widgets.shell.build import build_agent_window

__all__ = [
    "DiagnosticsKeeper",
    "LinkOpener",
    "PassphraseWindow",
    "RecordingDesk",
    "RecordingStore",
    "SessionDesk",
    "SignInWindow",
    "StoreHooks",
    "WorkerLink",
    "WorkerOrders",
    "build_agent_window",
    "make_session_host",
]
