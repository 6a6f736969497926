# SPDX-License-Identifier: GPL-3.0-or-later
"""The one conflict policy, used by the server's executor and by the client's replay of pending changes. Pure."""

from __future__ import annotations

from app.domain.entities import Policy, Value
from app.domain.executor import Decision, FieldStamp, Verdict


def decide(
    policy: Policy,
    base: tuple[int, int] | None,
    mine: FieldStamp,
    mine_value: Value,
    current: FieldStamp,
    current_value: Value,
) -> Decision:
    """Say what becomes of a field that `mine` wants to set.

    `base` is (revision the person saw, mid of the own pending mutation that last set the field or 0); None means
    that nothing was seen (server writers), which counts as up to date. `current` stamps the value in place.
    """
    if policy is Policy.SERVER:
        return Decision(Verdict.READ_ONLY)
    if base is None or current.rev == base[0]:
        return Decision(Verdict.APPLY)
    if base[1] and current.device == mine.device and current.mid == base[1]:
        return Decision(Verdict.APPLY)
    if mine_value == current_value:
        return Decision(Verdict.SAME)
    if policy is Policy.HLC:
        wins = (mine.hlc, mine.device) > (current.hlc, current.device)
        return Decision(Verdict.MERGED if wins else Verdict.CONFLICT, auto=True)
    # text is merged by its own rule where a base text is known; without one a person decides, as for `ask`
    return Decision(Verdict.CONFLICT, auto=False)
