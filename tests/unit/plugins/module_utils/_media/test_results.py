# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of physical work: what is refused, with which words, and what each technique reaches on each kind of medium."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError, RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.degaussing import DEGAUSSABLE
from ansible_collections.recordings.disposal.plugins.module_utils._media.kinds import FLASH, KINDS, MAGNETIC
from ansible_collections.recordings.disposal.plugins.module_utils._media.operators import read_trained
from ansible_collections.recordings.disposal.plugins.module_utils._media.results import FACTS, Judged, Rules, judge_results
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import DIN_CLASSES, PHYSICAL, figures
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._media.physical_world import OWN, row

NOW = dt.datetime(2026, 2, 1, tzinfo=dt.timezone.utc)
PHOTO = "sha256:" + "ab" * 32


def rules(level: str = "clear", overrides: t.Mapping[str, t.Any] | None = None, **given: t.Any) -> Rules:
    return Rules(figures=figures(overrides), level=level, now=NOW, **given)


def judged(value: dict[str, t.Any], *, under: Rules | None = None) -> Judged:
    (found,) = judge_results([value], under or rules())
    return found


def reasons(value: t.Any, *, under: Rules | None = None) -> str:
    with pytest.raises(RefusedError) as caught:
        judge_results([value], under or rules())
    (refused,) = caught.value.details["refused"]
    assert refused["row"] == 1 and "\n" not in caught.value.message and "so none was recorded" in caught.value.message
    return "; ".join(refused["reasons"])


