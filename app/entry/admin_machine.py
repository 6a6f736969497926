# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of `deskside admin` about devices, teams of people, backups and checks of the database."""

from __future__ import annotations

import argparse
import secrets
import time
from pathlib import Path

from app.config.i18n import N_, _, ngettext
from app.domain.errors import Refused
from app.entry.command_line import CommandLine
from app.entry.server_lock import alone
from sync.server.backup import back_up, restore
from sync.server.blobs import Blobs
from sync.server.devices import DeviceInfo, Devices
from sync.server.keys import ServerKeys
from sync.server.repair import repair_sums
from sync.server.retention import set_archive_days
from sync.server.store import Store
from sync.server.verify import Finding, verify

__all__ = ["COMMANDS", "FILE_COMMANDS", "add_commands", "ago", "run", "run_file"]

COMMANDS = frozenset({"device", "team", "resync", "archive-days", "verify"})
FILE_COMMANDS = frozenset({"backup", "restore"})

_STATES = {"suspend": "suspended", "revoke": "revoked", "activate": "active"}
_STATE_WORDS = {"active": N_("active"), "suspended": N_("suspended"), "revoked": N_("revoked")}
_FINDINGS = {
    "sums": N_("The sums of scope {where} differ from its rows. Devices that load it will not agree with the server."),
    "seqs": N_("{count} rows of {where} have a place beyond their scope’s last one, for example {example}."),
    "orphan": N_("{count} rows ({where}) are not where their ticket is, for example {example}."),
    "numbers": N_("{count} numbers ({where}) are given twice or beyond the last one, for example {example}."),
    "attachment": N_("{count} attachments are not in {where}, or not whole, for example {example}."),
    "reference": N_("{count} rows name something that does not exist ({where}), for example {example}."),
}


