# SPDX-License-Identifier: GPL-3.0-or-later
"""A server process that is killed between the commit of its first change and the poke: nobody hears of it from here."""

from __future__ import annotations

import os
import signal
import sys

from app.entry import cli
from sync.server.hub import Hub

__all__ = ["main"]


def _die(_hub: Hub, heads: dict[str, int]) -> None:
    if heads:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Run the command line as `deskside` does."""
    Hub.changed = _die  # type: ignore[assignment,method-assign]  # the failure to be shown
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