FAULTS = [
    (row(serial=None), "serial: nothing is given, and a result proves nothing without it"),
    (row(serial="  "), "serial: '  ' is not a serial number as text, without blanks around it"),
    (row(serial=4711), "serial: 4711 is not a serial number as text"),
    (row(serial=" ZC1"), "serial: ' ZC1' is not a serial number as text, without blanks around it"),
    (row("burn"), "technique: 'burn' is not known; allowed are bend, cut, "),
    ({**row(), "technique": ["shred"]}, "technique: ['shred'] is not a text"),
    (row(kind="unknown"), "kind: 'unknown' is not known; allowed are "),
    (row(kind="volume"), "kind: 'volume' is not known"),
    (row(second_person=None), "second_person: nothing is given"),
    (row(operator=""), "operator: the str there is not a text"),
    (row(second_person=" anna  NOWAK"), "second_person: the str there is the operator once more; another person must have been there"),
    (row(date="2026-02-01T00:00:01Z"), "date: '2026-02-01T00:00:01Z' is in the future (it is 2026-02-01T00:00:00Z now)"),
    (row(date="2026-02-01T01:00:01+01:00"), "is in the future"),
    (row(date="2026-01-15"), "date: '2026-01-15' is not a time of RFC 3339 that exists"),
    (row(date="2026-01-15T14:05:00"), "is not a time of RFC 3339"),
    (row(date="15.01.2026 14:05"), "is not a time of RFC 3339"),
    (row(date="2026-02-30T14:05:00Z"), "is not a time of RFC 3339 that exists"),
    (row(place=None), "place: nothing is given"),
    (row(photos="sha256:12"), "photos[0]: 'sha256:12' is no digest of the form sha256: and 64 hexadecimal digits"),
    (row(field="7000 Oe"), "field: the str there is under an unknown key; allowed are "),
    # Particles.
    (row(particle="320"), "particle: '320' has no unit, so nobody can tell what was meant; write one of mm2"),
    (row(particle=320), "particle: 320 has no unit"),
    (row(particle="320 mm"), "particle: '320 mm' has the unit 'mm'; write one of mm2"),
    (row(particle="0 mm2"), "is not above zero"),
    (row(particle="0,5 mm2"), "particle: '0,5 mm2' has the unit ',5 mm2'"),
    (row(particle="small"), "particle: 'small' is no quantity"),
    (row(particle=None), "particle: nothing is given"),
    (row(samples="some"), "samples: 'some' is no count of particles that were measured"),
    (row(samples=0), "samples: 0 is no count"),
    (row(machine=None), "machine: nothing is given"),
    (row("disintegrate", screen=None), "screen: nothing is given"),
    (row(particle="321 mm2"), "particle: '321 mm2' reaches only H-4, and H-5 is required (at most 320 mm2); destroy it again, finer"),
    (row(particle="9000 mm2"), "particle: '9000 mm2' reaches no level of class H, and H-5 is required"),
    (row(particle="700 mm2"), "reaches only H-4"),
    (row(particle="700 mm2", oversize="11 %"), "reaches only H-4"),
    (row(particle="801 mm2", oversize="5 %"), "reaches only H-4"),
    (row(particle="700 mm2", oversize="5"), "oversize: '5' has no unit"),
    (row(required_level=None), "required_level: nothing is given, so no particle can be judged"),
    (row(required_level="H5"), "required_level: 'H5' is no level of ISO/IEC 21964, such as H-5"),
    (row(required_level="E-5"), "is of another class; a medium of the kind hdd belongs to class H"),
    (row(required_level="H-2"), "is below H-3 and so unfit for personal data"),
    (row(required_level="H-3"), "asks for no particle size, so no size can prove it; require H-4 or more"),
    (row(protection_class=1), "protection_class: 1 is unfit for personal data, which recordings are; give 2 or 3"),
    (row(protection_class="4"), "protection_class: '4' is no protection class; give 1, 2 or 3"),
    (row(protection_class=3, particle="321 mm2"), "H-5 is required"),
    (row(die="100 mm2"), "die: '100 mm2' is given, and a medium of the kind hdd is not known to hold flash"),
    (row(kind="nvme", required_level="E-4"), "die: nothing is given, so a whole die of flash may be left"),
    (row(kind="nvme", required_level="E-4", die="100"), "die: '100' has no unit"),
    (row(kind="sd", required_level="E-4", die="9 mm2"), "is not smaller than a die of the flash (9 mm2), so a whole die may be left"),
    (row(kind="hybrid", required_level="H-5"), "a medium of the kind hybrid belongs to class E"),
    # Degaussing.
    (
        row("degauss", kind="sata_ssd"),
        "technique: 'degauss' does not reach a medium of the kind sata_ssd; only floppy, hdd, sas_hdd, smr, tape can",
    ),
    (row("degauss", kind="hybrid"), "does not reach a medium of the kind hybrid"),
    (row("degauss", kind="optical"), "does not reach a medium of the kind optical"),
    (row("degauss", kind="unknown"), "kind: 'unknown' is not known"),
    (
        row("degauss", recording=None),
        "coercivity: nothing is given, and no figure is known for a medium of the kind hdd whose recording is not told",
    ),
    (row("degauss", recording="hamr"), "no figure is known for a medium that records by hamr; give coercivity and coercivity_source"),
    (row("degauss", recording="mamr"), "no figure is known for a medium that records by mamr"),
    (row("degauss", kind="tape", recording="lto_9"), "no figure is known for a medium that records by lto_9"),
    (row("degauss", kind="tape", recording=None), "no figure is known for a medium of the kind tape"),
    (row("degauss", kind="floppy", recording=None), "no figure is known for a medium of the kind floppy"),
    (row("degauss", kind="tape"), "recording: 'perpendicular' is not how a medium of the kind tape records"),
    (row("degauss", recording="lto_8"), "recording: 'lto_8' is not how a medium of the kind hdd records"),
    (row("degauss", coercivity="5000 Oe"), "coercivity: '5000 Oe' has no source"),
    (row("degauss", coercivity_source="data sheet"), "coercivity_source: 'data sheet' is given without a coercivity"),
    (row("degauss", coercivity="5000", coercivity_source="x"), "coercivity: '5000' has no unit"),
    (
        row("degauss", field="9999 Oe"),
        "field: '9999 Oe' is weaker than 2 times the coercivity of the medium (5000 Oe); use a stronger degausser",
    ),
    (row("degauss", field="0.99 T"), "field: '0.99 T' is weaker than 2 times"),
    (row("degauss", field="700 kA/m"), "field: '700 kA/m' is weaker than 2 times"),
    (row("degauss", field="10000"), "field: '10000' has no unit"),
    (row("degauss", field=None), "field: nothing is given"),
    (row("degauss", calibrated_until="2026-01-14"), "was over when the medium was degaussed (2026-01-15); have the degausser calibrated"),
    (row("degauss", calibrated="2026-01-16"), "calibrated: '2026-01-16' is after the medium was degaussed (2026-01-15)"),
    (row("degauss", calibrated_until=None), "calibrated_until: nothing is given"),
    (row("degauss", calibrated="last year"), "calibrated: 'last year' is not a date that exists, of the form 2026-11-23"),
    (row("degauss", readback="fine"), "readback: 'fine' is not known; allowed are no_spin_up, readable, unreadable"),
    # Heat.
    (row("melt", temperature=None), "temperature: nothing is given, and no process either"),
    (row("incinerate", temperature="400 °C"), "temperature: '400 °C' is below 660 °C, which incinerate needs"),
    (row("incinerate", temperature="900 K"), "is below 660 °C"),
    (row("incinerate", temperature="1100"), "temperature: '1100' has no unit"),
    (row("incinerate", licence=None), "licence: nothing is given"),
    (row("melt", facility=None), "facility: nothing is given"),
    (row("pulverize", process=None), "process: nothing is given"),
    (row("pulverize", particle=None), "particle: nothing is given"),
]


