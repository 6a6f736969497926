# SPDX-License-Identifier: GPL-3.0-or-later
"""What each collector makes of a computer. Windows and macOS are files and outputs written down here, not machines."""

from __future__ import annotations

import json
import os
import plistlib
import socket
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from remote_assist import diagnostics_common as common
from remote_assist.diagnostics import Draft, State, Value
from remote_assist.diagnostics_card import CARD_SECTIONS, findings
from remote_assist.diagnostics_here import scrubber_here
from remote_assist.diagnostics_linux import COLLECTORS as LINUX
from remote_assist.diagnostics_machine import Absent, ThisMachine
from remote_assist.diagnostics_macos import COLLECTORS as MACOS
from remote_assist.diagnostics_run import Collector, Context, Gatherer, Wanted
from remote_assist.diagnostics_windows import COLLECTORS as WINDOWS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the computers below have POSIX paths")
NOW = 1_790_000_000


class Computer(ThisMachine):
    """Files below a folder, outputs and a registry as told."""

    def __init__(
        self,
        root: Path,
        files: Mapping[str, str | bytes] = {},
        outputs: Mapping[str, str] = {},
        variables: Mapping[str, str] = {},
        keys: Mapping[str, tuple[dict[str, object], list[str]]] = {},
    ) -> None:
        super().__init__(root)
        self._outputs, self._variables, self._keys = outputs, variables, keys
        for name, content in files.items():
            path = root / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def command(self, name: str, seconds: float) -> str:
        if name not in self._outputs:
            raise Absent(name)
        return self._outputs[name]

    def environment(self, name: str) -> str:
        return self._variables.get(name, "")

    def registry(self, key: str) -> tuple[dict[str, object], list[str]]:
        return self._keys.get(key, ({}, []))


def run(collectors: tuple[Collector, ...], name: str, machine: Computer, wanted: Wanted = Wanted()) -> dict[str, Value]:  # noqa: B008 - Wanted is frozen
    collector = next(each for each in collectors if each.name == name)
    return {item.key: item.value for item in collector.collect(Context(machine, wanted, NOW))}


# --- every system -----------------------------------------------------------------------------------------------------


def test_this_computer_answers_and_says_nothing_of_its_person(tmp_path: Path) -> None:
    """The collectors that need no command, for real; hardware addresses of this machine are not in the bytes."""
    names = ("os", "memory", "disks", "network", "processes", "graphics", "log")
    collectors = [each for each in LINUX if each.name in names]
    machine = Computer(Path("/"))
    context = Context(machine, Wanted(logs=tmp_path), NOW)
    found = Gatherer(collectors, scrubber_here(), "linux").gather(context)
    assert {each.name: each.state for each in found.sections} == dict.fromkeys([c.name for c in collectors], State.OK)
    text = Draft(found).payload.decode().lower()
    macs = [a.address for each in psutil.net_if_addrs().values() for a in each if a.family == psutil.AF_LINK]
    assert not [mac for mac in macs if mac in text and mac != "00:00:00:00:00:00"]
    memory = found.section("memory")
    assert memory is not None
    assert isinstance(memory.items[0].value, int)
    assert memory.items[0].value > 0


