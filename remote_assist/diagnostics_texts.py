# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for the lines of a bundle, as customer and agent read them. What no word is known for shows as it is."""

from __future__ import annotations

from typing import Final

from app.config.i18n import N_, _
from remote_assist.diagnostics import State, Value
from remote_assist.diagnostics_diff import Change, Kind

__all__ = ["change_text", "key_text", "section_text", "state_text", "value_text"]

_SECTIONS: Final = {
    "os": N_("Operating system"),
    "device": N_("Device"),
    "updates": N_("Updates"),
    "memory": N_("Memory"),
    "disks": N_("Drives"),
    "graphics": N_("Graphics and displays"),
    "printers": N_("Printers"),
    "network": N_("Network"),
    "hosts": N_("Servers that should be reached"),
    "software": N_("Software"),
    "processes": N_("Running programs"),
    "events": N_("Errors noted by the system"),
    "log": N_("Deskside's own log"),
}
_KEYS: Final = {
    "os": N_("System"),
    "kernel": N_("Version"),
    "device.maker": N_("Maker"),
    "device.model": N_("Model"),
    "desktop": N_("Desktop"),
    "display_server": N_("Display server"),
    "cpu": N_("Processor"),
    "architecture": N_("Architecture"),
    "cores": N_("Processor cores"),
    "uptime_h": N_("Running since (hours)"),
    "language": N_("Language"),
    "time_zone": N_("Time zone"),
    "updates.restart_needed": N_("Restart needed"),
    "updates.last_check": N_("Last check for updates"),
    "updates.waiting": N_("Updates waiting"),
    "updates.security": N_("Security updates waiting"),
    "memory.total_mb": N_("Memory (MB)"),
    "memory.available_mb": N_("Memory available (MB)"),
    "swap.total_mb": N_("Swap (MB)"),
    "swap.used_mb": N_("Swap in use (MB)"),
    "disk.type": N_("File system of {subject}"),
    "disk.total_gb": N_("Size of {subject} (GB)"),
    "disk.free_gb": N_("Free on {subject} (GB)"),
    "graphics.card": N_("Graphics card {subject}"),
    "graphics.driver": N_("Driver of graphics card {subject}"),
    "display.best": N_("Best size of display {subject}"),
    "display.size": N_("Size of display {subject}"),
    "printer.state": N_("Printer {subject}"),
    "printer.driver": N_("Driver of printer {subject}"),
    "printer.default": N_("Default printer"),
    "network.up": N_("Interface {subject} is on"),
    "network.speed_mbit": N_("Speed of {subject} (Mbit/s)"),
    "network.address": N_("Address of {subject}"),
    "network.gateway": N_("Gateway"),
    "network.dns": N_("Name server"),
    "network.proxy": N_("Proxy in use"),
    "host": N_("Server {subject}"),
    "host.ms": N_("Answer time of {subject} (ms)"),
}
_VALUES: Final = {
    "ok": N_("reached"),
    "certificate not trusted": N_("certificate not trusted"),
    "no TLS": N_("no encrypted connection"),
    "no address": N_("name not found"),
    "no answer in time": N_("no answer in time"),
    "refused": N_("connection refused"),
    "not reached": N_("not reached"),
}


def section_text(name: str) -> str:
    """Return the title of a section."""
    return _(_SECTIONS[name]) if name in _SECTIONS else name


def key_text(key: str) -> str:
    """Return what a line is about."""
    word, colon, subject = key.partition(":")
    if word not in _KEYS:
        return subject if colon else key
    return _(_KEYS[word]).replace("{subject}", subject)


def value_text(key: str, value: Value) -> str:
    """Return a value as people read it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value == "":
        return "–"
    if key.startswith("host:") and value in _VALUES:
        return _(_VALUES[str(value)])
    return str(value)


def state_text(state: State) -> str:
    """Return why a section is empty or short; empty for one that is whole."""
    return {
        State.OK: "",
        State.TIMEOUT: _("This took too long. What was found until then is listed."),
        State.FAILED: _("This could not be found out."),
        State.ABSENT: _("There is none on this computer."),
        State.STRUCK: _("Struck: nothing of this is sent."),
    }[state]


def change_text(change: Change) -> str:
    """Return one line about what differs from the last bundle."""
    text = {
        Kind.ADDED: _("New: {key}: {after}"),
        Kind.REMOVED: _("Gone: {key}: {before}"),
        Kind.CHANGED: _("{key}: {before}, now {after}"),
    }[change.kind]
    before, after = value_text(change.key, change.before), value_text(change.key, change.after)
    return text.format(key=key_text(change.key), before=before, after=after)
