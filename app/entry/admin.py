# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin`: users, enrolment links, sample data and checks, on the server's machine; the server may run."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from app.config.i18n import _, ngettext, set_language
from app.config.logs import configure
from app.domain.enrolment_file import enrolment_file
from app.domain.errors import Refused, StoreUnavailable, WorldError
from app.domain.links import BadLink, EnrolLink, parse_server
from app.entry.admin_clocks import add_clocks, run_clocks
from app.entry.admin_keys import KEY_COMMANDS, add_keys, run_keys
from app.entry.admin_machine import FILE_COMMANDS, add_commands, run, run_file
from app.entry.admin_people import add_people, ask_password, run_people
from app.entry.admin_publish import add_publish, run_publish
from app.entry.command_line import CommandLine, service_address
from app.entry.server_texts import server_error_text
from app.entry.turn_options import add_coturn, print_coturn
from app.services.sample_data import DEFAULT_AS_OF_MS, DEFAULT_SEED, SIZES, generate
from sync.server.accounts import default_hasher
from sync.server.backup import has_server
from sync.server.bootstrap import prepare, seed_states
from sync.server.oidc import OidcSettings
from sync.server.oidc_accounts import link_login
from sync.server.parts import open_parts
from sync.server.staff import ROLES, Staff
from sync.server.store import DatabaseBusy, Store

USAGE_ERROR = 2
_HOUR_S = 3600
_MAX_HOURS = 24 * 365
# what begins a server; every other command looks for one, so that a slip in --data does not found another
_FOUNDING = frozenset({"create-user", "create-customer", "organisation", "sample"})


def parser() -> argparse.ArgumentParser:
    """Return the command line, in the language spoken now."""
    out = CommandLine(prog="deskside admin", description=_("Manage users and enrolment on the server"))
    out.add_argument("--data", type=Path, metavar="DIR", help=_("The server's data folder"))
    out.add_argument(
        "--database", type=service_address, metavar="URL",
        help=_("The server's PostgreSQL address, if it has one; @FILE reads it from a file"),
    )  # fmt: skip
    commands = out.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _user_arguments(commands.add_parser("create-user", help=_("Add a person who can sign in")))
    _link_arguments(
        commands.add_parser("enrolment-link", help=_("Make a link that enrols a customer's Companion once"))
    )
    _provider_arguments(
        commands.add_parser("link-login", help=_("Link or unlink a person of the sign-in provider and an account"))
    )
    customer = commands.add_parser("create-customer", help=_("Add a customer"))
    customer.add_argument("--name", required=True, help=_("Full name"))
    customer.add_argument("--mail", required=True, help=_("Mail address"))
    customer.add_argument("--language", choices=("ko", "en"), default="ko", help=_("Language"))
    named = commands.add_parser("organisation", help=_("Name the organisation that customers and agents read"))
    named.add_argument("--name-ko", required=True, help=_("Its Korean name"))
    named.add_argument("--name-en", required=True, help=_("Its English name"))
    sample = commands.add_parser("sample", help=_("Fill an empty database with invented tickets"))
    sample.add_argument("--size", choices=sorted(SIZES), default="demo", help=_("How much"))
    sample.add_argument("--seed", type=int, default=DEFAULT_SEED, help=_("The same number gives the same data"))
    sample.add_argument("--as-of", type=int, default=DEFAULT_AS_OF_MS, metavar="MS", help=_("The moment the data end"))
    sample.add_argument("--password-stdin", action="store_true", help=_("Read the first user's password from input"))
    add_people(commands)
    add_clocks(commands)
    add_publish(commands)
    add_commands(commands)
    add_keys(commands)
    add_coturn(commands)
    receipt = commands.add_parser("verify-receipt", help=_("Check the receipt of a screen-sharing session"))
    receipt.add_argument("file", type=Path, metavar="FILE", help=_("The receipt"))
    return out


def _user_arguments(create: argparse.ArgumentParser) -> None:
    create.add_argument("login", metavar="LOGIN", help=_("What the person types to sign in"))
    create.add_argument("--name", required=True, help=_("Full name"))
    create.add_argument("--role", action="append", choices=ROLES, help=_("May be given more than once"))
    create.add_argument("--team", action="append", default=[], help=_("Team by name, made if new; “all” means all"))
    create.add_argument("--password-stdin", action="store_true", help=_("Read the password from input"))


def _provider_arguments(provider: argparse.ArgumentParser) -> None:
    provider.add_argument("login", metavar="LOGIN", help=_("What the person types to sign in"))
    provider.add_argument(
        "--issuer", required=True, metavar="URL", help=_("The provider's address, as given to the server")
    )
    provider.add_argument(
        "--sub", metavar="SUB", help=_("What the provider calls the person (sub); without it the account is unlinked")
    )


def _link_arguments(link: argparse.ArgumentParser) -> None:
    link.add_argument("--customer", required=True, metavar="ID|MAIL|NAME", help=_("Whose Companion it is"))
    link.add_argument("--server", metavar="URL", help=_("Address under which the customer reaches the server"))
    link.add_argument("--code", action="store_true", help=_("Also make ten digits that can be typed"))
    link.add_argument(
        "--file", type=Path, metavar="FILE", help=_("Write an enrolment file that names the organisation's key, too")
    )
    link.add_argument("--hours", type=int, default=72, help=_("For how long it can be used"))


