# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's lines in the ticket's history: who allowed what to be seen, who ended it, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.config.i18n import N_, _
from app.domain.assist import Scope
from app.domain.ports import ThreadItem
from app.services.texts import polite, scope_name, session_end_words

__all__ = ["Words", "session_line"]

Words = tuple[str, str, bool]  # text, icon, strong
MINUTE_S = 60
_TARGETS: Mapping[str, str] = {
    "screen": N_("the whole screen"),
    "window": N_("one window"),
    "region": N_("a part of the screen"),
    "tab": N_("a browser tab"),
    "drawn": N_("a test picture"),
}


def session_line(item: ThreadItem, items: Sequence[ThreadItem], who: str) -> Words | None:
    """Return the words of a session's line, or None for one that says nothing new. `items` is the conversation."""
    kind = item.event.removeprefix("session.")
    if kind not in _LINES or (kind in ("grant", "receipt") and _is_first(item, items) is (kind == "grant")):
        return None  # the first grant is what the consent said; the receipt comes again when it is countersigned
    if kind == "file" and item.data.get("outcome") == "allowed":
        return None  # what came of it follows
    if kind == "open" and _has(items, item, "session.end"):
        return None  # it was sent later
    if kind == "end" and item.data.get("reason") == "refused" and _has(items, item, "session.refusal"):
        return None  # the line before says it
    return _LINES[kind](item, items, who)


def _is_first(item: ThreadItem, items: Sequence[ThreadItem]) -> bool:
    same = [i for i in items if i.event == item.event and i.data.get("sid") == item.data.get("sid")]
    return len(same) < 2 or same[0] is item


def _has(items: Sequence[ThreadItem], item: ThreadItem, event: str) -> bool:
    return any(i.event == event and i.data.get("sid") == item.data.get("sid") for i in items)


def _scopes(item: ThreadItem) -> list[str]:
    found = item.data.get("scopes")
    return [each for each in found if isinstance(each, str)] if isinstance(found, (list, tuple)) else []


def _named(item: ThreadItem) -> str:
    return ", ".join(scope_name(each) for each in _scopes(item))


def _consent(item: ThreadItem, _items: Sequence[ThreadItem], who: str) -> Words:
    target, scopes = _TARGETS.get(str(item.data.get("target", ""))), _scopes(item)
    if target is None:
        text = _("{who} allowed looking at the screen").format(who=who)
    elif not scopes or scopes == [Scope.VIEW]:
        text = _("{who} allowed looking at {target}, nothing else").format(who=who, target=_(target))
    else:
        text = _("{who} allowed for {target}: {scopes}").format(who=who, target=_(target), scopes=_named(item))
    return text, "shield-check", True


def _refusal(item: ThreadItem, _items: Sequence[ThreadItem], who: str) -> Words:
    by_nobody = item.data.get("by") == "system"
    if item.data.get("policy") is True and _scopes(item) == [Scope.VIEW]:
        return _("Nobody was asked: policy on the customer's computer allows no screen sharing"), "ban", True
    if item.data.get("policy") is True:
        form = N_("Asked for in the session, but policy of the customer's organisation forbids it: {scopes}")
        return _(form).format(scopes=_named(item)), "ban", True
    if any(scope != Scope.VIEW for scope in _scopes(item)):
        form = N_("Asked for in the session and not given: {scopes}") if by_nobody else N_("{who} refused: {scopes}")
        return _(form).format(who=who, scopes=_named(item)), "ban", True
    if by_nobody:
        return _("Nobody answered the request to see the screen in time. That counts as no"), "ban", True
    return _("{who} did not allow looking at the screen").format(who=who), "ban", True


def _grant(item: ThreadItem, _items: Sequence[ThreadItem], who: str) -> Words:
    form = (
        N_("{who} allowed more in the session: {scopes}") if _scopes(item) else N_("{who} allowed more in the session")
    )
    return _(form).format(who=who, scopes=_named(item)), "shield-check", True


def _revoke(item: ThreadItem, _items: Sequence[ThreadItem], who: str) -> Words:
    form = N_("{who} took back: {scopes}") if _scopes(item) else N_("{who} took a permission back")
    return _(form).format(who=who, scopes=_named(item)), "shield-alert", True


