# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside admin sla FILE`: sets calendars, public holidays and response targets from a file."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from app.config.i18n import _, ngettext
from app.domain.errors import Refused
from app.entry.command_line import CommandLine
from app.services.calendars import compile_calendar, public_holidays
from app.services.sla_file import read_sla_file
from sync.server.clock_book import set_book
from sync.server.store import Store

__all__ = ["add_clocks", "run_clocks"]

_BACK_YEARS, _AHEAD_YEARS = 3, 2


def add_clocks(commands: argparse._SubParsersAction[CommandLine]) -> None:
    """Add the command to the administrator's."""
    book = commands.add_parser("sla", help=_("Set business hours and response targets from a file"))
    book.add_argument("file", type=Path, metavar="FILE", help=_("The file, TOML; docs/response-targets.md tells what"))
    book.add_argument("--check", action="store_true", help=_("Only read the file and say whether it is right"))


def run_clocks(arguments: argparse.Namespace, store: Store, now: int) -> int:
    """Run it. Raises Refused, DatabaseBusy."""
    try:
        text = arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("bad_sla_file", why=str(error)) from error
    year = dt.datetime.fromtimestamp(now / 1000, dt.UTC).year
    years = range(year - _BACK_YEARS, year + _AHEAD_YEARS)
    spec = read_sla_file(text, lambda country: _holidays(years, country))
    if arguments.check:
        print(_("The file is right. Nothing was changed."))
        return 0
    made = set_book(store, now, spec, compile_calendar)
    told = _("New calendars: {calendars}. New policies: {policies}. Policies that ended: {ended}.")
    print(told.format(calendars=made.calendars, policies=made.policies, ended=made.ended))
    text = ngettext("{n} open ticket follows them now.", "{n} open tickets follow them now.", made.tickets)
    print(text.format(n=made.tickets))
    return 0


def _holidays(years: range, country: str) -> list[dict[str, str]]:
    try:
        return public_holidays(years, country)
    except (NotImplementedError, KeyError) as error:
        raise Refused("bad_sla_file", why=f"country “{country}”: not known; write it like KR") from error