def add_commands(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add the commands to the administrator's."""
    device = commands.add_parser("device", help=_("Show devices, lock or wipe them"))
    actions = device.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help=_("All devices, the one seen last first"))
    listed.add_argument("--login", help=_("Only those of this person"))
    for name, text in (
        ("show", _("One device in detail")),
        ("suspend", _("Lock the windows of a device; its data stay")),
        ("revoke", _("Let a lost device delete its data at its next contact")),
        ("activate", _("Let a device work again")),
        ("withdraw-certificate", _("Let the certificates with which a device invites to screen sharing count no more")),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("device", metavar="DEVICE", help=_("Its code or id"))
    team = commands.add_parser("team", help=_("Take people into teams and out of them"))
    actions = team.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (("grant", _("Take a person into a team")), ("withdraw", _("Take a person out of a team"))):
        action = actions.add_parser(name, help=text)
        action.add_argument("login", metavar="LOGIN", help=_("The person"))
        action.add_argument("team", metavar="TEAM", help=_("The team by name"))
    stale = actions.add_parser(
        "stale-replies", help=_("What becomes of a reply whose author had not seen the newest messages")
    )
    stale.add_argument("team", metavar="TEAM", help=_("The team by name"))
    stale.add_argument(
        "rule", metavar="RULE", choices=("hold", "send"),
        help=_("hold: it waits for its author (as usual); send: it goes out all the same"),
    )  # fmt: skip
    again = commands.add_parser("resync", help=_("Let devices load again what the server has"))
    again.add_argument("--device", metavar="DEVICE", help=_("Only this device, by code or id"))
    again.add_argument("--scope", metavar="SCOPE", help=_("Only this scope"))
    days = commands.add_parser("archive-days", help=_("Set after how many days closed tickets go to the archive"))
    days.add_argument("days", type=int, metavar="DAYS", help=_("0 archives nothing"))
    look = commands.add_parser("verify", help=_("Look through the whole database for what must not be"))
    look.add_argument(
        "--repair", action="store_true",
        help=_("Put sums that differ right, from the rows; devices that hold other rows load the scope again"),
    )  # fmt: skip
    saved = commands.add_parser("backup", help=_("Write a backup; the server may run"))
    saved.add_argument("file", type=Path, metavar="FILE", help=_("The file to write"))
    put_back = commands.add_parser("restore", help=_("Put a backup back; the server must be stopped"))
    put_back.add_argument("file", type=Path, metavar="FILE", help=_("The backup"))
    put_back.add_argument(
        "--force", action="store_true",
        help=_("Replace a PostgreSQL database that is not empty, though the data folder does not hold its keys"),
    )  # fmt: skip


def run_file(arguments: argparse.Namespace) -> int:
    """Back up or restore. Raises WorldError."""
    now = time.time_ns() // 1_000_000
    if arguments.command == "backup":
        made = back_up(arguments.data, arguments.database, arguments.file, now)
        text = ngettext(
            "The backup is written: {size} MB with {n} attachment. It holds all secrets of the server: keep it safe.",
            "The backup is written: {size} MB with {n} attachments. It holds all secrets of the server: keep it safe.",
            made.attachments,
        )
        print(text.format(size=f"{made.size / 1e6:.1f}", n=made.attachments))
        return 0
    with alone(arguments.data, arguments.database):
        former = restore(
            arguments.data, arguments.database, arguments.file, now, secrets.token_bytes, force=arguments.force
        )
    print(_("The backup is in place. Devices send again what it does not know, and load what it knows differently."))
    if former is not None:
        print(_("The former database is kept as {file}.").format(file=former.name))
    return 0


def run(arguments: argparse.Namespace, store: Store, keys: ServerKeys, now: int) -> int:
    """Run one of `COMMANDS`. Raises Refused, DatabaseBusy."""
    devices = Devices(store, secrets.token_bytes)
    if arguments.command == "device":
        return _device(arguments, devices, now)
    if arguments.command == "team":
        if arguments.action == "stale-replies":
            return _stale_replies(arguments, devices)
        member = arguments.action == "grant"
        if devices.set_team(now, arguments.login, arguments.team, member=member):
            text = _("Done. Devices of this person that are online take it over at once, others at their next contact.")
        elif member:
            text = _("{login} is in {team} already. Nothing was changed.")
        else:
            text = _("{login} is not in {team}. Nothing was changed.")
        print(text.format(login=arguments.login, team=arguments.team))
        return 0
    if arguments.command == "resync":
        count = devices.resync(now, device=arguments.device, scope=arguments.scope)
        if not count:
            print(_("No device has this. Nothing was changed."))
            return 0
        text = ngettext("{n} scope will be loaded again.", "{n} scopes will be loaded again.", count)
        print(text.format(n=count), _("What devices have not sent yet stays there and is sent."))
        return 0
    if arguments.command == "archive-days":
        return _archive_days(store, arguments.days)
    if arguments.repair:
        for scope, before, after in repair_sums(store):
            print(_repaired(scope, before, after))
    return _verify(store, Blobs(store, arguments.data / "blobs", lambda: now, keys.attachments))


def _device(arguments: argparse.Namespace, devices: Devices, now: int) -> int:
    if arguments.action == "list":
        found = devices.list(arguments.login)
        for info in found:
            print(f"{info.code:<5} {_state(info):<12} {info.login:<20} {ago(now, info.last_seen):<16} {info.name}")
        if not found:
            print(_("There are no devices yet."))
        return 0
    if arguments.action == "show":
        _show(devices.show(arguments.device), now)
        return 0
    if arguments.action == "withdraw-certificate":
        count = devices.withdraw_certificates(now, arguments.device)
        text = ngettext("{n} certificate counts no more.", "{n} certificates count no more.", count)
        told = _("Screen sharing of this device ends at both ends. It gets another certificate when it invites again.")
        print(text.format(n=count), told)
        return 0
    info = devices.set_state(now, arguments.device, _STATES[arguments.action])
    texts = {
        "suspend": _("{code} of {login} is locked at its next contact. What it has not sent stays there."),
        "revoke": _("{code} of {login} deletes its data at its next contact, with what it has not sent."),
        "activate": _("{code} of {login} may work again."),
    }
    print(texts[arguments.action].format(code=info.code, login=info.login))
    return 0


def _show(info: DeviceInfo, now: int) -> None:
    suspended = _("suspended")
    lines = [
        (_("Device"), f"{info.code}  {info.id.hex()}"),
        (_("Name"), info.name),
        (_("Person"), info.login if info.account_state == "active" else f"{info.login} ({suspended})"),
        (_("State"), _state(info)),
        (_("Last contact"), ago(now, info.last_seen)),
        (_("Last greeting"), ago(now, info.hello_at)),
        (_("Clock differs by"), _("{n} s").format(n=round(info.offset_ms / 1000))),
        (_("Changes taken"), str(info.lmid)),
        (_("of which it knows"), str(info.lmid_seen)),
        (_("Changes refused"), str(info.refused)),
    ]
    if info.replaces is not None:
        lines.append((_("In place of"), info.replaces.hex()))
    if info.resync:
        lines.append((_("To be loaded again"), ", ".join(info.resync)))
    for label, value in lines:
        print(f"{label}: {value}")


def _state(info: DeviceInfo) -> str:
    return _("wiped") if info.wiped_at is not None else _(_STATE_WORDS.get(info.state, info.state))


def ago(now: int, then: int) -> str:
    """Return how long ago a moment was, in words."""
    if not then:
        return _("never")
    minutes = max(0, now - then) // 60_000
    if minutes < 60:
        return ngettext("{n} minute ago", "{n} minutes ago", minutes).format(n=minutes)
    if minutes < 48 * 60:
        return ngettext("{n} hour ago", "{n} hours ago", minutes // 60).format(n=minutes // 60)
    return ngettext("{n} day ago", "{n} days ago", minutes // 1440).format(n=minutes // 1440)


def _stale_replies(arguments: argparse.Namespace, devices: Devices) -> int:
    send = arguments.rule == "send"
    devices.set_stale_replies(arguments.team, send=send)
    told = (
        _("Replies of this team go out even when newer messages are there.")
        if send
        else _("Replies of this team wait for their author when newer messages are there.")
    )
    print(told)
    return 0


def _archive_days(store: Store, days: int) -> int:
    if not 0 <= days <= 100_000:
        raise Refused("bad_days")
    set_archive_days(store, days)
    text = ngettext(
        "Closed tickets go to the archive after {n} day.", "Closed tickets go to the archive after {n} days.", days
    )
    print(text.format(n=days) if days else _("Closed tickets stay where they are."))
    return 0


def _verify(store: Store, blobs: Blobs) -> int:
    with store.read() as connection:
        findings = verify(connection)
        gone = blobs.damaged(connection)
    if gone:
        findings.append(Finding("attachment", str(blobs.path(gone[0]).parent.parent), len(gone), gone[0].hex()))
    if not findings:
        print(_("The database is sound: sums, tickets with their parts, numbers, references and attachments."))
        return 0
    for finding in findings:
        print(_finding(finding))
    if any(finding.kind == "sums" for finding in findings):
        print(_("“verify --repair” puts sums right that differ. What else is wrong stays: restore a backup."))
    return 1


def _repaired(scope: str, before: tuple[int, int], after: tuple[int, int]) -> str:
    text = _("The sums of scope {where} were put right: {after} rows, not {before}.")
    return text.format(where=scope, before=before[0], after=after[0])


def _finding(finding: Finding) -> str:
    text = _(_FINDINGS[finding.kind])
    return text.format(where=finding.where, count=finding.count, example=finding.example)
