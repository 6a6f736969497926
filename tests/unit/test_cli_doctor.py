# SPDX-License-Identifier: GPL-3.0-or-later
"""`deskside doctor`: names what is missing, in the person's language, with the command that mends it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from app.config.i18n import set_language
from app.desktop.input_method import emulated, plugin_names, use_what_is_there
from app.entry import agent, companion, doctor
from app.entry.display import no_display
from app.entry.doctor_probes import MachineProbes, Port
from app.entry.qt_libraries import debian_packages, missing_libraries

NOON = 1_790_000_000.0


@dataclass
class FakeMachine:
    """A healthy desktop unless told otherwise."""

    libraries: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=lambda: {"DISPLAY": ":0"})
    display: str = ""
    keys: str = "SecretService Keyring"
    capture: str = ""
    taken: dict[int, str] = field(default_factory=dict)
    time: float = NOON
    server_time: float | str = NOON
    font: str = "pretendard"
    plugins: frozenset[str] = frozenset({"compose", "ibus", "qtvirtualkeyboard"})

    def platform(self) -> str:
        return "linux"

    def missing_libraries(self) -> list[str]:
        return self.libraries

    def environment(self) -> Mapping[str, str]:
        return self.variables

    def display_fault(self) -> str:
        return self.display

    def keyring(self) -> str:
        return self.keys

    def capture_fault(self) -> str:
        return self.capture

    def port(self, number: int) -> Port:
        return Port(number or 40001, number not in self.taken, self.taken.get(number, ""))

    def clock(self) -> float:
        return self.time

    def server_clock(self, url: str) -> float | str:
        return self.server_time

    def hangul_font(self) -> str:
        return self.font

    def input_plugins(self) -> frozenset[str]:
        return self.plugins


@pytest.fixture(autouse=True)
def _english_afterwards() -> Iterator[None]:
    yield
    set_language("en")


def _run(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, *options: str
) -> tuple[int, dict[str, dict[str, str]]]:
    code = doctor.main(["--json", "--language", "en", *options], machine)
    answer = json.loads(capsys.readouterr().out)
    assert answer["usable"] is (code == 0)
    return code, {finding["check"]: finding for finding in answer["findings"]}


def test_a_healthy_machine_is_said_to_be_usable(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to do, exit code 0."""
    code, findings = _run(capsys, FakeMachine(), "--server", "https://desk.test", "--port", "8443")
    assert code == 0
    assert {finding["level"] for finding in findings.values()} == {"ok"}
    assert set(findings) == {"libraries", "display", "capture", "keyring", "ports", "clock", "fonts"}


def test_a_missing_library_is_named_with_its_debian_package(capsys: pytest.CaptureFixture[str]) -> None:
    """The most common fault on a fresh Linux costs one command."""
    code, findings = _run(capsys, FakeMachine(libraries=["libxcb-cursor.so.0", "libEGL.so.1"]))
    assert code == 1
    assert "libxcb-cursor.so.0" in findings["libraries"]["text"]
    wanted = "sudo apt-get install --no-install-recommends libegl1 libxcb-cursor0"
    assert findings["libraries"]["command"] == wanted


def test_a_library_that_only_wayland_needs_is_no_obstacle(capsys: pytest.CaptureFixture[str]) -> None:
    """What is good to have is told, but does not stop anybody."""
    code, findings = _run(capsys, FakeMachine(libraries=["libpipewire-0.3.so.0"]))
    assert code == 0
    assert findings["libraries"]["level"] == "warning"
    assert findings["libraries"]["command"].endswith(" libpipewire-0.3-0")


def test_a_missing_display_is_told_with_the_demo_that_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    """On a server one can still see the product at work."""
    code, findings = _run(capsys, FakeMachine(variables={}))
    assert code == 1
    assert findings["display"]["command"] == "deskside demo --headless --out demo"
    assert "capture" not in findings


def test_a_display_of_another_user_is_told_apart_from_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Started over ssh or with sudo: the reason is passed on."""
    code, findings = _run(capsys, FakeMachine(display="authorization required"))
    assert code == 1
    assert "authorization required" in findings["display"]["text"]


def test_a_port_in_use_names_its_holder_and_a_free_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The server can be started at once on another port."""
    code, findings = _run(capsys, FakeMachine(taken={8443: "nginx (812)"}), "--port", "8443")
    assert code == 1
    assert "8443 is in use by nginx (812)" in findings["ports"]["text"]
    assert findings["ports"]["command"] == "deskside server --port 40001"


def test_a_machine_without_key_store_is_usable_with_a_passphrase(capsys: pytest.CaptureFixture[str]) -> None:
    """No key is ever kept in plain text, so the person is asked instead."""
    code, findings = _run(capsys, FakeMachine(keys="", font="", capture="no permission"))
    assert code == 0
    assert "passphrase" in findings["keyring"]["text"]
    assert [findings[name]["level"] for name in ("keyring", "fonts", "capture")] == ["warning"] * 3
    assert findings["fonts"]["command"].endswith("fonts-noto-cjk")


