# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of the sync protocol mean, for whoever writes a client: problem and refusal codes, arguments, ids.

docs/protocol-reference.md is made from these tables and from the code beside them, and
tests/lint/test_protocol_reference.py compares the two, so that no word goes without a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.attachments import MAX_FILE_BYTES, MAX_FILES
from app.domain.changes_base import MAX_BODY_BYTES, MAX_SUBJECT_CHARS
from app.domain.changes_complaints import MAX_WORDS_CHARS
from app.domain.changes_customers import MAX_LONG_TEXT_BYTES, MAX_NAME_CHARS
from app.domain.changes_promises import MAX_PROMISE_CHARS
from app.domain.changes_surveys import MAX_COMMENT_CHARS
from app.domain.changes_views import MAX_CONDITION_CHARS, MAX_VIEW_NAME_CHARS
from app.domain.changes_writing import MAX_MINUTES

__all__ = [
    "ARGUMENTS",
    "BASES",
    "CONFLICT_KINDS",
    "DERIVED_IDS",
    "HELD_REASONS",
    "PROBLEMS",
    "REFUSALS",
    "STAGES",
]

_TICKET_TEXT = (
    f"more than white space, at most {MAX_BODY_BYTES:,} bytes when written as JSON in UTF-8; may be empty beside an "
    "attachment"
)

