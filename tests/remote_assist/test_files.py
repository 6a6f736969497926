# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between the two ends: whole and right, or not there at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remote_assist import bulk, files
from remote_assist.bulk import MAX_DATA_BYTES, Chunk
from remote_assist.file_folder import FileTrouble, TicketFolder
from remote_assist.file_sending import Outgoing
from remote_assist.files import Inbox, Offer, Saved, SessionBudget, Step, read_offer
from tests.remote_assist.test_file_names import NASTY

TICKET = "1042"
# many small files, each written through: not on a disk, where there is another place
MEMORY = next((path for path in ("/dev/shm",) if os.access(path, os.W_OK)), None)  # noqa: S108 - folders of their own in it


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def offer(content: bytes, name: str = "a.txt", id_: int = 1) -> Offer:
    return read_offer(id_, name, len(content), sha(content).hex())


def inbox(base: Path, *, programs: bool = False, budget: SessionBudget | None = None) -> Inbox:
    return Inbox(lambda: TicketFolder(base, TICKET), budget or SessionBudget(), lambda: 0, programs=programs)


def accepted(base: Path, content: bytes, name: str = "a.txt", *, programs: bool = False) -> Inbox:
    box = inbox(base, programs=programs)
    box.offered(offer(content, name))
    assert box.accept(1, second_warning=programs) == 0
    return box


def names(base: Path) -> list[str]:
    return sorted(p.name for p in (base / "Deskside" / TICKET).iterdir())


def code(call: Callable[[], object]) -> str:
    with pytest.raises(FileTrouble) as raised:
        call()
    return raised.value.code


def pump(out: Outgoing, box: Inbox, at_most: int = 10**9) -> None:
    """Carry chunks over until there are no more, or that many."""
    for _ in range(at_most):
        raw = out.next_chunk()
        if raw is None:
            return
        assert box.chunk(bulk.decode(bulk.FILE, raw)) is Step.TAKEN


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "견적서.hwp"
    path.parent.mkdir()
    path.write_bytes(os.urandom(3 * MAX_DATA_BYTES + 5))
    return path


def test_a_file_arrives_byte_by_byte_with_its_name(source: Path, tmp_path: Path) -> None:
    """And nothing else lies beside it."""
    out, box = Outgoing(source, 9), inbox(tmp_path)
    assert out.offer.name == "견적서.hwp"
    box.offered(read_offer(out.offer.id, out.offer.name, out.offer.size, out.offer.sha256.hex()))
    out.start(box.accept(9))
    pump(out, box)
    saved = box.finish(9)
    assert saved == Saved(tmp_path / "Deskside" / TICKET / "견적서.hwp", out.offer.size, out.offer.sha256, saved.marked)
    assert saved.path.read_bytes() == source.read_bytes()
    assert names(tmp_path) == ["견적서.hwp"]
    box.close()
    out.close()
    assert names(tmp_path) == ["견적서.hwp"]


def test_an_empty_file_arrives_as_well(tmp_path: Path) -> None:
    """It has no chunk at all."""
    box = accepted(tmp_path, b"")
    assert box.finish(1).path.read_bytes() == b""
    box.close()


def test_after_a_reconnect_a_file_goes_on_where_the_disk_is_right(source: Path, tmp_path: Path) -> None:
    """Chunks that were under way when the line broke are told again, and do no harm."""
    out = Outgoing(source, 1)
    box = accepted(tmp_path, source.read_bytes())
    pump(out, box, 2)
    out.next_chunk()  # lost with the connection
    offset = box.resume(1)
    assert offset == 2 * MAX_DATA_BYTES
    out.start(offset)
    pump(out, box)
    assert box.finish(1).path.read_bytes() == source.read_bytes()
    box.close()
    out.close()


@pytest.mark.parametrize("damage", [b"X", b""])
def test_a_part_that_was_changed_meanwhile_starts_again(damage: bytes, source: Path, tmp_path: Path) -> None:
    """By another program, or cut short; what is on the disk counts, not what was written there once."""
    out = Outgoing(source, 1)
    box = accepted(tmp_path, source.read_bytes())
    pump(out, box, 2)
    part = tmp_path / "Deskside" / TICKET / "a.txt.part"
    part.write_bytes(damage)  # the same file, other content
    assert box.resume(1) == 0
    out.start(0)
    pump(out, box)
    assert box.finish(1).path.read_bytes() == source.read_bytes()
    box.close()
    out.close()


