# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which techniques C(sanitize) is to try on a medium, with all that it must be asked before; and whether one need not be tried again."""

from __future__ import annotations

import typing as t

from .._erasure.asleft import as_left, limit_of
from .._erasure.canary import Canaries
from .._erasure.looking import Look
from .._erasure.schemes import satisfies
from .._errors import RefusedError
from .._evidence.journal import read_journal
from .._media.abilities import Ability
from .._media.ata_erase import AtaSecurityErase
from .._media.cartridge import Cartridge
from .._media.choosing import choose, left_out, reaches_all_namespaces, running_on
from .._media.identity import Device
from .._media.medium import look_at_abilities
from .._standards.techniques import techniques
from .approved import journal_path
from .asked import Task, reached_by
from .result import latest_run, run_id
from .state import StateDir
from .subject import Subject, bearer_of, require_unused
from .unfinished import kept_canaries, laid_before

__all__ = ["Selected", "select", "still_destroyed", "untouched"]

_SECURITY = "ata_security_erase"
# How abilities say that a password is in the way.
_OF_A_PASSWORD = ("it is locked with a password", "a password is set already")


class Selected(t.NamedTuple):
    """What is to be tried.

    :ivar tasks: each with the number of its last run.
    :ivar warnings: fallbacks that never are.
    :ivar ours: a password that the disk has was set by an erase of this host that was cut off.
    """

    tasks: list[tuple[Task, int]]
    warnings: list[str]
    ours: bool


def select(state: StateDir, device: Subject, params: t.Mapping[str, t.Any]) -> Selected:
    """The techniques to try, in order.

    :raises RefusedError: nothing fits, something speaks against it, or more would be reached than was named.
    """
    require_unused(device, params["on_unseen"])
    abilities = look_at_abilities(device, overrides=params["levels"])
    ours = isinstance(device, Device) and _password_is_ours(state, device, abilities)
    if ours:
        abilities = [_unlocked(each, params) for each in abilities]
    found = {ability.technique: ability for ability in abilities}
    tasks = []
    for technique in choose(abilities, params["technique"], params["level"], params["fallback"], name=device.name):
        reached = reached_by(device, technique, all_namespaces=params["all_namespaces"])
        task = Task(device, reached, technique, params["level"], found[technique].level, found[technique].standard)
        tasks.append((task, latest_run(state.path, task.name)[0]))
    return Selected(tasks, left_out(abilities, params["level"], params["fallback"], name=device.name), ours)


def _password_is_ours(state: StateDir, device: Device, abilities: t.Iterable[Ability]) -> bool:
    """An erase that was cut off has left the disk with the password that it needed, by which it is unlocked and begun anew."""
    if not any(each.technique == _SECURITY and not each.possible for each in abilities):
        return False
    laid = laid_before(state, device)
    if laid is None or not laid.technique.startswith(_SECURITY):
        return False
    return AtaSecurityErase(_SECURITY, device).look().state in ("locked", "armed")


def _unlocked(ability: Ability, params: t.Mapping[str, t.Any]) -> Ability:
    if ability.possible or not ability.technique.startswith(_SECURITY) or not ability.why.startswith(_OF_A_PASSWORD):
        return ability
    return ability._replace(possible=True, why="", level=techniques(params["levels"])[ability.technique].level)


def still_destroyed(state: StateDir, task: Task, number: int, params: t.Mapping[str, t.Any], look: Look) -> dict[str, t.Any] | None:
    """What a run's proof tells, where the medium is looked at again as the task asks for, and nothing speaks against it; else C(None)."""
    run = run_id(task.name, number)
    record = as_left(journal_path(state.path, run), task.reached)
    if record is None or not satisfies(record["level"]["achieved"], task.required):
        return None
    proof = record["proof"]
    told = reaches_all_namespaces(task.technique) and proof.get("fresh") is True
    intents = [each for each in read_journal(journal_path(state.path, run), allow_torn=True) if each["type"] == "intent"]
    try:
        kept = kept_canaries(state, run, intents[-1])
    except RefusedError:
        return None
    if not untouched(task, kept, look, fresh=told):
        return None
    limits = [*proof["limits"], limit_of(params["verify"], logged=bool(told), tape=isinstance(task.device, Cartridge))]
    return {**{name: proof[name] for name in ("transition", "canaries")}, "limits": limits}


def untouched(task: Task, kept: t.Sequence[Canaries], look: Look, *, fresh: bool) -> bool:
    """Whether a look at what was reached finds nothing that was written since, and nothing of the canaries.

    :arg fresh: when it was destroyed the device said that nothing was written since, and must say so still.
    """
    if fresh and isinstance(task.device, Device):
        now = running_on(task.device)
        if now.state != "done" or not now.fresh:
            return False
    try:
        for device, canaries in zip(task.reached, kept):
            remains = bearer_of(device, canaries).look_back(look)
            if remains.left or remains.unread or remains.residue or remains.unlooked:
                return False
    except RefusedError:
        return False
    return True
