# SPDX-License-Identifier: GPL-3.0-or-later
"""The portal's texts, in the language of whoever reads: templates name them, here they are said."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Final

from app.config.i18n import N_, Language, load_catalogues

__all__ = ["TEXTS", "language_of", "words"]

TEXTS: Final = MappingProxyType(
    {
        # every page
        "home": N_("Support home"),
        "skip": N_("Skip to the content"),
        "find": N_("Find an answer"),
        "write": N_("Write a request"),
        "join": N_("Show your screen"),
        "pages": N_("Pages"),
        "privacy": N_("This page sets no cookie and loads nothing from other sites."),
        "required": N_("needed"),
        "optional": N_("if you like"),
        # home
        "welcome": N_("How can we help you?"),
        "welcome_lead": N_("Look for an answer first, or write to us at any hour. You need no account and no program."),
        "write_lead": N_("Describe what happened. You get a secret link with which you follow the answer."),
        "join_lead": N_("Did support give you a link or a code for a screen session? Enter it here."),
        "link_lead": N_("You wrote to us already? Open the secret link that you were given then."),
        # hours
        "hours": N_("When somebody is there"),
        "here": N_("Somebody is there now."),
        "open_now": N_("Support is open now."),
        "open_nobody": N_(
            "Support is open, but nobody is at the desk right now. Write to us: we answer as soon as we can."
        ),
        "closed_now": N_("Support is closed now. You can write all the same."),
        "open_until": N_("Open until"),
        "opens_at": N_("Opens again"),
        "no_hours": N_("No opening hours are set."),
        "zone": N_("Time zone"),
        "zone_show": N_("Show in this time zone"),
        "closed_day": N_("closed"),
        "phone": N_("Phone"),
        "mail": N_("E-mail"),
        "day": N_("Day"),
        "open_times": N_("Opening hours"),
        # expected wait
        "wait_usual": N_("Usually answered by"),
        "wait_latest": N_("at the latest by"),
        "wait_from": N_("As reckoned from the answers of the last four weeks and what waits now."),
        "wait_target": N_("Our target for a first answer is"),
        "wait_opens": N_("We read what you write once we open again:"),
        "wait_unknown": N_("We cannot tell yet how long it takes."),
        # write
        "your_name": N_("Your name"),
        "your_mail": N_("Your e-mail address"),
        "your_phone": N_("Your phone number"),
        "reach_hint": N_("So that we can reach you if you lose the link."),
        "subject": N_("What is it about?"),
        "body": N_("What happened?"),
        "body_hint": N_("What did you do, what did you expect, what did you see? Copy error messages as they are."),
        "files": N_("Pictures and files"),
        "files_hint": N_("At most 5 files of 10 MB each."),
        "send": N_("Send"),
        "sending_note": N_("What you write goes to the support team only."),
        # wrong
        "wrong_title": N_("Something is missing"),
        "wrong_name": N_("Tell us your name, in at most 80 letters."),
        "wrong_subject": N_("Say in a few words what it is about, in at most 300 letters."),
        "wrong_body": N_("Describe what happened, in at most 20,000 letters."),
        "wrong_reply": N_("Write something, or choose a file."),
        "wrong_mail": N_("This is no e-mail address. Correct it or leave it empty."),
        "wrong_phone": N_("This is no phone number. Correct it or leave it empty."),
        "wrong_reach": N_("Give an e-mail address or a phone number, so that we can reach you."),
        "wrong_questions": N_("Answer at least one of the two questions."),
        "wrong_comment": N_("Your remark may have at most 2,000 letters."),
        "many_files": N_("These are too many files. Choose at most 5; files must be chosen again."),
        "large_file": N_("A file is larger than 10 MB. Leave it out or make it smaller; files must be chosen again."),
        "files_again": N_("Files must be chosen again."),
        "stale": N_("The page lay open for a long time. Look over what you wrote and send it again."),
        "busy": N_("We could not take this just now. What you wrote is still here: send it again in a moment."),
        "look_first": N_("Look for answers first"),
        "fits": N_("This may answer it already"),
        "fits_hint": N_("If it does not help, go on below and send your request."),
        "fits_none": N_("We found no answer that fits. Go on below and send your request."),
        "new_tab": N_("(opens in a new tab)"),
        "slow": N_("You sent a lot in a short time. What you wrote is still here: send it again in a few minutes."),
        # ticket
        "your_request": N_("Your request"),
        "number": N_("Number"),
        "state": N_("State"),
        "opened": N_("Sent on"),
        "thanks": N_("We have your request."),
        "keep": N_("Keep this link. It is the only way to this page, and whoever has it can read along:"),
        "next": N_("What happens next: somebody reads your request and answers on this page."),
        "you": N_("You"),
        "support": N_("Support"),
        "talk": N_("Conversation"),
        "nothing_yet": N_("There is no answer yet."),
        "reply": N_("Write a reply"),
        "reply_closed": N_("This request is closed. What you write now opens a new one."),
        "reply_solved": N_("What you write now opens the request again."),
        "copy_link": N_("Copy the link"),
        "link_trouble": N_("Does somebody else have this link?"),
        "link_trouble_hint": N_(
            "Make a new one: this link and all others to this request stop at once. Or withdraw it: then nobody opens "
            "this page any more, and support still has your request."
        ),
        "link_new": N_("Make a new link"),
        "link_stop": N_("Withdraw the link"),
        "renewed": N_("This page has a new link now. Keep it: those before open nothing any more."),
        "copied": N_("The link is copied."),
        "sent": N_("Your words have arrived."),
        "given": N_("This request now belongs to somebody else"),
        "given_lead": N_(
            "Support has moved it to another person. You still read what you wrote, and what you were answered until "
            "then; nothing more is taken here. If you still need help, write a new request."
        ),
        "given_kept": N_("This was not sent. Copy it into your new request:"),
        # questions
        "check": N_("Two short questions"),
        "check_solved": N_("Is it solved?"),
        "check_treated": N_("Were you treated well?"),
        "yes": N_("Yes"),
        "no": N_("No"),
        "check_comment": N_("Anything you would like to add"),
        "check_hint": N_("If one of the answers is no, your request is opened again and somebody gets in touch."),
        "check_send": N_("Send the answers"),
        "check_thanks": N_("Thank you for your answers."),
        "check_again": N_("We are sorry. Your request is open again, and somebody gets in touch."),
        # calls
        "call": N_("A call from us"),
        "call_offer": N_("Shall we call you? Choose a half hour."),
        "call_when": N_("When shall we call?"),
        "call_ask": N_("Ask for this call"),
        "call_move": N_("Choose this time instead"),
        "call_cancel": N_("Cancel the call"),
        "call_confirmed": N_("We call you:"),
        "call_requested": N_("That time is not free any more. Choose another one:"),
        "call_missed": N_("We did not call you as agreed. We are sorry. Choose another time, or write to us:"),
        "call_sent": N_("Your wish for a call has arrived. Below you see how it stands."),
        "call_gone": N_("The call is cancelled."),
        "call_wrong": N_("Choose a half hour, and give a phone number at which we reach you."),
        "call_busy": N_("This time could not be given. What was agreed before stays. Choose another time."),
        # chat
        "chat": N_("Live chat"),
        "chat_on": N_("New answers appear here by themselves."),
        "chat_off": N_("The line is interrupted. Answers appear when it is back; you can go on writing."),
        "chat_nobody": N_("Nobody is at the desk right now. Your words are kept, and answered later."),
        "chat_wait": N_(
            "Nobody has answered for a minute. You can wait here, or leave: the answer stays on this page."
        ),
        "chat_new": N_("A new answer has arrived."),
        # invitation to show the screen
        "invited": N_("Support asks to see your screen"),
        "invited_lead": N_(
            "Nothing is shown before you agree on the next page. "
            "Compare the number there with the one support tells you."
        ),
        "invited_browser": N_("Show the screen in this browser"),
        "invited_companion": N_("Open in the Companion"),
        "invited_move": N_(
            "With the Companion on this computer you can let support help with mouse and keyboard too. "
            "It asks you again, and shows a number of its own; "
            "a session in the browser can be taken there in the same way once support invites you again."
        ),
        # articles
        "faq": N_("Answers to frequent questions"),
        "search": N_("Search"),
        "search_for": N_("Search the answers"),
        "found_none": N_("Nothing was found. Try other words, or write to us."),
        "no_articles": N_("There are no answers here yet. Write to us: somebody answers."),
        "updated": N_("Last changed"),
        "not_helped": N_("This did not help?"),
        "back": N_("Back to all answers"),
        "announcements": N_("What you should know now"),
        # nothing there
        "withdrawn": N_("The link is withdrawn"),
        "withdrawn_lead": N_(
            "It opens nothing any more. Support still has your request; if you need something else, write a new one."
        ),
        "gone": N_("There is nothing here"),
        "gone_lead": N_(
            "The address is wrong, or what was here is gone. Look whether the whole link was copied, or write to us."
        ),
        "many": N_("Too many tries"),
        "many_lead": N_("From your connection many wrong links were opened. Try again in a quarter of an hour."),
        "suspended": N_("This is not possible"),
        "suspended_lead": N_("What you write here is not taken. Please call us."),
        "foreign": N_("This was not sent from our page"),
        "foreign_lead": N_("Open the page again and send what you want to say from there."),
        "refused": N_("Files are not taken just now"),
        "refused_lead": N_(
            "From your connection many forms came that could not be taken. Go back and send your words without files, "
            "or try again in a few minutes."
        ),
        "slow_line": N_("That took too long"),
        "slow_line_lead": N_("Your connection is too slow for these files. Go back and send your words without them."),
        "large": N_("That was too much at once"),
        "large_lead": N_("Files may have 10 MB each and 25 MB together. Go back, choose fewer, and send again."),
        "trouble": N_("Something went wrong on our side"),
        "trouble_lead": N_("Try again in a moment. If it stays like this, call us."),
    }
)


@cache
def words(language: Language) -> MappingProxyType[str, str]:
    """Return all texts in a language. Read once."""
    catalogue = load_catalogues(language)
    return MappingProxyType({name: catalogue.gettext(text) for name, text in TEXTS.items()})


def language_of(asked: str, accepted: str) -> Language:
    """Return the language for somebody who asked for one, or whose browser prefers some (`Accept-Language`)."""
    if asked == "ko":
        return "ko"
    if asked == "en":
        return "en"
    best: tuple[float, Language] = (0.0, "en")
    for part in accepted[:500].split(","):
        name, _, weight = part.strip().lower().partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            continue
        if name.startswith("ko") and value > best[0]:
            best = (value, "ko")
        elif name.startswith("en") and value > best[0]:
            best = (value, "en")
    return best[1]
