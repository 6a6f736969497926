# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin user …`: who can sign in, a new password, out and in again."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys

from app.config.i18n import N_, _, language, ngettext
from app.entry.admin_machine import ago
from app.entry.command_line import CommandLine
from sync.server.accounts import default_hasher
from sync.server.people import People
from sync.server.store import Store

__all__ = ["add_people", "ask_password", "run_people"]

_STATES = {"suspend": "suspended", "activate": "active"}
_STATE_WORDS = {"active": N_("active"), "suspended": N_("suspended")}


def add_people(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add the commands to the administrator's."""
    user = commands.add_parser("user", help=_("Show people, set passwords, lock people out"))
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help=_("Everybody who can sign in, with teams and devices"))
    for name, text in (
        ("password", _("Set a new password")),
        ("suspend", _("Let a person in no more; the data stay on the devices, locked")),
        ("activate", _("Let a person in again")),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("login", metavar="LOGIN", help=_("The person"))
        if name == "password":
            action.add_argument("--password-stdin", action="store_true", help=_("Read the password from input"))


def ask_password(*, from_input: bool) -> str:
    """Return a password, typed unseen or from input."""
    if from_input or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(_("Password: "))


def run_people(arguments: argparse.Namespace, store: Store, now: int) -> int:
    """Run a `user` command. Raises Refused, DatabaseBusy."""
    people = People(store, secrets.token_bytes, default_hasher().hash)
    if arguments.action == "list":
        return _list(people, now)
    login = arguments.login.strip().lower()
    if arguments.action == "password":
        people.set_password(login, ask_password(from_input=arguments.password_stdin))
        text = _("{login} has a new password. Devices that are signed in stay so: see “device revoke”.")
    else:
        people.set_state(now, login, _STATES[arguments.action])
        text = {
            "suspend": _("{login} cannot sign in any more, and devices are locked at their next contact."),
            "activate": _("{login} may sign in again."),
        }[arguments.action]
    print(text.format(login=login))
    return 0


def _list(people: People, now: int) -> int:
    found = people.list(language())
    for person in found:
        devices = ngettext("{n} device", "{n} devices", person.devices).format(n=person.devices)
        seen = f"{devices}, {ago(now, person.last_seen)}" if person.devices else _("no device yet")
        teams = ", ".join(person.teams) or _("in no team")
        state = _(_STATE_WORDS.get(person.state, person.state))
        print(f"{person.login:<20} {state:<12} {person.name:<16} {teams}; {seen}")
    if not found:
        print(_("Nobody can sign in yet. “deskside admin create-user” adds somebody."))
    return 0
