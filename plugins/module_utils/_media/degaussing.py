# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a degausser was strong enough for a medium, and calibrated when it was used."""

from __future__ import annotations

from decimal import Decimal

from .._standards.physical import PHYSICAL, RECORDINGS
from .findings import Findings
from .kinds import FLASH, MAGNETIC

__all__ = ["DEGAUSSABLE", "READBACKS", "judge_degaussing", "undegaussable"]

DEGAUSSABLE = frozenset(MAGNETIC - FLASH | {"floppy"})
READBACKS = ("no_spin_up", "unreadable", "readable")

_OUT_OF_USE = (
    "a degaussed hard disk or cartridge is out of use (its servo tracks are gone), and NIST SP 800-88 Rev. 2 takes degaussing for a purge, "
    "not for its destruction"
)


def undegaussable(kind: str) -> str:
    """Why a medium of a kind cannot be degaussed, to follow the technique in a sentence; empty where it can."""
    if kind in DEGAUSSABLE:
        return ""
    return (
        f"does not reach a medium of the kind {kind}; only {', '.join(sorted(DEGAUSSABLE))} can be degaussed, never flash, hybrid or optical media; "
        "shred or disintegrate it"
    )


def judge_degaussing(found: Findings) -> None:
    """Judge the facts of C(degauss)."""
    out_of_reach = undegaussable(found.kind)
    if out_of_reach:
        found.nodes["technique"].problem(out_of_reach)
        return
    coercivity = _coercivity(found)
    field = found.quantity("field", "field")
    factor = found.figure("degauss_factor")
    if coercivity is not None and field is not None and factor is not None and field < factor * coercivity:
        found.nodes["field"].problem(
            f"is weaker than {factor} times the coercivity of the medium ({coercivity.normalize():f} Oe); use a stronger degausser, or destroy the medium"
        )
    _calibrated(found)
    found.level = PHYSICAL["degauss"].level
    found.limits.append(_OUT_OF_USE)
    readback = found.text("readback", allowed=READBACKS)
    if readback == "readable":
        found.level = "none"
        found.reasons.append("something could be read from it after degaussing")
    elif not readback:
        found.limits.append("no attempt to read the medium after degaussing was recorded")


def _coercivity(found: Findings) -> Decimal | None:
    """In oersted, from the row with its source or from the table."""
    recording = found.text("recording", allowed=RECORDINGS)
    if recording and (found.kind == "floppy" or recording.startswith("lto_") != (found.kind == "tape")):
        found.nodes["recording"].problem(f"is not how a medium of the kind {found.kind} records; correct it, or leave it out")
        return None
    if "coercivity" in found.nodes:
        stated = found.quantity("coercivity", "field")
        if not found.text("coercivity_source"):
            found.nodes["coercivity"].problem("has no source; name the data sheet under coercivity_source")
        return stated
    if "coercivity_source" in found.nodes:
        found.nodes["coercivity_source"].problem("is given without a coercivity")
    name = "coercivity_floppy" if found.kind == "floppy" else f"coercivity_{recording}"
    known = found.figure(name) if name in found.figures else None
    if known is None:
        of = f"a medium that records by {recording}" if recording else f"a medium of the kind {found.kind} whose recording is not told"
        found.problems.append(
            f"coercivity: nothing is given, and no figure is known for {of}; give coercivity and coercivity_source from its data sheet, "
            "or destroy it physically"
        )
    return known


def _calibrated(found: Findings) -> None:
    since, until = found.date("calibrated"), found.date("calibrated_until")
    if since is None or until is None or found.day is None:
        return
    if found.day > until:
        found.nodes["calibrated_until"].problem(
            f"was over when the medium was degaussed ({found.day}); have the degausser calibrated and degauss it again"
        )
    elif found.day < since:
        found.nodes["calibrated"].problem(f"is after the medium was degaussed ({found.day}); give the calibration that was valid then")
