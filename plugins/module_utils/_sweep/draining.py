# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what must be kept still lies on media that are to leave a host: what is on them, held against the policy, holds and copies."""

from __future__ import annotations

import collections
import json
import time
import typing as t

from .._errors import DisposalError, RefusedError
from .._executor import CheckExecutor
from .._media.arrays import list_arrays
from .._media.filesystems import Filesystem
from .._media.identity import find_device, given_identity
from .._media.mounted import Mounted
from .._media.serials import serial_key
from .._media.stack import Number
from .._media.surveying import Survey, find_medium, look_at_all, survey
from .._recordings.calendar import rfc3339
from .._retention.holds import load_holds
from .._retention.policy import VERDICTS
from .copies_elsewhere import Copies
from .drained_files import Judged, judge_filesystem
from .inputs import Inputs, gather
from .state import StateDir

__all__ = ["drained_of", "look_into"]

_MOST_MEDIA = 200
# A result stays below 64 KiB, with room for what Ansible adds.
_MOST_BYTES = 60_000
# How many reasons and limits a medium may have, and whether samples are told.
_SHORTENED = ((8, True), (8, False), (3, False), (1, False))
_SHORT = 300


def look_into(identity: t.Mapping[str, t.Any], *, sys_root: str = "/sys", run_root: str = "/run") -> list[dict[str, t.Any]]:
    """The filesystems on a medium as C(media_drain) tells them, each with its inventory. Needs no policy, and writes nothing.

    Nobody may have the device open for himself meanwhile, the caller neither.

    :arg identity: as the option C(device) of C(sanitize) has it; all namespaces of an NVMe drive are looked into where it has a serial.
    :raises RefusedError: it is not on this host, or something on it cannot be looked into; C(details) then has the C(filesystems) that
        can be, and C(unknown), a clause for each reason.
    """
    given = given_identity(identity)
    roots = {"sys_root": sys_root, "run_root": run_root}
    devices = find_medium(given["serial"], **roots) if given.get("serial") else [find_device(given, sizeless=True, **roots)]
    found = survey(devices, **roots)
    rows = look_at_all(found)
    if found.unknown:
        raise RefusedError(
            f"what lies on {devices[0].name} cannot be looked into ({'; '.join(found.unknown[:3])}); see to that, and look again",
            details={"filesystems": rows, "unknown": found.unknown},
        )
    return rows


def drained_of(params: t.Mapping[str, t.Any], *, sys_root: str = "/sys", run_root: str = "/run") -> dict[str, t.Any]:
    """The result of C(media_drain).

    :raises DisposalError: an option, the policy, a hold or a directory of copies is not what it should be; nothing was looked at then.
    """
    serials = _serials(params["media"])
    # It reads holds from there; nothing is ever written.
    state = StateDir(params["state_dir"], CheckExecutor())
    inputs = gather(params, state) if params.get("policy") else None
    holds, generation = load_holds([*(params["holds"] or []), *state.hold_documents()])
    now = inputs.now if inputs else int(time.time())
    active = sum(hold.active(now) for hold in holds)
    mounted = Mounted(sys_root=sys_root)
    surveys = {serial: _surveyed(serial, sys_root, run_root) for serial in serials}
    roots = [root for source in inputs.policy.sources for root in source.roots] if inputs else None
    copies = Copies(params["copies"] or [], roots=roots, mounted=mounted, media=_numbers(surveys.values()))
    try:
        judging = _Judging(inputs, copies, mounted, active, params)
        media = [judging.medium(serial, found) for serial, found in surveys.items()]
    finally:
        copies.close()
    return _fitted(
        {
            "changed": False,
            "as_of": rfc3339(now),
            "policy": inputs.policy.summary() if inputs else None,
            "holds": {"generation": generation, "active": active},
            "media": media,
            "arrays": list_arrays(sys_root=sys_root, run_root=run_root),
            "warnings": list(inputs.warnings) if inputs else [],
        }
    )


def _serials(given: t.Sequence[str] | None) -> list[str]:
    """The serials, each once.

    :raises RefusedError: none are given, or a blank one or one twice.
    """
    if given is None:
        raise RefusedError("no media are named, so nothing was looked at; give register, or media")
    keys = collections.Counter(serial_key(serial) for serial in given)
    faulty = sorted(key or "a blank one" for key, count in keys.items() if not key or count > 1)
    if faulty:
        raise RefusedError(
            f"the serials under media are blank or stand twice ({', '.join(faulty[:10])}), so nothing was looked at; correct them"
        )
    if len(given) > _MOST_MEDIA:
        raise RefusedError(f"{len(given)} media are named, so nothing was looked at; give at most {_MOST_MEDIA} in one task")
    return list(given)


