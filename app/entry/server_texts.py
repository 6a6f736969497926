# SPDX-License-Identifier: GPL-3.0-or-later
"""What `deskside server` and `deskside admin` say when something is not as it should be."""

from __future__ import annotations

from collections.abc import Mapping

from app.config.i18n import N_, _
from app.domain.errors import Refused, WorldError

__all__ = ["server_error_text"]

_TEXTS: Mapping[str, str] = {
    "bad_database_url": N_(
        "The database address is not usable. Write sqlite:////folder/server.db or postgresql+psycopg://user@host/name."
    ),
    "bad_nats_url": N_(
        "The NATS address is not usable. Write nats://host:4222, or tls://user:password@host:4222 in a file."
    ),
    "nats_alone": N_(
        "NATS connects several servers on one PostgreSQL. Give --database as well, or leave --nats away: a single "
        "server needs neither."
    ),
    "database_unreachable": N_(
        "The database does not answer. Nothing was changed. Check that it runs and that the address and password are "
        "right."
    ),
    "store_too_new": N_(
        "The database was written by a newer Deskside (revision {version}). Nothing was changed. Start the newer "
        "program, or restore a backup made before the update."
    ),
    "store_damaged": N_(
        "The database file is damaged. Nothing was changed. Restore it from a backup; the devices keep what they have "
        "not sent."
    ),
    "store_in_use": N_("Another program holds the database. Stop it and try again."),
    "server_running": N_(
        "A server runs on this data folder already. Nothing was changed. An embedded database has one server; for "
        "several processes, give PostgreSQL with --database."
    ),
    "disk_full": N_("The disk is full. Nothing was changed. Free some space and try again."),
    "folder_unwritable": N_(
        "The data folder cannot be written. Nothing was changed. Check that it exists and belongs to this user."
    ),
    "keys_damaged": N_("A key file in the data folder is damaged. Nothing was changed. Restore it from a backup."),
    "keys_missing": N_(
        "The database belongs to another organisation key than the data folder. Nothing was changed. Put "
        "organisation.key back from a backup: with another key, no companion would trust this server."
    ),
    "too_many_keys": N_("The organisation has had as many keys as Deskside can vouch for. Nothing was changed."),
    "port_in_use": N_("The address {host}, port {port} is taken or not allowed. Choose another with --listen."),
    "bad_listen": N_("“{listen}” is not an address to listen on. Write it like 127.0.0.1:8080."),
    "insecure_listen": N_(
        "Beyond this machine the server needs TLS: give --tls-cert and --tls-key, or --insecure-listen if a proxy in "
        "front of it does the encryption."
    ),
    "bad_tls": N_("The TLS certificate and key cannot be read, or do not belong together."),
    "bad_oidc": N_(
        "The sign-in provider is not usable. Give --oidc-issuer as its https:// address and --oidc-client-id as it was "
        "registered there; a secret file must be readable."
    ),
    "bad_turn": N_(
        "The TURN server is not usable. Give --turn and --turn-tls as a name or an IPv4 address, perhaps with a port, "
        "--turn-secret-file as a readable file with 16 to 512 characters without spaces, and addresses as addresses."
    ),
    "bad_login": N_("A login is 2 to 80 small letters, digits, or . _ @ + -, and starts with a letter or digit."),
    "login_taken": N_("This login exists already."),
    "customer_exists": N_("A customer with this mail address exists already."),
    "weak_password": N_("The password needs at least {limit} characters."),
    "bad_role": N_("There is no such role. Roles are agent, field, lead, manager, admin and it."),
    "no_such_customer": N_("There is no such customer. Name one by id, mail address or full name."),
    "customer_ambiguous": N_("More than one customer has this address or name. Name one by id."),
    "not_empty": N_("The database holds users or tickets already. Sample data go only into an empty one."),
    "empty_text": N_("The name is empty."),
    "bad_mail": N_("This is not a mail address. Write it like somebody@example.com."),
    "bad_hours": N_("Give a number of hours from 1 to {limit}."),
    "empty_sub": N_("What the provider calls the person is empty. Without --sub the account is unlinked."),
    "no_such_device": N_("There is no such device. “deskside admin device list” shows their codes."),
    "no_such_user": N_("There is no person with this login."),
    "bad_publishing_file": N_("The file of what customers read is not right, and nothing was changed. {why}"),
    "no_such_calendar": N_("There is no calendar “{name}”: “deskside admin sla” makes it. Nothing was changed."),
    "bad_sla_file": N_("The file of response targets is not right, and nothing was changed. {why}"),
    "no_such_organisation": N_("There is no organisation called “{name}”."),
    "no_such_team": N_("There is no team of this name. There are: {teams}."),
    "no_such_scope": N_("There is no such scope."),
    "bad_days": N_("Give a number of days from 0 to 100000."),
    "backup_unwritable": N_("The backup cannot be written to {path}. Check that the folder exists and may be written."),
    "no_server": N_("There is no server in {path}. Nothing was done. Name its data folder with --data."),
    "backup_unreadable": N_("{path} cannot be read. Nothing was changed."),
    "bad_backup": N_("{path} is not a complete backup of a Deskside server. Nothing was changed."),
    "backup_other_kind": N_(
        "The backup is of the other kind of database. Nothing was changed. Give --database for a backup of PostgreSQL, "
        "and leave it away for one of the embedded database."
    ),
    "folder_without_keys": N_(
        "The database is not empty, and its keys are not in {path}. Nothing was changed. Name the data folder of this "
        "database with --data, or another, empty database with --database. If the folder is lost and the backup is to "
        "replace this database, add --force."
    ),
    "no_pg_tools": N_(
        "PostgreSQL’s program {name} was not found. Nothing was changed. Install PostgreSQL’s client programs, of the "
        "version of the server or newer, and make sure that they are in PATH."
    ),
    "pg_tool_failed": N_("PostgreSQL’s program {name} failed: {detail}"),
    "bad_server": N_("“{server}” is not a server address."),
}
_OTHER = N_("This could not be done ({code}). Nothing was changed.")


def server_error_text(error: WorldError | Refused) -> str:
    """Return the text of an error, in the language spoken now."""
    details = error.details if isinstance(error, WorldError) else error.data
    try:
        return _(_TEXTS.get(error.code, _OTHER)).format(**{"code": error.code, **details})
    except KeyError:
        return _(_OTHER).format(code=error.code)
