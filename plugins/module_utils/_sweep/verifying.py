# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a whole medium by reading only, and say what was found, what was not read, and how much a sample leaves open."""

from __future__ import annotations

import os
import re
import time
import typing as t

from .._erasure.canary import Canaries, parse_canaries
from .._erasure.keystream import Source, open_source
from .._erasure.looking import PIECE, Look, Seen, look_at_device, miss_probability
from .._erasure.pace import set_io_priority
from .._erasure.schemes import Pass
from .._errors import DisposalError, RefusedError
from .._media.identity import Device, find_device, given_identity
from .manner import pace_of, require_counts

__all__ = ["verify_medium"]

_KEY_BYTES = 32
# Parts of the medium, in parts of a hundred thousand, for which it is told how likely a sample misses a residue of that size.
_RESIDUES = (1, 10, 100, 1000)

LIMIT_SAMPLE = "only a sample was read, so what lies elsewhere was not seen"
LIMIT_NO_EXPECTATION = (
    "what every byte should be is not known, so only known beginnings of files and filesystems, and canaries, were looked for"
)
LIMIT_ADDRESSABLE = "only what the drive shows was read: spare, remapped and hidden blocks were not"


def verify_medium(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of C(media_verify).

    :raises DisposalError: refused, or something was found or could not be read where that is a failure; C(details) is the result.
    """
    require_counts(params)
    source = _source(params["expect"], params["pattern"], params["key_file"])
    canaries = _canaries(params["canaries"])
    every = 1 if params["verify"] == "all" else 100 // params["sample_share"]
    seed = params["seed"] or os.urandom(16).hex()
    device = find_device(given_identity(params["device"]))
    set_io_priority(params["io_priority"])
    started = time.monotonic()
    pace = pace_of(params["max_rate"]) or (lambda _length: None)
    try:
        seen = look_at_device(device, Look(every, seed, source, canaries, params["threads"], pace))
    finally:
        if source is not None:
            source.wipe()
    result = _result(device, seen, every, seed, time.monotonic() - started, expected=source is not None)
    if params["on_residue"] == "fail" and seen.verdict() != "clean":
        raise DisposalError(_sentence(device, seen), details=result)
    return result


def _source(expect: str, pattern: str | None, key_file: str | None) -> Source | None:
    if expect == "keystream":
        return open_source(Pass(None), key=_key(key_file))
    if expect == "pattern":
        if not pattern or not re.fullmatch("(?:[0-9a-fA-F]{2}){1,64}", pattern):
            raise RefusedError(f"the pattern {pattern!r} is not from 1 to 64 bytes in hexadecimal, so nothing was read; correct it")
        return open_source(Pass(bytes.fromhex(pattern)))
    value = {"zeros": b"\0", "ones": b"\xff"}.get(expect)
    return None if value is None else open_source(Pass(value))


def _read(path: str | None, option: str) -> bytes:
    if not path:
        raise RefusedError(f"{option} is not given, so nothing was read; give the path of the file on the host")
    try:
        with open(path, "rb") as handle:
            return handle.read(1 << 16)
    except OSError as error:
        raise RefusedError(
            f"{option}: {path} cannot be read ({error.strerror}), so nothing was read from the medium; correct it"
        ) from error


def _key(path: str | None) -> bytes:
    text = _read(path, "key_file")
    if len(text) == _KEY_BYTES:
        return text
    if not re.fullmatch(rb"\s*[0-9a-fA-F]{64}\s*", text):
        raise RefusedError(f"key_file: {path} holds neither 32 bytes nor 64 hexadecimal digits, so nothing was read; correct it")
    return bytes.fromhex(text.decode("ascii"))


def _canaries(path: str | None) -> Canaries | None:
    return None if path is None else parse_canaries(_read(path, "canaries"))


def _sentence(device: Device, seen: Seen) -> str:
    found = []
    if seen.differing.bad_bytes:
        found.append(f"{seen.differing.bad_bytes} bytes are not what they should be ({seen.differing.told()})")
    if seen.beginnings_count:
        offset, kind = seen.beginnings[0]
        found.append(f"{seen.beginnings_count} known beginnings were found, the first is {kind} at offset {offset}")
    if seen.canaries_left:
        found.append(f"{len(seen.canaries_left)} canaries are left, the first at offset {seen.canaries_left[0]}")
    if seen.unread.bad_bytes:
        found.append(f"{seen.unread.bad_bytes} bytes could not be read ({seen.unread.told()})")
    if seen.canaries_unread:
        found.append(f"{seen.canaries_unread} places of canaries could not be read")
    return f"{device.name} is not clean: {'; '.join(found)}; sanitize the medium again, or destroy it physically"


def _result(device: Device, seen: Seen, every: int, seed: str, seconds: float, *, expected: bool) -> dict[str, t.Any]:
    low, total, high, count = seen.disorder
    limits = [*seen.limits, LIMIT_ADDRESSABLE] + ([] if expected else [LIMIT_NO_EXPECTATION]) + ([LIMIT_SAMPLE] if every > 1 else [])
    return {
        "changed": False,
        "verdict": seen.verdict(),
        "identity": device.identity,
        "size_bytes": device.size,
        "read_bytes": seen.read_bytes,
        "seconds": round(seconds, 3),
        "rate": int(seen.read_bytes / max(seconds, 0.001)),
        "sample": None if every == 1 else {"one_of": every, "piece_bytes": PIECE, "seed": seed, "misses": _misses(device.size, every)},
        "residue_ranges": _ranges(seen.differing.bad),
        "residue_bytes": seen.differing.bad_bytes,
        "bad_ranges": _ranges(seen.unread.bad),
        "bad_bytes": seen.unread.bad_bytes,
        "beginnings": [{"offset": offset, "kind": kind} for offset, kind in seen.beginnings],
        "beginnings_count": seen.beginnings_count,
        "canaries": {
            "read": seen.canaries_read,
            "unread": seen.canaries_unread,
            "left": len(seen.canaries_left),
            "places": seen.canaries_left[:16],
        },
        "entropy": {"samples": count, "uniform": seen.uniform, "lowest": low, "mean": total // count, "highest": high}
        if count
        else {"samples": 0, "uniform": seen.uniform},
        "limits": limits,
    }


def _ranges(bad: t.Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"offset": offset, "bytes": length} for offset, length in bad]


def _misses(size: int, every: int) -> list[dict[str, t.Any]]:
    """How likely the sample misses a residue: of one piece, and of some parts of the medium."""
    sizes = [PIECE, *(size * part // 100_000 for part in _RESIDUES)]
    return [
        {"residue_bytes": residue, "probability": f"{miss_probability(size, every, residue):.3g}"} for residue in sizes if residue >= PIECE
    ]
