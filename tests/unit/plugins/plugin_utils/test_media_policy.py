# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of media: every fault of one is told with its place, and what is shipped names no fallback."""

from __future__ import annotations

import datetime as dt
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import PolicyError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import digest_of
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES
from ansible_collections.recordings.disposal.plugins.module_utils._standards.physical import PHYSICAL
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import sanitizing
from ansible_collections.recordings.disposal.plugins.plugin_utils import _media_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._media_policy import MediaRule, read_media_policy
from ansible_collections.recordings.disposal.plugins.plugin_utils._register import KINDS
from ansible_collections.recordings.disposal.tests.unit.plugins.plugin_utils.media_plan_world import POLICY


def rule(**keys: t.Any) -> dict[str, t.Any]:
    return {**POLICY, "rules": [{"kinds": ["hdd"], **keys}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "[] is not a mapping; allowed are the keys id, limits, owner, review_by, rules, undetermined, version"),
        ("shred everything", "is not a mapping"),
        ({"id": "media"}, "the key version is missing; it has no default"),
        ({**POLICY, "colour": "red"}, "colour: the str there is under an unknown key; allowed are id, limits"),
        ({**POLICY, "rules": None}, "rules: nothing is given: the key is blank"),
        ({**POLICY, "id": " "}, "id: ' ' is not a text"),
        ({**POLICY, "version": 1}, "version: 1 is not a text"),
        ({**POLICY, "version": 1.5}, "version: 1.5 is not a text"),
        ({**POLICY, "owner": ""}, "owner: '' is not a text"),
        ({**POLICY, "review_by": "2027-02-30"}, "review_by: '2027-02-30' is not a date that exists"),
        ({**POLICY, "review_by": "next year"}, "review_by: 'next year' is not a date that exists, of the form 2026-11-23"),
        ({**POLICY, "review_by": 20270630}, "review_by: 20270630 is not a date that exists"),
        ({**POLICY, "undetermined": "maybe"}, "undetermined: 'maybe' is not known; allowed are accept, refuse"),
        ({**POLICY, "limits": []}, "limits: [] is not a mapping; allowed are the keys media, media_per_host"),
        ({**POLICY, "limits": {"hosts": 1}}, "limits.hosts: the int there is under an unknown key"),
        ({**POLICY, "limits": {"media": 0}}, "limits.media: 0 is not a whole number from 1 up"),
        ({**POLICY, "limits": {"media": True}}, "limits.media: True is not a whole number"),
        ({**POLICY, "limits": {"media": 501}}, "limits.media: 501 is more than 500; correct it"),
        ({**POLICY, "limits": {"media_per_host": 501}}, "limits.media_per_host: 501 is more than 500"),
        ({**POLICY, "limits": {"media_per_host": 2.5}}, "limits.media_per_host: 2.5 is not a whole number"),
        ({**POLICY, "limits": {"media_per_host": ""}}, "limits.media_per_host: '' is not a whole number"),
        ({**POLICY, "rules": {"hdd": {}}}, "rules: {'hdd': {}} is not a list"),
        ({**POLICY, "rules": ["hdd"]}, "rules[0]: 'hdd' is not a mapping"),
        ({**POLICY, "rules": [{"technique": "auto"}]}, "rules[0]: the key kinds is missing"),
        (rule(kinds=[]), "rules[0].kinds: [] has fewer than 1 elements"),
        (rule(kinds=["floppy"]), "rules[0].kinds[0]: 'floppy' is not known; allowed are emmc, hdd"),
        (rule(kinds=["hdd", "hdd"]), "rules[0].kinds: ['hdd', 'hdd'] names a kind twice"),
        ({**POLICY, "rules": [{"kinds": ["hdd", "sd"]}, {"kinds": ["sd"]}]}, "is the second rule for sd; keep one for each kind"),
        (rule(colour="red"), "rules[0].colour: the str there is under an unknown key; allowed are canaries, classification_after"),
        (rule(technique="crypto_erase"), "rules[0].technique: 'crypto_erase' is not known; allowed are ata_sanitize_block"),
        (rule(technique=None), "rules[0].technique: nothing is given: the key is blank"),
        (rule(technique=7), "rules[0].technique: 7 is not a text"),
        (rule(fallback=["auto"]), "rules[0].fallback[0]: 'auto' is not known; allowed are ata_sanitize_block"),
        (rule(fallback=[]), "rules[0].fallback: [] has fewer than 1 elements"),
        (rule(technique="none", fallback="overwrite"), "rules[0].fallback: 'overwrite' is named where no technique is; leave one of the two out"),
        (rule(verify="nothing"), "rules[0].verify: 'nothing' is not known; allowed are all, canaries, sample"),
        (rule(sample_share=0), "rules[0].sample_share: 0 is not a whole number from 1 up"),
        (rule(sample_share=101), "rules[0].sample_share: 101 is more than 100; correct it"),
        (rule(sample_share="10 %"), "rules[0].sample_share: '10 %' is not a whole number"),
        (rule(canaries=63), "rules[0].canaries: 63 is not a whole number from 64 up"),
        (rule(canaries=(1 << 20) + 1), "rules[0].canaries: 1048577 is more than 1048576"),
        (rule(physical="bend"), "rules[0].physical: 'bend' is not known; allowed are degauss, disintegrate, incinerate, melt, pulverize, shred"),
        (rule(kinds=["hdd", "nvme", "hybrid"], physical="degauss"), "destroys nothing on nvme, hybrid, which keep data otherwise"),
        (rule(destination="attic"), "rules[0].destination: 'attic' is not known; allowed are external_reuse, internal_reuse"),
        (rule(classification_after=""), "rules[0].classification_after: '' is not a text"),
        (rule(kinds=["tape"], verify="sample"), "rules[0].verify: 'sample' is more than can be read of a tape"),
        (rule(kinds=["hdd", "tape"], verify="all"), "give canaries, in a rule for tapes alone"),
    ],
)  # fmt: skip
def test_a_faulty_policy_is_refused(document: t.Any, words: str) -> None:
    with pytest.raises(PolicyError) as refused:
        read_media_policy(document)
    assert words in refused.value.message and refused.value.message.startswith("the policy of media is not valid, nothing was done: ")
    assert any(words in problem for problem in refused.value.details["problems"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("hdd", "sas_hdd", "smr", "tape")])
