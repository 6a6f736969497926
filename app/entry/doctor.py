# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor`: what is missing on this machine, and the exact command that mends it."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.config.i18n import _, set_language
from app.desktop.input_method import emulated
from app.entry import qt_libraries
from app.entry.command_line import CommandLine
from app.entry.doctor_probes import MachineProbes, Probes, day

# no release is older; a clock before it makes every certificate invalid
_NOT_BEFORE = 1_760_000_000
_NOT_AFTER = _NOT_BEFORE + 30 * 365 * 86_400
_SKEW_WARNING_S = 30
_SKEW_PROBLEM_S = 300


class Level(StrEnum):
    """A problem makes the program unusable, a warning a part of it."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: what was looked at, how it is, and the command that mends it (empty if all is well)."""

    check: str
    level: Level
    text: str
    command: str = ""


def _install(*packages: str) -> str:
    return "sudo apt-get install --no-install-recommends " + " ".join(packages)


def check_libraries(probes: Probes) -> Iterator[Finding]:
    """Shared libraries of Qt."""
    missing = probes.missing_libraries()
    optional = [name for name in missing if name in qt_libraries.OPTIONAL]
    needed = [name for name in missing if name not in qt_libraries.OPTIONAL]
    if needed:
        text = _("Qt lacks shared libraries: {names}.").format(names=", ".join(needed))
        yield Finding("libraries", Level.PROBLEM, text, _install(*qt_libraries.debian_packages(missing)))
    elif optional:
        text = _("Capture on Wayland lacks shared libraries: {names}.").format(names=", ".join(optional))
        yield Finding("libraries", Level.WARNING, text, _install(*qt_libraries.debian_packages(optional)))
    else:
        yield Finding("libraries", Level.OK, _("All shared libraries that Qt needs are there."))


def check_display(probes: Probes) -> Iterator[Finding]:
    """A desktop to open windows on, and whether it can be captured."""
    environment = probes.environment()
    if not probes.platform().startswith("linux"):
        yield Finding("display", Level.OK, _("Windows can be opened."))
    elif not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        text = _("There is no display here, so no window can be opened. The demo runs without one.")
        yield Finding("display", Level.PROBLEM, text, "deskside demo --headless --out demo")
        return
    elif fault := probes.display_fault():
        text = _("The display cannot be opened: {fault}. Run Deskside as the user who is signed in to the desktop.")
        command = "xauth list" if environment.get("DISPLAY") else "loginctl show-session self"
        yield Finding("display", Level.PROBLEM, text.format(fault=fault), command)
        return
    else:
        yield Finding("display", Level.OK, _("Windows can be opened."))
    yield from _check_capture(probes)


def _check_capture(probes: Probes) -> Iterator[Finding]:
    if probes.environment().get("WAYLAND_DISPLAY"):
        text = _("Under Wayland no screen can be shared yet. To share one, sign in to an X11 session of the desktop.")
        yield Finding("capture", Level.WARNING, text)
    elif fault := probes.capture_fault():
        text = _("The screen cannot be captured, so it cannot be shared: {fault}.").format(fault=fault)
        yield Finding("capture", Level.WARNING, text, _install("libx11-6", "libxrandr2", "libxfixes3", "libxcb-randr0"))
    else:
        yield Finding("capture", Level.OK, _("The screen can be captured once its owner allows it."))


def check_keyring(probes: Probes) -> Iterator[Finding]:
    """A real key store; without one a passphrase is asked for."""
    if name := probes.keyring():
        yield Finding("keyring", Level.OK, _("Keys are kept in {name}.").format(name=name))
    else:
        text = _("There is no key store here. Deskside asks for a passphrase at each start instead.")
        command = _install("gnome-keyring", "libpam-gnome-keyring") if probes.platform().startswith("linux") else ""
        yield Finding("keyring", Level.WARNING, text, command)


def check_ports(probes: Probes, wanted: list[int]) -> Iterator[Finding]:
    """Loopback ports: any, and those asked for."""
    some = probes.port(0)
    if not some.free:
        text = _("No port on 127.0.0.1 is free.")
        yield Finding("ports", Level.PROBLEM, text, "ip link set lo up")
        return
    if not wanted:
        yield Finding("ports", Level.OK, _("Ports on 127.0.0.1 are free."))
    for number in wanted:
        port = probes.port(number)
        if port.free:
            yield Finding("ports", Level.OK, _("Port {port} is free.").format(port=number))
            continue
        text = _("Port {port} is in use by {holder}.") if port.holder else _("Port {port} is in use.")
        command = f"deskside server --port {some.number}"
        yield Finding("ports", Level.PROBLEM, text.format(port=number, holder=port.holder), command)


