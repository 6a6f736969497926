# SPDX-License-Identifier: GPL-3.0-or-later
"""Import contracts: none of the product's folders can slip in unranked, and a broken contract is really noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "widgets", "remote_assist", "sync", "resources")
# what of sync/ both ends share; every other module is the client's and none of the server's business
SHARED_BY_SERVER = {
    "protocol",
    "customer_protocol",
    "published_protocol",
    "session_protocol",
    "conflicts",
    "textmerge",
    "server",
    "frames",
}


def _contract(name: str) -> dict[str, list[str]]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (found,) = [entry for entry in config["tool"]["importlinter"]["contracts"] if entry["id"] == name]
    return dict(found)


def _folders(parent: str) -> set[str]:
    return {path.parent.name for path in (ROOT / parent).glob("*/__init__.py")}


def test_every_folder_of_app_has_a_rank() -> None:
    """A new folder below app/ must be given its layer before it can be merged."""
    ranked = {name.strip() for layer in _contract("layers")["layers"] for name in layer.split("|")}
    assert {f"app.{folder}" for folder in _folders("app")} == {name for name in ranked if name.startswith("app.")}
    assert ranked - {f"app.{folder}" for folder in _folders("app")} == {"widgets", "sync", "remote_assist"}


def test_the_top_level_holds_only_the_known_packages() -> None:
    """A new top-level package would escape every contract."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"} == set(PACKAGES)


def test_the_servers_view_of_sync_is_complete() -> None:
    """A new client module of sync/ must be named as forbidden to the server, or as shared by both ends."""
    client = {f"sync.{path.stem}" for path in (ROOT / "sync").glob("*.py")} - {"sync.__init__"}
    client -= {f"sync.{name}" for name in SHARED_BY_SERVER}
    assert {name for name in _contract("server")["forbidden_modules"] if name.startswith("sync.")} == client


@pytest.mark.parametrize(
    ("package", "line", "contract"),
    [
        ("app/domain/x_probe.py", "import app.config.paths", "Upper layers"),
        ("app/store/x_probe.py", "import sync.protocol", "Upper layers"),
        ("app/services/x_probe.py", "import app.store", "Only app.entry wires"),
        ("app/services/y_probe.py", "import PySide6.QtCore", "Qt only"),
        ("sync/x_probe.py", "import sqlalchemy", "SQLAlchemy only"),
        ("widgets/foundation/x_probe.py", "import av", "aiortc and av only"),
        ("widgets/inbox/x_probe.py", "import widgets.ticket", "Screens do not import"),
        ("sync/server/x_probe.py", "import app.services", "sync.server imports nothing"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, package: str, line: str, contract: str) -> None:
    """The contracts are no decoration: one bad import in a copy of the tree turns exactly its contract red."""
    for folder in PACKAGES:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "[!_]*.[!p]*"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / package).write_text(line + "\n", "utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    broken = " ".join(done.stdout.partition("Broken contracts")[2].split())
    assert contract in broken
