# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in: three fields at most, clear errors at their place, nothing typed is lost."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets.foundation import Theme
from widgets.onboarding.sign_in import SignInWindow, server_address


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("help.example.com", "https://help.example.com"),
        (" help.example.com/ ", "https://help.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("localhost:8080", "http://localhost:8080"),
        ("", ""),
    ],
)
def test_an_address_is_completed_the_safe_way(typed: str, meant: str) -> None:
    """https unless said otherwise or this machine."""
    assert server_address(typed) == meant


def filled(qtbot: QtBot, theme: Theme) -> SignInWindow:
    """A window with all three fields filled in."""
    window = SignInWindow(theme, server="help.example.com", login="jiwoo")
    qtbot.addWidget(window)
    window.show()
    window.password.setText("secret")
    return window


def test_the_first_empty_field_has_the_focus_and_enter_signs_in(qtbot: QtBot, theme: Theme) -> None:
    """Server and login known: only the password is asked."""
    window = SignInWindow(theme, server="help.example.com", login="jiwoo")
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(window.password.hasFocus)
    QTest.keyClicks(window.password, "secret")
    with qtbot.waitSignal(window.submitted) as sent:
        QTest.keyClick(window.password, Qt.Key.Key_Return)
    assert sent.args == ["https://help.example.com", "jiwoo", "secret"]
    assert not window.submit.isEnabled()


def test_an_empty_field_is_named_and_nothing_is_sent(qtbot: QtBot, theme: Theme) -> None:
    """The field is marked and gets the focus."""
    window = SignInWindow(theme, server="help.example.com")
    qtbot.addWidget(window)
    window.show()
    with qtbot.assertNotEmitted(window.submitted):
        window.submit.click()
    assert window.problem.text.text() == "Please fill in: Login, Password."
    assert window.login.property("invalid") is True


def test_a_refused_sign_in_keeps_the_fields_and_says_what_is_safe(qtbot: QtBot, theme: Theme) -> None:
    """The text is tied to the fields for screen readers."""
    window = filled(qtbot, theme)
    window.submit.click()
    window.answered("sign_in_refused")
    assert "did not accept this login and password" in window.problem.text.text()
    assert window.login.text() == "jiwoo"
    assert window.password.accessibleDescription() == window.problem.text.text()
    assert window.submit.isEnabled()


def test_a_server_that_does_not_answer_is_named(qtbot: QtBot, theme: Theme) -> None:
    """Host, what is safe, what to do."""
    window = filled(qtbot, theme)
    window.submit.click()
    window.answered("server_unreachable")
    assert window.problem.text.text().startswith("help.example.com did not answer.")
    assert window.server.property("invalid") is True


def test_success_closes_the_window_and_forgets_the_password(qtbot: QtBot, theme: Theme) -> None:
    """Nothing of it stays in the field."""
    window = filled(qtbot, theme)
    with qtbot.waitSignal(window.accepted):
        window.answered(None)
    assert window.password.text() == ""


@pytest.mark.ux("UX-70")
def test_a_server_set_by_the_organisation_cannot_be_changed_here(qtbot: QtBot, theme: Theme) -> None:
    """Then only login and password are asked."""
    window = SignInWindow(theme, server="https://help.example.com", server_locked=True)
    qtbot.addWidget(window)
    assert window.server.isReadOnly()
