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
importlib.import_module({module!r})
"""


@pytest.mark.parametrize("module", ["app.entry.cli", "app.entry.companion", "app.entry.session"])
def test_the_companion_loads_without_what_its_archive_lacks(module: str) -> None:
    """A customer's program holds no ticket store, no server and none of the agent's screens."""
    code = _BLOCKED.format(blocked=(*COMPANION_EXCLUDED, *EXCLUDED_MODULES), module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module", ["app.entry.agent", "app.entry.server", "app.entry.sync_worker", "app.entry.admin", "app.entry.demo"]
)
def test_every_program_loads_without_what_is_excluded(module: str) -> None:
    """What was left out to save space is really not needed."""
    code = _BLOCKED.format(blocked=EXCLUDED_MODULES, module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