# name, or "mutation.name" where it means something else there -> what it is
ARGUMENTS: Mapping[str, str] = {
    "event": "fresh id of this deed; the ids of the rows that it leaves derive from it. Never used for two deeds",
    "ticket": "the ticket",
    "ticket.create.ticket": "fresh id of the new ticket",
    "subject": f"at most {MAX_SUBJECT_CHARS * 4:,} bytes, more than white space; "
    f"a new ticket keeps {MAX_SUBJECT_CHARS} letters",
    "team": "the team; its scope must be one of yours when the ticket is made",
    "ticket.move.team": "the team that takes it, also one that you are not in",
    "customer": "the customer",
    "customer.create.customer": "fresh id of the new customer",
    "message": "fresh id of the message",
    "body": _TICKET_TEXT,
    "view": "the view",
    "view.create.view": "fresh id of the new view",
    "view.create.name": f"1 to {MAX_VIEW_NAME_CHARS} letters",
    "view.set.fields": "columns of the view that are editable, with their new values; `share` and `team` move it",
    "condition": f"a search text, at most {MAX_CONDITION_CHARS:,} letters; empty finds every ticket",
    "sort": "last_activity, created, priority or number; one that a client does not know is last_activity",
    "share": "me, team or all: who sees it. A team's view is its maker's and the leads', everybody's the leads'",
    "view.create.team": "the team, with share `team`; its scope must be one of yours",
    "columns": "JSON list of at most 20 names of columns, in order; null: the usual ones",
    "pinned": "whether it stands in the list of views",
    "gone": "true",
    "promise": "the promise",
    "promise.add.promise": "fresh id of the promise",
    "promise.add.text": f"what was promised, one line of at most {MAX_PROMISE_CHARS} letters; may be empty",
    "due_at": "the promised time",
    "callback": "the callback",
    "callback.request.callback": "fresh id of the callback",
    "callback.request.phone": "the number to call; kept as E.164",
    "slot_start": "when the half hour begins; a full half hour of UTC",
    "callback.take.user": "who will call; null: nobody in particular",
    "reached": "whether the customer was reached",
    "answer": "fresh id of the answer",
    "solved": "whether the problem is solved; null: not answered",
    "treated_well": "whether the customer was treated well; null: not answered",
    "comment": f"the customer's words about it, at most {MAX_COMMENT_CHARS} letters",
    "step": "greet, listen, ask, empathy, act, check or follow_up",
    "done": "whether the step is done",
    "mark": "fact or feeling, with `text`; else empty",
    "complaint.step.text": f"words of the customer, at most {MAX_WORDS_CHARS} letters",
    "waits": "true: its maker's next reply on the ticket tells the customer; false: the customer knows already",
    "address": "the address",
    "address.add.address": "fresh id of the address",
    "address.add.kind": "email, phone, chat, social or postal",
    "address.add.value": "as typed; mail is kept in lower case, phone numbers as E.164",
    "address.set.fields": "`value`, `label`, `is_primary`, `verified_at`, `bad_since` with their new values",
    "address.restore.gone": "false; must be sent, the default is true",
    "asset.restore.gone": "false; must be sent, the default is true",
    "label": "what the address is for, a few words",
    "primary": "whether it is the main one of its kind; the first always is",
    "asset.create.asset": "fresh id of the product",
    "asset.create.owner": "the customer or organisation that has it",
    "asset.set.asset": "the product",
    "asset.delete.asset": "the product",
    "asset.restore.asset": "the product",
    "asset.create.fields": "product, model, serial, purchased_on, warranty_until (dates), status (in_use, in_repair, "
    "retired), order_ref; product or model at least",
    "asset.set.fields": "as for `asset.create`, and `owner`",
    "terms": "fresh id of this version of the terms",
    "terms.add.owner": "the customer, organisation or product that they are for",
    "terms.add.fields": "plan, included_ko, included_en, valid_from, valid_until, options_after_ko, options_after_en",
    "supersedes": "the version that this one replaces",
    "version": "fresh id of this version",
    "article": "the article; fresh for a new one, the same for all its versions",
    "announcement": "the announcement; fresh for a new one, the same for all its versions",
    "contact": "the one contact; a fixed id where there is none yet",
    "contact.set.fields": "name_ko, name_en, phone, mail",
    "calendar.save.fields": "week and holidays, as the columns of a calendar; week is open on one day at least",
    "facts": "fresh id of the card",
    "collected_at": "when it was collected, in ms",
    "consent": "whether the customer saw each fact and let it go; theirs is refused without",
    "product": "at most 120 letters, as every text of a card it becomes one plain line; all may be empty",
    "model": "at most 120 letters",
    "serial": "at most 64 letters, kept in upper case without spaces",
    "os": "the operating system, at most 120 letters",
    "app_version": "at most 120 letters",
    "last_error": "at most 500 letters",
    "error_code": "at most 64 letters",
    "warranty_until": "a date, YYYY-MM-DD",
    "device": "maker and model of the computer, at most 120 letters",
    "free_disk": "room on its drives, at most 200 letters",
    "network": "its ways into the network, at most 200 letters",
    "found_at": "times in ms of facts that are older than `collected_at`, by their names; others are left out",
    "customer.unmerge.customer": "the one that was merged away",
    "customer.merge.fields": "columns that the one that stays takes where the two differ; may be empty; needs "
    "version 2",
    "read.mark.mark": '16 bytes derived of you and the ticket: `derived_id(user, "read", ticket)`',
    "about": "the ticket; it is not looked at",
    "upto": "number of the newest message that was on screen",
    "unread": "true: the ticket is to count as unread from there on, also where the mark stood further",
    "template": "the canned reply or macro",
    "template.create.template": "fresh id of the new canned reply or macro",
    "template.create.kind": "canned or macro",
    "template.create.fields": "columns of the template that are editable; a name in one language at least",
    "template.set.fields": "columns of the template that are editable, with their new values; `share` and `team` move "
    "it",
    "template.restore.gone": "false; must be sent, the default is true",
    "view.restore.gone": "false; must be sent, the default is true",
    "reply.release.body": "the text as edited; null sends what was held",
    "priority": "1 low, 2 normal, 3 high, 4 urgent",
    "channel": "mail, portal, companion, chat, phone, visit or social; where the words came or go by",
    "language": "a short language code: ko, en",
    "asset": "the product that it is about",
    "owner": "the user who has it",
    "provisional": "a number to show until the server's comes: `~` device code `-` counter, as ~K7-12; or empty",
    "from_customer": "whether the first message is the customer's words (else yours)",
    "attachments": f"at most {MAX_FILES}: {{sha256: 32 bytes, filename: at most 1000 letters, media_type: at most 200, "
    f"size_bytes: 1 to {MAX_FILE_BYTES:,}}}; needs version 2",
    "fields": "1 to 40 columns of the entity that are editable, with their new values",
    "undo": "true for the undo of an own edit: any state may come back",
    "into": "the one that stays",
    "new_ticket": "fresh id of the new ticket",
    "messages": "1 to 1000 ids of messages and notes that leave",
    "seen_seq": "the highest `msg_no` that the person had on screen, own unsent replies not counted; at least 0",
    "seen_id": "id of the message of that number; a restored server may have given the number to another",
    "inbound": "true: you write down what the customer said; then it is never held",
    "html": "the same text with formatting. Of `inbound` it is kept as it is; of what agents write only p, br, b, i, "
    "code, ul, ol, li, blockquote and links to http, https and mailto stay",
    "note.add.html": "the same text with formatting, the same subset; needs version 3",
    "reply.release.html": "formatting of an edited `body`; empty: none. Version 2; without it another `body` than "
    "the held one has none",
    "draft": "16 bytes derived of the ticket and you: `derived_id(ticket, 'draft-' + kind, user)`",
    "draft.put.kind": "reply or note",
    "draft.put.body": f"what is typed, at most {MAX_BODY_BYTES:,} bytes with `marks`; may be empty",
    "marks": "JSON list of [from, to, look, target?], in code points; look b bold, i italic, m monospace, a link",
    "caret": "where the caret is",
    "draft.put.attachments": "as in `message.add`; version 1 takes them",
    "note": "fresh id of the note",
    "time.add.note": "what was done, at most 2000 letters",
    "mentions": "at most 1000 ids of users",
    "entry": "fresh id of the entry",
    "session.record.entry": "the signed or linked entry exactly as it is, at most 60,000 bytes",
    "minutes": f"1 to {MAX_MINUTES}",
    "occurred_at": "when the call or visit took place; a later time than that of the change means the latter",
    "started_at": "when the work began; default: so that it ended when it was written down",
    "reason": "one line, up to 200 characters, for the history: why the ticket was handed over",
    "phone": "a phone number of the customer",
    "email": "an e-mail address of the customer",
    "time.add.kind": "work, travel, call or session",
    "ticket.create.kind": "question, problem, complaint, request or praise",
    "member.add.kind": "tag, watcher, or a link: link, relates, parent_of, duplicate_of, follow_up_of, split_from",
    "member.remove.kind": "as in `member.add`",
    "session.record.kind": "the entry's kind (docs/remote-assist.md)",
    "billable": "whether it is charged",
    "type": "number of the entity",
    "id": "the row",
    "field": "a column whose policy is `text`",
    "text": f"the whole new text, at most {MAX_LONG_TEXT_BYTES:,} bytes; empty clears",
    "base_text": "the text that the edit began with, so that both can be merged; null: the server looks what it kept",
    "member": "id of the tag, the user or the other ticket",
    "present": "true",
    "member.remove.present": "false; must be sent, the default is true",
    "name": f"1 to {MAX_NAME_CHARS} letters",
    "organisation": "the organisation",
    "sid": "the session",
    "entry_no": "place in the chain",
    "entry_hash": "SHA-256 of the entry, 32 bytes",
    "at": "when it happened, in ms",
    "conflict": "the conflict row, one of yours",
    "choice": "mine, theirs, edited or reopen (see the kinds of conflict rows)",
    "value": "with `edited`: the value to set, of the column's type; ids as 16 bytes or as hex",
}

