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


def offered(qtbot: QtBot, theme: Theme) -> SignInWindow:
    """A window whose server lets people sign in in the browser."""
    window = SignInWindow(theme, server="help.example.com")
    qtbot.addWidget(window)
    window.show()
    window.offer_browser("https://help.example.com", offered=True)
    return window


def test_the_button_for_the_browser_shows_only_where_the_server_offers_it(qtbot: QtBot, theme: Theme) -> None:
    """Another address takes it away again until that server has answered."""
    window = SignInWindow(theme, server="help.example.com")
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.server_named) as named:
        window.name_server()
    assert named.args == ["https://help.example.com"]
    assert not window.browser.isVisible()
    window.offer_browser("https://help.example.com", offered=True)
    assert window.browser.isVisible()
    window.server.setText("other.example.com")
    window.name_server()
    assert not window.browser.isVisible()


def test_a_person_signs_in_in_the_browser_without_login_and_password(qtbot: QtBot, theme: Theme) -> None:
    """The window says what to do, and closes when it is done."""
    window = offered(qtbot, theme)
    with qtbot.waitSignal(window.browser_asked) as asked:
        window.browser.click()
    assert asked.args == ["https://help.example.com"]
    assert "Your browser opens" in window.problem.text.text()
    assert not window.submit.isEnabled()
    with qtbot.waitSignal(window.accepted):
        window.answered(None)


def test_a_person_who_closed_the_browser_stops_waiting(qtbot: QtBot, theme: Theme) -> None:
    """The same button; the password can be used at once."""
    window = offered(qtbot, theme)
    window.browser.click()
    with qtbot.waitSignal(window.browser_cancelled):
        window.browser.click()
    assert window.submit.isEnabled()
    assert not window.problem.isVisible()


def test_what_went_wrong_in_the_browser_is_told_and_no_field_is_blamed(qtbot: QtBot, theme: Theme) -> None:
    """Then the button can be pressed again."""
    window = offered(qtbot, theme)
    window.browser.click()
    window.answered("oidc_no_account")
    assert "no account of this help desk" in window.problem.text.text()
    assert window.server.property("invalid") is not True
    assert window.browser.isEnabled()
    assert window.submit.isEnabled()


def test_without_a_browser_the_address_is_shown(qtbot: QtBot, theme: Theme) -> None:
    """The person can open it on their own."""
    window = offered(qtbot, theme)
    window.browser.click()
    window.browser_failed("https://login.example.com/authorize?x=1", "no_program_for_link")
    assert "https://login.example.com/authorize?x=1" in window.problem.text.text()
