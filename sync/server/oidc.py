# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with an OpenID Connect provider: the code is exchanged and the ID token checked here, never by a client.

OpenID Connect Core 1.0 and Discovery 1.0, authorization code with PKCE (RFC 7636), native apps (RFC 8252). Blocking.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec

from app.config.logs import get_logger
from app.domain.errors import WorldError
from sync.protocol import OidcCode, OidcOffer
from sync.server.problems import ProblemError

__all__ = ["MATCHES", "Oidc", "OidcSettings", "Person"]

MATCHES = ("none", "email", "username")
SCOPES = ("openid", "email", "profile")
# asymmetric ones only: `none` and shared secrets prove nothing to us
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_LEEWAY_S = 60
_KEEP_S = 3600.0
_REFETCH_S = 30.0
_MAX_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "::1")
_log = get_logger("server.oidc")


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """What the administrator says. `match` lets a person of the provider into an account that nobody linked yet:
    by a verified mail address that is the login, by user name, or not at all.
    """

    issuer: str
    client_id: str
    client_secret: str | None = None
    match: str = "none"

    def check(self) -> OidcSettings:
        """Return itself. Raises WorldError("bad_oidc") for what cannot work or is not safe."""
        parts = urlsplit(self.issuer)
        local = parts.scheme == "http" and parts.hostname in (*_LOOPBACK, "localhost")
        if not (parts.scheme == "https" or local) or not parts.hostname or parts.query or parts.fragment:
            raise WorldError("bad_oidc")
        if not self.client_id or self.match not in MATCHES:
            raise WorldError("bad_oidc")
        return self


class _Metadata(msgspec.Struct, frozen=True):
    """What discovery must say; the rest is the provider's own business."""

    issuer: str
    token_endpoint: str
    jwks_uri: str


class _TokenAnswer(msgspec.Struct, frozen=True):
    id_token: str


