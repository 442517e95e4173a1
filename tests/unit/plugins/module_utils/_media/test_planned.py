# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows that a host is given: only those that were approved, as they were approved."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import EvidenceError
from ansible_collections.recordings.disposal.plugins.module_utils._evidence.canonical import canonical, digest
from ansible_collections.recordings.disposal.plugins.module_utils._media.choosing import TECHNIQUES
from ansible_collections.recordings.disposal.plugins.module_utils._media.planned import OVERWRITE, PlannedMedium, planned_media
from ansible_collections.recordings.disposal.plugins.module_utils._media.serials import medium_set
from ansible_collections.recordings.disposal.plugins.module_utils._standards.levels import LEVELS

# What the run is settled by.
KEPT = ("physical", "on_failure", "required_level", "make", "model", "asset_number", "classification", "destination", "bay", "host")


def row(**changes: t.Any) -> dict[str, t.Any]:
    """A row as far as a host needs it."""
    made = {
        **{"serial": "S1", "set": medium_set("S1"), "kind": "nvme", "size_bytes": 512, "identity": {"serial": "S1", "size_bytes": 512}},
        **{"level": "purge", "steps": [{"technique": "nvme_sanitize_block"}, {"technique": "overwrite"}], "verify": "sample"},
        **{"sample_share": 1, "canaries": 64, "all_namespaces": True},
        **dict.fromkeys(KEPT, ""),
        "drain": {
            "drained": "yes",
            "filesystems": [{"device": "sda1", "type": "ext4", "uuid": "x", "inventory": "sha256:0", "stacked": False}],
        },
    }
    return {**made, **changes}


def text_of(*rows: t.Any) -> str:
    return "".join(f"{canonical(each).decode()}\n" for each in rows)


def read(text: str) -> list[PlannedMedium]:
    return planned_media(text, digest(text.encode()))


def test_what_is_planned() -> None:
    shredded = row(serial="S2", steps=[], level="")
    (medium,) = read(text_of(shredded, row()))
    assert medium == PlannedMedium(
        **{"serial": "S1", "set": medium_set("S1"), "kind": "nvme", "size": 512, "identity": {"serial": "S1", "size_bytes": 512}},
        **{"level": "purge", "steps": ("nvme_sanitize_block", "overwrite"), "verify": "sample", "sample_share": 1, "canaries": 64},
        **{
            "all_namespaces": True,
            "drained": "yes",
            "filesystems": ({"device": "sda1", "type": "ext4", "uuid": "x", "inventory": "sha256:0", "stacked": False},),
        },
    )
    assert read(text_of(shredded)) == read("") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: text[:-1],
        lambda text: text.replace("S1", "S2"),
        lambda text: "",
        lambda text: text * 2,
        lambda text: text.replace("ext4", "ext\udce9"),
    ],
)
def test_rows_that_were_not_approved(change: t.Callable[[str], str]) -> None:
    text = text_of(row())
    with pytest.raises(EvidenceError) as refused:
        planned_media(change(text), digest(text.encode()))
    assert f"and {digest(text.encode())} was approved, so nothing was done; use the plan's own files" in refused.value.message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (json.dumps(row()) + "\n", "it is not canonical"),
        (text_of(row()).replace('"canaries":64', '"canaries": 64'), "it is not canonical"),
        ("\n", "Expecting value"),
        ("{}\n", "'steps'"),
        ("[]\n", "list indices"),
        ("null\n", "NoneType"),
        ('{"steps":1.5}\n', "float"),
        (text_of(row(steps=[{"technique": "shred"}])), "the technique shred is not known"),
        (text_of(row(steps=[{"technique": "auto"}])), "the technique auto is not known"),
        (text_of(row(steps=[{"technique": ["overwrite"]}])), "the technique ['overwrite'] is not known"),
        (text_of(row(steps=[{}])), "'technique'"),
        (text_of(row(steps=["overwrite"])), "string indices"),
        (text_of(row(steps=7)), "'int' object is not iterable"),
        *((text_of(row(level=level)), f"the level {level!r} is none that a host reaches") for level in ("none", "destroy", "", None, 2)),
        (text_of(row(drain={"drained": "no", "filesystems": []})), "what must be kept is still on it"),
        (text_of(row(drain={"drained": None, "filesystems": []})), "what must be kept is still on it"),
        (text_of(row(drain={"drained": "yes", "filesystems": None})), "'NoneType' object is not iterable"),
        (text_of({key: value for key, value in row().items() if key != "identity"}), "'identity'"),
        ("[" * 100_000 + "\n", "recursion"),
    ],
)
def test_rows_that_cannot_be_read(text: str, why: str) -> None:
    """Whoever has approved them: a host does not guess."""
    with pytest.raises(EvidenceError) as refused:
        read(text_of(row()) + text)
    assert refused.value.message.startswith("row 2 of the plan cannot be read (") and why in refused.value.message
    assert refused.value.message.endswith("so nothing was done; use the version of the collection that made it")


@pytest.mark.parametrize("technique", [OVERWRITE, *TECHNIQUES])
@pytest.mark.parametrize("level", LEVELS[1:-1])
def test_every_technique_and_level_that_a_host_has(technique: str, level: str) -> None:
    (medium,) = read(text_of(row(steps=[{"technique": technique}], level=level)))
    assert (medium.steps, medium.level) == ((technique,), level)


def test_a_medium_that_nobody_could_look_into() -> None:
    (medium,) = read(text_of(row(drain={"drained": "unknown", "filesystems": []})))
    assert (medium.drained, medium.filesystems) == ("unknown", ())


@pytest.mark.parametrize("key", KEPT)
def test_a_row_by_which_nothing_could_be_settled_is_refused(key: str) -> None:
    made = row()
    del made[key]
    with pytest.raises(
        EvidenceError, match=f"row 1 of the plan cannot be read .it lacks {key}, without which what becomes of it could not be settled"
    ):
        read(text_of(made))


@pytest.mark.parametrize("key", ["device", "type", "uuid", "inventory", "stacked"])
def test_a_row_that_does_not_tell_what_was_on_it_is_refused(key: str) -> None:
    made = row()
    del made["drain"]["filesystems"][0][key]
    with pytest.raises(EvidenceError, match="row 1 of the plan cannot be read .it does not tell what was on it as media_drain does"):
        read(text_of(made))