@pytest.mark.parametrize("mode", ["r+b", "ab"])
def test_a_part_that_was_changed_at_the_end_gets_no_name(mode: str, source: Path, tmp_path: Path) -> None:
    """The hash holds for what lies on the disk, and for all of it."""
    out = Outgoing(source, 1)
    box = accepted(tmp_path, source.read_bytes())
    pump(out, box)
    with (tmp_path / "Deskside" / TICKET / "a.txt.part").open(mode) as stream:
        stream.write(b"other")
    assert code(lambda: box.finish(1)) == "part_changed"
    assert names(tmp_path) == []
    box.close()
    out.close()


def test_what_others_added_behind_a_part_is_forgotten_at_a_reconnect(source: Path, tmp_path: Path) -> None:
    """What came is still right, so it goes on from there."""
    out = Outgoing(source, 1)
    box = accepted(tmp_path, source.read_bytes())
    pump(out, box, 3)
    with (tmp_path / "Deskside" / TICKET / "a.txt.part").open("ab") as stream:
        stream.write(b"more than is missing")
    assert box.resume(1) == 3 * MAX_DATA_BYTES
    pump(out, box)
    assert box.finish(1).path.read_bytes() == source.read_bytes()
    box.close()
    out.close()


def test_a_part_that_was_removed_or_swapped_is_not_resumed(source: Path, tmp_path: Path) -> None:
    """The person, or a program, took it away."""
    box = accepted(tmp_path, source.read_bytes())
    (tmp_path / "Deskside" / TICKET / "a.txt.part").unlink()
    assert code(lambda: box.resume(1)) == "part_changed"
    assert box.open_ids == ()
    box.close()


def test_a_wrong_hash_a_short_file_and_an_early_end_leave_nothing(tmp_path: Path) -> None:
    """Not even under another name."""
    box = inbox(tmp_path)
    box.offered(Offer(1, "a.txt", 3, sha(b"abc")))
    box.offered(Offer(2, "b.txt", 3, sha(b"abc")))
    box.accept(1)
    box.accept(2)
    box.chunk(Chunk(1, 0, b"abd"))
    assert code(lambda: box.finish(1)) == "hash_differs"
    box.chunk(Chunk(2, 0, b"ab"))
    assert code(lambda: box.finish(2)) == "incomplete"
    assert code(lambda: box.finish(2)) == "unknown_file"
    assert names(tmp_path) == []
    box.close()


def test_more_than_was_announced_is_not_written(tmp_path: Path) -> None:
    """The size that the person agreed to is the most there will be."""
    box = accepted(tmp_path, b"abc")
    assert code(lambda: box.chunk(Chunk(1, 0, b"abcd"))) == "too_large"
    assert code(lambda: box.chunk(Chunk(1, 0, b"abc"))) == "unknown_file"
    assert names(tmp_path) == []
    box.close()


def test_nothing_is_written_that_nobody_accepted(tmp_path: Path) -> None:
    """Not offered, not answered, declined, or answered twice."""
    box = inbox(tmp_path)
    assert code(lambda: box.accept(1)) == "unknown_file"
    box.offered(offer(b"abc"))
    assert code(lambda: box.chunk(Chunk(1, 0, b"abc"))) == "unknown_file"
    box.declined(1)
    assert code(lambda: box.accept(1)) == "unknown_file"
    assert code(lambda: box.offered(offer(b"abc"))) == "bad_offer"
    assert not (tmp_path / "Deskside").exists()
    box.close()


def test_programs_need_policy_and_a_second_warning(tmp_path: Path) -> None:
    """One without the other is not enough; a harmless file needs neither."""
    program = b"MZ" + bytes(100)
    for policy, warned in [(False, False), (True, False), (False, True)]:
        box = inbox(tmp_path, programs=policy)
        box.offered(offer(program, "setup.exe"))
        assert code(lambda box=box, warned=warned: box.accept(1, second_warning=warned)) == "program_refused"  # type: ignore[misc]  # defaults bind the loop's values
        box.close()
    box = accepted(tmp_path, program, "setup.exe", programs=True)
    box.chunk(Chunk(1, 0, program))
    assert box.finish(1).path.name == "setup.exe"
    box.close()


