# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of physical work for tests, one that is accepted for each technique."""

from __future__ import annotations

import typing as t

__all__ = ["OWN", "row"]

_COMMON = {
    "date": "2026-01-15T14:05:00+01:00",
    "place": "Warsaw, room 0.14",
    "operator": "Anna Nowak",
    "second_person": "Jan Kowalski",
}
_PARTICLES = {"particle": "9.5 mm2", "samples": 20, "required_level": "H-5"}
_HEAT = {"facility": "kiln 2", "licence": "OS.6233.12.2024", "temperature": "1100 °C"}
_FACTS: dict[str, dict[str, t.Any]] = {
    "degauss": {
        **{"machine": "D-2", "field": "10000 Oe", "calibrated": "2025-02-01", "calibrated_until": "2026-01-31"},
        **{"recording": "perpendicular", "readback": "no_spin_up"},
    },
    "shred": {"machine": "S-1", "screen": "10 mm", **_PARTICLES},
    "disintegrate": {"machine": "S-1", "screen": "3 mm", **_PARTICLES},
    "pulverize": {"process": "hammer mill", "facility": "hall 3", "licence": "OS.1", **_PARTICLES},
    "incinerate": _HEAT,
    "melt": _HEAT,
    "cut": {},
    "bend": {},
    "drill": {},
}
# An override of a figure.
OWN = {"edition": "2026-03", "source": "our own measurement"}


def row(technique: str = "shred", **facts: t.Any) -> dict[str, t.Any]:
    """A result, with C(facts) in place of its own; C(None) leaves one out."""
    told = {"serial": "ZC11A0B7", "kind": "hdd", "technique": technique, **_COMMON, **_FACTS.get(technique, {}), **facts}
    return {name: value for name, value in told.items() if value is not None}