@pytest.mark.parametrize(
    ("machine", "check", "level"),
    [
        (FakeMachine(time=12.0), "clock", "problem"),
        (FakeMachine(server_time=NOON - 60), "clock", "warning"),
        (FakeMachine(server_time=NOON + 3600), "clock", "problem"),
        (FakeMachine(server_time="connection refused"), "server", "problem"),
    ],
)
def test_a_wrong_clock_is_found(
    capsys: pytest.CaptureFixture[str], machine: FakeMachine, check: str, level: str
) -> None:
    """A wrong clock breaks certificates and the order of edits."""
    _code, findings = _run(capsys, machine, "--server", "https://desk.test")
    assert findings[check]["level"] == level
    assert findings[check]["command"]


def test_findings_are_told_in_korean(capsys: pytest.CaptureFixture[str]) -> None:
    """Commands stay as they are, the words around them are Korean."""
    assert doctor.main(["--language", "ko"], FakeMachine(libraries=["libEGL.so.1"], keys="")) == 1
    text = capsys.readouterr().out
    assert "키 저장소가 없습니다" in text
    assert "    sudo apt-get install --no-install-recommends libegl1" in text
    assert text.endswith("사용할 수 없습니다.\n")


def test_a_port_that_somebody_listens_on_is_seen() -> None:
    """The real probe, against a real listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = int(listener.getsockname()[1])
        port = MachineProbes().port(number)
    assert not port.free
    assert MachineProbes().port(0).free


def test_the_probes_of_this_machine_answer_and_never_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine lacks, the doctor reports it and does not break."""
    monkeypatch.setenv("DISPLAY", ":4999")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    probes = MachineProbes()
    assert probes.display_fault()
    assert probes.capture_fault()
    assert probes.hangul_font()
    assert isinstance(probes.keyring(), str)
    assert isinstance(probes.server_clock("http://127.0.0.1:9/"), str)
    assert isinstance(probes.server_clock("no address"), str)


def test_a_display_that_does_not_answer_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Qt would abort the process with its own words; a chosen Qt platform is not doubted, a Wayland socket is asked."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert no_display({})
    assert no_display({"DISPLAY": ":4999"})
    assert no_display({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert not no_display({"DISPLAY": ":4999", "QT_QPA_PLATFORM": "offscreen"})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "wayland-9"))
        assert no_display({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)})
        listener.listen()
        assert not no_display({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)})


@pytest.mark.parametrize("program", [agent, companion])
def test_a_program_without_a_display_that_answers_says_so(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both clients end with a sentence and code 3."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("DISPLAY", ":4999")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert program.main(["--lang", "en"]) == 3
    assert "isplay" in capsys.readouterr().err


def test_the_linkers_answer_is_understood(tmp_path: Path) -> None:
    """Missing libraries are those that the linker does not find, and those that are loaded by name."""
    (tmp_path / "QtCore.abi3.so").touch()
    seen: list[Path] = []

    def linker(files: list[Path]) -> str:
        seen.extend(files)
        return "QtCore:\n\tlibQt6Core.so.6 => /x/libQt6Core.so.6 (0x0)\n\tlibxcb-cursor.so.0 => not found\n"

    missing = missing_libraries(linker, lambda name: name != "libXtst.so.6", tmp_path)
    assert missing == ["libXtst.so.6", "libxcb-cursor.so.0"]
    assert seen == [tmp_path / "QtCore.abi3.so"]
    assert debian_packages([*missing, "libnew.so.1"]) == ["libnew.so.1", "libxcb-cursor0", "libxtst6"]


@pytest.mark.ux("UX-67")
@pytest.mark.parametrize("name", ["fcitx", "fcitx5"])
def test_fcitx_without_a_plugin_types_through_ibus_and_the_doctor_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    """With what the wheels bring; a plugin of the system's is used as it is."""
    machine = FakeMachine(variables={"DISPLAY": ":0", "QT_IM_MODULE": name})
    status, found = _run(capsys, machine)
    assert status == 0
    assert name in found["input"]["text"]
    assert "ibus" in found["input"]["text"]
    machine.plugins |= {name}
    assert _run(capsys, machine)[1]["input"]["level"] == "ok"
    environment = {"QT_IM_MODULE": name, "QT_IM_MODULES": f"wayland;{name}"}
    before = dict(environment)
    assert use_what_is_there(environment, [tmp_path / "machine-id"]) == ""  # D-Bus would end the program
    assert environment == before
    assert use_what_is_there(environment, [tmp_path]) == name
    assert environment == {"QT_IM_MODULE": "ibus"}
    assert use_what_is_there(environment, [tmp_path]) == ""


def test_another_input_method_is_left_alone() -> None:
    """And so is a machine without ibus in Qt."""
    there = frozenset({"ibus", "compose"})
    assert emulated({"QT_IM_MODULE": "ibus"}, there) == ""
    assert emulated({"QT_IM_MODULES": "ibus;fcitx"}, there) == ""
    assert emulated({}, there) == ""
    assert emulated({"QT_IM_MODULE": "fcitx"}, frozenset({"compose"})) == ""
    assert "ibus" in plugin_names({})


@pytest.mark.ux("UX-67")
def test_a_window_opens_with_fcitx_set_and_no_plugin_for_it() -> None:
    """A real start of Qt: with what is put in its place it says nothing and goes on."""
    script = (
        "from app.desktop.input_method import use_what_is_there; use_what_is_there();"
        "from PySide6.QtGui import QGuiApplication; app = QGuiApplication([]); print(app.platformName())"
    )
    environment = {**os.environ, "QT_IM_MODULE": "fcitx5", "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("offscreen", "")