class _TokenError(msgspec.Struct, frozen=True):
    error: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says signed in. `key` names the person for ever; the others only when the provider vouches."""

    key: str
    email: str | None
    username: str | None


class Oidc:
    """One provider. Any thread; its documents are kept for an hour."""

    def __init__(
        self,
        settings: OidcSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings.check()
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, transport=transport)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, list[jwt.PyJWK]] | None = None

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    @property
    def offer(self) -> OidcOffer:
        """What a client needs to send a person to the provider."""
        return OidcOffer(issuer=self.settings.issuer, client_id=self.settings.client_id, scopes=list(SCOPES))

    def person(self, ask: OidcCode) -> Person:
        """Exchange a code and check the ID token.

        Raises ProblemError: 401 `oidc_refused`, 503 `oidc_unreachable` or `oidc_setup`.
        """
        if not _is_loopback(ask.redirect):
            raise ProblemError(401, "oidc_refused")
        token = self._exchange(ask)
        claims = self._claims(token)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), ask.nonce.encode()):
            raise _refused("nonce")
        return _person(self.settings.issuer, claims)

    # --- the provider -----------------------------------------------------------------------------------------------

    def _discovered(self) -> _Metadata:
        with self._lock:
            if self._metadata is not None and self._metadata[0] > self._monotonic():
                return self._metadata[1]
        url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        found: _Metadata = self._document(url, _Metadata)
        if found.issuer != self.settings.issuer or not all(map(self._is_safe, (found.token_endpoint, found.jwks_uri))):
            raise _setup("issuer")
        with self._lock:
            self._metadata = (self._monotonic() + _KEEP_S, found)
        return found

    def _is_safe(self, url: str) -> bool:
        """Without TLS only where the issuer itself is on this machine."""
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and self.settings.issuer.startswith("http://"))

    def _exchange(self, ask: OidcCode) -> str:
        form = {
            "grant_type": "authorization_code", "code": ask.code, "redirect_uri": ask.redirect,
            "client_id": self.settings.client_id, "code_verifier": ask.verifier,
        }  # fmt: skip
        if self.settings.client_secret is not None:
            form["client_secret"] = self.settings.client_secret
        response = self._sent("POST", self._discovered().token_endpoint, form)
        if response.status_code == 200:
            answer: _TokenAnswer = _decoded(response, _TokenAnswer)
            return answer.id_token
        if response.status_code in (400, 401):
            why: _TokenError = _decoded(response, _TokenError)
            if why.error == "invalid_grant":
                raise _refused("code")
            raise _setup(f"token endpoint: {why.error[:60]}")
        raise _unreachable(f"token endpoint answered {response.status_code}")

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in _ALGORITHMS:
                raise _refused("algorithm")
            key = self._key(header.get("kid"), str(header["alg"]))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                audience=self.settings.client_id,
                issuer=self.settings.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _refused(type(error).__name__) from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.settings.client_id:
            raise _refused("azp")
        return claims

    def _key(self, kid: object, alg: str) -> jwt.PyJWK:
        """Return the provider's key. A key id not seen before means new keys: they are asked for again, not too often.

        Raises ProblemError.
        """
        for again in (False, True):
            keys = self._jwks(again=again)
            fitting = [k for k in keys if (kid is None or k.key_id == kid) and k.algorithm_name in (None, alg)]
            if len(fitting) == 1 or (fitting and kid is not None):
                return fitting[0]
        raise _refused("key")

    def _jwks(self, *, again: bool) -> list[jwt.PyJWK]:
        now = self._monotonic()
        with self._lock:
            held = self._keys
        if held is not None and held[0] + (_REFETCH_S if again else _KEEP_S) > now:
            return held[1]
        raw = self._document(self._discovered().jwks_uri, dict[str, Any])
        keys: list[jwt.PyJWK] = []
        for entry in raw.get("keys") or []:
            if isinstance(entry, dict) and entry.get("kty") != "oct" and entry.get("use", "sig") == "sig":
                try:
                    keys.append(jwt.PyJWK.from_dict(entry))
                except (jwt.PyJWTError, ValueError, TypeError, KeyError):
                    continue  # of a kind that we do not know
        with self._lock:
            self._keys = (now, keys)
        return keys

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def _document(self, url: str, kind: Any) -> Any:
        response = self._sent("GET", url, None)
        if response.status_code != 200:
            raise _unreachable(f"{urlsplit(url).path} answered {response.status_code}")
        return _decoded(response, kind)

    def _sent(self, method: str, url: str, form: Mapping[str, str] | None) -> httpx.Response:
        try:
            return self._http.request(method, url, data=form, headers={"accept": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unreachable(type(error).__name__) from error


def _decoded(response: httpx.Response, kind: Any) -> Any:
    try:
        return msgspec.json.decode(response.content[:_MAX_BYTES], type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise _setup("not JSON as expected") from error


def _person(issuer: str, claims: Mapping[str, Any]) -> Person:
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:
        raise _refused("sub")
    email, name = claims.get("email"), claims.get("preferred_username")
    vouched = claims.get("email_verified") is True and isinstance(email, str)
    return Person(
        key=f"{issuer}#{sub}",
        email=str(email).strip().lower() if vouched else None,
        username=name.strip().lower() if isinstance(name, str) else None,
    )


def _is_loopback(redirect: str) -> bool:
    try:
        parts = urlsplit(redirect)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK and bool(parts.port)
    except ValueError:
        return False


def _refused(why: str) -> ProblemError:
    _log.info("provider sign-in refused", why=why)
    return ProblemError(401, "oidc_refused")


def _setup(why: str) -> ProblemError:
    _log.error("provider is not set up for this server", why=why)
    return ProblemError(503, "oidc_setup")


def _unreachable(why: str) -> ProblemError:
    _log.warning("provider unreachable", why=why)
    return ProblemError(503, "oidc_unreachable")