def test_drives_that_do_not_answer_are_named_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images of programs are no drives."""
    drives = [("/", "ext4"), ("/mnt/gone", "nfs4"), ("/snap/x/1", "squashfs"), ("/data", "xfs")]
    parts = [SimpleNamespace(mountpoint=place, fstype=kind) for place, kind in drives]

    def room(path: str) -> object:
        if path == "/mnt/gone":
            raise OSError("stale")
        return SimpleNamespace(total=100 << 30, free=25 << 30)

    monkeypatch.setattr(psutil, "disk_partitions", lambda **_all: parts)
    monkeypatch.setattr(psutil, "disk_usage", room)
    found = run(LINUX, "disks", Computer(tmp_path))
    assert found["disk.free_gb:/"] == 25.0
    assert found["disk.type:/mnt/gone"] == "nfs4"
    assert "disk.free_gb:/mnt/gone" not in found
    assert found["disk.total_gb:/data"] == 100.0
    assert not [key for key in found if "snap" in key]


@pytest.mark.parametrize(
    ("address", "netmask", "said"),
    [
        ("192.168.0.7", "255.255.255.0", "192.168.0.7/24"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("203.0.114.9", "255.255.255.0", "IPv4, public"),
        ("2001:4860::5054:ff:feab:cdef", None, "IPv6, public"),
        ("fe80::5054:ff:feab:cdef%eth0", None, "fe80::/64"),
        ("::1", None, "::1"),
    ],
)
def test_addresses_say_which_network_and_not_who(address: str, netmask: str | None, said: str) -> None:
    """Neither the hardware address in an IPv6 one, nor where somebody lives."""
    assert common.place(address, netmask) == said


def test_configured_hosts_are_reached_or_it_is_said_why_not(tmp_path: Path) -> None:
    """Only those that the organisation configured."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port, shut = listener.getsockname()[1], closed.getsockname()[1]
        found = run(LINUX, "hosts", Computer(tmp_path), Wanted(hosts=(("127.0.0.1", port), ("127.0.0.1", shut))))
    assert found[f"host:127.0.0.1:{port}"] == "ok"
    assert isinstance(found[f"host.ms:127.0.0.1:{port}"], int)
    assert found[f"host:127.0.0.1:{shut}"] == "refused"
    assert run(LINUX, "hosts", Computer(tmp_path)) == {}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (socket.gaierror(), "no address"),
        (TimeoutError(), "no answer in time"),
        (OSError(), "not reached"),
    ],
)
def test_every_way_not_to_reach_a_host_has_a_word(
    error: OSError, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the agent need not guess."""

    def fail(_address: object, _seconds: float) -> Any:
        raise error

    monkeypatch.setattr(socket, "create_connection", fail)
    assert run(LINUX, "hosts", Computer(tmp_path), Wanted(hosts=(("h.example", 443),))) == {"host:h.example:443": said}


def test_our_own_log_gives_its_newest_lines_first(tmp_path: Path) -> None:
    """From all our programs, in the order of time; what is no line of ours is left out."""
    lines = [
        {"timestamp": f"2026-01-01T00:{at // 60:02}:{at % 60:02}Z", "level": "info", "event": f"e{at}"}
        for at in range(300)
    ]
    companion = "\n".join(json.dumps(line) for line in lines[::2]) + "\nhalf a li"
    worker = "\n".join(json.dumps(line | {"n": 1}) for line in lines[1::2]) + "\n[1]\n\n{}\n"
    machine = Computer(
        tmp_path, {"logs/companion.log": companion, "logs/worker.log": worker, "logs/other.txt": companion}
    )
    found = run(LINUX, "log", machine, Wanted(logs=Path("/logs")))
    assert len(found) == common.LAST_EVENTS
    assert next(iter(found.items())) == ("log:2026-01-01T00:04:59Z", "info  e299 n=1")
    assert list(found) == sorted(found, reverse=True)
    assert run(LINUX, "log", machine) == {}


# --- Linux ------------------------------------------------------------------------------------------------------------


def test_linux_tells_its_system_updates_and_screens(tmp_path: Path) -> None:
    """From small files and a few commands."""
    files = {
        "/etc/os-release": 'NAME=x\nPRETTY_NAME="Ubuntu 24.04 LTS"\n# note\n',
        "/proc/sys/kernel/osrelease": "6.8.0\n",
        "/proc/cpuinfo": "processor: 0\nmodel name\t: A CPU @ 3 GHz\n",
        "/run/reboot-required": "*",
        "/var/lib/apt/periodic/update-success-stamp": "",
        "/sys/bus/pci/devices/0000:01:00.0/class": "0x030000\n",
        "/sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
        "/sys/bus/pci/devices/0000:01:00.0/device": "0x1eb8\n",
        "/sys/bus/pci/devices/0000:02:00.0/class": "0x020000\n",
        "/sys/class/drm/card0-HDMI-A-1/status": "connected\n",
        "/sys/class/drm/card0-HDMI-A-1/modes": "1920x1080\n1280x720\n",
        "/sys/class/drm/card0-DP-1/status": "disconnected\n",
    }
    outputs = {
        "apt": "Reading...\nInst a [1] (2 Ubuntu:24.04/noble-updates)\nInst b [1] (2 U:24.04/noble-security)\nConf a\n",
        "displays": "Screen 0\nHDMI-1 connected primary 1920x1080+0+0 (normal)\nDP-1 disconnected (normal)\n",
    }
    machine = Computer(tmp_path, files, outputs, {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"})
    found = run(LINUX, "os", machine)
    assert (found["os"], found["kernel"], found["cpu"]) == ("Ubuntu 24.04 LTS", "6.8.0", "A CPU @ 3 GHz")
    assert found["display_server"] == "x11"
    updates = run(LINUX, "updates", machine)
    assert (updates["updates.restart_needed"], updates["updates.waiting"], updates["updates.security"]) == (True, 2, 1)
    without_apt = run(LINUX, "updates", Computer(tmp_path))
    assert without_apt == {key: updates[key] for key in ("updates.restart_needed", "updates.last_check")}
    assert run(LINUX, "graphics", machine) == {
        "graphics.card:0000:01:00.0": "NVIDIA 0x1eb8",
        "graphics.driver:0000:01:00.0": "",
        "display.best:card0-HDMI-A-1": "1920x1080",
        "display.size:HDMI-1": "1920x1080",
    }


def test_linux_tells_printers_network_software_and_errors(tmp_path: Path) -> None:
    """Of software and errors only what was named."""
    event = {"__REALTIME_TIMESTAMP": "1790000000000000", "SYSLOG_IDENTIFIER": "deskside", "MESSAGE": "boom"}
    journal = [
        event,
        event | {"SYSLOG_IDENTIFIER": "sshd"},
        event | {"MESSAGE": [1, 2], "__REALTIME_TIMESTAMP": "1790000001000000"},
        event | {"__REALTIME_TIMESTAMP": "x"},
    ]
    outputs = {
        "printers": "printer Office is idle.  enabled\nprinter Old disabled\nsystem default destination: Office\n",
        "deb": "bash\t5.2\tinstalled\nbash-doc\t5\tinstalled\nhwp\t11\tconfig-files\n",
        "flatpak": "org.libreoffice.LibreOffice\t25.2\n",
        "journal": "\n".join(map(json.dumps, journal)) + "\nnot json\n[]",
    }
    files = {
        "/proc/net/route": "Iface\tDestination\tGateway\neth0\t00000000\t010200C0\neth0\t000200C0\t00000000\n",
        "/etc/resolv.conf": "# x\nnameserver 10.0.0.53\nsearch corp.example\n",
    }
    machine = Computer(tmp_path, files, outputs, {"https_proxy": "http://u:p@proxy:3128"})
    assert run(LINUX, "printers", machine) == {
        "printer.state:Office": "idle",
        "printer.state:Old": "disabled",
        "printer.default": "Office",
    }
    network = run(LINUX, "network", machine)
    assert (network["network.gateway"], network["network.dns"], network["network.proxy"]) == (
        "192.0.2.1",
        "10.0.0.53",
        True,
    )
    wanted = Wanted(software=("Bash", "LibreOffice", "hwp"))
    software = {k: v for k, v in run(LINUX, "software", machine, wanted).items() if v in ("5.2", "25.2", "11", "5")}
    assert software == {"software:bash": "5.2", "software:org.libreoffice.LibreOffice": "25.2"}
    ours = Wanted(products=("Deskside",))
    assert list(run(LINUX, "events", machine, ours).items()) == [
        ("event:2026-09-21T14:13:21Z deskside", "(not text)"),
        ("event:2026-09-21T14:13:20Z deskside", "boom"),
    ]
    assert "event:2026-09-21T14:13:20Z sshd" in run(LINUX, "events", machine)


def test_without_named_products_the_last_hundred_errors_of_the_system_are_told(tmp_path: Path) -> None:
    """Those of named products are more."""
    event = {"SYSLOG_IDENTIFIER": "cupsd", "MESSAGE": "no paper"}
    journal = [event | {"__REALTIME_TIMESTAMP": str((1_790_000_000 + n) * 1_000_000)} for n in range(300)]
    machine = Computer(tmp_path, outputs={"journal": "\n".join(map(json.dumps, journal))})
    assert len(run(LINUX, "events", machine)) == 100
    assert len(run(LINUX, "events", machine, Wanted(products=("cups",)))) == 200


# --- Windows and macOS, from what is written down ---------------------------------------------------------------------


def test_windows_tells_what_its_registry_holds(tmp_path: Path) -> None:
    """The registry of Windows 11 calls itself 10; serial numbers lie beside and are not asked for."""
    base = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
    display = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
    printers = r"HKLM\SYSTEM\CurrentControlSet\Control\Print\Printers"
    installed = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
    keys: dict[str, tuple[dict[str, object], list[str]]] = {
        base: ({"ProductName": "Windows 10 Pro", "CurrentBuild": "22631", "UBR": 4460, "DisplayVersion": "23H2"}, []),
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update": ({}, ["RebootRequired"]),
        display: ({}, ["0000", "Properties"]),
        rf"{display}\0000": ({"DriverDesc": "A card", "DriverVersion": "31.0", "DriverDate": "1-2-2026"}, []),
        printers: ({}, ["Office"]),
        rf"{printers}\Office": ({"Printer Driver": "PCL6"}, []),
        r"HKCU\Software\Microsoft\Windows NT\CurrentVersion\Windows": ({"Device": "Office,winspool,Ne01:"}, []),
        installed: ({}, ["a", "b"]),
        rf"{installed}\a": ({"DisplayName": "한컴오피스 2024", "DisplayVersion": "13.0"}, []),
        rf"{installed}\b": ({"DisplayName": "Game", "DisplayVersion": "1"}, []),
    }
    xml = (
        "<Event xmlns='x'><System><Provider Name='Application Error'/><EventID>1000</EventID>"
        "<TimeCreated SystemTime='2026-01-02T03:04:05.678Z'/></System><EventData><Data>deskside.exe</Data>"
        "<Data>1.0</Data></EventData></Event><Event><System><Provider Name='Other'/></System></Event>"
    )
    machine = Computer(tmp_path, outputs={"events_windows": xml}, keys=keys)
    found = run(WINDOWS, "os", machine)
    assert (found["os"], found["kernel"]) == ("Windows 11 Pro 23H2", "22631.4460")
    assert run(WINDOWS, "updates", machine) == {"updates.restart_needed": True}
    assert run(WINDOWS, "graphics", machine) == {
        "graphics.card:0000": "A card",
        "graphics.driver:0000": "31.0 1-2-2026",
    }
    assert run(WINDOWS, "printers", machine) == {"printer.driver:Office": "PCL6", "printer.default": "Office"}
    assert run(WINDOWS, "network", machine)["network.proxy"] is False
    software = run(WINDOWS, "software", machine, Wanted(software=("한컴오피스",)))
    assert software["software:한컴오피스 2024"] == "13.0"
    assert "software:Game" not in software
    assert run(WINDOWS, "events", machine, Wanted(products=("deskside",))) == {
        "event:2026-01-02T03:04:05Z Application Error": "1000 deskside.exe 1.0"
    }


def test_macos_tells_what_its_property_lists_hold(tmp_path: Path) -> None:
    """In both of their forms; damaged ones are as good as none."""
    apps = "/Applications/Numbers.app/Contents/Info.plist"
    files: dict[str, str | bytes] = {
        "/System/Library/CoreServices/SystemVersion.plist": plistlib.dumps(
            {"ProductName": "macOS", "ProductVersion": "15.1", "ProductBuildVersion": "24B83"}
        ),
        "/Library/Preferences/com.apple.SoftwareUpdate.plist": plistlib.dumps(
            {"LastUpdatesAvailable": 2}, fmt=plistlib.FMT_BINARY
        ),
        apps: plistlib.dumps({"CFBundleShortVersionString": "14.3"}),
        "/Applications/Bad numbers.app/Contents/Info.plist": b"bplist00 broken",
        "/Library/Logs/DiagnosticReports/Deskside-2026-01-02-030405.ips": "{}",
        "/Library/Logs/DiagnosticReports/Other-2026-01-02-030405.ips": "{}",
    }
    displays = {
        "SPDisplaysDataType": [
            {"sppci_model": "Apple M3", "spdisplays_ndrvs": [{"_name": "LCD", "_spdisplays_resolution": "1512 x 982"}]}
        ]
    }
    machine = Computer(tmp_path, files, {"graphics_macos": json.dumps(displays)})
    assert run(MACOS, "os", machine)["os"] == "macOS 15.1"
    assert run(MACOS, "updates", machine) == {"updates.waiting": 2}
    assert run(MACOS, "graphics", machine) == {"graphics.card:1": "Apple M3", "display.size:LCD": "1512 x 982"}
    software = run(MACOS, "software", machine, Wanted(software=("numbers",)))
    assert (software["software:Numbers"], software["software:Bad numbers"]) == ("14.3", "")
    assert run(MACOS, "events", machine, Wanted(products=("deskside",))) == {
        "event:2026-01-02 030405 Deskside": "crash report"
    }
    assert run(MACOS, "graphics", Computer(tmp_path, outputs={"graphics_macos": "[]"})) == {}


# --- for a fact card --------------------------------------------------------------------------------------------------


def _card(collectors: tuple[Collector, ...], machine: Computer) -> dict[str, tuple[str, int]]:
    gatherer = Gatherer(collectors, scrubber_here(), "linux")
    bundle = gatherer.gather(Context(machine, Wanted(serial=True), NOW), CARD_SECTIONS)
    assert {each.name for each in bundle.sections} == CARD_SECTIONS
    return {each.name: (each.value, each.at) for each in findings(bundle)}


def test_a_fact_card_has_the_device_its_serial_number_and_the_last_error_with_its_own_time(tmp_path: Path) -> None:
    """What a session's diagnostics read is read by the same collectors; the newest error of the last days counts."""
    dmi = "/sys/class/dmi/id"
    journal = [
        {"__REALTIME_TIMESTAMP": str((NOW - ago) * 1_000_000), "MESSAGE": text, "SYSLOG_IDENTIFIER": "cupsd"}
        for ago, text in ((90_000, "older"), (60, "E-1042 paper jam"))
    ]
    machine = Computer(
        tmp_path,
        {f"{dmi}/sys_vendor": "LENOVO\n", f"{dmi}/product_name": "20XW\n", f"{dmi}/product_version": "ThinkPad X1\n",
         f"{dmi}/product_serial": "5CD0123456789AB\n", "/etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12"\n'},
        {"journal": "\n".join(map(json.dumps, journal))},
    )  # fmt: skip
    found = _card(LINUX, machine)
    assert found["device"] == ("LENOVO ThinkPad X1 20XW", NOW * 1000)
    assert found["serial"][0] == "5CD0123456789AB"
    assert found["os"][0].startswith("Debian GNU/Linux 12")
    assert found["last_error"] == ("cupsd: E-1042 paper jam", (NOW - 60) * 1000)
    assert "Deskside Companion" in found["app_version"][0]


def test_what_only_an_administrator_may_read_is_empty_and_nothing_else_is_lost(tmp_path: Path) -> None:
    """As on most Linux computers; a maker who filled in nothing said nothing, and an error of last month is none."""
    dmi = "/sys/class/dmi/id"
    files = {f"{dmi}/sys_vendor": "To be filled by O.E.M.\n", f"{dmi}/product_name": "N14 Air\n"}
    old = {"__REALTIME_TIMESTAMP": str((NOW - 30 * 86_400) * 1_000_000), "MESSAGE": "old", "_COMM": "x"}
    machine = Computer(tmp_path, {**files, f"{dmi}/product_serial": "5CD1"}, {"journal": json.dumps(old)})
    (tmp_path / dmi.lstrip("/") / "product_serial").unlink()
    (tmp_path / dmi.lstrip("/") / "product_serial").mkdir()  # cannot be read, whoever runs the test
    found = _card(LINUX, machine)
    assert (found["device"][0], found["serial"][0], found["last_error"][0]) == ("N14 Air", "", "")
    assert run(LINUX, "device", machine) == {"device.model": "N14 Air"}  # a session asks for no serial number
    with pytest.raises(Absent):
        run(LINUX, "device", Computer(tmp_path / "none"))


def test_other_systems_tell_their_device_too(tmp_path: Path) -> None:
    """From what they call it there."""
    bios: dict[str, tuple[dict[str, object], list[str]]]
    bios = {r"HKLM\HARDWARE\DESCRIPTION\System\BIOS": ({"SystemManufacturer": "LG", "SystemProductName": "N14"}, [])}
    assert run(WINDOWS, "device", Computer(tmp_path, keys=bios)) == {"device.maker": "LG", "device.model": "N14"}
    told = {"SPHardwareDataType": [{"machine_name": "MacBook", "machine_model": "M1,1", "serial_number": "C02"}]}
    mac = Computer(tmp_path, outputs={"device_macos": json.dumps(told)})
    said = run(MACOS, "device", mac, Wanted(serial=True))
    assert said == {"device.maker": "Apple", "device.model": "MacBook M1,1", "device.serial": "C02"}
    assert run(MACOS, "device", Computer(tmp_path, outputs={"device_macos": '{"SPHardwareDataType": [[]]}'})) == {}
