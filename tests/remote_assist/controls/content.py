# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows 8, 11 and 13: secrets on the screen, names of files, an edited record."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, Edit, edit

_RA = "tests/remote_assist"
_MEDIA = f"{_RA}/test_media.py"
_JOURNEY = f"{_RA}/test_journey.py"
_NAMES = f"{_RA}/test_file_names.py"
_FOLDER = f"{_RA}/test_file_folder.py"
_FILES = f"{_RA}/test_files.py"
_CHAIN = f"{_RA}/test_chain.py"
_ENTRIES = "tests/server/test_session_entries.py"
_EDITED = f"{_CHAIN}::test_every_tampering_with_the_entries_shows"
_KEEPING = f"{_RA}/test_keeping_back.py"
_POSIX = "remote_assist.file_folder:_DescriptorDir"

CONTROLS = (
    Control(
        8,
        "masks are painted before the picture is compared, previewed or encoded",
        (f"{_MEDIA}::test_a_mask_covers_the_preview_and_what_is_sent",),
        edit("remote_assist.sending:Pipeline.sink", "self._paint(rows, cover.boxes)", "pass"),
        "assert",
    ),
    Control(
        8,
        "what lies under a mask is one colour in the encoder's input",
        (f"{_RA}/test_encoder.py::test_masked_pixels_are_constant_in_what_the_encoder_gets",),
        edit("remote_assist.masks:paint", "rows[top:bottom, left:right] = MASK_BGRX", "pass"),
        "array_equal",
    ),
    Control(
        8,
        "a mask that comes later also covers the picture that waits",
        (f"{_MEDIA}::test_a_mask_that_comes_later_makes_a_new_picture_and_does_not_count_the_time_between_as_delay",),
        edit("remote_assist.sending:Pipeline.set_masks", "self._paint(rows, ())", "pass"),
        "assert",
    ),
    Control(
        8,
        "masked pixels are constant at the agent's end",
        (f"{_RA}/test_peer_children.py::test_masked_pixels_never_reach_the_agent",),
        edit("remote_assist.sending:Pipeline.sink", "self._paint(rows, cover.boxes)", "pass"),
        "covered|later picture",
        in_child=True,
    ),
    Control(
        8,
        "of a region nothing else goes through",
        (f"{_MEDIA}::test_a_region_lets_nothing_else_through",),
        edit("remote_assist.sending:_rows_of", "if region is not None:", "if False:"),
        "assert",
    ),
    Control(
        8,
        "while another target is chosen nothing of the old one passes",
        (f"{_MEDIA}::test_while_another_target_is_chosen_nothing_of_the_old_one_passes",),
        edit("remote_assist.sending:Pipeline.hold", "self._held = True", "pass"),
        "assert",
    ),
    Control(
        8,
        "a locked screen pauses by itself",
        (f"{_JOURNEY}::test_a_locked_screen_pauses_by_itself",),
        edit("remote_assist.customer_end:CustomerEnd.system_pause", 'self._pause("system")', "pass"),
        "paused",
    ),
    Control(
        8,
        "while it is paused no picture leaves",
        (f"{_JOURNEY}::test_pause_stops_the_picture_and_the_record_proves_it",),
        edit("remote_assist.end_base:EndBase._sync_pause", "self._tell(child.Pause(held))", "pass"),
        "assert",
    ),
    Control(
        8,
        "the title of a shared window never leaves",
        (f"{_JOURNEY}::test_the_title_of_a_shared_window_never_leaves_the_customers_computer",),
        edit("remote_assist.customer_core:ChosenTarget.message", "self.kind, marks)", "self.target.title[:16], marks)"),
        "Printer|title|assert",
    ),
    Control(
        8,
        "a window under a rule is painted over in every picture",
        (f"{_KEEPING}::test_no_pixel_of_a_moving_window_gets_to_the_encoder",),
        edit(
            "remote_assist.shield:_screen",
            "boxes = tuple(filter(None, (_clipped(box, rect) for box in sight.trail)))",
            "boxes = ()",
        ),
        "secret_pixels|assert",
    ),
    Control(
        8,
        "a banking window stops the whole picture",
        (f"{_KEEPING}::test_a_banking_window_stops_the_whole_picture_until_it_is_gone",),
        edit("remote_assist.sending:Pipeline.sink", "if cover.hold or moved:", "if moved:"),
        "secret_pixels|MASK_BGRX|lambda",
    ),
    Control(
        8,
        "a picture is withheld while nobody knows where the windows are",
        (f"{_KEEPING}::test_a_server_that_answers_late_lets_no_picture_pass",),
        edit(
            "remote_assist.sending:Pipeline.sink",
            "if cover is None:",
            "cover = cover or Cover()\n        if False:",
        ),
        "frames_withheld|pictures|lambda",
    ),
    Control(
        8,
        "the screen saver covers everything",
        (f"{_KEEPING}::test_the_screen_saver_covers_everything",),
        edit("remote_assist.shield:Shield._run", "self._asleep = self._watch.asleep()", "pass"),
        "lambda",
    ),
    Control(
        8,
        "what makes an odd side even repeats no pixel from under a mask",
        (
            f"{_MEDIA}::test_a_mask_also_covers_the_row_and_column_that_are_added",
            f"{_KEEPING}::test_of_a_shared_window_of_an_odd_size_that_a_rule_hides_nothing_shows",
            f"{_KEEPING}::test_on_a_screen_of_an_odd_size_a_hidden_window_in_the_corner_is_hidden_to_the_last_pixel",
        ),
        (
            Edit(
                "remote_assist.sending:_rows_of",
                "rows[height:], rows[:, width:] = masks.MASK_BGRX, masks.MASK_BGRX",
                "rows = np.pad(pixels, ((0, height % 2), (0, width % 2)), mode='edge')",
            ),
            Edit("remote_assist.sending:Pipeline._paint", "if self._padded[0]:", "if False:"),
            Edit("remote_assist.sending:Pipeline._paint", "if self._padded[1]:", "if False:"),
        ),
        "SECRET|secret_pixels|MASK_BGRX",
    ),
    Control(
        8,
        "a window of another size under a drawn mask waits until the customer has looked",
        (f"{_MEDIA}::test_a_window_that_gets_another_size_under_a_drawn_mask_shows_nothing_until_the_customer_looked",),
        edit("remote_assist.sending:Pipeline._has_changed", "if self._drawn or (self._fixed", "if (self._fixed"),
        "target_changed|SECRET",
    ),
    Control(
        8,
        "a rule that nobody can keep lets no picture pass",
        (f"{_KEEPING}::test_a_rule_that_comes_where_windows_cannot_be_followed_lets_no_picture_pass",),
        (
            Edit("remote_assist.shield:Shield.cover", "return None if self._rules else Cover()", "return Cover()"),
            Edit("remote_assist.shield:Shield._follow", "if self._rules:", "if False:"),
        ),
        "DID NOT RAISE|Cover",
    ),
    Control(
        11,
        "offers of files are remembered within bounds",
        ("tests/remote_assist/test_session_files.py::test_offers_without_end_are_neither_remembered_nor_borne",),
        edit(
            "remote_assist.end_files:EndFiles._on_file_offer",
            "elif len(self._files_over) >= MAX_OFFERS:",
            "elif False:",
        ),
        "assert",
    ),
    Control(
        11,
        "a name is one name in one folder",
        (
            f"{_NAMES}::test_no_name_leads_out_of_its_folder",
            f"{_FILES}::test_whatever_files_are_called_all_lie_in_the_one_folder_and_all_are_kept",
        ),
        edit(
            "remote_assist.file_names:safe_name", "return clean_name(raw[-MAX_RAW_NAME:])", "return raw[-MAX_RAW_NAME:]"
        ),
        "assert|Error|Trouble",
    ),
    Control(
        11,
        "the agent's ticket number is a folder's name, and no path",
        (f"{_NAMES}::test_no_made_up_name_does_either",),
        edit(
            "remote_assist.file_names:folder_name",
            'return clean_name(plain.strip("-_") or "ticket")',
            "return ticket_no",
        ),
        "assert|folder",
    ),
    Control(
        11,
        "no link is followed on the way to the folder",
        (f"{_FOLDER}::test_a_folder_that_is_a_link_is_not_used",),
        edit(f"{_POSIX}._walk", "flags | os.O_NOFOLLOW", "flags"),
        "DID NOT RAISE",
    ),
    Control(
        11,
        "a folder that others may write into is not used",
        (f"{_FOLDER}::test_a_folder_into_which_others_may_write_is_not_used",),
        edit("remote_assist.file_folder:_own", " or status.st_mode & stat.S_IWOTH", ""),
        "DID NOT RAISE",
    ),
    Control(
        11,
        "nothing that has the name is overwritten",
        (f"{_FOLDER}::test_nothing_that_has_the_name_is_overwritten",),
        edit(
            f"{_POSIX}.move",
            "os.link(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)",
            "os.replace(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)",
        ),
        "assert",
    ),
    Control(
        11,
        "a part that was swapped gets no name",
        (f"{_FOLDER}::test_a_part_swapped_for_a_link_is_not_published",),
        edit("remote_assist.file_folder:PartFile.publish", "if not self.unchanged():", "if False:"),
        "part_changed|DID NOT RAISE|assert",
    ),
    Control(
        11,
        "a part swapped at the last moment is taken back",
        (f"{_FOLDER}::test_a_part_swapped_between_the_last_look_and_the_name_is_taken_back",),
        edit(f"{_POSIX}.move", "if not os.path.samestat(self.status(new), file):", "if False:"),
        "DID NOT RAISE|assert",
    ),
    Control(
        13,
        "an entry changed: its signature fails",
        (f"{_CHAIN}::test_a_record_written_anew_by_somebody_else_shows",),
        edit(
            "app.domain.session_record:read_entry",
            "if not verify(session_key, CHAIN_LABEL, signed.document, signed.signature):",
            "if False:",
        ),
        "ok",
    ),
    Control(
        13,
        "an entry dropped or swapped: the links do not follow",
        (_EDITED,),
        edit(
            "remote_assist.chain:ChainReader.accept",
            "if entry.n != len(self.entries) or entry.prev != self.head:",
            "if False:",
        ),
        "ok",
    ),
    Control(
        13,
        "the end cut off: the receipt is none",
        (f"{_CHAIN}::test_a_record_cut_off_together_with_the_agents_signature_shows",),
        edit("remote_assist.chain:_read_closing", "if not ended:", "if False:"),
        "ok",
    ),
    Control(
        13,
        "what stands for a missing end names the last entry",
        ("tests/remote_assist/test_closing.py::test_every_entry_cut_off_shows_though_the_end_is_missing_anyway",),
        edit(
            "remote_assist.chain:_read_closing",
            "(closing.sid, closing.n, closing.prev) != (invitation.sid, len(entries), entries[-1].hash)",
            "False",
        ),
        "ok",
    ),
    Control(
        13,
        "a false countersignature is refused",
        (f"{_CHAIN}::test_a_missing_countersignature_is_said_and_a_false_one_refused",),
        edit(
            "remote_assist.chain:_check_countersignature",
            "if not verify(certificate.device_key, RECEIPT_LABEL, lp(last.hash), signature):",
            "if False:",
        ),
        "ok",
    ),
    Control(
        13,
        "a receipt of another organisation is refused when the key is known",
        (f"{_CHAIN}::test_a_receipt_of_another_organisation_is_refused_when_the_key_is_known",),
        edit(
            "remote_assist.chain:_verify",
            "if organisation_key is not None and org_key != organisation_key:",
            "if False:",
        ),
        "ok",
    ),
    Control(
        13,
        "the server writes no entry whose hash is false",
        ("tests/server/test_sessions.py::test_a_false_entry_hash_is_refused",),
        edit(
            "sync.server.session_entries:is_true",
            "return (link.hash, link.n, link.kind) == (record.entry_hash, record.entry_no, record.kind)",
            "return True",
        ),
        "assert",
    ),
    Control(
        13,
        "the server writes in the customer's name only what the customer's end signed",
        (f"{_ENTRIES}::test_the_customers_end_names_its_key_once_and_only_that_key_counts",),
        edit(
            "sync.server.session_entries:_is_good",
            "return key is not None and link.is_signed_by(key) and",
            "return key is not None and",
        ),
        "rejected|409",
    ),
    Control(
        13,
        "only the customer's own side names the key of its end",
        (f"{_ENTRIES}::test_an_agent_alone_cannot_write_the_customers_consent",),
        edit("sync.server.session_entries:_is_good", 'key is None and actor.kind == "customer" and', "key is None and"),
        "409",
    ),
    Control(
        13,
        "a `join` of the agent's line names no key",
        (f"{_ENTRIES}::test_the_agents_own_line_never_names_the_key",),
        edit("sync.server.hub:Hub._try_relay", 'if role == "customer" and not', "if not"),
        "rejected",
    ),
    Control(
        13,
        "the first end that answers keeps the session",
        (f"{_ENTRIES}::test_the_customers_other_computer_does_not_answer_a_session_that_has_its_key",),
        edit("sync.server.session_keys:take_key", "elif bytes(getattr(bound, name)) != own:", "elif False:"),
        "not_member",
    ),
    Control(
        13,
        "nobody but the two ends hands entries in, and only for sessions that were invited to",
        (f"{_ENTRIES}::test_a_colleague_cannot_end_somebody_elses_session",),
        edit("sync.server.session_entries:check_record", "or not _is_member(connection, row, actor)", ""),
        "rejected",
    ),
    Control(
        13,
        "entries are of a session on that ticket",
        (f"{_ENTRIES}::test_nothing_is_written_of_a_session_that_was_never_invited_to",),
        edit("sync.server.session_entries:check_record", 'bytes(row["ticket_id"]) != record.ticket', "False"),
        "rejected",
    ),
    Control(
        13,
        "a receipt on the ticket is of this session and whole",
        (f"{_ENTRIES}::test_a_receipt_on_the_ticket_is_of_this_session_and_whole",),
        edit("sync.server.session_entries:_is_good", "and _is_receipt(record.entry, invitation, key)", ""),
        "rejected",
    ),
    Control(
        13,
        "only the device that invited says that a record has no end",
        (f"{_ENTRIES}::test_only_the_device_that_invited_says_that_a_record_has_no_end",),
        edit("sync.server.session_entries:_is_good", "return _is_closing(record, invitation, actor)", "return True"),
        "rejected",
    ),
    Control(
        13,
        "the record is written before the deed",
        (f"{_JOURNEY}::test_the_record_of_consent_is_written_before_anything_is_done_about_it",),
        edit(
            "remote_assist.customer_end:CustomerEnd.allow",
            "self._apply(machine.consented(self._now))",
            "self._apply(machine.consented(self._now)); self._out.reverse()",
        ),
        "assert",
    ),
)
