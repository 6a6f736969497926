# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles setup.exe and .msi of a frozen Windows program, on Linux too: NSIS, wixl and msitools are all it needs.

python -m resources.packaging.windows.build --bundle dist/deskside [--out build/windows] [--only nsis|msi]

Signing: DESKSIDE_SIGN names a program that is called with each file and signs it in place; without it nothing is signed
and every line says so. resources/packaging/sign/pe.sh is one for osslsigncode.
"""

from __future__ import annotations

import argparse
import os
import re
import struct
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

__all__ = ["PROGRAMS", "UPGRADE_CODE", "components", "icon", "main", "product_code"]

HERE: Final = Path(__file__).parent
TREE: Final = HERE.parents[2]
PROGRAMS: Final = ("deskside.exe", "deskside-companion.exe", "deskside-cli.exe")
UPGRADE_CODE: Final = "6D7C3A5E-9C0F-4B59-8E0B-2A4C1E7F3D10"  # of every version, for ever
_NAMES: Final = uuid.UUID("5b7e0d84-3f1c-4e27-9c55-0a3f6f5a2b91")
_PIXELS: Final = (16, 24, 32, 48, 64, 128, 256)
# what wixl 0.101 cannot say (it aborts on a launch condition, ignores Secure, and looks in the 32-bit registry)
_OWN_PROPERTIES: Final = ("SERVERURL", "ORGKEY", "COMPANION_AT_SIGN_IN", "DISABLE_AUTO_UPDATES")
_CONDITIONS: Final = (
    (
        'Installed OR OTHERINSTALLER <> "nsis"',
        "Deskside was installed on this computer with its setup program. Remove that first; nothing was changed.",
    ),
    ("VersionNT64", "Deskside needs 64-bit Windows."),
    (
        "NOT WIX_DOWNGRADE_DETECTED",
        "A newer Deskside is installed. Remove it first; what people have stays. Nothing was changed.",
    ),
)
# settings of the version before are read before costs are counted, and its files go before the new ones come
_SEQUENCE: Final = {
    "KeepServer": 61,
    "KeepKey": 62,
    "KeepSignIn": 63,
    "KeepUpdates": 64,
    "RemoveExistingProducts": 1501,
}
# what is written only where the installer was told so
_PRESETS: Final = {
    "PresetServer": "SERVERURL",
    "PresetKey": "ORGKEY AND SERVERURL",
    "PresetSignIn": "COMPANION_AT_SIGN_IN = 1",
    "PresetUpdates": "DISABLE_AUTO_UPDATES = 1",
}


def product_code(version: str) -> str:
    """Return the same code for the same version, another one for each other."""
    return str(uuid.uuid5(_NAMES, f"product {version}")).upper()


def icon(pictures: Mapping[int, bytes]) -> bytes:
    """Return a Windows icon that holds PNG pictures, by their side in pixels."""
    head = struct.pack("<HHH", 0, 1, len(pictures))
    at = len(head) + 16 * len(pictures)
    rows, bodies = b"", b""
    for side, png in sorted(pictures.items()):
        rows += struct.pack("<BBBBHHII", side % 256, side % 256, 0, 0, 1, 32, len(png), at + len(bodies))
        bodies += png
    return head + rows + bodies


def _identifier(kind: str, place: str) -> str:
    return f"{kind}_{uuid.uuid5(_NAMES, place).hex}"


def components(payload: Path, folder: str = "_internal") -> tuple[list[str], list[str]]:
    """Return WiX lines for a folder of the payload, in the same order each time, and the ids of its components."""
    ids: list[str] = []

    def lines(path: Path, place: str, depth: int) -> Iterator[str]:
        pad = " " * depth
        yield f"{pad}<Directory Id={quoteattr(_identifier('d', place))} Name={quoteattr(path.name)}>"
        for each in sorted(path.iterdir(), key=lambda found: (found.is_dir(), found.name)):
            there = f"{place}/{each.name}"
            if each.is_dir():
                yield from lines(each, there, depth + 1)
                continue
            ids.append(_identifier("c", there))
            guid = str(uuid.uuid5(_NAMES, f"component {there}")).upper()
            yield (
                f'{pad} <Component Id="{ids[-1]}" Guid="{guid}" Win64="yes"><File Id="{_identifier("f", there)}" '
                f'KeyPath="yes" Name={quoteattr(each.name)} Source={quoteattr(f"payload/{there}")}/></Component>'
            )
        yield f"{pad}</Directory>"

    return list(lines(payload / folder, folder, 5)), ids


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-3000:]}")
    return done.stdout


def _sign(path: Path) -> None:
    hook = os.environ.get("DESKSIDE_SIGN", "")
    if hook:
        _run([hook, str(path)], path.parent)
    print(f"{'signed' if hook else 'UNSIGNED'} {path.name}")


def _nsis(payload: Path, out: Path, version: str, year: int) -> Path:
    made = out / f"deskside-setup-{version}.exe"
    size = sum(path.stat().st_size for path in payload.rglob("*") if path.is_file()) // 1024
    defines = {
        "VERSION": version, "PAYLOAD": payload, "ICON": out / "deskside.ico", "OUT": made, "SIZE_KIB": size,
        "EPOCH_YEAR": year,
    }  # fmt: skip
    if hook := os.environ.get("DESKSIDE_SIGN", ""):
        defines["SIGN_UNINSTALLER"] = hook
    told = [f"-D{name}={value}" for name, value in defines.items()]
    _run(["makensis", "-V2", "-WX", "-INPUTCHARSET", "UTF8", *told, str(HERE / "deskside.nsi")], out)
    return made


def _msi(payload: Path, out: Path, version: str) -> Path:
    made = out / f"deskside-{version}.msi"
    lines, ids = components(payload)
    source = (HERE / "deskside.wxs.in").read_text("utf-8")
    words = {
        "VERSION": version, "PRODUCT_CODE": product_code(version), "UPGRADE_CODE": UPGRADE_CODE, "PAYLOAD": "payload",
        "PACKAGE_CODE": str(uuid.uuid5(_NAMES, f"package {version} {len(ids)}")).upper(), "ICON": "deskside.ico",
        "INTERNAL": "\n".join(lines), "COMPONENTS": "\n".join(f'   <ComponentRef Id="{name}"/>' for name in ids),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "deskside.ico").write_bytes((out / "deskside.ico").read_bytes())
        Path(folder, "payload").symlink_to(payload)  # wixl takes no absolute places
        file = Path(folder, "deskside.wxs")
        file.write_text(re.sub(r"@([A-Z_]+)@", lambda found: words[found[1]], source), "utf-8")
        _run(["wixl", "-a", "x64", "-o", str(made), str(file)], Path(folder))
        _after_wixl(made, Path(folder))
    return made


def _set(table: str, column: str, value: str, key: str = "", name: str = "") -> str:
    where = ["WHERE", f"`{key}` = '{name}'"] if key else []
    return " ".join(["UPDATE", f"`{table}`", "SET", f"`{column}` = {value}", *where])


def _after_wixl(msi: Path, folder: Path) -> None:
    """Add what wixl leaves out: launch conditions, properties that a service may be given, the 64-bit registry."""
    table = folder / "LaunchCondition.idt"
    rows = "".join(f"{condition}\t{text}\r\n" for condition, text in _CONDITIONS)
    table.write_text(
        f"Condition\tDescription\r\ns255\tL255\r\nLaunchCondition\tCondition\r\n{rows}", "utf-8", newline=""
    )
    _run(["msibuild", str(msi), "-i", str(table)], folder)
    properties = dict(
        row.split("\t", 1) for row in _run(["msiinfo", "export", str(msi), "Property"], folder).splitlines()[3:]
    )
    secure = properties.get("SecureCustomProperties", "").split(";")
    names = ";".join(sorted({*filter(None, secure), *_OWN_PROPERTIES, "OTHERINSTALLER"}))
    queries = [
        _set("Property", "Value", f"'{names}'", "Property", "SecureCustomProperties"),
        _set("RegLocator", "Type", "18"),
        _set("CustomAction", "Type", "51"),
    ]
    queries += [
        _set("InstallExecuteSequence", "Sequence", str(number), "Action", name) for name, number in _SEQUENCE.items()
    ]
    queries += [
        _set("Component", "Condition", f"'{condition}'", "Component", name) for name, condition in _PRESETS.items()
    ]
    for query in queries:
        _run(["msibuild", str(msi), "-q", query], folder)


def main(argv: list[str]) -> int:
    """Compile; 0 if it worked."""
    parser = argparse.ArgumentParser(prog="python -m resources.packaging.windows.build")
    parser.add_argument("--bundle", type=Path, default=TREE / "dist" / "deskside")
    parser.add_argument("--out", type=Path, default=TREE / "build" / "windows")
    parser.add_argument("--only", choices=("nsis", "msi"))
    parser.add_argument("--year", type=int, default=2026)
    options = parser.parse_args(argv)
    payload, out = options.bundle.resolve(), options.out.resolve()
    missing = [name for name in (*PROGRAMS, "_internal") if not (payload / name).exists()]
    if missing:
        print(f"{payload} is no frozen Windows program: it lacks {', '.join(missing)}", file=sys.stderr)
        return 2
    out.mkdir(parents=True, exist_ok=True)
    with (TREE / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    icons = TREE / "resources/packaging/linux/icons"
    pictures = {side: icons / str(side) / "org.deskside.agent.png" for side in _PIXELS}
    (out / "deskside.ico").write_bytes(
        icon({side: path.read_bytes() for side, path in pictures.items() if path.exists()})
    )
    if os.environ.get("DESKSIDE_SIGN"):
        for name in PROGRAMS:
            _sign(payload / name)
    made = [] if options.only == "msi" else [_nsis(payload, out, version, options.year)]
    made += [] if options.only == "nsis" else [_msi(payload, out, version)]
    for path in made:
        _sign(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