@pytest.mark.parametrize(("value", "words"), FAULTS)
def test_a_faulty_row_is_refused_with_its_reason(value: dict[str, t.Any], words: str) -> None:
    assert words in reasons(value)


@pytest.mark.parametrize("technique", FACTS)
def test_no_technique_is_believed_without_any_of_its_facts(technique: str) -> None:
    for fact in FACTS[technique][0]:
        assert f"{fact}: nothing is given" in reasons(row(technique, **{fact: None}))


def test_every_bad_row_is_named_with_every_reason() -> None:
    rows = [
        row(serial="A1"),
        row(serial="a1"),
        row(serial="B2", particle="3"),
        row(serial="C3"),
        row(serial="D4", kind="x", technique="y", date=1),
    ]
    with pytest.raises(RefusedError) as caught:
        judge_results(rows, rules())
    assert [(each["row"], each["serial"]) for each in caught.value.details["refused"]] == [(1, "A1"), (2, "a1"), (3, "B2"), (5, "D4")]
    assert "4 of 5 results" in caught.value.message and "row 3 (serial B2): particle: '3' has no unit" in caught.value.message
    assert "serial: 'a1' stands in 2 rows; a medium has one result" in caught.value.message
    assert len(caught.value.details["refused"][3]["reasons"]) == 3


def test_two_blank_serials_are_blank_and_not_the_same() -> None:
    with pytest.raises(RefusedError) as caught:
        judge_results([row(serial=""), row(serial="")], rules())
    assert "row 2 (serial blank): serial: '' is not a serial number" in caught.value.message and "stands in" not in caught.value.message


def test_what_is_no_row_at_all_is_refused() -> None:
    assert "is not a mapping" in reasons("ZC11A0B7")
    assert "photos: ['x'] is not" not in reasons(row(photos=["x"])) and "photos[0]: 'x' is no digest" in reasons(row(photos=["x"]))


def test_only_what_the_work_order_named() -> None:
    assert judged(row(), under=rules(expected={"zc11a0b7"})).outcome == "destroyed"
    assert "serial: 'ZC11A0B7' is not among the serials of the work order" in reasons(row(), under=rules(expected={"zc11a0b8"}))


