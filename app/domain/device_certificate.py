# SPDX-License-Identifier: GPL-3.0-or-later
"""What the organisation says of a customer's computer: this key was enrolled for this customer.

The server writes one at each sign-in of a Companion; it goes into the first entry of a session's record, so that
whoever reads a receipt years later needs nothing but the organisation's public key to know whose program signed it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.certificate import CLOCK_TOLERANCE_MS
from app.domain.documents import BadDocument, SignedDocument, open_document, sign_document
from app.domain.signed import b64

__all__ = [
    "DEVICE_CERTIFICATE_MAX_MS",
    "DeviceCertificate",
    "build_device_certificate",
    "read_device_certificate",
]

_LABEL = "deskside-device-1"
DEVICE_CERTIFICATE_MAX_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class DeviceCertificate:
    """Whose computer a key belongs to. `companion` and `customer` are the server's ids; times are UTC milliseconds."""

    org_id: str
    companion: str
    customer: str
    device_key: bytes
    not_before: int
    not_after: int

    def valid_at(self, now_ms: int) -> bool:
        """Tell whether it holds at this UTC time, give or take five minutes of clock error."""
        return self.not_before - CLOCK_TOLERANCE_MS <= now_ms < self.not_after + CLOCK_TOLERANCE_MS


def build_device_certificate(organisation_key: Ed25519PrivateKey, certificate: DeviceCertificate) -> SignedDocument:
    """Sign it. Raises BadDocument when it would live longer than seven days or the key is no Ed25519 key."""
    _check(certificate)
    fields = {
        "v": 1, "org_id": certificate.org_id, "companion": certificate.companion, "customer": certificate.customer,
        "device_key": b64(certificate.device_key), "not_before": certificate.not_before,
        "not_after": certificate.not_after,
    }  # fmt: skip
    return sign_document(organisation_key, _LABEL, fields)


def read_device_certificate(signed: SignedDocument, organisation_key: bytes) -> DeviceCertificate:
    """Verify with the organisation's public key and parse. Raises BadDocument. The validity time is not looked at."""
    fields = open_document(signed, _LABEL, organisation_key)
    certificate = DeviceCertificate(
        org_id=fields.text("org_id", 64),
        companion=fields.text("companion", 64),
        customer=fields.text("customer", 64),
        device_key=fields.binary("device_key", 32),
        not_before=fields.integer("not_before"),
        not_after=fields.integer("not_after"),
    )
    _check(certificate)
    return certificate


def _check(certificate: DeviceCertificate) -> None:
    if not 0 < certificate.not_after - certificate.not_before <= DEVICE_CERTIFICATE_MAX_MS:
        raise BadDocument("validity")
    if len(certificate.device_key) != 32 or not certificate.customer:
        raise BadDocument("device certificate")
