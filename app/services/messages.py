# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read when something did not work: one text for every code of `WorldError` and `Refused`."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import N_, _
from app.domain.errors import Refused, WorldError

__all__ = ["error_text", "problem_text"]

# what happened -> what is safe -> what you can do
_TEXTS: Mapping[str, str] = {
    "server_unreachable": N_(
        "{server} did not answer. Nothing was changed. Check the address, or open the enrolment link from your "
        "administrator."
    ),
    "wrong_server": N_(
        "{server} answered, but it is not the server of this profile. Nothing was sent. Check the address, or ask your "
        "administrator."
    ),
    "tls_failure": N_(
        "The identity of {server} could not be confirmed. Nothing was sent. Check the address, or ask your "
        "administrator about the certificate."
    ),
    "proxy_unusable": N_(
        "Deskside cannot use the proxy that is set on this computer: it must be an HTTP proxy. Nothing was sent. "
        "Change the setting, or take the server out of it, or ask your administrator."
    ),
    "sign_in_refused": N_(
        "The server did not accept this login and password. Your work on this computer is safe. Check both, or ask "
        "your administrator for a new password."
    ),
    "other_account": N_(
        "{server} knows this login as another account than the one of this profile, or it is another server. Your "
        "unsent work was not sent and is safe on this computer. Check the login, or ask your administrator."
    ),
    "oidc_off": N_("{server} does not let people sign in in the browser. Sign in with login and password."),
    "oidc_unreachable": N_(
        "The sign-in page of your organisation did not answer. Your work on this computer is safe. Try again later, or "
        "sign in with login and password if you have one."
    ),
    "oidc_setup": N_(
        "Signing in in the browser is not set up rightly for this server. Nothing was changed. Tell your administrator."
    ),
    "oidc_refused": N_(
        "The server did not accept the answer of the sign-in page; it may have come too late. Your work on this "
        "computer is safe. Try again."
    ),
    "oidc_no_account": N_(
        "You signed in, but no account of this help desk belongs to you. Nothing was changed. Ask your administrator "
        "to link your account."
    ),
    "oidc_other_person": N_(
        "Somebody else signed in in the browser. Nobody was invited. Sign out there, then try again as yourself."
    ),
    "proof_not_fresh": N_(
        "The sign-in page of your organisation did not say that it asked you just now. Nobody was invited. Try again; "
        "if it stays so, tell your administrator."
    ),
    "credentials": N_("This is not your password. Nobody was invited yet. Check it and try again."),
    "oidc_denied": N_("You were not signed in: the sign-in in the browser was not completed. Try again."),
    "oidc_timeout": N_(
        "Nothing came back from the browser for five minutes, so the sign-in was stopped. Try again, and go on in the "
        "browser until it says that you can close it."
    ),
    "suspended": N_("Your account is suspended. Your work on this computer is kept. Ask your administrator."),
    "revoked": N_("This device was withdrawn by your organisation. Ask your administrator for access."),
    "token": N_("Your sign-in has ended. Your changes are safe on this computer. Sign in again to send them."),
    "busy": N_("The server is busy. Your changes are safe on this computer; we try again by ourselves."),
    "schema": N_("This version of Deskside is too old for the server. Your work is kept. Update the program."),
    "disk_full": N_(
        "The disk is full, so the last edit is not saved. It stays open here. Free some space and try again."
    ),
    "store_damaged": N_("A local file is damaged. What the server has is loaded again; unsent work is kept."),
    "store_wrong_key": N_("The local files cannot be opened with the key of this computer. Nothing was changed."),
    "store_too_new": N_("The local files were made by a newer version of Deskside. Update the program."),
    "store_in_use": N_("Another Deskside has the local files open. Close it and try again."),
    "store_unavailable": N_("The local files cannot be read now. What you wrote stays open here. Try again."),
    "no_keyring": N_("This system has no key store that is open. Unlock it, or start Deskside with a passphrase."),
    "secrets_damaged": N_(
        "The file with the keys is damaged. It is kept as it is: {path}. Put it back from a backup, or ask your "
        "administrator."
    ),
    "store_damaged_no_copy": N_(
        "The file with your unsent work is damaged and has no copy. It is kept as it is: {path}. Put it back from a "
        "backup, or move it away and start again: what the server has is loaded again."
    ),
    "wrong_passphrase": N_(
        "This is not the passphrase of this profile. Nothing was changed. Start again and try another."
    ),
    "port_in_use": N_("The address is taken by another program."),
    "no_program_for_link": N_("No program on this computer opens this link. Copy it instead."),
    "transition_refused": N_(
        "A ticket cannot go from this state to that one. Nothing was changed. Choose another state."
    ),
    "root_cause_needed": N_(
        "A complaint is solved only with the class of its cause. Nothing was changed. Choose it in step 7 of the "
        "complaint guide, in the details."
    ),
    "follow_up_needed": N_(
        "A complaint is solved only with a decision about following up: none, or a day and a person. Nothing was "
        "changed. Decide in step 7 of the complaint guide, in the details."
    ),
    "slot_full": N_("This half hour takes no more calls. The call that was agreed before stays."),
    "callback_over": N_("Somebody has called already, or the call was cancelled."),
    "callback_taken": N_("A colleague has said that they will call this customer."),
    "promise_told": N_(
        "The customer was told of this promise, so it stays. Keep it, or tell a new time before it is due."
    ),
    "reply_first": N_(
        "The customer's last message has no reply yet. Nothing was changed. Write a reply first, or close the ticket "
        "with a reason."
    ),
    "close_reason_needed": N_("Closing without an answer needs a reason. Nothing was changed."),
    "no_such_ticket": N_("This ticket is no longer on this computer. Your text is kept as a draft."),
    "merged": N_("This ticket was merged into another one. Your text is kept as a draft. Open the other ticket."),
    "merge_refused": N_(
        "Only tickets that are open or solved can be merged, and not with themselves. Nothing was changed."
    ),
    "subject_needed": N_("A few words as the subject are missing. Nothing was changed."),
    "all_would_leave": N_("At least one message stays on the ticket. Nothing was changed. Take one tick away."),
    "reason_needed": N_("One line why is missing: the next owner reads it first. Nothing was changed."),
    "customer_needed": N_("The name of the new customer is missing. Nothing was changed."),
    "address_taken": N_(
        "Another customer has this address. Nothing was changed. If both are the same person, merge their records."
    ),
    "serial_taken": N_("Another product of this name has this serial number. Nothing was changed. Look who has it."),
    "no_such_customer": N_("This customer is not there any more. Nothing was changed."),
    "link_to_itself": N_("A ticket cannot be linked with itself. Nothing was changed."),
    "not_merged": N_("This ticket is not merged with another one. Nothing was changed."),
    "no_such_team": N_("This team no longer exists. Nothing was changed. Choose another team."),
    "not_yours": N_("This view belongs to somebody else. Nothing was changed. Save it as a view of your own."),
    "no_such_message": N_("These messages are no longer on this ticket. Nothing was changed. Look where they went."),
    "already_discarded": N_("This reply was discarded on another computer. Its text is kept in the closed entry."),
    "scope": N_("You have no access to this ticket any more. What you wrote is kept under “Needs you”."),
    "hours_changed": N_(
        "Somebody else has changed these opening hours meanwhile. Yours were not saved. Close this window and open "
        "the hours again."
    ),
    "empty_text": N_("There is nothing to send yet."),
    "draft_there": N_("A reply is being written on this ticket. It was left as it is."),
    "unfilled": N_("{names} has no value on this ticket, so nothing was sent. Fill it in or take it out."),
    "facts_changed": N_("{names} changed since the text showed it, so nothing was sent. Read it again, then send."),
    "text_too_long": N_("The text is longer than your organisation allows. It is kept. Shorten it or send a file."),
    "too_many_files": N_("More than {limit} files do not fit one message. Send the others with the next one."),
    "file_missing": N_("“{file}” is not there any more. Nothing was attached. Choose it again where it lies now."),
    "not_a_file": N_("“{file}” is not a file. Nothing was attached. Pack a folder into an archive and attach that."),
    "file_unreadable": N_("“{file}” could not be read. Nothing was attached. Check who may read it, and its disk."),
    "file_empty": N_("“{file}” is empty. Nothing was attached. Look whether it was saved."),
    "file_too_large": N_(
        "“{file}” is larger than {limit_mb} MB. Nothing was attached. Send it in parts or another way."
    ),
    "file_changed": N_("“{file}” changed while it was read. Nothing was attached. Close it elsewhere and try again."),
    "file_is_program": N_(
        "“{file}” is a program or could be run as one. Nothing was attached. If support asked for it, pack it into an "
        "archive and attach that."
    ),
    "too_much_kept": N_(
        "“{file}” was not attached: more than {limit_mb} MB wait on this computer to be sent. Try again when they are "
        "there."
    ),
    "not_here_yet": N_("“{file}” is not on this computer yet. Nothing was written. Fetch it first."),
    "file_damaged": N_("“{file}” is damaged on this computer. Nothing was written. Fetch it again."),
    "attachment_not_saved": N_("“{file}” could not be written there. Choose another folder, or free some space."),
    "no_session_here": N_(
        "A session starts only from an open ticket whose customer is known. Reopen the ticket or set its customer."
    ),
    "sharing_forbidden": N_(
        "Policy of your organisation allows no screen sharing on this computer. Nobody was invited. "
        "Help in writing instead."
    ),
    "facts_unreadable": N_(
        "What came are no diagnostics of Deskside's own. Nothing of it was kept or shown. Ask for them once more."
    ),
    "pending_restored": N_("A local file was damaged and has been restored. What you wrote and had not sent is kept."),
    "file_not_written": N_("{file} could not be written. The text is kept here. Choose another folder."),
    "no_presence": N_("There is no connection now, so the customer cannot be asked. Try again when you are online."),
}
_OTHER = N_("This could not be done ({code}). Nothing was changed. Try again, or tell your administrator the code.")


def problem_text(code: str, details: Mapping[str, object] | None = None) -> str:
    """Return the text of a code, in the language spoken now. A code without a text is named."""
    known = {"server": _("The server"), "code": code, **(details or {})}
    text = _(_TEXTS.get(code, _OTHER))
    try:
        return text.format(**known)
    except (KeyError, IndexError):
        return _(_OTHER).format(code=code)


def error_text(error: Exception) -> str:
    """Return the text for what was raised; a bug gets a plain sentence, its details go to the log."""
    if isinstance(error, WorldError):
        return problem_text(error.code, error.details)
    if isinstance(error, Refused):
        return problem_text(error.code, error.data)
    return problem_text(type(error).__name__)