# what `base` names, so that others' later edits are noticed; a field left out counts as seen as it is
BASES: Mapping[str, str] = {
    "ticket.set": "each field set",
    "customer.set": "each field set",
    "customer.merge": "each field set, of the one that stays",
    "address.set": "each field set",
    "asset.set": "each field set",
    "ticket.move": "`team`",
    "ticket.delete": "`*`: [the row's `rev`, 0]; a delete that did not see others' later edits is held (`deleted`)",
    "message.add": "`customer`, `incident`, `merged_into`, `state` of the ticket, unless `inbound`; a reply is held "
    "when another person changed one of them in a way that matters",
    "text.edit": "the field",
    "view.set": "each field set",
    "template.set": "each field set",
    "member.add": "`present` of the membership row, if there is one",
    "member.remove": "`present` of the membership row",
    "conflict.resolve": "the row's field as it is now on its subject, for `mine` and `edited` of kinds field and text",
}

# code -> (HTTP statuses, what it says, what a client does)
PROBLEMS: Mapping[str, tuple[tuple[int, ...], str, str]] = {
    "malformed": ((400, 415), "the body is not what this address takes", "has a bug: keeps its data, tells a person"),
    "digest": ((400,), "a part of a file arrived damaged", "sends the part again"),
    "hash": ((400,), "a whole file is not what its name says; nothing of it is kept", "sends it from 0"),
    "entry": ((400,), "an entry of a session's chain does not fit", "stops handing in entries of this session"),
    "invitation": ((400, 409), "an invitation to a session is not valid, or used", "makes a new one"),
    "token": ((401,), "no good access token", "refreshes once, then asks for sign-in; local work goes on"),
    "credentials": ((401,), "wrong login or password", "asks again"),
    "revoked": ((403,), "the device was revoked; `wipe_token`", "deletes keys and data, then POST /auth/v1/wiped"),
    "suspended": ((403,), "the device or account is suspended", "locks the window, keeps the data, asks later"),
    "device": ((403,), "the body names another device than the token", "has a bug; signs in again"),
    "scope": ((403,), "a session for a ticket that you may not see", "tells the person"),
    "not_found": ((404,), "nothing there, or not for you", "has nothing to fetch; for files: asks again later"),
    "code": ((404,), "no invitation has this code", "asks for the code again"),
    "oidc_off": ((404,), "this server has no provider to sign in with", "asks for a password"),
    "method": ((405,), "the address does not take this method", "has a bug"),
    "gap": ((409,), "mids are missing; `expected`", "sends from `expected` if it has it, else takes a new device id"),
    "fork": ((409,), "another mutation was handled under this `mid`", "takes a new device id"),
    "epoch": ((409,), "the server was restored or failed over", "says hello again"),
    "offset": ((409,), "the server has another part of the file; `expected`", "goes on from there"),
    "closed": ((409,), "a closed ticket takes no call", "tells the person"),
    "no_team": ((409,), "no team takes requests of customers", "tells the person"),
    "ticket": ((409,), "a session needs a ticket that is open", "tells the person"),
    "requester": ((409,), "the ticket is of another customer", "tells the person"),
    "consent": ((409,), "the customer's consent to this session is not on the ticket yet", "asks again a little later"),
    "reset": ((410,), "`scope` must be loaded again, or the snapshot is gone", "loads that scope from 0"),
    "too_large": ((413,), "more than the limit", "halves the batch, until it is one mutation; a file: never again"),
    "quota": ((413,), "too much of yours is half sent", "sends the file later"),
    "range": ((416,), "a part that does not exist", "asks for a part that exists"),
    "schema": ((426,), "`proto` or `schema` is too old; `min`", "works on locally, asks to be updated"),
    "busy": ((429, 503), "too many tries, or the server cannot now; `detail`", "waits at least `Retry-After`"),
    "error": ((500,), "a bug of the server", "backs off as for `busy`"),
    "oidc_refused": ((401,), "the provider or its answer was not accepted", "tells the person"),
    "oidc_no_account": ((403,), "nobody here belongs to this person of the provider", "tells the person"),
    "oidc_other_person": ((403,), "the provider proved somebody else than who is signed in", "tells the person"),
    "proof_not_fresh": ((403,), "the provider does not say that the person signed in just now", "asks once more"),
    "note_missing": (
        (409,),
        "an invitation came without the reason that this server wants",
        "asks, then invites again",
    ),
    "proof_too_old": ((403,), "who invites proved it too long ago; `detail`: the ways to", "asks, then invites again"),
    "oidc_unreachable": ((503,), "the server cannot reach the provider", "tells the person, offers to try again"),
    "oidc_setup": ((503,), "the server's set-up for the provider is wrong", "tells the person"),
}

