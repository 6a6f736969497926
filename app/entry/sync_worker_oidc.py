# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's part of a sign-in in the browser: asks the server, waits for the person, brings the code back. No Qt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from html import escape

from app.config.i18n import N_, load_catalogues
from app.config.logs import get_logger
from app.domain import link
from app.domain.errors import WorldError
from sync.oidc_client import BrowserSignIn, authorization_endpoint
from sync.protocol import OidcCode, OidcOffer
from sync.transport import Transport

__all__ = ["Cancelled", "code_from_browser", "page", "tell_offer"]

_log = get_logger("worker.oidc")
_TEXTS = {
    "done": (N_("You are signed in"), N_("You can close this window and go back to Deskside.")),
    "denied": (
        N_("You are not signed in"),
        N_("The sign-in was not completed. You can close this window and try again in Deskside."),
    ),
    "stray": (
        N_("Nothing to do here"),
        N_("This page belongs to a sign-in that is over or was never begun. You can close this window."),
    ),
}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:32rem;margin:15vh auto;"
    "padding:0 1.5rem}h1{font-size:1.4rem}section+section{margin-top:2.5rem}"
    "@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16181b}}"
)


class Cancelled(Exception):
    """The person, or the window's end, called the sign-in off. Nothing is told."""


def page(kind: str) -> str:
    """Return the page that the browser shows at the end, in both languages: it does not know which one is spoken."""
    title, text = _TEXTS[kind]
    korean = load_catalogues("ko").gettext
    parts = [("ko", korean(title), korean(text)), ("en", title, text)]
    sections = "".join(f'<section lang="{c}"><h1>{escape(a)}</h1><p>{escape(b)}</p></section>' for c, a, b in parts)
    return (
        f'<!doctype html><html lang="ko"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>Deskside</title><style>{_STYLE}</style></head>'
        f"<body>{sections}</body></html>"
    )


async def tell_offer(transport: Transport, tell: Callable[[link.WorkerToUi], None]) -> None:
    """Tell the window whether people of this server can sign in in the browser. No answer counts as no."""
    try:
        offered = await transport.oidc_offer() is not None
    except WorldError:
        offered = False
    tell(link.SignInOffer(server=transport.server, browser=offered))


async def code_from_browser(
    offer: OidcOffer,
    tell: Callable[[link.WorkerToUi], None],
    interrupted: Callable[[], Awaitable[None]],
    *,
    fresh: bool = False,
) -> OidcCode:
    """Send the person to the provider and return what came back. `interrupted` returns when the sign-in is called off.

    `fresh`: the provider is to ask the person even when the browser is signed in there.

    Raises WorldError (oidc_unreachable, oidc_setup, oidc_denied, oidc_timeout), Cancelled.
    """
    flow = BrowserSignIn(offer, await authorization_endpoint(offer.issuer), page, fresh=fresh)
    try:
        await flow.start()
        tell(link.OpenBrowser(url=flow.url))
        _log.info("waiting for the browser")
        coming, off = asyncio.ensure_future(flow.code()), asyncio.ensure_future(interrupted())
        try:
            await asyncio.wait({coming, off}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                raise Cancelled
            return await coming
        finally:
            for task in (coming, off):
                task.cancel()
            await asyncio.gather(coming, off, return_exceptions=True)
    finally:
        await flow.close()
