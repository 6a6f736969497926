# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent reads about a session: its state, the grants, the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.config.i18n import N_, _, ngettext
from app.domain.assist import EndReason, Notice, Phase, ProofKind
from app.services.messages import problem_text
from app.services.texts import polite, scope_name, session_end_words
from widgets.foundation import fmt
from widgets.remote.ports import Meter, SessionInfo

__all__ = ["MeterWords", "grants_text", "meter_words", "notice_text", "state_text"]

_NOTICES: Mapping[Notice, str] = {
    Notice.IDLE_SOON: N_("Nothing was done for nine minutes. The session ends in one minute."),
    Notice.PAUSE_SOON: N_("Paused for a while. The session ends in one minute, unless the customer goes on."),
    Notice.LOST: N_("The connection broke. Nothing is shared now. We try again for 30 s; the consent stays as given."),
    Notice.RETRYING: N_("The connection did not come up. Trying again."),
    Notice.BACK: N_("The connection is back."),
    Notice.SHORTER: N_("Policy on the customer's computer shortens this session."),
    Notice.VIOLATION: N_("Something that was not allowed was stopped."),
    Notice.CHILD_RESTARTED: N_("The session program was restarted. The consent stays as given."),
    Notice.CAPTURE: N_("The customer's screen could not be captured for a moment."),
    Notice.TARGET: N_("The customer shares something else now."),
}
_PROOFS: Mapping[ProofKind, str] = {
    ProofKind.DEVICE: N_("Known computer of the customer"),
    ProofKind.DEVICE_UNKNOWN: N_("A computer that is not known yet"),
    ProofKind.LINK: N_("Opened by link or code"),
}
_HELD: Mapping[str, str] = {
    "rule": N_("{name} has a protected window open. Nothing is sent until it is closed and {name} goes on."),
    "locked": N_("{name}'s screen is locked or asleep. Nothing is sent until {name} goes on."),
    "hidden": N_("{name} minimised the shared window. The picture comes back with it."),
    "changed": N_("{name}'s screen or window has changed. {name} looks at what is there now, then goes on."),
}
_TEXT_QUALITY = {"coarse": N_("text: coarse"), "sharp": N_("text: sharp"), "exact": N_("text: exact")}
_PATHS = {"direct": N_("path: direct"), "relay": N_("path: relay")}
_TRY_AGAIN = frozenset(
    {EndReason.LOST, EndReason.LIMIT, EndReason.IDLE, EndReason.NOT_CONFIRMED, EndReason.UNREACHABLE}
)
GOOD_MS, FAIR_MS = 80, 150


def grants_text(info: SessionInfo) -> str:
    """Return what the agent may do now, as the customer reads it too."""
    if not info.view.grants:
        return _("You may do nothing yet")
    return _("You may: {grants}").format(grants=", ".join(scope_name(s) for s in info.view.grants))


def proof_text(info: SessionInfo) -> str:
    """Return how the customer's end proved who it is."""
    proof = _(_PROOFS[info.proof]) if info.proof else ""
    return "\n".join((_("Joined with a browser"), proof)) if info.browser else proof


def alone_text(info: SessionInfo | None) -> str:
    """Return who else is there: nobody, whether the customer's end is a browser, and how much it keeps back."""
    alone = _("nobody else watches")
    if info is not None and info.hidden:
        hidden = ngettext("{n} part is hidden", "{n} parts are hidden", info.hidden).format(n=info.hidden)
        alone = _("{hidden}, {alone}").format(hidden=hidden, alone=alone)
    return _("joined with a browser, {alone}").format(alone=alone) if info is not None and info.browser else alone


def state_text(info: SessionInfo) -> str:
    """Return what happens now, or "" when the live picture speaks for itself."""
    name = polite(info.customer_name)
    view = info.view
    if info.problem:
        return problem_text(info.problem)
    if view.phase is Phase.ENDED:
        return _ended(info, name)
    if view.phase is Phase.INVITED:
        return _("Waiting for {name} to open the invitation.").format(name=name)
    if view.phase is Phase.PROMPTED:
        return _("{name} is reading the request. Without an answer in two minutes it counts as no.").format(name=name)
    if view.phase is Phase.CONNECTING:
        return _("{name} allowed looking. Connecting…").format(name=name)
    if view.lost:
        return _(_NOTICES[Notice.LOST])
    if info.held in _HELD and view.live:
        return _(_HELD[info.held]).format(name=name)
    if view.paused:
        return _("Paused. No picture is sent. Only {name} can go on.").format(name=name)
    return ""