def test_photos_are_those_that_are_there() -> None:
    assert judged(row(photos=[PHOTO]), under=rules(photos={PHOTO})).facts["photos"] == [PHOTO]
    assert judged(row(photos=f"{PHOTO} {PHOTO}"), under=rules(photos={PHOTO})).facts["photos"] == [PHOTO, PHOTO]
    assert "is the digest of no file in photos_dir" in reasons(row(photos=[PHOTO]), under=rules(photos=set()))
    assert any("were not looked at" in limit for limit in judged(row(photos=[PHOTO])).limits)


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        ([], "is not among the operators trained for shred"),
        ([{"name": "Jan Kowalski", "valid_until": "2027-01-01"}], "is not among the operators trained for shred"),
        ([{"name": "Anna Nowak", "valid_until": "2027-01-01", "techniques": ["degauss"]}], "is not among the operators trained for shred"),
        ([{"name": "Anna Nowak", "valid_until": "2026-01-14"}], "has no training for shred that was valid on 2026-01-15"),
        ([{"name": "Anna Nowak", "valid_from": "2026-01-16", "valid_until": "2027-01-01"}], "that was valid on 2026-01-15"),
    ],
)
def test_an_untrained_operator_is_refused(trained: list[dict[str, t.Any]], words: str) -> None:
    found = reasons(row(), under=rules(trained=read_trained(trained)))
    assert words in found and "Nowak" not in found


def test_a_trained_operator_is_accepted_and_a_missing_list_is_a_limit() -> None:
    trained = read_trained([{"name": "anna nowak", "valid_until": "2026-01-15", "techniques": ["shred"]}])
    assert not any("trained" in limit for limit in judged(row(), under=rules(trained=trained)).limits)
    assert any("were trained was not checked" in limit for limit in judged(row()).limits)
    with pytest.raises(PolicyError, match="the list of operators is not valid"):
        read_trained([{"name": "Anna Nowak", "valid_until": "soon"}])


SMALL = {"P": "P-7", "F": "F-7", "O": "O-7", "T": "T-7", "H": "H-7", "E": "E-7"}


def fitting(kind: str, technique: str) -> dict[str, t.Any]:
    """A result with facts as good as they can be."""
    facts: dict[str, t.Any] = {}
    letter = DIN_CLASSES.get(kind, "H")
    if technique in ("shred", "disintegrate", "pulverize"):
        facts = {"required_level": SMALL[letter], "particle": "0.2 mm2", "die": "60 mm2" if letter == "E" else None}
    if technique == "degauss":
        facts = {"recording": None, "coercivity": "300 Oe", "coercivity_source": "data sheet"}
    return row(technique, kind=kind, **facts)


@pytest.mark.parametrize("technique", PHYSICAL)
@pytest.mark.parametrize("kind", sorted({*KINDS, *DIN_CLASSES}))
def test_each_technique_on_each_kind(kind: str, technique: str) -> None:
    value = fitting(kind, technique)
    if kind in ("virtual", "volume", "loop", "memory", "unknown"):
        assert f"kind: '{kind}' is not known" in reasons(value)
        return
    if technique == "degauss" and kind not in ("hdd", "sas_hdd", "smr", "tape", "floppy"):
        assert f"does not reach a medium of the kind {kind}" in reasons(value)
        return
    found = judged(value)
    expected = "none" if technique in ("cut", "bend", "drill") else "purge" if technique == "degauss" else "destroy"
    assert found.achieved == expected == PHYSICAL[technique].level
    assert found.outcome == ("not_destroyed" if expected == "none" else "destroyed")
    assert bool(found.reasons) == (expected == "none") and found.proof["row"]["kind"] == kind


def test_the_kinds_are_those_of_the_whole_collection() -> None:
    assert {*DIN_CLASSES} - {*KINDS} == {"floppy", "paper", "film"}
    assert {kind for kind, letter in DIN_CLASSES.items() if letter == "E"} == FLASH
    assert (MAGNETIC - FLASH) | {"floppy"} == DEGAUSSABLE
    assert list(FACTS) == list(PHYSICAL)


@pytest.mark.parametrize("technique", ["cut", "bend", "drill"])
@pytest.mark.parametrize("level", ["clear", "purge", "destroy"])
def test_parts_never_count_as_destruction(technique: str, level: str) -> None:
    found = judged(row(technique), under=rules(level))
    assert (found.outcome, found.achieved) == ("not_destroyed", "none") and f"{technique} leaves data" in found.reasons[0]


