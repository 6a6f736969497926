# SPDX-License-Identifier: GPL-3.0-or-later
"""The two families of error: what the world did (told to the user) and refusals of a rule; everything else is a bug."""

from __future__ import annotations


class WorldError(Exception):
    """Something outside the program is not as it should be.

    `code` names the text that people see (in their language, see `app.services.messages`); `details` fills it in.
    """

    code = "world"

    def __init__(self, code: str | None = None, /, **details: str | int) -> None:
        self.code = code or self.code
        self.details = details
        super().__init__(self.code, details)


class ServerUnreachable(WorldError):
    """No answer from the server. Local work goes on."""

    code = "server_unreachable"


class WrongServer(WorldError):
    """Something answered that is not the server this profile belongs to."""

    code = "wrong_server"


class TlsFailure(WorldError):
    """The server's certificate was not accepted."""

    code = "tls_failure"


class SignInRefused(WorldError):
    """Wrong login or password, or the account is locked."""

    code = "sign_in_refused"


class StoreUnavailable(WorldError):
    """A database file cannot be used.

    `code` is one of disk_full, store_damaged, store_wrong_key, store_too_new, store_in_use.
    """

    code = "store_unavailable"


class NoKeyring(WorldError):
    """The system has no key store and no passphrase was given."""

    code = "no_keyring"


class PortInUse(WorldError):
    """The address to listen on is taken."""

    code = "port_in_use"


class Refused(Exception):
    """A rule of the domain forbids a change. `code` names the rule; the same on client and server."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data = data