@pytest.mark.parametrize("cut", [1, 2, 63, 64])
def test_a_program_under_a_harmless_name_is_stopped_at_its_first_bytes(cut: int, tmp_path: Path) -> None:
    """However thin they are sliced, and also where policy lets programs in: nobody was warned of this one."""
    program = b"\x7fELF" + bytes(100)
    box = accepted(tmp_path, program, "보고서.pdf", programs=True)

    def send() -> None:
        for at in range(0, len(program), cut):
            box.chunk(Chunk(1, at, program[at : at + cut]))

    assert code(send) == "disguised_program"
    assert names(tmp_path) == []
    box.close()


def test_a_session_moves_no_more_than_its_limit(tmp_path: Path) -> None:
    """What did not come is given back; what came counts, kept or not."""
    box = inbox(tmp_path, budget=SessionBudget(10))
    for id_ in (1, 2, 3):
        box.offered(offer(b"abcdef", id_=id_))
    box.accept(1)
    assert code(lambda: box.accept(2)) == "session_full"
    box.chunk(Chunk(1, 0, b"ab"))
    box.abort(1)
    box.accept(3)
    box.offered(offer(b"abc", id_=4))
    assert code(lambda: box.accept(4)) == "session_full"
    box.close()


def test_offers_and_open_files_are_bounded(tmp_path: Path) -> None:
    """A flood of either is refused before anybody is asked."""
    box = inbox(tmp_path)
    for id_ in range(files.MAX_OPEN):
        box.offered(offer(b"x", id_=id_))
    assert code(lambda: box.offered(offer(b"x", id_=99))) == "too_many"
    for id_ in range(files.MAX_OPEN):
        box.accept(id_)
    box.offered(offer(b"x", id_=100))
    assert code(lambda: box.accept(100)) == "too_many"
    for id_ in range(200, 200 + files.MAX_OFFERS - files.MAX_OPEN - 1):
        box.offered(offer(b"x", id_=id_))
        box.declined(id_)
    assert code(lambda: box.offered(offer(b"x", id_=999))) == "too_many"
    box.close()
    assert names(tmp_path) == []


def test_a_disk_without_room_is_told_before_the_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other files of the session were promised counts as taken."""
    room = files.RESERVE_BYTES + 10
    monkeypatch.setattr(TicketFolder, "free_bytes", lambda _self: room)
    budget = SessionBudget(100)
    box = inbox(tmp_path, budget=budget)
    for id_ in (1, 2):
        box.offered(offer(b"123456", id_=id_))
    box.accept(1)
    assert code(lambda: box.accept(2)) == "disk_full"
    budget.take(94)  # what was refused is not counted
    box.close()


def test_an_end_in_the_middle_leaves_no_part(tmp_path: Path) -> None:
    """Stop, a grant taken back, and the end of the session: all are this."""
    box = accepted(tmp_path, b"abc")
    box.chunk(Chunk(1, 0, b"ab"))
    assert names(tmp_path) == ["a.txt.part"]
    box.close()
    box.close()
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("id_", "size", "mark", "expected"),
    [
        (-1, 1, "00" * 32, "bad_offer"),
        (2**32, 1, "00" * 32, "bad_offer"),
        (1, -1, "00" * 32, "bad_offer"),
        (1, 1, "00" * 31, "bad_offer"),
        (1, 1, "zz" * 32, "bad_offer"),
        (1, 1, "", "bad_offer"),
        (1, (200 << 20) + 1, "00" * 32, "too_large"),
    ],
)
def test_offers_out_of_bounds_are_none(id_: int, size: int, mark: str, expected: str) -> None:
    """The file's limit is 200 MB."""
    assert code(lambda: read_offer(id_, "a", size, mark)) == expected


# --- the sending end --------------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_sent_is_not_sent_to_the_end(source: Path) -> None:
    """Neither longer, nor shorter, nor rewritten with the old time put back."""
    content, status = source.read_bytes(), source.stat()
    for change in (content + b"x", content[:100], b"y" * len(content)):
        source.write_bytes(content)
        out = Outgoing(source, 1)
        out.next_chunk()
        source.write_bytes(change)
        if len(change) == len(content):
            os.utime(source, ns=(status.st_atime_ns, out._first.st_mtime_ns))

        def rest(out: Outgoing = out) -> None:
            while out.next_chunk() is not None:
                pass

        assert code(rest) == "changed"
        out.close()


