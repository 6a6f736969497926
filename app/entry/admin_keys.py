# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin new-organisation-key` and `organisation-keys`: the key that companions trust, and those before it."""

from __future__ import annotations

import argparse
import secrets
import time
from datetime import UTC, datetime

from app.config.i18n import _
from app.domain.documents import BadDocument, Fields, SignedDocument
from app.domain.errors import StoreUnavailable
from app.domain.key_exchange import KeyStatement, read_key_statement
from app.domain.signed import b64, fingerprint
from app.entry.command_line import CommandLine
from app.entry.server_lock import alone
from sync.server.bootstrap import organisation, prepare
from sync.server.key_exchange import exchange_key
from sync.server.parts import open_parts

__all__ = ["KEY_COMMANDS", "add_keys", "run_keys"]

KEY_COMMANDS = frozenset({"new-organisation-key", "organisation-keys"})


def add_keys(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add the commands to the command line."""
    commands.add_parser(
        "new-organisation-key",
        help=_("Exchange the organisation's key for a new one, signed by the old one; the server must be stopped"),
    )
    commands.add_parser("organisation-keys", help=_("Show the organisation's key and those before it"))


def run_keys(arguments: argparse.Namespace) -> int:
    """Run one of `KEY_COMMANDS`. Raises WorldError."""
    if arguments.command == "organisation-keys":
        return _list(arguments)
    with alone(arguments.data, arguments.database):
        store, keys = open_parts(arguments.data, arguments.database)
        try:
            now = time.time_ns() // 1_000_000
            prepare(store, keys, now, secrets.token_bytes)
            made = exchange_key(store, arguments.data, keys, now)
        finally:
            store.close()
    print(_("The organisation has a new key (number {n}).").format(n=made.serial + 1))
    print(_("Old: {mark}").format(mark=fingerprint(made.old_key)))
    print(_("New: {mark}").format(mark=fingerprint(made.new_key)))
    print(_("For policies (enrolment.key): {key}").format(key=b64(made.new_key)))
    print(_("Start the server again. Enrolled computers follow at their next contact; nobody has to enrol anew."))
    print(_("Make a backup now: with an older one, those that have followed refuse this server."))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    store, keys = open_parts(arguments.data, arguments.database)
    try:
        prepare(store, keys, time.time_ns() // 1_000_000, secrets.token_bytes)
        with store.read() as connection:
            org = organisation(connection)
    finally:
        store.close()
    lines, at = [], org.key
    for text in reversed(org.statements):
        said = _read(text)
        since = datetime.fromtimestamp(said.not_before / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        lines.append(_("{n}  {mark}  since {when}").format(n=said.serial + 1, mark=fingerprint(at), when=since))
        at = said.old_key
    lines.append(_("{n}  {mark}  the first one").format(n=1, mark=fingerprint(at)))
    print("\n".join(lines))
    return 0


def _read(text: str) -> KeyStatement:
    """A statement of this server's own; it names its old key, and counts only if that one signed it."""
    try:
        signed = SignedDocument.from_text(text)
        return read_key_statement(signed, Fields.parse(signed.document).binary("old_key", 32))
    except BadDocument as error:
        raise StoreUnavailable("store_damaged") from error
