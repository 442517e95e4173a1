# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy the key under which evidence names recording sets, so that all evidence made under it is anonymous from then on.

What is left is a line in C(identifiers-keys.jsonl): a fingerprint by which a copy of the key would be known again, and how it was destroyed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hmac
import json
import os
import stat
import typing as t

from ..module_utils._errors import DisposalError, EvidenceError, RefusedError
from ..module_utils._evidence.chain import ChainReader, ChainWriter, Record, opened
from ..module_utils._evidence.clock import parse_time, time_text
from ..module_utils._executor import Executor
from ..module_utils._retention.holds import load_holds, load_requests
from ._evidence_files import MANIFEST, STATEMENT, read_bytes, read_statement

__all__ = ["FORMAT", "TOMBSTONES", "Destroying", "destroy_key", "fingerprint_of"]

FORMAT = "recordings.disposal/identifiers-key/1"
TOMBSTONES = "identifiers-keys.jsonl"
_LABEL = b"recordings.disposal identifiers key"
_LEAST = 32
_MOST = 4096
_MOST_TOLD = 5
Overwrite = t.Callable[[dict[str, t.Any]], dict[str, t.Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Destroying:
    """What destroying needs; paths on the controller.

    :ivar holds: the documents of all legal holds; C(requests) those of all erasure requests that are open.
    :ivar overwrite: runs the module C(overwrite) on the controller.
    """

    path: str
    state_dir: str
    holds: t.Sequence[t.Any]
    requests: t.Sequence[t.Any]
    on_ineffective: str
    overwrite: Overwrite
    executor: Executor
    check_mode: bool
    now: dt.datetime


def fingerprint_of(key: str) -> str:
    """By which a key is known again, and which tells nothing of it."""
    return f"sha256:{hmac.digest(key.encode(), _LABEL, 'sha256').hex()}"


def destroy_key(told: Destroying) -> dict[str, t.Any]:
    """Destroy the key, or find that it was; returns plain data for the task's result.

    :raises RefusedError: somebody still needs it; nothing was written.
    :raises DisposalError: it is not destroyed, or that is not known.
    """
    tombstones = os.path.join(told.state_dir, TOMBSTONES)
    last, runs = _known(tombstones)
    begun = last is not None and last["event"] == "announced"
    if not os.path.lexists(told.path):
        if last is None:
            raise RefusedError(f"there is no key {told.path}, and none was destroyed from here, so nothing was done; correct the path")
        if not begun:
            return {"changed": False, "fingerprint": last["fingerprint"], "outcome": "destroyed", "tombstones": tombstones}
    key = _key(told.path) if os.path.lexists(told.path) else None
    if key is not None and not (begun and last is not None and fingerprint_of(key) != last["fingerprint"]):
        _refuse_needed(told)
    fingerprint = t.cast(Record, last)["fingerprint"] if begun else fingerprint_of(t.cast(str, key))
    if told.check_mode:
        _overwritten(told)
        return {"changed": True, "fingerprint": fingerprint, "outcome": "not_destroyed", "tombstones": tombstones}
    with ChainWriter(tombstones, executor=told.executor) as log:
        if not begun:
            log.put({"format": FORMAT, "event": "announced", "fingerprint": fingerprint, "time": time_text(told.now)})
            log.sync()
        done = _overwritten(told)
        if done["run"] in runs:
            raise DisposalError(
                f"the key {told.path} went without having been overwritten (the run {done['run']} was over an earlier key), so it is not known to be "
                "destroyed; find out who removed it, and look for copies",
                details={"outcome": "unknown"},
            )
        log.put(
            {
                **{"format": FORMAT, "event": "destroyed", "fingerprint": fingerprint, "time": time_text(told.now)},
                **{"outcome": done["outcome"], "level": done["level"], "limits": done["limits"], "run": done["run"]},
                # Not told where an earlier attempt had overwritten it and was cut off then.
                "journal": {key: done["journal"][key] for key in ("head", "records")} if "journal" in done else None,
            }
        )
        log.sync()
    return {"changed": True, "fingerprint": fingerprint, "outcome": "destroyed", "tombstones": tombstones, "limits": done["limits"]}


def _known(path: str) -> tuple[Record | None, set[str]]:
    """The last line about a key, none before the first, and the runs of C(overwrite) that lines tell of."""
    if not os.path.exists(path):
        return None, set()
    last, runs = None, set[str]()
    file, name = opened(path)
    with file:
        reader = ChainReader(file, name, allow_torn=True)
        for record in reader:
            if record.get("format") != FORMAT or record.get("event") not in ("announced", "destroyed") or "fingerprint" not in record:
                raise reader.fault("is not a line about a key, or one of a future version; compare it with a copy", line=reader.count)
            last = record
            runs.update([str(record["run"])] if "run" in record else [])
    return last, runs


def _key(path: str) -> str:
    try:
        facts = os.lstat(path)
        with open(path, encoding="ascii") as file:
            key = file.read(_MOST).strip()
    except (OSError, UnicodeError) as error:
        raise RefusedError(f"the key {path} cannot be read ({error}), so nothing was done; repair that, or correct the path") from error
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
        raise RefusedError(
            f"the key {path} is a link, or has another name too, so nothing was done; name the file itself, and remove the others"
        )
    if len(key) < _LEAST:
        raise RefusedError(
            f"{path} is shorter than {_LEAST} characters, so it is no key for identifiers and nothing was done; correct the path"
        )
    return key


def _refuse_needed(told: Destroying) -> None:
    """:raises RefusedError: a hold, an erasure request or a plan needs the key; each is named."""
    now = int(told.now.timestamp())
    reasons = [f"the legal hold {hold.id} is in force" for hold in load_holds(told.holds)[0] if hold.active(now)]
    reasons += [f"the erasure request {request.id} is open" for request in load_requests(told.requests)[0]]
    reasons += [f"the plan {name} is not carried out to its end and sealed" for name in _open_plans(told)]
    if reasons:
        more = f" (and {len(reasons) - _MOST_TOLD} more)" if len(reasons) > _MOST_TOLD else ""
        raise RefusedError(
            f"the key {told.path} is still needed, so nothing was done: {'; '.join(reasons[:_MOST_TOLD])}{more}; bring that to its end first",
            details={"needed_by": reasons[:50]},
        )


def _open_plans(told: Destroying) -> t.Iterator[str]:
    """Plans that may still be carried out, or whose run has begun here and is not complete."""
    plans = os.path.join(told.state_dir, "plans")
    for name in sorted(os.listdir(plans)) if os.path.isdir(plans) else ():
        manifest = os.path.join(plans, name, MANIFEST)
        statement = os.path.join(told.state_dir, "runs", name, STATEMENT)
        if not os.path.isfile(manifest):
            continue
        if os.path.isfile(statement):
            if read_statement(read_bytes(statement), statement)["predicate"].get("complete") is not True:
                yield name
            continue
        try:
            expired = told.now >= parse_time(json.loads(read_bytes(manifest))["expires"])
        except (ValueError, KeyError, TypeError) as error:
            raise EvidenceError(f"{manifest} cannot be read ({error}), so nothing was done; compare it with a copy") from error
        if not expired or os.path.isdir(os.path.dirname(statement)):
            yield name


def _overwritten(told: Destroying) -> dict[str, t.Any]:
    """What the module C(overwrite) says of the key, which it has destroyed, or would in check mode.

    :raises DisposalError: it has not, or does not know.
    """
    done = told.overwrite(
        {
            **{"paths": [told.path], "roots": [os.path.dirname(told.path)], "level": "clear", "on_ineffective": told.on_ineffective},
            "state_dir": os.path.join(told.state_dir, "identifiers-key"),
        }
    )
    if done.get("failed") or (not told.check_mode and done.get("outcome") != "destroyed"):
        why = str(done.get("msg") or f"what came of it is {done.get('outcome')}; see its journal")
        raise DisposalError(f"the key {told.path} is not known to be destroyed: {why}", details={"outcome": done.get("outcome", "unknown")})
    return done
