# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of diagnostics: what the customer looks through, and what the agent then reads."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.config.i18n import language
from app.domain.assist import AskState, Phase, Scope, ScopeAsk
from app.domain.facts import FactsReport
from remote_assist.diagnostics import Bundle, Draft, Item, Section, State, fitted
from remote_assist.diagnostics_diff import differences
from remote_assist.diagnostics_texts import change_text
from remote_assist.diagnostics_views import facts_of, facts_of_draft
from remote_assist.grants import BUILT_SCOPES
from tests.widgets.scenes_agent import _session
from tests.widgets.screenshots import Scene
from widgets.companion.diagnostics import FactsWindow
from widgets.companion.permission import PermissionWindow
from widgets.foundation import Theme
from widgets.remote.diagnostics import FactsPanel
from widgets.remote.session_window import SessionWindow


def sample_bundle(*, later: bool = True) -> Bundle:
    """A small office computer, before or after its disk ran full."""
    lines: dict[str, list[tuple[str, str | int | float | bool]]] = {
        "os": [("os", "Debian GNU/Linux 13 (trixie)"), ("kernel", "6.12.48" if later else "6.12.41"),
               ("cpu", "Intel(R) Core(TM) i5-1240P"), ("cores", 12), ("uptime_h", 412.5 if later else 3.1)],
        "updates": [("updates.restart_needed", later), ("updates.waiting", 14 if later else 0)],
        "memory": [("memory.total_mb", 15_722), ("memory.available_mb", 912 if later else 9_120)],
        "disks": [("disk.type:/", "ext4"), ("disk.total_gb:/", 468.1), ("disk.free_gb:/", 1.2 if later else 61.7)],
        "printers": [("printer.state:Label_ZD421", "disabled" if later else "idle")],
        "network": [("network.up:wlan0", True), ("network.address:wlan0", "192.168.0.23/24"),
                    ("network.gateway", "192.168.0.1"), ("network.proxy", False)],
        "processes": [("process:firefox", "9 x, 3211 MB"), ("process:labelstudio", "1 x, 1480 MB"),
                      ("process:gnome-shell", "1 x, 412 MB")],
        "events": [("event:2026-11-23T05:31:07Z cupsd", "[Job 118] Stopping job because the scheduler could not "
                    "execute the driver."), ("event:2026-11-23T05:30:58Z kernel", "EXT4-fs: no space left on device")],
    }  # fmt: skip
    sections = [Section(name, State.OK, tuple(Item(k, v) for k, v in found)) for name, found in lines.items()]
    sections.insert(4, Section("graphics", State.TIMEOUT, (Item("display.size:eDP-1", "1920x1200"),)))
    return fitted("2026-11-23T05:42:00Z" if later else "2026-10-02T01:10:00Z", "linux", tuple(sections))


def review_window(theme: Theme) -> QWidget:
    """The customer kept back two lines and a section."""
    who = ("김지우", "한빛 지원") if language() == "ko" else ("Kim Jiwoo", "Hanbit Support")
    now = [0]
    window = FactsWindow(theme, who, 600_000, lambda: now[0])
    draft = Draft(sample_bundle()).strike("processes", 0).strike("network", 1).strike_section("events")
    window.show_facts(facts_of_draft(draft))
    now[0] = 64_000
    window._count()
    return window


def collecting_window(theme: Theme) -> QWidget:
    """While the collectors are at work."""
    who = ("김지우", "한빛 지원") if language() == "ko" else ("Kim Jiwoo", "Hanbit Support")
    window = FactsWindow(theme, who, 600_000, lambda: 0)
    window.busy.show()
    return window


def agent_report() -> FactsReport:
    """With what changed since the last time."""
    old, new = sample_bundle(later=False), sample_bundle()
    changes = tuple(change_text(change) for change in differences(old, new))
    bundle = Draft(new).strike("processes", 0).bundle
    return FactsReport(facts_of(bundle), "2026-11-23 14:42", changes, "2026-10-02 10:10")


def agent_panel(theme: Theme) -> QWidget:
    """The panel alone."""
    panel = FactsPanel(theme)
    panel.show_report(agent_report())
    return panel


def question_window(theme: Theme) -> QWidget:
    """The customer is asked first whether anything may be found out."""
    who = ("김지우", "한빛 지원") if language() == "ko" else ("Kim Jiwoo", "Hanbit Support")
    now = [0]
    window = PermissionWindow(theme, Scope.DIAGNOSTICS, who, "", 120_000, lambda: now[0])
    now[0] = 8_000
    window._count()
    return window


def session_window(theme: Theme) -> QWidget:
    """The panel beside the picture."""
    asks = tuple(ScopeAsk(scope, AskState.POSSIBLE) for scope in BUILT_SCOPES if scope is not Scope.VIEW)
    window = _session(Phase.VERIFIED, asks=asks)(theme)
    assert isinstance(window, SessionWindow)
    window.facts.show_report(agent_report())
    return window


SCENES = [
    Scene("companion-diagnostics", review_window, contrast=True),
    Scene("companion-diagnostics-collecting", collecting_window),
    Scene("companion-diagnostics-question", question_window),
    Scene("session-diagnostics", session_window, (1280, 800), 200),
    Scene("session-diagnostics-panel", agent_panel, size=(432, 760)),
]
