# SPDX-License-Identifier: GPL-3.0-or-later
"""setup.exe and .msi compile over a placeholder of the frozen program and say what an administrator relies on.

Needs makensis, wixl, msitools and osslsigncode; nothing here runs on Windows.
"""

from __future__ import annotations

import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.config.policy_schema import policies
from app.entry.cli import AT_SIGN_IN
from resources.packaging.windows import build
from resources.packaging.windows.build import PROGRAMS, UPGRADE_CODE, components, product_code

_TREE = Path(__file__).parents[2]
_WINDOWS = _TREE / "resources/packaging/windows"
_MACOS = _TREE / "resources/packaging/macos"
_TOOLS = ("makensis", "wixl", "msiinfo", "msibuild", "osslsigncode", "openssl")
needs_tools = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in _TOOLS), reason="needs nsis, wixl, msitools, osslsigncode and openssl"
)


def _run(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def _payload(folder: Path) -> Path:
    # a real (empty) program file: what signs it looks at its head
    head = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + b"\x64\x86" + bytes(14) + b"\xf0\0\x22\0"
    for name in PROGRAMS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(head + b"\x0b\x02" + bytes(1024))
    plugin = folder / "_internal" / "PySide6" / "plugins" / "a & b.dll"
    plugin.parent.mkdir(parents=True)
    plugin.write_bytes(b"library")
    (folder / "_internal" / "base_library.zip").write_bytes(b"modules")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both installers, compiled once."""
    out = tmp_path_factory.mktemp("windows")
    assert build.main(["--bundle", str(_payload(out / "payload")), "--out", str(out)]) == 0
    return out


def _table(made: Path, name: str) -> dict[str, list[str]]:
    (msi,) = made.glob("*.msi")
    return {row.split("\t")[0]: row.split("\t")[1:] for row in _run("msiinfo", "export", msi, name).splitlines()[3:]}


@needs_tools
def test_the_msi_is_for_every_person_at_a_computer_and_follows_its_older_versions(made: Path) -> None:
    """Same upgrade code for ever; no restart, no older over newer, never beside the other installer."""
    told = {name: value for name, (value, *_) in _table(made, "Property").items()}
    assert told["ALLUSERS"] == "1"
    assert told["UpgradeCode"] == f"{{{UPGRADE_CODE}}}"
    assert told["REBOOT"] == "ReallySuppress"
    assert {"SERVERURL", "ORGKEY", "DISABLE_AUTO_UPDATES"} <= set(told["SecureCustomProperties"].split(";"))
    conditions = _table(made, "LaunchCondition")
    assert {'Installed OR OTHERINSTALLER <> "nsis"', "VersionNT64", "NOT WIX_DOWNGRADE_DETECTED"} == set(conditions)


@needs_tools
def test_the_msi_runs_no_code_and_looks_into_the_registry_that_programs_use(made: Path) -> None:
    """Its actions only set properties (51), before files are counted; 64-bit view (18)."""
    assert {row[0] for row in _table(made, "CustomAction").values()} == {"51"}
    order = {name: int(row[1]) for name, row in _table(made, "InstallExecuteSequence").items()}
    for name in _table(made, "CustomAction"):
        assert order["AppSearch"] < order[name] < order["LaunchConditions"] < order["CostInitialize"]
    assert order["InstallInitialize"] < order["RemoveExistingProducts"] < order["InstallFiles"]
    assert {row[3] for row in _table(made, "RegLocator").values()} == {"18"}


@needs_tools
def test_what_setup_is_told_is_written_only_then(made: Path) -> None:
    """Without a property nothing is preset."""
    rows = _table(made, "Component")
    assert rows["PresetServer"][3] == "SERVERURL"
    assert rows["PresetKey"][3] == "ORGKEY AND SERVERURL"
    assert rows["PresetSignIn"][3] == "COMPANION_AT_SIGN_IN = 1"
    assert rows["CompanionFiles"][3] == ""


@needs_tools
def test_setup_holds_the_whole_payload_for_64_bit_windows(made: Path) -> None:
    """A program for x86-64; both name the same files."""
    (setup,) = made.glob("*.exe")
    raw = setup.read_bytes()
    at = int.from_bytes(raw[60:64], "little")
    assert raw[at : at + 6] == b"PE\0\0\x64\x86"
    names = {row[1].rpartition("|")[2] for row in _table(made, "File").values()}
    assert names == {*PROGRAMS, "a & b.dll", "base_library.zip"}


@needs_tools
def test_programs_and_installers_are_signed_by_the_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a throw-away certificate: each file that leaves the build verifies against it."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    _run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test",
        "-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", cert,
    )  # fmt: skip
    monkeypatch.setenv("DESKSIDE_SIGN", str(_TREE / "resources/packaging/sign/pe.sh"))
    monkeypatch.setenv("DESKSIDE_SIGN_CERT", str(cert))
    monkeypatch.setenv("DESKSIDE_SIGN_KEY", str(key))
    assert build.main(["--bundle", str(_real_programs(tmp_path / "payload")), "--out", str(tmp_path / "out")]) == 0
    files = [*(tmp_path / "out").glob("deskside-*.exe"), *(tmp_path / "out").glob("*.msi")]
    files += [tmp_path / "payload" / name for name in PROGRAMS]
    assert len(files) == 5
    for file in files:
        assert "Signature verification: ok" in _run("osslsigncode", "verify", "-CAfile", cert, "-in", file)


def _real_programs(folder: Path) -> Path:
    """Return a payload whose programs are real ones: small installers made by NSIS."""
    _payload(folder)
    script = folder.parent / "one.nsi"
    script.write_text(f'Unicode true\nTarget amd64-unicode\nOutFile "{folder / PROGRAMS[0]}"\nSection\nSectionEnd\n')
    _run("makensis", "-V1", script)
    for name in PROGRAMS[1:]:
        shutil.copyfile(folder / PROGRAMS[0], folder / name)
    return folder


def test_every_version_has_a_product_code_of_its_own_and_files_keep_theirs(tmp_path: Path) -> None:
    """Made from the version and the place: the same in each build."""
    assert product_code("1.0.0") == product_code("1.0.0") != product_code("1.0.1")
    first, second = _payload(tmp_path / "one"), _payload(tmp_path / "two")
    assert components(first) == components(second)


def test_a_folder_that_is_no_windows_program_is_refused(tmp_path: Path) -> None:
    """What it lacks is named; nothing is made."""
    assert build.main(["--bundle", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_every_switch_is_documented_and_writes_a_policy_that_exists() -> None:
    """Both installers know the same ones."""
    nsi = (_WINDOWS / "deskside.nsi").read_text("utf-8")
    wxs = (_WINDOWS / "deskside.wxs.in").read_text("utf-8")
    docs = (_TREE / "docs/installing.md").read_text("utf-8")
    for word in ("SERVERURL", "ORGKEY", "COMPANION_AT_SIGN_IN", "DISABLE_AUTO_UPDATES"):
        assert word in nsi
        assert word in wxs
        assert f"`{word}" in docs
    keys = set(re.findall(r'"(?:Recommended|Managed)" "([a-z_.]+)"|Managed" "([a-z_.]+)"', nsi))
    told = {key for pair in keys for key in pair if key}
    assert told == set(re.findall(r'Name="([a-z_]+\.[a-z_]+)" Type="(?:string|integer)"', wxs))
    assert told <= {setting.key for setting in policies()} | {"updates.mode"}
    assert AT_SIGN_IN in nsi
    assert AT_SIGN_IN in wxs


@pytest.mark.parametrize("file", sorted(_MACOS.glob("*.plist")), ids=lambda file: file.stem)
def test_every_plist_of_macos_can_be_read(file: Path) -> None:
    """Ids as on Linux; a missing text for a permission would end the program."""
    told = plistlib.loads(file.read_bytes())
    if file.stem.startswith("Info."):
        assert told["CFBundleIdentifier"] == f"org.deskside.{file.stem.partition('.')[2]}"
    if file.stem == "Info.companion":
        assert told["NSScreenCaptureUsageDescription"]
        assert told["NSAccessibilityUsageDescription"]
        assert told["NSMicrophoneUsageDescription"]
        assert told["CFBundleExecutable"] == "deskside-companion"
    if file.stem == "Info.agent":
        assert told["CFBundleURLTypes"][0]["CFBundleURLSchemes"] == ["deskside"]
        assert told["CFBundleExecutable"] == "deskside"
