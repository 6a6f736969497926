# SPDX-License-Identifier: GPL-3.0-or-later
"""`SyncLink`, `Jobs` and the session desk without processes: they remember what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.domain.assist import Scope
from app.domain.attachments import Attachment
from app.domain.control import Deed
from app.domain.marks import Mark, Point
from widgets.remote.ports import InviteOrder, Part, SessionScreen


class FakeLink:
    """Remembers calls."""

    def __init__(self) -> None:
        self.poked: list[int] = []
        self.syncs = 0
        self.sign_ins: list[tuple[str, str, str]] = []
        self.calls: list[tuple[str, str, bytes]] = []
        self.guard_answers: list[bool] = []
        self.fetched: list[tuple[Attachment, int, bytes]] = []
        self.added = 0
        self.presences: list[tuple[bytes, str]] = []
        self.proofs: list[tuple[str | None, Callable[[str | None, int], None], Callable[[str], None]]] = []
        self.proofs_cancelled = 0

    def poke(self, mid: int) -> None:
        """A change was saved."""
        self.poked.append(mid)

    def sync_now(self) -> None:
        """Sync."""
        self.syncs += 1

    def sign_in(self, server: str, login: str, password: str) -> None:
        """Sign in."""
        self.sign_ins.append((server, login, password))

    def call(self, method: str, path: str, body: bytes, then: Callable[[int, bytes], None]) -> None:
        """Call the server."""
        self.calls.append((method, path, body))

    def prove(self, password: str | None, then: Callable[[str | None, int], None], page: Callable[[str], None]) -> None:
        """Prove who speaks."""
        self.proofs.append((password, then, page))

    def cancel_proof(self) -> None:
        """Wait no longer."""
        self.proofs_cancelled += 1

    def send_sig(self, session: bytes, to: str, n: int, data: bytes) -> None:
        """Relay."""

    def presence(self, type_: int, id_: bytes, state: str) -> None:
        """Say what this person does."""
        del type_
        self.presences.append((id_, state))

    def answer_guard(self, *, apply: bool) -> None:
        """Answer the question about many tickets."""
        self.guard_answers.append(apply)

    def fetch_blob(self, attachment: Attachment, type_: int, row: bytes) -> None:
        """Fetch an attachment."""
        self.fetched.append((attachment, type_, row))

    def blobs_added(self) -> None:
        """There is something to upload."""
        self.added += 1


class InlineJobs:
    """Runs everything at once in the caller's thread; `hold` keeps queries until `release`."""

    def __init__(self) -> None:
        self.hold = False
        self._held: dict[str, Callable[[], None]] = {}
        self._count = 0

    def query(
        self,
        read: Callable[[], Any],
        /,
        then: Callable[[Any], object],
        error: Callable[[Exception], object] | None = None,
        key: str = "",
    ) -> None:
        """Read."""
        self._count += 1
        if self.hold:
            self._held[key or str(self._count)] = lambda: _run(read, then, error)
        else:
            _run(read, then, error)

    def change(
        self,
        write: Callable[[], Any],
        /,
        then: Callable[[Any], object] | None = None,
        error: Callable[[Exception], object] | None = None,
    ) -> None:
        """Write."""
        _run(write, then or (lambda _answer: None), error)

    def waiting(self) -> list[str]:
        """The keys of the held queries."""
        return list(self._held)

    def release(self) -> None:
        """Let the held queries answer."""
        held, self._held, self.hold = self._held, {}, False
        for run in held.values():
            run()


class StepJobs(InlineJobs):
    """Does one piece of writing at a time, when the test says."""

    def __init__(self) -> None:
        super().__init__()
        self._todo: list[Callable[[], None]] = []

    def change(
        self, write: Callable[[], Any], /, then: Callable[[Any], object] | None = None,
        error: Callable[[Exception], object] | None = None,
    ) -> None:  # fmt: skip
        """Wait for `step`."""
        self._todo.append(lambda: InlineJobs.change(self, write, then, error))

    def step(self) -> None:
        """Do the next piece."""
        self._todo.pop(0)()

    def finish(self) -> None:
        """Do all that is left."""
        while self._todo:
            self.step()


