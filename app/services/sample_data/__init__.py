# SPDX-License-Identifier: GPL-3.0-or-later
"""Sample data: an invented help desk of any size, always the same for the same seed (docs/sample-data.md)."""

from app.services.sample_data.generator import (
    DEFAULT_AS_OF_MS,
    DEFAULT_SEED,
    Persona,
    SampleSet,
    demo_persona,
    generate,
)
from app.services.sample_data.reference import Account
from app.services.sample_data.rows import SampleRow
from app.services.sample_data.sizes import SIZES, Size

__all__ = [
    "DEFAULT_AS_OF_MS",
    "DEFAULT_SEED",
    "SIZES",
    "Account",
    "Persona",
    "SampleRow",
    "SampleSet",
    "Size",
    "demo_persona",
    "generate",
]
