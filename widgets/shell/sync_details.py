# SPDX-License-Identifier: GPL-3.0-or-later
"""How sync stands, in full: what happened, what is safe, what to do, and the facts an administrator asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from app.config.i18n import N_, _
from app.domain.ports import Identity, SyncPhase, SyncStatus
from app.services.texts_status import status_words
from widgets.foundation import Button, CopyButton, Look, PlainLabel, Theme, column, fit, fmt, row

__all__ = ["SyncDetails"]

_STEPS = {
    "stuck": (
        N_("Press “Try now”. Deskside starts the exchange anew; nothing is sent twice."),
        N_("Close and open Deskside. What you wrote stays on this computer."),
        N_("If it stays like this, copy the details and send them to your administrator."),
    ),
    "schema": (
        N_("Go on working: reading, writing and searching work, sending waits."),
        N_("Install the newer version of Deskside, or ask your administrator for it."),
    ),
    "suspended": (N_("Ask your administrator to lift the suspension. Your work on this computer is kept."),),
    "revoked": (N_("Ask your administrator for access if this was a mistake."),),
    "proxy_unusable": (
        N_("Set an HTTP proxy on this computer, or take the server out of the proxy settings."),
        N_("Close and open Deskside. What you wrote stays on this computer."),
    ),
    "wrong_server": (N_("Check the address with your administrator. Nothing was sent."),),
}
_ANY = (N_("Press “Try now”. If it stays like this, copy the details and send them to your administrator."),)


class SyncDetails(QDialog):
    """Not modal: work goes on beside it. `sync_asked`: the person wants it tried now."""

    sync_asked = Signal()

    def __init__(self, theme: Theme, status: SyncStatus, identity: Identity | None, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(_("How sync stands"))
        space = theme.tokens.space
        words = status_words(status, fmt.time_of_day)
        self.title = PlainLabel(words.short, type="title", wrap=True)
        self.text = PlainLabel(words.full, wrap=True, selectable=True)
        self.text.setMinimumWidth(space.vast * 9)
        facts = sync_facts(status, identity)
        plain = "\n".join(f"{name}: {value}" for name, value in facts)
        self.copy = CopyButton(
            theme, plain, label=_("Copy details"), done=_("Copied"), name=_("Copy the details for the administrator")
        )
        self.retry = Button(theme, _("Try now"), look=Look.PRIMARY, icon="refresh-cw", pressed=self._retry)
        self.close_button = Button(theme, _("Close"), pressed=self.close)
        steps = [PlainLabel(f"{n}. {_(step)}", wrap=True) for n, step in enumerate(_steps(status), 1)]
        heading = PlainLabel(_("What you can do"), type="strong")
        buttons = row(self.copy, None, self.close_button, self.retry, gap=space.small)
        self.setLayout(
            column(
                self.title, self.text, space.tiny, heading, *steps, space.tiny,
                PlainLabel(_("Details"), type="strong"), _grid(facts, space.large), space.small, buttons,
                gap=space.small, margins=(space.wide, space.wide, space.wide, space.large),
            )
        )  # fmt: skip
        fit(self, space.vast * 10 * max(100, theme.text_percent) // 100, 0)
        self.close_button.setFocus()

    def _retry(self) -> None:
        self.sync_asked.emit()
        self.close()


def _steps(status: SyncStatus) -> Sequence[str]:
    if status.phase is SyncPhase.STUCK:
        return _STEPS["stuck"]
    return _STEPS.get(status.code or "", _ANY)


def _grid(facts: Sequence[tuple[str, str]], gap: int) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(gap)
    grid.setColumnStretch(1, 1)
    for place, (name, value) in enumerate(facts):
        grid.addWidget(PlainLabel(name, type="caption", tone="muted"), place, 0, Qt.AlignmentFlag.AlignTop)
        label = PlainLabel(value, type="caption", wrap=True, selectable=True)
        label.setAccessibleName(f"{name}: {value}")
        grid.addWidget(label, place, 1)
    return grid


def sync_facts(status: SyncStatus, identity: Identity | None) -> list[tuple[str, str]]:
    """Return what an administrator asks for; no ticket's text is among it."""
    at: Callable[[int | None], str] = lambda ms: fmt.moment(ms) if ms else "-"  # noqa: E731 - one line, five uses
    facts = [
        (_("State"), " ".join(filter(None, (status.phase.value, f"({status.code})" if status.code else "")))),
        (_("Since"), at(status.since)),
        (_("Last complete exchange"), at(status.last_sync)),
        (_("Waiting changes"), fmt.number(status.waiting)),
        (_("Oldest of them"), at(status.waiting_since)),
    ]
    if identity is not None:
        facts += [(_("Server"), identity.server), (_("Device"), f"{identity.device_code} {identity.device.hex()[:8]}")]
    facts += [(str(k), str(v)) for k, v in sorted(status.detail.items())][:12]
    return facts