def _surveyed(serial: str, sys_root: str, run_root: str) -> Survey:
    """What lies on a medium; where that cannot be told, why."""
    try:
        return survey(find_medium(serial, sys_root=sys_root, run_root=run_root), sys_root=sys_root, run_root=run_root)
    except RefusedError as error:
        return Survey(unknown=[error.message])


def _numbers(surveys: t.Iterable[Survey]) -> dict[Number, str]:
    return {number: name for found in surveys for number, name in found.numbers.items()}


class _Judging:
    """All media of one task; a filesystem that lies on several of them is judged once."""

    def __init__(self, inputs: Inputs | None, copies: Copies, mounted: Mounted, holds: int, params: t.Mapping[str, t.Any]) -> None:
        self.inputs, self.copies, self.mounted, self.holds, self.params = inputs, copies, mounted, holds, params
        self.known: dict[Number, Judged] = {}

    def medium(self, serial: str, found: Survey) -> dict[str, t.Any]:
        judged = [self._filesystem(filesystem) for filesystem in found.filesystems]
        outside = sum(each.outside for each in judged)
        no = [reason for each in judged for reason in each.no]
        unknown = [*found.unknown, *(reason for each in judged for reason in each.unknown)]
        limits = [*found.limits, *(limit for each in judged for limit in each.limits)]
        if outside and not any(each.rooted for each in judged) and self.params["other_files"] != "accepted":
            no.append(f"no source of the policy has a root on it, and {outside} files lie on it; correct the policy, or accept other_files")
        verdicts = dict.fromkeys(VERDICTS, 0)
        samples: dict[str, list[dict[str, t.Any]]] = {}
        for each in judged:
            for verdict, count in each.verdicts.items():
                verdicts[verdict] += count
            for verdict, some in each.samples.items():
                samples[verdict] = [*samples.get(verdict, []), *some][:5]
        return {
            "serial": serial,
            "drained": "no" if no else "unknown" if unknown else "yes",
            "reasons": [*no, *unknown],
            "limits": [*self._state_dir(found), *limits],
            "filesystems": [each.row for each in judged if each.row is not None],
            "verdicts": verdicts,
            "outside": outside,
            "copied": sum(each.copied for each in judged),
            "backup": self._backup(judged),
            "samples": samples,
        }

    def _filesystem(self, filesystem: Filesystem) -> Judged:
        if filesystem.key not in self.known:
            try:
                self.known[filesystem.key] = judge_filesystem(
                    filesystem,
                    inputs=self.inputs,
                    copies=self.copies,
                    mounted=self.mounted,
                    holds=self.holds,
                    mount_unmounted=self.params["mount_unmounted"],
                )
            except DisposalError as error:
                self.known[filesystem.key] = Judged(unknown=[f"{filesystem.label}: {error.message}"])
        return self.known[filesystem.key]

    def _state_dir(self, found: Survey) -> list[str]:
        path = self.params["state_dir"]
        place = self.mounted.place(path)
        if place is None or self.mounted.devices(place.mount).isdisjoint(found.numbers):
            return []
        return [f"the state directory {path} with its journals and holds lies on it; fetch the evidence before it goes"]

    def _backup(self, judged: t.Sequence[Judged]) -> dict[str, t.Any]:
        """Whether what had to be kept was found elsewhere; not known where nobody named copies, or nothing had to be kept."""
        where = sorted({directory for each in judged for directory in each.where})
        if not self.copies.all or not any(each.copied or each.lacking for each in judged):
            return {"copied": "unknown", "where": where}
        return {"copied": "no" if any(each.lacking or each.row is None for each in judged) else "yes", "where": where}


def _fitted(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """The result below 64 KiB: first without samples, then with fewer reasons and limits of each medium, which say how many more there are.

    :raises RefusedError: it is larger even so.
    """
    for most, samples in _SHORTENED:
        told = {**result, "media": [_shortened(row, most, samples=samples) for row in result["media"]]}
        if len(json.dumps(told)) <= _MOST_BYTES:
            return told
    raise RefusedError(
        f"what lies on {len(result['media'])} media cannot be told in one result of at most 64 KiB; look at fewer of them in one task"
    )


def _shortened(row: dict[str, t.Any], most: int, *, samples: bool) -> dict[str, t.Any]:
    shortened = {**row, "samples": row["samples"] if samples else {}}
    for name in ("reasons", "limits"):
        texts = list(dict.fromkeys(row[name]))
        told = [text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…" for text in texts[:most]]
        shortened[name] = [*told, f"and {len(texts) - most} more"] if len(texts) > most else told
    return shortened
