# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a retention class and a period: destroyed in its store once, whatever the number of recordings and of hosts that have them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import io
import typing as t

from .._errors import RefusedError
from .._evidence.clock import time_text
from .._executor import Executor
from .age import Label, make_header, read_header, unwrap
from .agekeys import FILE_KEY_BYTES, AgeError, Ephemeral, fingerprint, new_secret, wipe
from .erasable import KeyTarget, Note, Steps
from .memory import look_in_memory, worst
from .period_keys import PeriodKey, destroy_period_key, look_at_period_key, unwrap_identity
from .preconditions import Gone, Precondition
from .reports import Reports
from .stores.store import KeyStore, StoreRefusedError

__all__ = ["PeriodKeyTarget"]

_PROGRAMS = ("age", "rage")
# What a store says of copies that concerns only the time until they are gone, which look_back tells.
_NO_COPIES = ("waiting",)
_THERE = ("present", "pending")
# Answers after which it may be that the store has done what it was asked for.
_UNSURE = ("unreachable",)


class PeriodKeyTarget(KeyTarget):
    """The key of one class and period.

    :arg reports: what the recording servers say of all that is encrypted with it.
    :arg escrow: places in which people say that copies of the identity may lie; an empty list where there is none, C(None) where nobody has said.
    """

    kind = "period"
    otherwise = "as long as that is so, no recording of the period counts as destroyed"

    def __init__(self, store: KeyStore, key: PeriodKey, reports: Reports, *, proc_root: str = "/proc", sys_root: str = "/sys") -> None:
        self.store, self.key, self.reports = store, key, reports
        self.proc_root, self.sys_root = proc_root, sys_root
        self.name = f"{key.class_name} {key.period}"
        self.size = reports.bytes
        self._recalled: list[Precondition] | None = None
        self.limits = ["what else was encrypted to this key on hosts that were not named is not known"]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.key.recipient)

    @property
    def subject(self) -> dict[str, t.Any]:
        told = {"class": self.key.class_name, "period": self.key.period, "recipient": self.fingerprint}
        return {"kind": self.kind, **told, "store": dict(self.key.store), "key": self.key.key.name}

    def require_ready(self) -> None:
        self.reports.require(self.key.class_name, self.key.period, self.fingerprint)
        state = look_at_period_key(self.store, self.key)
        if state.state == "unknown":
            raise RefusedError(
                f"the key of {self.name} was not touched because its store cannot be asked ({state.told}); see to the store, and run again"
            )

    def preconditions(self) -> list[Precondition]:
        return [
            self.reports.first_write(),
            *self._of_store(),
            self.reports.no_other_key(),
            Precondition("no_backup", "unknown", ("whether the identity was ever saved outside its store cannot be seen",)),
            look_in_memory((self.key.key.name, self.fingerprint), _PROGRAMS, proc_root=self.proc_root, sys_root=self.sys_root),
        ]

    def _of_store(self) -> list[Precondition]:
        """What the store says of the key; of one that is gone by now, what it said when it was ordered to destroy it."""
        state = look_at_period_key(self.store, self.key)
        if state.state in ("gone", "absent") and self._recalled is not None:
            return [each for each in self._recalled if each.name in ("strength", "no_store_copies")]
        copies = [each for each in state.copies if each.what not in _NO_COPIES]
        found = worst(each.met for each in copies) if copies else "unknown"
        told = tuple(f"{each.what}: {each.text}" for each in copies) or (state.told,)
        strength = f"X25519 and ChaCha20-Poly1305 (128 bits), wrapped by {state.algorithm or 'an algorithm that the store does not tell'}"
        return [Precondition("strength", state.strength, (strength,)), Precondition("no_store_copies", found, told)]

    def plan(self) -> dict[str, t.Any]:
        state = look_at_period_key(self.store, self.key)
        recalled = self._recalled is not None
        return {"key": self.key.key._asdict(), "before": state.state, "recalled": recalled, "reports": self.reports.rows()}

    def goes_on(self, plan: t.Mapping[str, t.Any], steps: Steps, executor: Executor | None) -> bool:
        # While the store has the key nothing is lost yet, and more may have to be kept by now than that run knew.
        return self._is_ours(plan, steps)

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        if plan["recalled"]:
            self._recalled = []

    def recall(self, plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> bool:
        if self._is_ours(plan, steps):
            self._recalled = list(found)
        return self._recalled is not None

    def _is_ours(self, plan: t.Mapping[str, t.Any], steps: Steps) -> bool:
        """Whether the key is gone, or on its way, because that run or one before it had it destroyed."""
        ordered = [(step, told) for step, told in steps if step in ("destroying", "refused")]
        ours = bool(ordered) and plan["before"] in _THERE and (ordered[-1][0] == "destroying" or ordered[-1][1]["kind"] in _UNSURE)
        return (ours or plan["recalled"]) and look_at_period_key(self.store, self.key).state in ("pending", "gone", "absent")

    def opens(self) -> str:
        """A canary that is made here, and headers that the hosts have sent, are opened with the identity."""
        state = look_at_period_key(self.store, self.key)
        if state.state != "present":
            return ""
        identity = bytearray(unwrap_identity(self.store, self.key))
        file_key = new_secret(FILE_KEY_BYTES)
        try:
            label = Label(self.key.class_name, self.key.period, self.fingerprint)
            header = read_header(io.BytesIO(make_header(file_key, self.key.recipient, label, Ephemeral())))
            same = unwrap(header, identity) == file_key
            for sample in self.reports.samples:
                wipe(unwrap(read_header(io.BytesIO(_decoded(sample))), identity))
        except AgeError as error:
            raise RefusedError(
                f"the identity of {self.name} does not open what is encrypted to it ({error.message}), so nothing was done; look at its document and store"
            ) from error
        finally:
            wipe(identity, file_key)
        if not same:
            raise RefusedError(f"the identity of {self.name} does not open its canary, so nothing was done; look at its document and store")
        return f"its identity opened a canary and {len(self.reports.samples)} recordings before"

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        if plan["before"] not in _THERE:
            return
        note("destroying", {"key": plan["key"]["name"]})
        try:
            state = destroy_period_key(self.store, self.key)
        except StoreRefusedError as error:
            note("refused", {"kind": error.kind})
            raise
        note("answered", state.row())

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        state = look_at_period_key(self.store, self.key)
        seen: dict[str, t.Any] = {
            "store": state.row(),
            "until": _time(state.until),
            "recordings": self.reports.sets,
        }
        if state.state == "pending":
            when = f"on {seen['until']}" if state.until else "later"
            return Gone("left", f"the key store destroys the key {when} and keeps it until then; run the same task again after that", seen)
        if state.state == "present":
            return Gone("left", f"the key store still has the key ({state.told})", seen)
        if state.state == "unknown":
            return Gone("unknown", f"what became of the key cannot be told ({state.told})", seen)
        if plan["before"] not in _THERE and self._recalled is None:
            return Gone("unknown", "the key was gone before, and no journal here tells who destroyed it and what was seen then", seen)
        try:
            wipe(bytearray(unwrap_identity(self.store, self.key)))
        except StoreRefusedError as error:
            seen["unwrapping"] = error.kind
            if error.kind in ("missing", "pending"):
                return Gone("gone", "", seen)
            return Gone("unknown", f"why the identity cannot be unwrapped any more is not clear ({error.message})", seen)
        return Gone("left", "its identity can still be unwrapped", seen)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        return look_at_period_key(self.store, self.key).state

    def still(self, left: t.Any) -> bool:
        return look_at_period_key(self.store, self.key).state in ("gone", "absent")


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else time_text(dt.datetime.fromtimestamp(seconds, dt.timezone.utc))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AgeError("a sample in a host's report is not base64") from error