def test_degaussing_is_a_purge_and_no_more() -> None:
    found = judged(row("degauss"), under=rules("purge"))
    assert (found.outcome, found.achieved) == ("destroyed", "purge") and any("out of use" in limit for limit in found.limits)
    found = judged(row("degauss"), under=rules("destroy"))
    assert (found.outcome, found.achieved) == ("not_destroyed", "purge") and "reached purge and destroy is required" in found.reasons[0]
    found = judged(row("degauss", readback="readable"))
    assert (found.outcome, found.achieved) == ("not_destroyed", "none") and "something could be read" in found.reasons[0]
    assert any("no attempt to read" in limit for limit in judged(row("degauss", readback=None)).limits)
    found = judged(row("degauss"), under=rules(protection_class=3))
    assert found.outcome == "not_destroyed" and "H-5 is required, and degauss makes no particles" in found.reasons[0]


@pytest.mark.parametrize("field", ["10000 Oe", "10 kOe", "1 T", "1000 mT", "10 kG", "796 kA/m"])
def test_a_field_in_any_unit(field: str) -> None:
    assert judged(row("degauss", field=field)).outcome == "destroyed"


@pytest.mark.parametrize("recording", ["hamr", "mamr", None])
def test_a_stated_coercivity_with_its_source_counts(recording: str | None) -> None:
    facts = {"recording": recording, "coercivity": "6000 Oe", "coercivity_source": "data sheet 2025"}
    assert judged(row("degauss", field="12 kOe", **facts)).outcome == "destroyed"
    assert "weaker than 2 times the coercivity of the medium (6000 Oe)" in reasons(row("degauss", field="11.9 kOe", **facts))
    policy = rules(overrides={"coercivity_hamr": {"value": "6000 Oe", **OWN}})
    assert (
        judged(row("degauss", field="12 kOe", recording="hamr"), under=policy).proof["figures"]["coercivity_hamr"]["confidence"] == "policy"
    )


def test_particles_reach_the_highest_level_that_their_size_proves() -> None:
    found = judged(row(particle="10 mm2", required_level="H-4"))
    assert found.proof["particles"] == {"class": "H", "required": 4, "achieved": 6, "standard": "ISO/IEC 21964-1:2018 (DIN 66399-1:2012)"}
    assert any("the figure din_h_6, 10 mm2, is unverified" in limit for limit in found.limits)
    assert found.proof["figures"]["din_h_6"]["source"] and any("lowest categories" in limit for limit in found.limits)
    found = judged(row(particle="700 mm2", oversize="10 %"))
    assert found.proof["particles"]["achieved"] == 5 and {"din_h_5_tolerance", "tolerance_share"} <= found.proof["figures"].keys()


@pytest.mark.parametrize(("number", "particle", "level"), [(2, "2000 mm2", 4), (3, "320 mm2", 5)])
def test_a_protection_class_asks_for_a_level(number: int, particle: str, level: int) -> None:
    for under, given in ((rules(), {"protection_class": number}), (rules(protection_class=number), {})):
        found = judged(row(required_level=None, particle=particle, **given), under=under)
        assert found.proof["particles"]["required"] == level
    found = judged(row(required_level="H-4", particle="200 mm2"), under=rules(protection_class=3))
    assert found.proof["particles"]["required"] == 5


def test_flash_needs_particles_smaller_than_its_die() -> None:
    found = judged(row(kind="nvme", required_level="E-4", die="60 mm2"))
    assert found.proof["particles"]["class"] == "E"
    policy = rules(overrides={"flash_die": {"value": "20 mm2", **OWN}})
    assert judged(row(kind="nvme", required_level="E-4"), under=policy).proof["figures"]["flash_die"]["value"] == "20 mm2"
    assert "is not smaller than a die of the flash (20 mm2)" in reasons(
        row(kind="nvme", required_level="E-4", particle="25 mm2"), under=policy
    )


def test_a_coarse_screen_is_a_limit() -> None:
    assert any("screen" in limit for limit in judged(row(screen="18 mm")).limits)
    assert not any("screen" in limit for limit in judged(row(screen="17 mm")).limits)


def test_a_process_without_temperature_is_a_limit() -> None:
    found = judged(row("melt", temperature=None, process="induction furnace"), under=rules("destroy", protection_class=3))
    assert found.outcome == "destroyed" and any("no temperature was told" in limit for limit in found.limits)
    assert any("no level of it is claimed" in limit for limit in found.limits) and found.proof["particles"] is None
