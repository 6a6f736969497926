# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read about attachments: how each stands, and the warnings before one leaves Deskside."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import N_, _
from app.domain.attachments import Attachment, BlobState, BlobStatus, disguise, is_program

__all__ = ["open_warning", "save_warning", "short_name", "state_text"]

_SHOWN_CHARS, _TAIL_CHARS = 44, 16
_STATES: Mapping[BlobState, str] = {
    BlobState.HERE: "",
    BlobState.WAITING: N_("waits to be uploaded"),
    BlobState.SENDING: N_("uploading {percent} %"),
    BlobState.ABSENT: N_("not on this computer: press to fetch"),
    BlobState.FETCHING: N_("fetching {percent} %"),
    BlobState.FAILED: N_("failed"),
    BlobState.NEVER: N_("no content"),
}
_WHY: Mapping[str, str] = {
    "not_uploaded": N_("not here yet: it comes when its sender has uploaded it"),
    "offline": N_("not here: it is fetched when the server can be reached"),
    "disk_full": N_("failed: the disk is full"),
    "quota": N_("waits: too much of yours is half uploaded"),
    "proxy": N_("waits: a proxy before the server takes no large requests"),
    "too_large": N_("failed: larger than the server takes"),
    "file_damaged": N_("failed: the content is damaged"),
}


def state_text(status: BlobStatus) -> str:
    """Return a few words on where the content is; "" for what is simply here."""
    why = _WHY.get(status.code)
    if why is not None and status.state is not BlobState.HERE:
        return _(why)
    percent = 100 * status.have // status.size if status.size else 0
    text = _STATES[status.state]
    return _(text).format(percent=min(percent, 100)) if text else ""


def short_name(name: str) -> str:
    """Return a name that fits a chip, cut in the middle: its ending always shows."""
    if len(name) <= _SHOWN_CHARS:
        return name
    return f"{name[: _SHOWN_CHARS - _TAIL_CHARS]}…{name[-_TAIL_CHARS:]}"


def save_warning(attachment: Attachment) -> str:
    """Return what to say before a program is saved; "" for anything else."""
    if not is_program(attachment):
        return ""
    if ending := disguise(attachment):
        return _(
            "“{file}” calls itself a {ending} file but is a program. Programs from outside can harm this computer. "
            "Save it only if you know who sent it and why."
        ).format(file=attachment.filename, ending=ending)
    return _(
        "“{file}” can run on this computer. Programs from outside can harm it. Save it only if you know who sent it "
        "and why."
    ).format(file=attachment.filename)


def open_warning(attachment: Attachment) -> str:
    """Return what to say before another program opens an attachment."""
    return _(
        "Another program opens a copy of “{file}”. The copy is not encrypted; it is removed when Deskside ends. Open "
        "only what you expect."
    ).format(file=attachment.filename)