def _run(work: Callable[[], Any], then: Callable[[Any], object], error: Callable[[Exception], object] | None) -> None:
    try:
        answer = work()
    except Exception as why:
        if error is None:
            raise
        error(why)
        return
    then(answer)


class FakeControls:
    """Remembers what the agent pressed."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.parts: list[Part] = []
        self.drawn: list[int] = []
        self.points: list[Point | None] = []
        self.marks: list[Mark] = []
        self.deeds: list[Deed] = []
        self.active = 0

    def cancel(self) -> None:
        """Withdraw."""
        self.did.append("cancel")

    def end(self) -> None:
        """End."""
        self.did.append("end")

    def pause(self) -> None:
        """Pause."""
        self.did.append("pause")

    def confirm_number(self, same: bool) -> None:
        """Compare."""
        self.did.append(f"confirm {same}")

    def show_part(self, part: Part) -> None:
        """Ask for a part."""
        self.parts.append(part)

    def note_activity(self) -> None:
        """Not idle."""
        self.active += 1

    def request(self, scope: Scope, why: str = "") -> None:
        """Ask."""
        self._note(f"request {scope.value}", why)

    def _note(self, what: str, why: str) -> None:
        self.did.append(f"{what}: {why}" if why else what)

    def point(self, at: Point | None) -> None:
        """Point."""
        self.points.append(at)

    def draw(self, mark: Mark) -> None:
        """Draw."""
        self.marks.append(mark)

    def unmark(self, mark_id: int) -> None:
        """Take one away."""
        self.did.append(f"unmark {mark_id}")

    def steer(self, deed: Deed) -> None:
        """Use mouse or keyboard."""
        self.deeds.append(deed)

    def let_go(self) -> None:
        """Let go."""
        self.did.append("let go")

    def clear_marks(self) -> None:
        """Take all away."""
        self.did.append("clear")

    def record(self, why: str = "") -> None:
        """Record."""
        self._note("record", why)

    def stop_recording(self) -> None:
        """Stop recording."""
        self.did.append("stop recording")

    def keep_still(self, why: str = "") -> None:
        """Keep a picture."""
        self._note("still", why)

    def offer_files(self, paths: Sequence[Path], why: str = "") -> None:
        """Offer."""
        self._note("offer " + " ".join(path.name for path in paths), why)

    def stop_file(self, number: int) -> None:
        """Stop one."""
        self.did.append(f"stop file {number}")

    def say_chat(self, text: str) -> None:
        """Write."""
        self.did.append(f"chat {text}")

    def offer_clip(self, text: str, why: str = "") -> None:
        """Offer a text."""
        self._note(f"clip {text}", why)

    def give_note(self, text: str) -> None:
        """Say why."""
        self.did.append(f"note {text}")

    def prove(self, password: str) -> None:
        """Prove who invites."""
        self.did.append(f"prove {password}")

    def prove_in_browser(self) -> None:
        """Prove it in the browser."""
        self.did.append("prove in browser")

    def stop_browser(self) -> None:
        """Wait for it no longer."""
        self.did.append("stop browser")

    def frame_drawn(self, seq: int) -> None:
        """Drawn."""
        self.drawn.append(seq)


class FakeSessions:
    """`SessionDesk`: keeps the order and the screen, so that a test can play the other end."""

    def __init__(self) -> None:
        self.orders: list[InviteOrder] = []
        self.screen: SessionScreen | None = None
        self.controls = FakeControls()
        self.error: Exception | None = None

    def start(self, order: InviteOrder, screen: SessionScreen) -> FakeControls:
        """Start."""
        if self.error is not None:
            raise self.error
        self.orders.append(order)
        self.screen = screen
        return self.controls
