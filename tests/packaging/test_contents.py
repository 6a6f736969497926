# SPDX-License-Identifier: GPL-3.0-or-later
"""What each executable holds: the Companion starts without the agent's parts, because its archive lacks them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resources.packaging.pyinstaller.rules import COMPANION_EXCLUDED, EXCLUDED_MODULES

_BLOCKED = """
import sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if any(name == other or name.startswith(other + ".") for other in {blocked!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Gone())
import importlib
for module in {modules!r}:
    importlib.import_module(module)
"""


COMPANION = ("app.entry.cli", "app.entry.companion", "app.entry.session")
AGENT = ("app.entry.agent", "app.entry.server", "app.entry.sync_worker", "app.entry.admin", "app.entry.demo")


@pytest.mark.parametrize(
    ("modules", "blocked"),
    [(COMPANION, (*COMPANION_EXCLUDED, *EXCLUDED_MODULES)), (AGENT, EXCLUDED_MODULES)],
    ids=["companion", "agent"],
)
def test_each_executable_loads_without_what_its_archive_lacks(
    modules: tuple[str, ...], blocked: tuple[str, ...]
) -> None:
    """A customer's program holds no ticket store, no server nor the agent's screens, and starts all the same."""
    code = _BLOCKED.format(blocked=blocked, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