# `code` of a mutation that was `rejected`. Nothing of it was done; it is handled, and never sent again as it is
REFUSALS: Mapping[str, str] = {
    "unknown_mutation": "the server does not know this name or version",
    "malformed": "the arguments do not decode as this mutation's",
    "bad_hash": "`hash` is not that of the other fields: see how it is computed",
    "bad_value": "an argument or a column's value is out of bounds or of the wrong type; `field` says which",
    "no_such_field": "`fields` names a column that the entity has not; `field`",
    "read_only": "the column is not edited by this mutation, or by nobody; `field`",
    "empty_text": "there are no words where words are needed",
    "text_too_long": "a text is above its limit; `limit` in bytes",
    "too_many_files": "more attachments than `limit`",
    "file_too_large": "an attachment above `limit_mb`",
    "scope": "a row, or the new row's place, is in a scope that you may not write",
    "no_such_ticket": "the ticket is not there, or deleted",
    "no_such_customer": "the customer is not there",
    "no_such_team": "the team is not there",
    "no_such_state": "the state is not there",
    "no_such_message": "a message to split off is not on this ticket",
    "no_such_row": "the row is not there, or deleted",
    "unfilled": "the reply still holds a placeholder in double braces; nothing of it is sent",
    "not_yours": "somebody else's view, or one for everybody by who leads nothing",
    "no_such_conflict": "no conflict row of yours has this id",
    "id_taken": "the id that should be new holds something else",
    "merged": "the ticket or customer was merged away; act on what it points to",
    "merge_refused": "these two cannot be merged: the same, or already merged, or deleted",
    "not_merged": "the ticket or customer to unmerge is not merged",
    "hours_changed": "a later version of this calendar is there already",
    "address_taken": "another live row has this address; `customer` whose it is",
    "serial_taken": "another product of this name has the serial number; `customer` whose it is",
    "consent_needed": "a customer's facts without the customer's consent",
    "no_merge_record": "what the merge moved is not known any more",
    "transition_refused": "this state may not follow the present one; `old`, `new` are categories",
    "reply_first": "a ticket is solved only after an answer, or with a `close_reason`",
    "close_reason_needed": "closing needs `close_reason`",
    "bad_conflict": "the conflict row holds nothing that can be carried out",
    "release_needed": "a held reply goes out by `reply.release`, not by `conflict.resolve`",
    "root_cause_needed": "a complaint is solved only with a `root_cause`",
    "follow_up_needed": "a complaint is solved only with `follow_up`: none, or planned with `follow_up_at` and "
    "`follow_up_owner`",
    "promise_told": "the customer was told of the promise; it can be kept or broken, not withdrawn",
    "slot_full": "the half hour takes no more calls; the callback that the ticket has stays",
    "callback_over": "somebody called already, or it was cancelled",
    "callback_taken": "a colleague said before that they will call",
    "already_sent": "the reply to hold again was sent",
    "already_discarded": "the reply to release was discarded; `conflict.resolve` with `reopen` brings it back",
    "stale_reply": "to be held, but there is no place for it; only for accounts without a scope of their own",
    "deleted": "as `stale_reply`, for work on a deleted ticket",
    "error": "a bug of the server; the log has it",
}

