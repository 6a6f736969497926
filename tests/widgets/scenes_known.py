# SPDX-License-Identifier: GPL-3.0-or-later
"""A request with what the customer's computer knows."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.domain.deed_ports import SimilarTicket
from app.domain.fact_card import FactCard, Finding
from tests.fakes.queries import NOW_MS as DESK_MS
from tests.fakes.queries import FakeDesk, FakeQueries, ticket_id
from tests.widgets.scenes_companion import sample_home
from tests.widgets.screenshots import Scene
from widgets.companion.compose import AskWindow
from widgets.companion.home import HomeWindow
from widgets.companion.model import Line, LineState
from widgets.customer.panel import CustomerPanel
from widgets.foundation import Theme, fmt

NOW_MS = 1_795_412_520_000
FOUND = (
    Finding("device", "LG 14Z90S", NOW_MS),
    Finding("serial", "", NOW_MS),
    Finding("os", "Debian GNU/Linux 12 (bookworm), 6.1.0-28-amd64, x86_64", NOW_MS),
    Finding("app_version", "Deskside Companion 0.1.0", NOW_MS),
    Finding("free_disk", "/home 3.1 / 400.0 GB; / 48.1 / 100.0 GB", NOW_MS),
    Finding("network", "wlan0, 866 Mbit/s, 192.168.0.12/24", NOW_MS),
    Finding("last_error", "cupsd: Printer E-1042 paper jam, tray 2", NOW_MS - 26 * 3_600_000),
)


def ask_window(theme: Theme, product: int = 1) -> AskWindow:
    """The customer agreed, and this was found."""
    window = AskWindow(theme, sample_home().assets, lambda: NOW_MS, online=True)
    window.product.setCurrentIndex(product)
    window.known.consent.setChecked(True)
    window.known.show_findings(FOUND)
    return window


def _found(theme: Theme) -> QWidget:
    return ask_window(theme)


def _no_serial(theme: Theme) -> QWidget:
    window = ask_window(theme, product=0)
    window.known.rows["network"].tick.setChecked(False)
    window.area.ensureWidgetVisible(window.known.rows["last_error"])
    return window


def _home(theme: Theme) -> QWidget:
    """Somebody is there; one product is in repair, of another only the warranty is known."""
    home = sample_home()
    first = replace(home.assets[0], status="in_repair", order_ref="SO-2026-0417")
    second = replace(home.assets[0], id="a9", product="", model="SC-10", serial="71-4410", free_until="", included="",
                     after="", warranty_until="2025-01-31")  # fmt: skip
    window = HomeWindow(theme, lambda: NOW_MS)
    window.show_home(replace(home, assets=(first, second), somebody=True))
    window.show_line(LineState(Line.ONLINE, NOW_MS))
    return window


def _card(theme: Theme) -> QWidget:
    """What the agent sees beside the ticket."""
    details = FakeQueries(FakeDesk(3)).details(ticket_id(0))
    assert details is not None
    assert details.customer is not None
    own = replace(details.customer.assets[0], order_ref="SO-2026-0417", health={
        "reported_at": DESK_MS - 3_600_000, "os": "Debian GNU/Linux 12", "free_disk": "/ 48.1 / 100.0 GB",
    })  # fmt: skip
    customer = replace(details.customer, assets=(own, *details.customer.assets[1:]))
    told = {fact.name: fact.value for fact in FOUND} | {"serial": "88-1032", "product": "PX-200"}
    card = FactCard(
        b"f" * 16, DESK_MS, consent=True, by_customer=True, warranty_until="2027-03-31", **told,
        found_at={"last_error": DESK_MS - 26 * 3_600_000},
    )  # fmt: skip
    panel = CustomerPanel(theme)
    panel.show_card(customer, FakeQueries(FakeDesk(3)).choices(), fmt.today(DESK_MS), None, DESK_MS)
    panel.show_facts(card)
    panel.show_similar([SimilarTicket(replace(details.row, subject="두 장 뒤에 멈춥니다"), "organisation")])
    panel.finish()
    return panel


SCENES = [
    Scene("agent-fact-card", _card, (340, 1100)),
    Scene("companion-home-there", _home, (480, 820)),
    Scene("companion-home-there-small", _home, (360, 640)),
    Scene("companion-ask-known", _found, (480, 900)),
    Scene("companion-ask-known-small", _no_serial, (360, 640)),
]