def test_flash_and_optical_media_are_never_degaussed(kind: str) -> None:
    with pytest.raises(PolicyError, match=f"destroys nothing on {kind}"):
        read_media_policy(rule(kinds=[kind], physical="degauss"))


def test_all_faults_are_told_at_once() -> None:
    document = {**rule(technique="x", physical="y", sample_share=0), "limits": {"media": 0}, "colour": 1}
    with pytest.raises(PolicyError) as refused:
        read_media_policy(document)
    assert len(refused.value.details["problems"]) == 5 and "(and 2 more)" in refused.value.message


def test_what_is_shipped() -> None:
    for document in (None, {}):
        policy = read_media_policy(document)
        assert (policy.most, policy.most_of_host, policy.undetermined, dict(policy.rules)) == (50, 8, "refuse", {})
        assert policy.about == {"id": "shipped", "version": "1", "owner": "nobody", "review_by": "none", "digest": digest_of({})}
    for kind in KINDS:
        shipped = policy.rule(kind)
        assert (shipped.technique, shipped.fallback, shipped.verify, shipped.physical) == ("auto", (), "sample", "shred")
        assert (shipped.destination, shipped.classification_after) == ("recycling", "none")


def test_a_whole_policy() -> None:
    whole = {"technique": "overwrite", "fallback": "ata_sanitize_block", "verify": "all", "sample_share": 100, "canaries": 64}
    whole |= {"physical": "degauss", "destination": "other", "classification_after": "public"}
    document = {**rule(kinds=["hdd", "smr"], **whole), "limits": {"media": 500, "media_per_host": 1}, "undetermined": "accept"}
    policy = read_media_policy(document)
    assert policy.about == {**POLICY, "digest": digest_of(document)}
    assert (policy.most, policy.most_of_host, policy.undetermined) == (500, 1, "accept")
    assert policy.rule("hdd") == policy.rule("smr") == MediaRule(**{**whole, "fallback": ("ata_sanitize_block",)})
    assert policy.rule("nvme") == MediaRule()


def test_a_day_as_a_loader_of_yaml_gives_it() -> None:
    assert read_media_policy({**POLICY, "review_by": dt.date(2027, 6, 30)}).about["review_by"] == "2027-06-30"


def test_a_rule_of_tapes_may_say_what_is_done_anyway() -> None:
    assert read_media_policy(rule(kinds=["tape"], verify="canaries", physical="degauss")).rule("tape").physical == "degauss"


@pytest.mark.parametrize("technique", ["auto", "none", "overwrite", *TECHNIQUES])
def test_every_technique_may_be_named(technique: str) -> None:
    assert read_media_policy(rule(technique=technique)).rule("hdd").technique == technique


@pytest.mark.parametrize("physical", [name for name, known in PHYSICAL.items() if known.level != "none"])
def test_every_physical_technique_that_reaches_a_level_may_be_named(physical: str) -> None:
    assert read_media_policy(rule(physical=physical)).rule("hdd").physical == physical


def test_the_digest_is_that_of_what_was_written() -> None:
    digests = {
        read_media_policy(document).about["digest"] for document in (None, POLICY, rule(), rule(verify="all"), rule(verify="sample"))
    }
    assert len(digests) == 5


def test_as_few_canaries_as_sanitize_takes() -> None:
    assert sanitizing.LEAST_CANARIES == _media_policy._LEAST_CANARIES
