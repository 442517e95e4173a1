# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of physical techniques, and quantities with their units."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import (
    DIN_CLASSES,
    PHYSICAL,
    RECORDINGS,
    figure_kind,
    figures,
    sized_levels,
)
from ansible_collections.recordings.disposal.plugins.module_utils._standards.quantities import UNITS, parse_quantity

OWN = {"value": "300 mm2", "edition": "ISO/IEC 21964-1:2018", "source": "the standard, table 1"}


def test_every_figure_has_its_edition_source_and_confidence() -> None:
    for name, figure in figures().items():
        assert figure.edition and figure.source and figure.confidence in ("P", "S", "unverified")
        assert figure.value is None or parse_quantity(figure_kind(name), figure.value) > 0
    assert all(row.standard and row.source and row.confidence for row in PHYSICAL.values())


@pytest.mark.parametrize("letter", sorted(set(DIN_CLASSES.values())))
def test_a_higher_level_asks_for_a_smaller_particle(letter: str) -> None:
    names = [f"din_{letter.lower()}_{level}" for level in sized_levels(letter)]
    sizes = [parse_quantity("area", figures()[name].value) for name in names]
    assert sizes == sorted(set(sizes), reverse=True) and sized_levels(letter)[-1] == 7
    for name in names:
        wider = figures().get(f"{name}_tolerance")
        assert wider is None or parse_quantity("area", wider.value) > parse_quantity("area", figures()[name].value)


@pytest.mark.parametrize(
    ("name", "value", "confidence"),
    [
        ("din_h_4", "2000 mm2", "unverified"),
        ("din_h_5", "320 mm2", "S"),
        ("din_e_3", "160 mm2", "S"),
        ("din_e_3_tolerance", "480 mm2", "unverified"),
        ("din_t_4", "160 mm2", "S"),
        ("din_f_1", "160 mm2", "S"),
        ("din_p_7", "5 mm2", "unverified"),
        ("protection_class_2", "3", "S"),
        ("protection_class_3", "5", "unverified"),
        ("coercivity_perpendicular", "5000 Oe", "S"),
        ("coercivity_lto_8", "2300 Oe", "S"),
        ("degauss_factor", "2", "S"),
        ("coercivity_hamr", None, "unverified"),
        ("flash_die", None, "unverified"),
    ],
)
def test_figures(name: str, value: str | None, confidence: str) -> None:
    assert (figures()[name].value, figures()[name].confidence) == (value, confidence)


def test_there_is_a_coercivity_for_each_recording_or_none_is_known() -> None:
    assert {f"coercivity_{name}" for name in (*RECORDINGS, "floppy")} == {name for name in figures() if name.startswith("coercivity_")}


def test_a_policy_overrides_a_figure_with_its_edition_and_source() -> None:
    assert figures({"din_h_5": OWN})["din_h_5"] == ("300 mm2", OWN["edition"], OWN["source"], "policy")
    assert figures({"degauss_factor": {**OWN, "value": 3}})["degauss_factor"].value == "3" and figures()["degauss_factor"].value == "2"


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("din_h_8", OWN, "the figure din_h_8 is not known; give one of din_p_2, "),
        ("degauss", OWN, "the figure degauss is not known"),
        ("din_h_5", "300 mm2", "must have value, edition, source and nothing else"),
        ("din_h_5", {"value": "300 mm2"}, "must have value, edition, source and nothing else"),
        ("din_h_5", {**OWN, "edition": ""}, "has no edition; state the edition and the source"),
        ("din_h_5", {**OWN, "source": None}, "has no source; state the edition and the source"),
        ("din_h_5", {**OWN, "value": "300"}, "has the value '300', which has no unit"),
        ("din_h_5", {**OWN, "value": "300 Oe"}, "which has the unit 'Oe'"),
        (
            "degauss_factor",
            {**OWN, "value": "1.9"},
            "has the value '1.9', below 2; a degausser may be required to be stronger, never weaker",
        ),
        ("protection_class_1", {**OWN, "value": "8"}, "which is no level; give a whole number from 1 to 7"),
        ("lowest_level", {**OWN, "value": "2.5"}, "which is no level"),
        ("lowest_level", {**OWN, "value": "3 mm"}, "has the unit 'mm', and needs none"),
    ],
)
def test_a_faulty_override_is_refused(name: str, given: t.Any, why: str) -> None:
    with pytest.raises(RefusedError) as caught:
        figures({name: given})
    assert why in caught.value.message and "nothing was recorded" in caught.value.message


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("area", "320 mm2", "320"),
        ("area", "3.2cm²", "320"),
        ("field", "2.3 kOe", "2300"),
        ("field", "0.5 T", "5000"),
        ("temperature", "933.15 K", "660"),
        ("share", "8%", "8"),
        ("number", 3, "3"),
    ],
)
def test_quantities(kind: str, text: t.Any, value: str) -> None:
    assert parse_quantity(kind, text) == Decimal(value)


@pytest.mark.parametrize("kind", [kind for kind in UNITS if kind != "number"])
@pytest.mark.parametrize("text", ["7", 7, 7.5, True, None, "", "mm2", "-7 mm2", "1e3 Oe", "٣ mm2", "7 parsecs", ["7 mm2"], "7,5 mm2"])
def test_what_is_no_quantity(kind: str, text: t.Any) -> None:
    with pytest.raises(ValueError, match="unit|quantity"):
        parse_quantity(kind, text)