def test_a_file_that_is_replaced_by_name_goes_on_as_it_was(source: Path, tmp_path: Path) -> None:
    """Editors save by renaming: what was offered is what arrives."""
    content = source.read_bytes()
    out, box = Outgoing(source, 1), accepted(tmp_path, content)
    pump(out, box, 1)
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "new").replace(source)
    pump(out, box)
    assert box.finish(1).path.read_bytes() == content
    box.close()
    out.close()


def test_what_is_no_file_or_too_much_is_not_offered(source: Path, tmp_path: Path) -> None:
    """A pipe does not hang, a folder is told, a link that the person chose is followed."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(source)
    with (tmp_path / "big").open("wb") as stream:
        stream.truncate((200 << 20) + 1)
    assert code(lambda: Outgoing(tmp_path / "pipe", 1)) == "not_a_file"
    assert code(lambda: Outgoing(tmp_path, 1)) == "not_a_file"
    assert code(lambda: Outgoing(tmp_path / "none", 1)) == "file_missing"
    assert code(lambda: Outgoing(tmp_path / "big", 1)) == "too_large"
    out = Outgoing(tmp_path / "link", 1)
    assert out.offer.sha256 == sha(source.read_bytes())
    assert code(lambda: out.start(out.offer.size + 1)) == "bad_offset"
    assert code(lambda: out.start(-1)) == "bad_offset"
    out.close()
    out.close()


# --- whatever comes ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.sampled_from(NASTY), min_size=1, max_size=4))
def test_whatever_files_are_called_all_lie_in_the_one_folder_and_all_are_kept(raws: list[str]) -> None:
    """Equal names, names of parts, names that are paths."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as root:
        base = Path(root) / "base"
        base.mkdir()
        box = inbox(base, programs=True)
        for id_, raw in enumerate(raws):
            content = bytes([id_ + 1]) * 3
            box.offered(offer(content, raw, id_))
            box.accept(id_, second_warning=True)
        kept = []
        for id_ in range(len(raws)):
            box.chunk(Chunk(id_, 0, bytes([id_ + 1]) * 3))
            kept.append(box.finish(id_).path)
        box.close()
        assert len({path.resolve() for path in kept}) == len(raws)
        found = [path for path in Path(root).rglob("*") if not path.is_dir()]
        assert {path.resolve() for path in found} == {path.resolve() for path in kept}
        assert {path.parent for path in kept} == {base / "Deskside" / TICKET}
        assert [path.read_bytes()[0] for path in kept] == list(range(1, len(raws) + 1))


@settings(max_examples=50)
@given(st.data(), st.binary(max_size=60))
def test_chunks_in_any_order_give_the_whole_file_or_none(data: st.DataObject, content: bytes) -> None:
    """Lost, doubled, swapped, cut anywhere, with reconnects: the only file there can ever be is the right one."""
    size, have = len(content), 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as root:
        box = accepted(Path(root), content, "a.exe", programs=True)
        for _ in range(data.draw(st.integers(0, 12))):
            at = data.draw(st.sampled_from([have, 0, size // 2]))
            piece = content[at : at + data.draw(st.integers(1, 30))]
            if not piece:
                assert box.resume(1) == have
            elif box.chunk(Chunk(1, at, piece)) is Step.TAKEN:
                assert at == have
                have += len(piece)
        assert names(Path(root)) == ["a.exe.part"]
        if have == size:
            assert box.finish(1).path.read_bytes() == content
        else:
            assert code(lambda: box.finish(1)) == "incomplete"
            assert names(Path(root)) == []
        box.close()


def test_a_peer_that_repeats_itself_for_ever_is_stopped(tmp_path: Path) -> None:
    """Stray chunks are told apart (say the offset again, or wait) and counted."""
    box = accepted(tmp_path, b"abcdef")
    assert box.chunk(Chunk(1, 3, b"def")) is Step.REWIND
    assert box.chunk(Chunk(1, 0, b"abc")) is Step.TAKEN
    assert box.chunk(Chunk(1, 0, b"abc")) is Step.IGNORED

    def on_and_on() -> None:
        for _ in range(2_000):
            box.chunk(Chunk(1, 0, b"abc"))

    assert code(on_and_on) == "out_of_order"
    assert names(tmp_path) == []
    box.close()