def _file(item: ThreadItem, _items: Sequence[ThreadItem], _who: str) -> Words:
    name, outcome = str(item.data.get("file", "")), item.data.get("outcome")
    if not name:
        return _("A file in the session"), "file", False
    if outcome != "whole":
        return _("“{file}” was not sent in the session").format(file=name), "file", False
    to_customer = item.data.get("direction") == "to_customer"
    form = N_("“{file}” was sent to the customer") if to_customer else N_("“{file}” came from the customer")
    return _(form).format(file=name), "file", False


def _target(item: ThreadItem, _items: Sequence[ThreadItem], who: str) -> Words:
    target = _TARGETS.get(str(item.data.get("target", "")))
    if target is None:
        return _("{who} shared something else").format(who=who), "monitor-up", False
    return _("{who} shared something else: {target}").format(who=who, target=_(target)), "monitor-up", False


def _number(item: ThreadItem, _items: Sequence[ThreadItem], _who: str) -> Words:
    if item.data.get("ok") is False:
        return _("The check numbers did not match"), "shield-alert", True
    return _("The check number was compared"), "badge-check", False


def _plain(text: str, icon: str, strong: bool = False) -> Callable[[ThreadItem, Sequence[ThreadItem], str], Words]:
    return lambda _item, _items, who: (_(text).format(who=who), icon, strong)


def _end(item: ThreadItem, items: Sequence[ThreadItem], who: str) -> Words:
    head, why = _head(item, items), _why(item, who)
    return f"{head}. {why}" if why else head, "monitor-off", True


def _head(item: ThreadItem, items: Sequence[ThreadItem]) -> str:
    begun = [i.at for i in items if i.event == "session.consent" and i.data.get("sid") == item.data.get("sid")]
    head = _lasted(max(0, item.at - begun[-1]) // 1000) if begun else ""
    return head or _("Screen sharing ended before it began")


def _open(item: ThreadItem, items: Sequence[ThreadItem], who: str) -> Words:
    missing = _("The customer's computer has not sent the end of the record")
    by, ended = item.data.get("ended_by"), item.data.get("ended_at")
    if by is None or not isinstance(ended, int):
        return _("Screen sharing broke off. {missing}").format(missing=missing), "shield-alert", True
    told = replace(item, at=ended, data={**item.data, "by": by})
    left = item.data.get("left") is True
    why = _("{who} closed the page.").format(who=who) if left else _why(told, who)
    return " ".join(part for part in (f"{_head(told, items)}.", why, missing) if part), "shield-alert", True


def _lasted(seconds: int) -> str:
    minutes, rest = divmod(seconds, MINUTE_S)
    if not minutes:
        return _("Screen sharing ended after {seconds} s").format(seconds=rest)
    if rest:
        return _("Screen sharing ended after {minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return _("Screen sharing ended after {minutes} min").format(minutes=minutes)


def _receipt(item: ThreadItem, items: Sequence[ThreadItem], _who: str) -> Words:
    alone = _has(items, item, "session.open") and not _has(items, item, "session.end")
    form = N_("What there is of the consent receipt was saved on the ticket")
    return _(form if alone else N_("The consent receipt was saved on the ticket")), "receipt-text", False


def _why(item: ThreadItem, who: str) -> str:
    reason, by = str(item.data.get("reason", "")), item.data.get("by")
    if reason != "stopped":
        return session_end_words(reason, str(by or ""))
    if by == "customer":
        return _("{who} ended it.").format(who=who)
    if by == "agent":
        name = who if item.author_kind == "user" else polite(str(item.data.get("agent", "")))
        return _("{who} ended it.").format(who=name or _("The agent"))
    return ""  # an older record: stopping is the usual end and needs no reason


_LINES: Mapping[str, Callable[[ThreadItem, Sequence[ThreadItem], str], Words]] = {
    "invited": _plain(N_("{who} asked to see the customer's screen"), "monitor-up"),
    "joined": _plain(N_("{who} opened the invitation"), "log-in"),
    "consent": _consent,
    "refusal": _refusal,
    "grant": _grant,
    "revoke": _revoke,
    "file": _file,
    "sas": _number,
    "target": _target,
    "violation": _plain(N_("Something not allowed was stopped in the session"), "shield-alert", strong=True),
    "bad_invitation": _plain(
        N_("An invitation that could not be used came to the computer of {who}. Nothing was shown there"),
        "shield-alert",
        strong=True,
    ),
    "receipt": _receipt,
    "end": _end,
    "open": _open,
}