def _ended(info: SessionInfo, name: str) -> str:
    by = {
        "customer": _("{name} ended the session.").format(name=name),
        "agent": _("You ended the session."),
    }.get(info.view.by, "")
    reason = info.view.reason.value if info.view.reason else ""
    if words := _never_begun(info, name):
        return "\n".join(words)
    why = session_end_words(reason, info.view.by)
    if reason == "stopped" and by:
        why = ""
    kept = _("Nothing is shared now. What happened stands in the ticket's history.")
    on = _("To go on, ask again from the ticket.") if info.view.reason in _TRY_AGAIN else ""
    return "\n".join(filter(None, (by if reason in ("stopped", "revoked") else "", why, kept, on)))


def _never_begun(info: SessionInfo, name: str) -> tuple[str, str, str] | None:
    """Tell a no, silence and nobody there apart: what came of it, that nothing was shown, what helps now."""
    nothing = _("Nothing was shown.")
    if info.view.reason is EndReason.REFUSED and info.view.by == "customer":
        return (
            _("{name} did not allow looking.").format(name=name),
            nothing,
            _("Ask in the ticket whether you may try again, or help in writing."),
        )
    if info.view.reason is EndReason.FORBIDDEN:
        return (
            _("Policy on {name}'s computer allows no screen sharing.").format(name=name),
            nothing,
            _("Nobody was asked. Help in writing, or on the telephone."),
        )
    if info.view.reason is EndReason.REFUSED:
        return (
            _("{name} opened the request but did not answer within two minutes. That counts as no.").format(name=name),
            nothing,
            _("Call {name} or write in the ticket that you will ask again.").format(name=name),
        )
    if info.view.reason is EndReason.EXPIRED:
        was_there = info.invited is not None and info.invited.pushed
        what = (
            N_("{name} did not open the request within ten minutes, though the companion showed it.")
            if was_there
            else N_("{name} seems not to be there: the companion was not online, and nobody used the code or the link.")
        )
        return (
            _(what).format(name=name),
            nothing,
            _("Agree on a time, in the ticket or by phone, and ask again when {name} is at the computer.").format(
                name=name
            ),
        )
    return None


def notice_text(notice: Notice, detail: str) -> str:
    """Return what is said in passing; `detail` is text from outside."""
    if notice is Notice.REFUSED:
        return _("Not allowed by the customer: {scope}.").format(scope=scope_name(detail))
    if notice is Notice.FORBIDDEN:
        text = _("Policy of the customer's organisation does not allow it: {scope}.")
        return text.format(scope=scope_name(detail))
    if notice is Notice.SHORTER and detail.isdecimal():
        minutes = int(detail)
        text = ngettext(
            "Policy on the customer's computer ends this session {n} minute after the yes.",
            "Policy on the customer's computer ends this session {n} minutes after the yes.",
            minutes,
        )
        return text.format(n=minutes)
    text = _(_NOTICES[notice])
    return f"{text} ({detail})" if detail else text


@dataclass(frozen=True, slots=True)
class MeterWords:
    """The meter's parts; `tone` is a colour role for the latency, `level` says it in words."""

    parts: tuple[str, ...]
    tone: str
    level: str


def meter_words(meter: Meter) -> MeterWords:
    """Return the line of figures: latency with its level, frames, text, path, loss, rate."""
    latency, frames = meter.latency_ms, round(meter.fps)
    if latency is None:
        tone, level = "muted", _("measuring")
    elif latency <= GOOD_MS:
        tone, level = "success", _("good")
    elif latency <= FAIR_MS:
        tone, level = "warning", _("slow")
    else:
        tone, level = "danger", _("very slow")
    parts = [
        _("{ms} ms").format(ms=round(latency)) if latency is not None else "",
        ngettext("{n} frame/s", "{n} frames/s", frames).format(n=frames),
        _(_TEXT_QUALITY[meter.text]) if meter.text in _TEXT_QUALITY else "",
        _(_PATHS[meter.path]) if meter.path in _PATHS else "",
        _("loss {n} %").format(n=fmt.number(round(meter.loss_percent, 1))),
        _("{n} Mbit/s").format(n=fmt.number(round(meter.mbit_s, 1))) if meter.mbit_s else "",
    ]
    return MeterWords(tuple(p for p in parts if p), tone, level)
