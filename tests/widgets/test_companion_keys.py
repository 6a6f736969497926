# SPDX-License-Identifier: GPL-3.0-or-later
"""The organisation's key changes while the Companion runs: what the customer reads, and what it then checks with."""

from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pytestqt.qtbot import QtBot

from app.config.i18n import set_language
from app.domain.key_exchange import KeyStatement, build_key_statement
from app.entry.companion_app import CompanionApp
from tests.fakes import customer_server as fake
from tests.fakes.customer_server import CustomerServer
from tests.widgets.test_companion_program import _WAIT_MS, Make, _enrol, make, server
from widgets.companion import texts

__all__ = ["make", "server"]  # fixtures


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _exchange(server: CustomerServer, companion: CompanionApp, signer: Ed25519PrivateKey) -> None:
    """The server has another key from now on, and what a signer says of it; the Companion is woken."""
    server.key = Ed25519PrivateKey.generate()
    made = KeyStatement(fake.ORG_ID, 1, _public(signer), _public(server.key), time.time_ns() // 1_000_000)
    server.statements.append(build_key_statement(signer, made).to_text())
    assert companion.client is not None
    companion.client._token_until = 0
    companion.client.poke()


def test_the_customer_reads_of_a_new_key_and_what_comes_then_is_checked_with_it(
    make: Make, server: CustomerServer, qtbot: QtBot
) -> None:
    """Nothing is asked and nothing stops; lists and invitations of the new key count, and after a restart too."""
    companion = _enrol(make, server, qtbot)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not None, timeout=_WAIT_MS)
    before = companion.invitations.revocations
    _exchange(server, companion, server.key)
    home = companion.home
    assert home is not None
    qtbot.waitUntil(lambda: "has a new key" in home.notice.text.text(), timeout=_WAIT_MS)
    assert companion.enrolment is not None
    assert companion.enrolment.pin.org_key == _public(server.key)
    qtbot.waitUntil(lambda: companion.invitations.revocations is not before and companion.online, timeout=_WAIT_MS)
    companion.leave()
    again = make()
    qtbot.waitUntil(lambda: again.online, timeout=_WAIT_MS)
    assert again.enrolment == companion.enrolment


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_new_key_that_a_stranger_vouches_for_is_an_alarm_and_changes_nothing(
    make: Make, server: CustomerServer, qtbot: QtBot, language: str
) -> None:
    """A sentence above everything; the old key stays in the program and in its file."""
    set_language("ko" if language == "ko" else "en")
    companion = _enrol(make, server, qtbot)
    was, home = companion.enrolment, companion.home
    assert home is not None
    _exchange(server, companion, Ed25519PrivateKey.generate())
    wanted = texts.trouble("key_refused", server=server.url)
    qtbot.waitUntil(lambda: home.notice.text.text() == wanted, timeout=_WAIT_MS)
    assert companion.enrolment == was
    companion.leave()
    again = make()
    qtbot.waitUntil(lambda: again.home is not None and again.home.notice.text.text() == wanted, timeout=_WAIT_MS)
    assert again.enrolment == was