# kind of a conflict row -> (what its columns hold, what settles it)
CONFLICT_KINDS: Mapping[str, tuple[str, str]] = {
    "field": (
        "`subject_type`, `subject`, `field`: the column; `mine`, `theirs`, `base`: the value that did not stay, the "
        "one that did, the one seen (JSON, ids as hex; `base` null if not known)",
        "`conflict.resolve`: `mine` sets mine, `edited` sets `value`, `theirs` leaves it; `reopen` takes it back",
    ),
    "text": (
        "the same for a long text whose merge was not clean",
        "as `field`; `edited` with the text as put together",
    ),
    "stale_reply": (
        "`subject`: the ticket; `mine`: the whole reply as {name, args}; `theirs`: {reason, ticket, msg_seq, messages}",
        "`reply.release` with the `seen_seq` of now and perhaps another `body`; or `reply.discard`. "
        "`conflict.resolve` with `theirs` closes it too, `reopen` opens it again unless it was sent",
    ),
    "deleted": (
        "`subject`: the ticket; `mine`: the whole mutation as {name, args}; `theirs`: {reason} and perhaps {fields}",
        "`conflict.resolve`: `mine` restores the ticket and carries the mutation out (a delete: deletes), "
        "`theirs` lets it go; `reopen` opens it again",
    ),
}

# `reason` of held changes
HELD_REASONS: Mapping[str, str] = {
    "news": "messages came that the author had not seen; `messages` names the last 50",
    "merged": "the ticket was merged",
    "customer": "somebody set another customer",
    "on_hold": "somebody attached the ticket to an incident",
    "deleted": "the ticket was deleted",
    "changed": "others changed `fields` after what the delete had seen",
}

STAGES: Mapping[str, str] = {
    "open": "waits for its person",
    "auto": "settled by rule: the later intent won. Its person may read it, and choose `mine` still",
    "closed": "settled",
}

# which row -> (namespace, name: the parts joined by `/`, ids as 32 hex digits)
DERIVED_IDS: Mapping[str, tuple[str, str]] = {
    "membership": ("ticket", "`kind`/`member`"),
    "history line": ("event", "`line`/`part`; part is the field, or empty"),
    "history line, event used before": ("the id above", "`device code`/`mid`"),
    "message, note or time entry whose id holds something else": ("event", "again/`id`; told as `data.id`"),
    "conflict row of a lost value": ("event", "conflict/`id of the row`/`field`"),
    "conflict row of a held change": ("event", "held"),
    "conflict row, event used before": ("the id above", "`device code`/`mid`"),
    "session record": ("ticket", "session/`entry_hash`"),
    "line of a session record": ("the record", "session.`kind`/"),
}
