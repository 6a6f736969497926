# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of sharing something else in mid-session: nothing passes while it is chosen, one click shares it.

The pause stands in the record at both ends of the choice, with the counter of pictures: none left in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.assist import EntryType
from app.domain.masking import Box
from remote_assist import child_protocol as child
from remote_assist.actions import Action, ChoiceOver
from remote_assist.customer_core import ChosenTarget, fits
from remote_assist.customer_masks import CustomerMasks

__all__ = ["CustomerTargets"]


class CustomerTargets(CustomerMasks):
    """`_chosen` is what the customer consented to, always; what is only looked at is a proposal."""

    def __init__(self, *args: Any, **more: Any) -> None:
        """As `CustomerMasks`."""
        super().__init__(*args, **more)
        self._proposal: ChosenTarget | None = None
        self._goes_on = False
        self._kept_masks: tuple[tuple[Box, ...], tuple[Box, ...], tuple[int, int]] = ((), (), (0, 0))

    # --- the customer's deeds --------------------------------------------------------------------------------------

    def begin_choice(self) -> list[Action]:
        """Share something else: from now on nothing passes, until `take_choice` or `give_up_choice`."""
        machine = self._machine
        if machine is not None and machine.live and not self._choosing and self._chosen is not None:
            self._goes_on = not machine.paused
            self._pause("customer")
            self._choosing = machine.live
            self._kept_masks = (self.masks.drawn, self.masks.own, self.masks.origin)
            self._list_targets()
        return self._flush()

    def propose_target(
        self, target_id: str, kind: str, region: Box | None = None, own: Sequence[Box] = ()
    ) -> list[Action]:
        """Show this in the preview here, and nowhere else. `own` and `region` as in `choose_target`."""
        target, shared = self._targets.get(target_id), self._chosen
        if not self._choosing or target is None or shared is None or not fits(target, kind, region):
            return self._flush()
        had = not self.masks.empty
        if (self._proposal or shared).target.id != target_id:
            self.masks.another_target(target.rect[:2])
        self._proposal = ChosenTarget(target, kind, region)
        self.masks.own = tuple(own)
        if had or not self.masks.empty:
            self._tell_masks()
        width, height = target.rect[2:]
        self._tell(child.Source(target.id, kind, region, True, (width, height)))
        return self._flush()

    def take_choice(self) -> list[Action]:
        """The customer's click on sharing what the preview shows. Written down first."""
        self._on_tick(self._now)
        proposal, self._proposal = self._proposal, None
        if not self._choosing or proposal is None or not self.view.live:
            return self._flush()
        self._choosing = False
        self._note(EntryType.TARGET, "customer", {"kind": proposal.kind})
        if self._record is not None:
            self._record.target_kind = proposal.kind
        self._clear_marks()
        self._chosen = proposal
        self._minimised = self._screen_changed = False
        self._share()
        self._say_target()
        return self._flush()

    def give_up_choice(self) -> list[Action]:
        """The customer keeps what was shared before; it goes on, unless it had been paused already."""
        if self._choosing:
            self._forget_choice()
            self._share()
        return self._flush()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _share(self) -> None:
        """Let the child capture what is chosen now, then let it send."""
        self._tell_source(preview=False)
        self._tell_grants()
        self._tell_kept()
        if self._goes_on:
            self._resume("customer")

    def _forget_choice(self) -> None:
        self._choosing, self._proposal = False, None
        had = not self.masks.empty
        drawn, own, origin = self._kept_masks
        self.masks.another_target(origin)
        self.masks.drawn, self.masks.own = drawn, own
        if had or not self.masks.empty:
            self._tell_masks()
        self._out.append(ChoiceOver())

    def _resume(self, by: str) -> None:
        """Whoever lets the picture go on in the middle of choosing keeps what was shared."""
        if by == "customer" and self._choosing:
            self._forget_choice()
            self._tell_source(preview=False)
            self._tell_grants()
        super()._resume(by)

    def show_preview(self, on: bool) -> list[Action]:
        """As elsewhere; while something is being chosen the preview shows that."""
        return self._flush() if self._proposal is not None else super().show_preview(on)

    def _child_replaced(self) -> None:
        if self._choosing:
            self._forget_choice()
        super()._child_replaced()

    def _before_end(self) -> None:
        if self._choosing:
            self._choosing, self._proposal = False, None
            self._out.append(ChoiceOver())
        super()._before_end()
