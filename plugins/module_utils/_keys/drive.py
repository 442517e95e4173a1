# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A self-encrypting drive: it forgets its media key by its own firmware, with the canaries and the judgement of the sanitize engine."""

from __future__ import annotations

import os
import typing as t

from .._erasure.asleft import holds_as_left, left_as
from .._erasure.canary import Canaries, parse_canaries
from .._erasure.sanitize import Course, Earlier, sanitize_medium
from .._erasure.sanitized import SanitizeResult
from .._errors import DisposalError, RefusedError
from .._executor import Executor
from .._media.firmware import Firmware, refuse_running
from .._media.guards import gather_use, require_free
from .._media.identity import Device, find_device
from .._media.opal import Discovery
from .erasable import KeyTarget, Note, Steps
from .preconditions import Gone, Precondition

__all__ = ["DriveKey", "Way"]


class Way(t.NamedTuple):
    """How it is done.

    :arg reached: all devices whose data go, each with an identity by which it is found again.
    """

    technique: str
    reached: tuple[Device, ...]


class DriveKey(KeyTarget):
    """The media key of one drive.

    :arg device: as the identity names it; one that is busy may show no size.
    :arg choose: what is possible and enough; only called where nothing is gone on with.
    :arg firmware: what carries a technique out on a device.
    :arg discovery: what the drive says of its locking, or why that cannot be read.
    :arg canaries: how many are laid on each device.
    """

    kind = "drive"

    def __init__(
        self,
        device: Device,
        *,
        choose: t.Callable[[], Way],
        firmware: t.Callable[[str, Device], Firmware],
        discovery: t.Callable[[Device], tuple[Discovery | None, str]],
        course: Course,
        canaries: int,
    ) -> None:
        self.device, self.name, self.size, self.limits = device, device.name, device.size, []
        self._choose, self._firmware, self._discovery = choose, firmware, discovery
        self._course, self._count = course, canaries
        self._chosen: Way | None = None
        self._steps: t.Sequence[t.Mapping[str, t.Any]] = ()
        self._done: SanitizeResult | None = None

    @property
    def subject(self) -> dict[str, t.Any]:
        """Not its size: a drive that is busy with itself may show none."""
        return {"kind": self.kind, "facts": {key: list(values) for key, values in sorted(self.device.facts.items())}}

    @property
    def way(self) -> Way:
        if self._chosen is None:
            self._chosen = self._choose()
            self.size = sum(each.size for each in self._chosen.reached)
        return self._chosen

    @property
    def technique(self) -> str:
        return self.way.technique

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:
        reached = []
        for each in plan["reached"]:
            asked = {key: value for key, value in each["asked"].items() if key != "size_bytes"}
            found = find_device(asked, sizeless=True)
            reached.append(Device(**{**found.__dict__, "size": each["identity"]["size"]}))
        self._chosen, self._steps = Way(plan["technique"], tuple(reached)), [{"step": step, "told": told} for step, told in steps]
        self.size = sum(each.size for each in reached)

    def require_ready(self) -> None:
        for each in self.way.reached:
            require_free(gather_use(each), on_unseen=self._course.on_unseen)
        firmware = self._firmware(self.technique, self.device)
        now = firmware.look()
        refuse_running(self.name, now)
        if now.state == "locked":
            raise RefusedError(
                f"{self.name} cannot be erased while it is locked ({now.told}), since nothing could be laid on it that proves it, so nothing was done; "
                "unlock it, or destroy it physically"
            )

    def preconditions(self) -> list[Precondition]:
        found, why = self._discovery(self.device)
        return [
            Precondition("encrypted_from_first_write", *_first_write(found, why)),
            Precondition("strength", *_strength(found, why)),
            Precondition(
                "no_other_key", "met", ("the drive's firmware changes all media keys of what it erases, by the words of its standard",)
            ),
            Precondition(
                "no_backup",
                "met",
                ("no interface of a drive gives its media key out, and a password that unwraps it is of no use without it",),
            ),
            Precondition(
                "no_stale_copy", "unknown", ("where the drive kept its key, and whether older copies stay there, nobody outside can see",)
            ),
            Precondition("not_in_memory", "met", ("a drive's media key is never in the host's memory",)),
        ]

    def opens(self) -> str:
        return ""

    def plan(self) -> dict[str, t.Any]:
        reached = []
        for each in self.way.reached:
            document = Canaries(os.urandom(32), each.size, self._count).document()
            reached.append({"asked": dict(each.asked), "identity": each.identity, "canaries": document.decode()})
        return {"technique": self.technique, "reached": reached}

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        laid = [parse_canaries(each["canaries"].encode()) for each in plan["reached"]]
        firmware = self._firmware(plan["technique"], self.device)
        done = sanitize_medium(
            executor, firmware, list(zip(self.way.reached, laid)), self._course, note=note, earlier=Earlier.of(self._steps)
        )
        self.limits = [*done.limits]
        if done.running:
            raise DisposalError(
                f"{self.name} may still be busy with {plan['technique']} ({done.reason}); nothing else was begun there, run again to watch it to its end"
            )
        self._done = done

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        done = self._done
        if done is None:
            return Gone("unknown", "nothing was seen of it", {})
        seen = {"transition": done.transition, "canaries": dict(done.canaries), "read": dict(done.read)}
        state = {"destroyed": "gone", "not_destroyed": "left"}.get(done.outcome, "unknown")
        return Gone(state, f"by {plan['technique']}: {done.reason}" if done.reason else "", seen)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        return [left_as(find_device(each.asked)) for each in self.way.reached]

    def still(self, left: t.Any) -> bool:
        reached = self.way.reached
        return len(left) == len(reached) and all(holds_as_left(each, device) for each, device in zip(left, reached))


def _first_write(found: Discovery | None, why: str) -> tuple[str, tuple[str, ...]]:
    if found is None:
        return "unknown", (f"whether the drive encrypts all that it keeps cannot be seen ({why})",)
    if not found.encrypts:
        return "not_met", (f"the drive says that it does not encrypt what it keeps ({', '.join(found.kinds) or 'no specification'})",)
    return "unknown", (f"the drive says that it encrypts ({', '.join(found.kinds)}), but since when, nobody outside can see",)


def _strength(found: Discovery | None, why: str) -> tuple[str, tuple[str, ...]]:
    told = f"the drive tells no algorithm ({why})" if found is None else "the drive tells no algorithm"
    return "unknown", (f"{told}; its data sheet or its certificate may",)