def main(argv: Sequence[str]) -> int:
    """Run one administration command; 2 when it could not be done, 1 when a check found something."""
    set_language("system")
    os.umask(0o077)  # database, keys and logs are the server's own
    arguments = parser().parse_args(argv)
    try:
        if arguments.command == "verify-receipt":
            return _verify_receipt(arguments.file)
        if arguments.command == "coturn":
            return print_coturn(arguments)
        return _with_store(arguments)
    except DatabaseBusy:
        error: WorldError | Refused = StoreUnavailable("database_unreachable")
    except (WorldError, Refused) as problem:
        error = problem
    except BadLink:
        error = WorldError("bad_server", server=arguments.server)
    print(server_error_text(error), file=sys.stderr)
    return USAGE_ERROR


def _with_store(arguments: argparse.Namespace) -> int:
    if arguments.data is None:
        print(_("Name the server's data folder with --data."), file=sys.stderr)
        return USAGE_ERROR
    if arguments.command not in {*_FOUNDING, "restore"} and not has_server(arguments.data, arguments.database):
        raise WorldError("no_server", path=str(arguments.data))
    with _logged(arguments.data):
        return _run(arguments)


def _logged(data: Path) -> AbstractContextManager[object]:
    """What happened goes to the server's logs, not among the answers."""
    try:
        return configure(data / "logs", "admin")
    except OSError as error:
        raise StoreUnavailable("folder_unwritable", path=str(data)) from error


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command in FILE_COMMANDS:
        return run_file(arguments)
    if arguments.command in KEY_COMMANDS:
        return run_keys(arguments)
    store, keys = open_parts(arguments.data, arguments.database)
    try:
        now = time.time_ns() // 1_000_000
        prepare(store, keys, now, secrets.token_bytes)
        staff = Staff(store, keys, secrets.token_bytes, default_hasher().hash)
        if arguments.command == "create-user":
            return _create_user(arguments, store, staff, now)
        if arguments.command == "enrolment-link":
            return _enrolment_link(arguments, staff, now, keys.organisation_public)
        if arguments.command == "link-login":
            return _link_login(arguments, store)
        if arguments.command == "create-customer":
            print(staff.create_customer(now, arguments.name, arguments.mail, arguments.language).hex())
            return 0
        if arguments.command == "organisation":
            staff.rename_organisation(arguments.name_ko, arguments.name_en)
            print(_("The organisation is named. Restart a running server so that it says so."))
            return 0
        if arguments.command == "sample":
            return _sample(arguments, staff, now)
        if arguments.command == "user":
            return run_people(arguments, store, now)
        if arguments.command == "sla":
            return run_clocks(arguments, store, now)
        if arguments.command == "publish":
            return run_publish(arguments, store, now)
        return run(arguments, store, keys, now)
    finally:
        store.close()


def _create_user(arguments: argparse.Namespace, store: Store, staff: Staff, now: int) -> int:
    seed_states(store, now)
    password = ask_password(from_input=arguments.password_stdin)
    roles, teams = arguments.role or ["agent"], arguments.team
    user = staff.create_user(now, arguments.login, arguments.name, password, roles, teams)
    print(user.hex())
    print(_("{login} can sign in now.").format(login=arguments.login.strip().lower()))
    if not teams:
        print(_("In no team yet, so there are no tickets to see: “deskside admin team grant” changes that."))
    return 0


def _link_login(arguments: argparse.Namespace, store: Store) -> int:
    login, sub = arguments.login, arguments.sub
    OidcSettings(arguments.issuer, "-").check()
    if sub is not None and not sub.strip():
        raise Refused("empty_sub")
    if not store.write(lambda connection: link_login(connection, login, arguments.issuer, sub)):
        print(_("There is no login {login}.").format(login=login), file=sys.stderr)
        return USAGE_ERROR
    print((_("{login} is linked.") if sub is not None else _("{login} is unlinked.")).format(login=login))
    return 0


def _enrolment_link(arguments: argparse.Namespace, staff: Staff, now: int, key: bytes) -> int:
    server = parse_server(arguments.server) if arguments.server else None
    if not 1 <= arguments.hours <= _MAX_HOURS:
        raise Refused("bad_hours", limit=_MAX_HOURS)
    if arguments.file is not None and server is None:
        print(_("An enrolment file needs --server."), file=sys.stderr)
        return USAGE_ERROR
    life_s = arguments.hours * _HOUR_S
    made = staff.enrolment_code(now, arguments.customer, digits=False, life_s=life_s)
    if arguments.file is not None and server is not None:
        try:
            _write_new(arguments.file, enrolment_file(EnrolLink(server, made.code), key))
        except OSError:
            print(_("The file cannot be written, or is there already."), file=sys.stderr)
            return USAGE_ERROR
    print(EnrolLink(server, made.code).to_text() if server else made.code)
    if arguments.code:
        digits = staff.enrolment_code(now, arguments.customer, digits=True, life_s=min(life_s, _HOUR_S)).code
        print(f"{digits[:3]} {digits[3:6]} {digits[6:]}")
    return 0


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads: who has the code in it enrols a computer. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _sample(arguments: argparse.Namespace, staff: Staff, now: int) -> int:
    password = ask_password(from_input=arguments.password_stdin)
    rows = generate(arguments.size, arguments.seed, arguments.as_of)
    loaded = staff.load_sample(now, rows, password)
    text = ngettext("{n} row is in. Sign in as {login}.", "{n} rows are in. Sign in as {login}.", loaded.rows)
    print(text.format(n=loaded.rows, login=loaded.first_login))
    return 0


def _verify_receipt(path: Path) -> int:
    # here: the session's libraries are needed for this command alone
    from app.entry.receipt_words import receipt_lines
    from remote_assist.chain import verify_receipt

    try:
        report = verify_receipt(path.read_bytes())
    except OSError:
        print(_("The file cannot be read."), file=sys.stderr)
        return USAGE_ERROR
    print("\n".join(receipt_lines(report)))
    return 0 if report.complete and report.tied else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
