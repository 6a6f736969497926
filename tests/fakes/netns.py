# SPDX-License-Identifier: GPL-3.0-or-later
"""Two computers on one cable, made of network namespaces: it can lose packets, be slow, be cut, and change addresses.

A process runs in one of them when `Computer.starter` stands before its command. Needs root, `ip` and `tc` (Debian:
iproute2) and `nft` (nftables).
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

_ALL = 1000


@functools.cache
def missing() -> str:
    """Say what this machine lacks; empty when namespaces can be made."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need Linux and root"
    for program, package in (("ip", "iproute2"), ("nft", "nftables"), ("tc", "iproute2")):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian: {package})"
    with contextlib.suppress(subprocess.CalledProcessError), cable():
        return ""
    return "this kernel or container allows no network namespaces, or no nftables in them"


@dataclass(frozen=True)
class Computer:
    """One end of the cable, with one address."""

    space: str
    device: str

    def run(self, *command: str, given: str = "") -> None:
        """Run a command there. Raises CalledProcessError."""
        inside = ["ip", "netns", "exec", self.space, *command]
        subprocess.run(inside, input=given.encode(), check=True, capture_output=True)

    @property
    def starter(self) -> list[str]:
        """What comes before a command that is to run there."""
        return ["ip", "netns", "exec", self.space]

    def lose(self, per_mille: int) -> None:
        """Drop this share of the packets that come in, at random; 1000 cuts the cable in this direction."""
        rules = "flush ruleset\n"
        if per_mille:
            share = "" if per_mille >= _ALL else f"numgen random mod {_ALL} < {per_mille} "
            rules += f"""table inet bad {{
  chain in {{
    type filter hook input priority 0;
    iifname "{self.device}" {share}counter drop
  }}
}}
"""
        self.run("nft", "-f", "-", given=rules)

    def limit(self, bits_per_second: int) -> None:
        """Let no more than this out, as a narrow line with a queue of 200 ms does."""
        rate = ["rate", f"{bits_per_second}bit", "burst", "16kb", "latency", "200ms"]
        self.run("tc", "qdisc", "replace", "dev", self.device, "root", "tbf", *rate)

    def move(self, old: str, new: str) -> None:
        """Have another address (with prefix length): first the old one goes, as from one network to another."""
        self.run("ip", "address", "delete", old, "dev", self.device)
        self.run("ip", "address", "add", new, "dev", self.device)


@contextlib.contextmanager
def cable() -> Iterator[tuple[Computer, Computer]]:
    """Yield two computers, 10.77.0.1 and 10.77.0.2; they are gone with the block."""
    spaces = [f"deskside-{os.getpid()}-{side}" for side in ("a", "b")]
    pair = Computer(spaces[0], "cable0"), Computer(spaces[1], "cable0")
    try:
        for space in spaces:
            _ip("netns", "add", space)
        _ip(
            "link", "add", "name", pair[0].device, "netns", spaces[0], "type", "veth",
            "peer", "name", pair[1].device, "netns", spaces[1],
        )  # fmt: skip
        for number, computer in enumerate(pair, 1):
            computer.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", computer.device)
            for device in ("lo", computer.device):
                computer.run("ip", "link", "set", device, "up")
            computer.lose(0)
        yield pair
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
