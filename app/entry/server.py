# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside server`: one process with an embedded database by default; PostgreSQL, and NATS between processes."""

from __future__ import annotations

import argparse
import ipaddress
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from app.config.i18n import _, set_language
from app.config.logs import configure
from app.domain.errors import StoreUnavailable, WorldError
from app.domain.proof import AFTER_MIN, LEAST_MIN, MOST_MIN, NEVER_MIN
from app.entry.command_line import CommandLine, service_address
from app.entry.server_lock import alone
from app.entry.server_texts import server_error_text
from app.entry.turn_options import add_relay_only, add_turn, turn_of
from app.services.calendars import compile_calendar
from sync.server.bootstrap import seed_states
from sync.server.oidc import MATCHES, OidcSettings
from sync.server.parts import build_parts, open_parts
from sync.server.store import DatabaseBusy
from sync.server.web.serve import LOCAL_PROXIES, Listening, bind, is_loopback, serve, split_listen, write_port_file

USAGE_ERROR = 2


def parser() -> argparse.ArgumentParser:
    """Return the command line, in the language spoken now."""
    out = CommandLine(prog="deskside server", description=_("Run the sync server"))
    add = out.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help=_("Folder for keys, logs and the embedded database"))
    add("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help=_("Address to listen on; port 0 takes a free one"))
    add(
        "--database", type=service_address, metavar="URL",
        help=_("PostgreSQL address instead of the embedded database; @FILE reads it from a file"),
    )  # fmt: skip
    add(
        "--nats", type=service_address, metavar="URL",
        help=_("NATS address, when several server processes share one PostgreSQL; @FILE reads it from a file"),
    )  # fmt: skip
    add("--oidc-issuer", metavar="URL", help=_("Let people sign in with this OpenID Connect provider"))
    add("--oidc-client-id", metavar="ID", help=_("This server's client id at the provider"))
    add(
        "--oidc-secret-file", type=Path, metavar="FILE", help=_("File with the client secret, if the provider gave one")
    )
    add(
        "--oidc-match",
        choices=MATCHES,
        default="none",
        help=_("Link an account at the first sign-in when its login is the verified mail address or the user name"),
    )
    add_turn(out)
    add_relay_only(out)
    add(
        "--no-join-page",
        action="store_true",
        help=_("Let nobody join screen sharing with a browser: customers need the Companion"),
    )
    add("--no-portal", action="store_true", help=_("Offer customers no pages under /help to read and write at"))
    add("--require-note", action="store_true", help=_("Take no invitation to screen sharing without a written reason"))
    add(
        "--reauthenticate-after", type=_minutes, default=AFTER_MIN, metavar="MINUTES",
        help=_("Ask an agent for the password again before an invitation after this long; 480 without it, 0 for never"),
    )  # fmt: skip
    add("--port-file", type=Path, metavar="FILE", help=_("Write the server's URL to this file when it is ready"))
    add("--tls-cert", type=Path, metavar="FILE", help=_("TLS certificate with its chain (PEM)"))
    add("--tls-key", type=Path, metavar="FILE", help=_("TLS private key (PEM)"))
    add(
        "--insecure-listen",
        action="store_true",
        help=_("Listen beyond this machine without TLS, behind a proxy that encrypts"),
    )
    add(
        "--proxy", type=_networks, default=LOCAL_PROXIES, metavar="ADDRESSES",
        help=_("Proxies that are believed whom they speak for (X-Forwarded-For); without it those of this machine"),
    )  # fmt: skip
    return out


def _networks(value: str) -> tuple[str, ...]:
    """Return addresses and networks that commas part. For `add_argument(type=...)`; raises ArgumentTypeError."""
    try:
        return tuple(str(ipaddress.ip_network(part.strip())) for part in value.split(","))
    except ValueError as error:
        told = _("“{value}” is not a list of addresses. Write it like 10.0.0.5 or 10.0.0.0/24,10.1.0.5.")
        raise argparse.ArgumentTypeError(told.format(value=value)) from error


def _minutes(value: str) -> int:
    """Return how old a proof may be. For `add_argument(type=...)`; raises ArgumentTypeError."""
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 6 else -1
    if number != NEVER_MIN and not LEAST_MIN <= number <= MOST_MIN:
        told = _("“{value}” cannot be used. Write minutes from {least} to {most}, or 0 for never.")
        raise argparse.ArgumentTypeError(told.format(value=value, least=LEAST_MIN, most=MOST_MIN))
    return number


def main(argv: Sequence[str]) -> int:
    """Run the server until it is told to stop; 2 when it cannot start."""
    set_language("system")
    os.umask(0o077)  # database, keys and logs are the server's own
    arguments = parser().parse_args(argv)
    try:
        with alone(arguments.data, arguments.database, "server_running"):
            return _serve(arguments)
    except DatabaseBusy:
        error: WorldError = StoreUnavailable("database_unreachable")
    except WorldError as problem:
        error = problem
    print(server_error_text(error), file=sys.stderr)
    return USAGE_ERROR


def _serve(arguments: argparse.Namespace) -> int:
    host, port = split_listen(arguments.listen)
    _check_tls(arguments, host)
    if arguments.nats and not arguments.database:
        raise WorldError("nats_alone")
    turn = turn_of(arguments)
    store, keys = open_parts(arguments.data, arguments.database)
    try:
        parts = build_parts(
            store, keys, nats=arguments.nats, oidc=_oidc(arguments), turn=turn,
            join_page=not arguments.no_join_page, portal=not arguments.no_portal,
            require_note=arguments.require_note, reauthenticate_min=arguments.reauthenticate_after,
            data=arguments.data, compile_=compile_calendar,
        )  # fmt: skip
        seed_states(store, parts.clock())
        listener = bind(host, port)
    except BaseException:
        store.close()
        raise
    listening = Listening(host, port, arguments.tls_cert, arguments.tls_key, arguments.proxy)

    def ready(url: str) -> None:
        if arguments.port_file:
            write_port_file(arguments.port_file, url)
        print(_("Deskside server is ready at {url}").format(url=url), flush=True)

    # processes of one folder on one machine differ by their ports; two would tear one log file apart
    name = f"server-{listener.getsockname()[1]}" if arguments.database else "server"
    with configure(arguments.data / "logs", name):
        serve(parts, listener, listening, ready)
    return 0


def _oidc(arguments: argparse.Namespace) -> OidcSettings | None:
    """Return the provider's settings, or None. Raises WorldError("bad_oidc")."""
    issuer, client, file = arguments.oidc_issuer, arguments.oidc_client_id, arguments.oidc_secret_file
    if issuer is None and client is None and file is None:
        return None
    try:
        secret = file.read_text(encoding="utf-8").strip() if file is not None else None
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError("bad_oidc") from error
    return OidcSettings(issuer or "", client or "", secret, arguments.oidc_match).check()


def _check_tls(arguments: argparse.Namespace, host: str) -> None:
    cert, key = arguments.tls_cert, arguments.tls_key
    if (cert is None) != (key is None):
        raise WorldError("bad_tls")
    if cert is None:
        if not is_loopback(host) and not arguments.insecure_listen:
            raise WorldError("insecure_listen")
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        raise WorldError("bad_tls") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
