# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy of this computer's settings leads to a server: one for everything that is opened towards it."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

import httpx

from app.domain.errors import WorldError

__all__ = ["ProxyUnusable", "proxy_to"]


class ProxyUnusable(WorldError):
    """The settings name a proxy that we cannot speak with. Going around it unasked is not ours to decide."""

    code = "proxy_unusable"


def proxy_to(server: str) -> str | None:
    """Return the proxy's URL for a server, or None to go straight. Raises ProxyUnusable."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    settings = urllib.request.getproxies()
    # of one setting for this kind of server and one for all, as desktops write them, the first counts
    proxy = settings.get(parts.scheme) or settings.get("all")
    if not proxy or any(urllib.request.proxy_bypass(name) for name in (host, f"[{host}]")):
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        usable = urlsplit(url).scheme in ("http", "https") and bool(httpx.Proxy(url).url.host)
    except (httpx.InvalidURL, ValueError) as error:
        raise ProxyUnusable from error
    if not usable:
        raise ProxyUnusable
    return url
