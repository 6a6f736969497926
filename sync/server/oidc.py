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
from sync.server.oidc_http import ProviderHttp, Said, TooLong, Unreachable
from sync.server.problems import ProblemError

__all__ = ["MATCHES", "Oidc", "OidcSettings", "Person"]

MATCHES = ("none", "email", "username")
SCOPES = ("openid", "email", "profile")
# asymmetric ones only: `none` and shared secrets prove nothing to us
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_DEADLINE_S = 10.0
_LEEWAY_S = 60
_KEEP_S = 3600.0
_REFETCH_S = 30.0
_MAX_NAME = 255
_FAR_S = 1 << 40
# what RFC 6749 lets a token endpoint say; of anything else the log keeps that it was something else
_TOKEN_ERRORS = ("invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")
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
    """Who the provider says signed in. `key` names the person for ever; the others only when the provider vouches.

    `authenticated_ms` is when that person last proved it there; None when the provider does not say.
    """

    key: str
    email: str | None
    username: str | None
    authenticated_ms: int | None = None


class Oidc:
    """One provider. Any thread; its documents are kept for an hour."""

    def __init__(
        self,
        settings: OidcSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        deadline_s: float = _DEADLINE_S,
        max_age_s: int | None = None,
    ) -> None:
        """`max_age_s`: how old a person's sign-in at the provider may be; who asks for it is told how old it is."""
        self._max_age_s = max_age_s
        self.settings = settings.check()
        self._http = ProviderHttp(deadline_s, transport)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    def close(self) -> None:
        """Cut the requests under way."""
        self._http.close()

    @property
    def offer(self) -> OidcOffer:
        """What a client needs to send a person to the provider."""
        own = self.settings
        return OidcOffer(
            issuer=own.issuer, client_id=own.client_id, scopes=list(SCOPES), max_age_s=self._max_age_s
        )  # fmt: skip

    def person(self, ask: OidcCode) -> Person:
        """Exchange a code and check the ID token.

        Raises ProblemError: 401 `oidc_refused`, 503 `oidc_unreachable` or `oidc_setup`.
        """
        if not _is_loopback(ask.redirect):
            raise ProblemError(401, "oidc_refused")
        token = self._exchange(ask)
        claims = self._claims(token)
        nonce = _name(claims.get("nonce"))
        if nonce is None or not hmac.compare_digest(nonce.encode(), ask.nonce.encode()):
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
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        local = parts.scheme == "http" and self.settings.issuer.startswith("http://")
        return bool(parts.hostname) and (parts.scheme == "https" or local)

    def _exchange(self, ask: OidcCode) -> str:
        form = {
            "grant_type": "authorization_code", "code": ask.code, "redirect_uri": ask.redirect,
            "client_id": self.settings.client_id, "code_verifier": ask.verifier,
        }  # fmt: skip
        if self.settings.client_secret is not None:
            form["client_secret"] = self.settings.client_secret
        url = self._discovered().token_endpoint
        said = self._sent("POST", url, form)
        if said.status == 200:
            answer: _TokenAnswer = _decoded(said, _TokenAnswer)
            return answer.id_token
        if said.status in (400, 401):
            why: _TokenError = _decoded(said, _TokenError)
            if why.error == "invalid_grant":
                raise _refused("code")
            raise _setup(f"token endpoint: {why.error if why.error in _TOKEN_ERRORS else 'another error'}")
        raise _unreachable(f"{urlsplit(url).path} answered {said.status}")

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
            raise _refused(_why(error)) from error
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.settings.client_id:
            raise _refused("azp")
        return claims

    def _key(self, kid: object, alg: str) -> jwt.PyJWK:
        """Return the provider's key. A key id not seen before means new keys: they are asked for again, not too often.

        Raises ProblemError.
        """
        for again in (False, True):
            named = [entry for entry in self._jwks(again=again) if kid is None or entry.get("kid") == kid]
            fitting = [key for entry in named if (key := _usable(entry, alg)) is not None]
            if len(fitting) == 1 or (fitting and kid is not None):
                return fitting[0]
        raise _refused("key")

    def _jwks(self, *, again: bool) -> list[dict[str, Any]]:
        now = self._monotonic()
        with self._lock:
            held = self._keys
        if held is not None and held[0] + (_REFETCH_S if again else _KEEP_S) > now:
            return held[1]
        published = self._document(self._discovered().jwks_uri, dict[str, Any]).get("keys")
        keys = [entry for entry in published if isinstance(entry, dict)] if isinstance(published, list) else []
        with self._lock:
            self._keys = (now, keys)
        return keys

    # --- HTTP -------------------------------------------------------------------------------------------------------

    def _document(self, url: str, kind: Any) -> Any:
        said = self._sent("GET", url, None)
        if said.status != 200:
            raise _unreachable(f"{urlsplit(url).path} answered {said.status}")
        return _decoded(said, kind)

    def _sent(self, method: str, url: str, form: Mapping[str, str] | None) -> Said:
        try:
            return self._http.ask(method, url, form)
        except Unreachable as error:
            raise _unreachable(str(error)) from error
        except TooLong as error:
            raise _setup("answer too long") from error


def _usable(entry: Mapping[str, Any], alg: str) -> jwt.PyJWK | None:
    """Return a published key if it can have made a signature of this kind."""
    if entry.get("kty") == "oct" or entry.get("use", "sig") != "sig" or entry.get("alg", alg) != alg:
        return None
    try:
        return jwt.PyJWK.from_dict(dict(entry), algorithm=alg)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None  # of a kind that we do not know


def _decoded(said: Said, kind: Any) -> Any:
    try:
        return msgspec.json.decode(said.body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise _setup("not JSON as expected") from error


def _why(error: Exception) -> str:
    """Return what is wrong with a token, in our own words. Clocks apart are the commonest, and the machine's fault."""
    if isinstance(error, jwt.ExpiredSignatureError):
        return "clock: exp"
    if isinstance(error, jwt.ImmatureSignatureError):
        return "clock: nbf" if "nbf" in str(error) else "clock: iat"
    return type(error).__name__


def _name(value: object) -> str | None:
    """Return a text that every database holds and compares, else None."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_NAME or "\x00" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def _person(issuer: str, claims: Mapping[str, Any]) -> Person:
    sub = _name(claims["sub"])
    if sub is None:
        raise _refused("sub")
    email = _name(claims.get("email")) if claims.get("email_verified") is True else None
    name = _name(claims.get("preferred_username"))
    return Person(
        key=f"{issuer}#{sub}",
        email=email.strip().lower() if email else None,
        username=name.strip().lower() if name else None,
        authenticated_ms=_time_ms(claims.get("auth_time")),
    )


def _time_ms(value: object) -> int | None:
    """Return a time of a claim in milliseconds; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _FAR_S:
        return None
    return int(value * 1000)


def _is_loopback(redirect: str) -> bool:
    try:
        parts = urlsplit(redirect)
        return parts.scheme == "http" and parts.hostname in _LOOPBACK and bool(parts.port)
    except ValueError:
        return False


def _refused(why: str) -> ProblemError:
    _log.info("provider sign-in refused", reason=why)
    return ProblemError(401, "oidc_refused")


def _setup(why: str) -> ProblemError:
    _log.error("provider is not set up for this server", reason=why)
    return ProblemError(503, "oidc_setup")


def _unreachable(why: str) -> ProblemError:
    _log.warning("provider unreachable", reason=why)
    return ProblemError(503, "oidc_unreachable")