def check_clock(probes: Probes, server: str) -> Iterator[Finding]:
    """The clock, against the server's if one is named."""
    now = probes.clock()
    if not _NOT_BEFORE < now < _NOT_AFTER:
        text = _("The clock of this machine says {time}. That cannot be right.").format(time=day(now))
        yield Finding("clock", Level.PROBLEM, text, "sudo timedatectl set-ntp true")
        return
    if not server:
        yield Finding("clock", Level.OK, _("The clock says {time}.").format(time=day(now)))
        return
    theirs = probes.server_clock(server)
    if isinstance(theirs, str):
        text = _("The server cannot be asked: {fault}.").format(fault=theirs)
        yield Finding("server", Level.PROBLEM, text, f"curl -I {server}")
        return
    skew = round(abs(theirs - now))
    if skew <= _SKEW_WARNING_S:
        yield Finding("clock", Level.OK, _("The clock agrees with the server's."))
        return
    level = Level.PROBLEM if skew > _SKEW_PROBLEM_S else Level.WARNING
    text = _("The clock differs from the server's by {seconds} s.").format(seconds=skew)
    yield Finding("clock", level, text, "sudo timedatectl set-ntp true")


def check_fonts(probes: Probes) -> Iterator[Finding]:
    """A font with Hangul."""
    if name := probes.hangul_font():
        yield Finding("fonts", Level.OK, _("Hangul is drawn with {name}.").format(name=name))
    else:
        yield Finding("fonts", Level.WARNING, _("No font here has Hangul."), _install("fonts-noto-cjk"))


def check_input_method(probes: Probes) -> Iterator[Finding]:
    """Whether Hangul can be typed with the input method that the desktop names."""
    environment = probes.environment()
    if not probes.platform().startswith("linux"):
        return
    if name := emulated(environment, probes.input_plugins()):
        text = _(
            "{name} types here through its ibus emulation, for Qt has no plugin for it. If no Hangul arrives, switch "
            "on “IBus Frontend” among its add-ons."
        )
        yield Finding("input", Level.WARNING, text.format(name=name), "fcitx5-configtool")
    elif name := environment.get("QT_IM_MODULE", ""):
        yield Finding("input", Level.OK, _("Text is composed with {name}.").format(name=name))


def examine(probes: Probes, ports: list[int], server: str) -> list[Finding]:
    """All findings, in a fixed order."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: check_libraries(probes),
        lambda: check_display(probes),
        lambda: check_keyring(probes),
        lambda: check_ports(probes, ports),
        lambda: check_clock(probes, server),
        lambda: check_fonts(probes),
        lambda: check_input_method(probes),
    )
    return [finding for check in checks for finding in check()]


def report(findings: list[Finding]) -> Iterator[str]:
    """Findings as lines, each with the command that mends it."""
    marks = {Level.OK: "✓", Level.WARNING: "!", Level.PROBLEM: "✗"}
    for finding in findings:
        yield f"{marks[finding.level]} {finding.text}"
        if finding.command:
            yield f"    {finding.command}"


def main(argv: list[str], probes: Probes | None = None) -> int:
    """Print the findings; 0 if Deskside can be used here, 1 if not. `--deep` and `--report` have their own."""
    set_language("system")
    options = _parser().parse_args(argv)
    set_language(options.language)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 still gets the commands
    if options.deep:
        from app.entry import doctor_deep  # here: the store and its libraries may be what is missing

        passphrase = sys.stdin.readline().rstrip("\r\n") if options.passphrase_stdin else None
        return doctor_deep.run(options.data, passphrase, as_json=options.json)
    findings = examine(probes or MachineProbes(), options.port, options.server)
    if options.report is not None:
        from app.entry import doctor_report  # here: asks every library for its version

        return doctor_report.run(
            options.report, options.data, [dataclasses.asdict(finding) for finding in findings], yes=options.yes
        )
    usable = not any(finding.level is Level.PROBLEM for finding in findings)
    if options.json:
        answer = {"usable": usable, "findings": [dataclasses.asdict(finding) for finding in findings]}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        last = _("Deskside can be used here.") if usable else _("Deskside cannot be used here yet.")
        print("\n".join([*report(findings), last]))
    return 0 if usable else 1


def _parser() -> CommandLine:
    parser = CommandLine(prog="deskside doctor")
    parser.add_argument("--json", action="store_true", help=_("print the findings as JSON"))
    parser.add_argument("--server", default="", metavar="URL", help=_("compare the clock with this server's"))
    parser.add_argument("--port", type=int, action="append", default=[], help=_("also look whether this port is free"))
    parser.add_argument("--language", choices=("system", "ko", "en"), default="system")
    deep = _("download everything again and compare it with what this computer holds; changes nothing")
    parser.add_argument("--deep", action="store_true", help=deep)
    report_help = _("write a bundle for support, after showing what is in it; without words of tickets, names or keys")
    parser.add_argument("--report", type=Path, metavar="FILE", help=report_help)
    parser.add_argument("--yes", action="store_true", help=_("with --report: write it without being asked"))
    folder = _("with --deep and --report: the folder that Deskside was given")
    parser.add_argument("--data", type=Path, metavar="DIR", help=folder)
    stdin = _("with --deep: read the passphrase from standard input")
    parser.add_argument("--passphrase-stdin", action="store_true", help=stdin)
    return parser
