# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of one's own: taken when they are free where the command applies, refused by the name of who has them."""

from __future__ import annotations

import pytest

from app.commands.keys import KeyRefused, check_key, key_choices, key_text, rebound
from app.commands.table import AGENT, Command


def _of(table: tuple[Command, ...], id_: str) -> tuple[str, ...]:
    return next(command.keys for command in table if command.id == id_)


@pytest.mark.ux("UX-28")
def test_a_key_that_another_command_has_in_the_same_place_is_refused_by_its_name() -> None:
    """R writes a reply wherever a ticket is; on the Needs-you page 1 is taken, in a list it is not."""
    with pytest.raises(KeyRefused) as refused:
        check_key(AGENT, "ticket.solve", "R")
    assert refused.value.other is not None
    assert refused.value.other.id == "ticket.reply"
    with pytest.raises(KeyRefused) as refused:
        check_key(AGENT, "ticket.solve", "Ctrl+K")
    assert refused.value.other is not None
    assert refused.value.other.id == "palette.open"
    check_key(AGENT, "ticket.solve", "1")
    check_key(AGENT, "ticket.solve", "E")


@pytest.mark.ux("UX-28")
@pytest.mark.parametrize("key", ["Ctrl+Space", "Alt+F4", "Alt+S", "Ctrl+Alt+S", "Meta+E", "F9", "Tab", "Return"])
def test_keys_of_desktops_and_input_methods_are_nobodys(key: str) -> None:
    """They would never arrive, or stop somebody from typing."""
    with pytest.raises(KeyRefused) as refused:
        check_key(AGENT, "ticket.solve", key)
    assert refused.value.other is None


def test_two_commands_may_change_places_and_a_choice_that_clashes_is_left_out() -> None:
    """A hand-written setting does no harm: the delivered key stays."""
    table = rebound(AGENT, {"ticket.solve": ("R",), "ticket.reply": ("E",)})
    assert (_of(table, "ticket.solve"), _of(table, "ticket.reply")) == (("R",), ("E",))
    table = rebound(AGENT, {"ticket.solve": ("R",), "help.keys": (), "no.such": ("Q",), "app.quit": ("F9",)})
    assert _of(table, "ticket.solve") == _of(AGENT, "ticket.solve")
    assert _of(table, "help.keys") == ()
    assert _of(table, "app.quit") == _of(AGENT, "app.quit")
    assert len(table) == len(AGENT)


def test_choices_are_written_as_they_are_read() -> None:
    """As one line of the settings file."""
    choices = {"ticket.reply": (), "ticket.solve": ("Ctrl+E",)}
    assert key_choices(key_text(choices)) == choices
    assert key_choices("; nonsense;=X; ticket.solve = Ctrl+E ;") == {"ticket.solve": ("Ctrl+E",)}
    assert rebound(AGENT, {}) == AGENT
