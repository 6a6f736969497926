# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say where a TURN server is, and the command that prints a configuration for one."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.config.i18n import _
from app.domain.errors import WorldError
from app.entry.command_line import CommandLine
from sync.server.turn import TurnSettings, coturn_configuration

__all__ = ["add_coturn", "add_relay_only", "add_turn", "print_coturn", "turn_of"]


def add_turn(out: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add the options."""
    add = out.add_argument
    add(
        "--turn", required=required, metavar="HOST[:PORT]",
        help=_("TURN server that relays screen sharing; without a port 3478"),
    )  # fmt: skip
    add("--turn-tls", metavar="HOST[:PORT]", help=_("Its TLS listener, if it has one; without a port 443"))
    add(
        "--turn-secret-file", required=required, type=Path, metavar="FILE",
        help=_("File with the secret shared with the TURN server"),
    )  # fmt: skip


def add_relay_only(out: argparse.ArgumentParser) -> None:
    """Add the option that forbids direct connections."""
    out.add_argument("--relay-only", action="store_true", help=_("Let screen sharing go through the TURN server alone"))


def turn_of(arguments: argparse.Namespace) -> TurnSettings | None:
    """Return what the options say, None without them. Raises WorldError("bad_turn")."""
    only = getattr(arguments, "relay_only", False)
    return TurnSettings.read(arguments.turn, arguments.turn_tls, arguments.turn_secret_file, only=only)


def add_coturn(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add `coturn` to the administrator's commands."""
    coturn = commands.add_parser("coturn", help=_("Print a configuration for coturn, with the secret in it"))
    add_turn(coturn, required=True)
    add = coturn.add_argument
    add("--realm", required=True, metavar="NAME", help=_("Any name of yours, for example your domain"))
    add("--relay-address", required=True, metavar="IP", help=_("Address of the relay as both computers see it"))
    add(
        "--certificate", default="/etc/coturn/chain.pem", metavar="FILE", help=_("TLS certificate with its chain (PEM)")
    )
    add("--key", default="/etc/coturn/key.pem", metavar="FILE", help=_("TLS private key (PEM)"))


def print_coturn(arguments: argparse.Namespace) -> int:
    """Print the configuration. Raises WorldError("bad_turn")."""
    settings = turn_of(arguments)
    if settings is None:
        raise WorldError("bad_turn")
    print(
        coturn_configuration(settings, arguments.realm, arguments.certificate, arguments.key, arguments.relay_address),
        end="",
    )
    return 0
