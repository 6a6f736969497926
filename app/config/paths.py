# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are: user folders, the program's own resources, and the command that starts a child process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs


@dataclass(frozen=True, slots=True)
class UserFolders:
    """The folders of one person's installation. `under` puts all of them below one root, as demo and tests do."""

    config: Path
    data: Path
    cache: Path
    logs: Path

    @classmethod
    def of_user(cls) -> UserFolders:
        """The platform's own folders. Nothing is created."""
        dirs = platformdirs.PlatformDirs("deskside", appauthor=False, roaming=False)
        return cls(dirs.user_config_path, dirs.user_data_path, dirs.user_cache_path, dirs.user_log_path)

    @classmethod
    def under(cls, root: Path) -> UserFolders:
        """Folders below one root. Nothing is created."""
        return cls(root / "config", root / "data", root / "cache", root / "logs")

    def create(self) -> None:
        """Create what is missing, readable by this person only. Raises OSError."""
        for folder in (self.config, self.data, self.cache, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def resource(name: str) -> Traversable:
    """A file or folder of the program's own resources: `resource("icons/reply.svg")`. Works in frozen builds."""
    return files("resources").joinpath(*name.split("/"))


def is_frozen() -> bool:
    """Whether this is a PyInstaller build."""
    return bool(getattr(sys, "frozen", False))


def child_command(subcommand: str) -> list[str]:
    """The command line that starts this same program in another role; append the role's own arguments."""
    if is_frozen():
        return [sys.executable, subcommand]
    return [sys.executable, "-m", "app.entry.cli", subcommand]
