# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal tells of a sanitize that was cut off."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.recordings.disposal.plugins.module_utils._errors import RefusedError
from ansible_collections.recordings.disposal.plugins.module_utils._media.abilities import Medium, abilities
from ansible_collections.recordings.disposal.plugins.module_utils._media.ata import read_identify
from ansible_collections.recordings.disposal.plugins.module_utils._media.cartridge import Cartridge
from ansible_collections.recordings.disposal.plugins.module_utils._media.firmware import Status
from ansible_collections.recordings.disposal.plugins.module_utils._media.tape import TapeDrive
from ansible_collections.recordings.disposal.plugins.module_utils._sweep import selecting, unfinished
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.subject import fresh_canaries, require_sense

IDLE = Status("idle").row()


@pytest.mark.parametrize("state", ["locked", "enabled", "expired", "frozen"])
def test_only_a_password_of_ours_is_no_obstacle(state: str) -> None:
    """What abilities say of a disk in these states is what selecting knows again."""
    words = (0x848A, *(0,) * 9, 0x5331, *(0,) * 117, 1, *(0,) * 127)
    disk = dataclasses.replace(read_identify(words), security=frozenset({"supported", "enhanced", state}))
    found = [each for each in abilities(Medium("hdd", 1 << 30, disk)) if each.technique.startswith("ata_security")]
    assert len(found) == 2 and not any(each.possible for each in found)
    unlocked = [selecting._unlocked(each, {"levels": None}) for each in found]
    assert all(each.possible == (state in ("locked", "enabled")) for each in unlocked)
    assert all(each.level in ("clear", "purge") for each in unlocked if each.possible)


def step(name: str, **told: t.Any) -> dict[str, t.Any]:
    return {"step": name, "told": told}


BEFORE = step("before", status=IDLE, laid=64)
REWIND = [step("issuing", what="rewind"), step("accepted", what="rewind", status=IDLE, more=True)]
ERASE = [step("issuing", what="erase"), step("accepted", what="erase", status=IDLE, more=False)]


@pytest.mark.parametrize(
    ("steps", "issued", "accepted"),
    [
        ([], False, None),
        ([BEFORE], False, None),
        ([BEFORE, *REWIND[:1]], True, None),
        # That the tape was rewound does not tell that it was erased.
        ([BEFORE, *REWIND], True, None),
        ([BEFORE, *REWIND, *ERASE[:1]], True, None),
        ([BEFORE, *REWIND, *ERASE], True, True),
        ([BEFORE, *REWIND, *ERASE, BEFORE], False, None),
        ([BEFORE, *REWIND, ERASE[0], step("refused", what="erase", status=IDLE, more=False)], True, False),
        # A journal of before that word is taken as it was.
        ([BEFORE, step("issuing", what="sanitize"), step("accepted", what="sanitize", status=IDLE)], True, True),
    ],
)
def test_only_the_last_answer_of_several_commands_counts(steps: list[dict[str, t.Any]], issued: bool, accepted: bool | None) -> None:
    earlier = unfinished.earlier_of(steps)
    assert (earlier.issued, earlier.accepted) == (issued, accepted)


@pytest.mark.parametrize("verify", ["sample", "all"])
def test_of_a_tape_nothing_but_canaries_can_be_looked_for(verify: str) -> None:
    with pytest.raises(RefusedError, match=f"verify is {verify}, and of a tape nothing can be read behind its end of data"):
        require_sense({"cartridge": "HA7T00C019"}, {"verify": verify})
    require_sense({"cartridge": "HA7T00C019"}, {"verify": "canaries"})
    require_sense({"serial": "S4EWNX0N123456"}, {"verify": verify})


def test_canaries_of_a_tape_lie_one_behind_the_other() -> None:
    cartridge = Cartridge(TapeDrive("nst0", "/dev/nst0", "/sys/x", "", "", "", "", ""), "HA7T00C019", 11444224 << 20)
    one, other = (fresh_canaries(cartridge, 64) for _attempt in range(2))
    assert one.places() == [number * 4096 for number in range(64)] and one.key != other.key
