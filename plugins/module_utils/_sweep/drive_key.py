# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A self-encrypting drive as the target of C(crypto_erase): it forgets its media key by its own firmware, in the ways of C(sanitize)."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._erasure import opened
from .._erasure.asleft import holds_as_left, left_as
from .._erasure.bearing import Bearer
from .._erasure.canary import parse_canaries
from .._erasure.looking import Look
from .._erasure.sanitize import Course, Earlier, counts_already, require_idle, sanitize_medium
from .._erasure.sanitized import SanitizeResult
from .._erasure.schemes import LEVELS
from .._errors import DisposalError, RefusedError
from .._executor import CheckExecutor, Executor
from .._keys.drive import drive_preconditions
from .._keys.erasable import KeyTarget, Note, Steps
from .._keys.preconditions import Gone, Precondition
from .._media.choosing import AUTO, choose, firmware_of, reaches_all_namespaces
from .._media.firmware import Firmware
from .._media.identity import Device
from .._media.medium import look_at_abilities
from .._media.opal import ask_discovery
from .._media.opal_revert import OPAL_TECHNIQUES, OpalRevert
from .asked import Task, reached_by, recheck
from .selecting import untouched
from .subject import bearer_of, find_again, find_subject, fresh_canaries, require_unused, whole_subject
from .unfinished import earlier_of, issued

__all__ = ["DriveKey"]


class DriveKey(KeyTarget):
    """The media key of one drive.

    :arg device: as the identity names it; one that is busy may show no size.
    :arg params: of the task.
    :arg secret_file: with the password or the PSID by which Opal is to be reverted, if it is.
    """

    kind = "drive"

    def __init__(self, device: Device, params: t.Mapping[str, t.Any], secret_file: str | None) -> None:
        self.device, self.name, self.size, self.limits = device, device.name, device.size, []
        self._params, self._secret = params, secret_file
        every = {"none": 0, "sample": 100 // params["sample_share"], "all": 1}[params["verify"]]
        self._look = Look(every=every, seed=params["seed"] or os.urandom(16).hex())
        self._chosen: Task | None = None
        self._earlier = Earlier()
        self._done: SanitizeResult | None = None

    @property
    def subject(self) -> dict[str, t.Any]:
        """Not its size: a drive that is busy with itself may show none."""
        return {"kind": self.kind, "facts": {key: list(values) for key, values in sorted(self.device.facts.items())}}

    @property
    def task(self) -> Task:
        """What is possible, enough and meant; looked at now, where no interrupted run is gone on with."""
        return self._chosen or self._choose()

    @property
    def technique(self) -> str:
        return self.task.technique

    def _choose(self) -> Task:
        params, given = self._params, self._params["target"]
        asked = {**params, "device": given["device"], "hidden_capacity": "refuse"}
        whole = whole_subject(self.device, CheckExecutor(), asked, check_mode=True)
        require_unused(whole, params["on_unseen"])
        if self._secret:
            technique = "opal_psid_revert" if given["psid_file"] else "opal_revert"
        else:
            found = [each for each in look_at_abilities(whole, overrides=params["levels"]) if each.technique.endswith("_crypto")]
            technique = choose(found, AUTO, params["level"], (), name=whole.name)[0]
        reached = reached_by(whole, technique, all_namespaces=bool(given["all_namespaces"]))
        return self._taken(Task(whole, reached, technique, params["level"], LEVELS[0]))

    def _taken(self, task: Task) -> Task:
        self._chosen, self.size = task, sum(each.size for each in task.reached)
        return task

    def _firmware(self, task: Task) -> Firmware:
        technique, device = task.technique, task.device
        if technique not in OPAL_TECHNIQUES or not isinstance(device, Device):
            return firmware_of(technique, device)
        if not self._secret:
            raise RefusedError(
                f"the interrupted run with {technique} needs its secret, so nothing was done; give psid_file or key_file as it did"
            )
        return OpalRevert(technique, device, self._secret, lambda fd: opened.recheck(fd, device))

    def goes_on(self, plan: t.Mapping[str, t.Any], steps: Steps, executor: Executor | None) -> bool:
        records = [{"step": step, "told": told} for step, told in steps]
        if not issued(records):
            return False
        reached = [dataclasses.replace(find_subject(each["asked"]), size=each["identity"]["size"]) for each in plan["reached"]]
        task = Task(self.device, tuple(reached), plan["technique"], self._params["level"], LEVELS[0])
        earlier = earlier_of(records)
        if not counts_already(executor, self._firmware(task), _bearers(task, plan), earlier, directory=self.run_directory):
            return False
        self._earlier = earlier
        self._taken(task)
        return True

    def require_ready(self) -> None:
        task = self.task
        for each in task.reached:
            require_unused(each, self._params["on_unseen"])
        firmware = self._firmware(task)
        now = firmware.look()
        if now.state == "locked":
            raise RefusedError(
                f"{self.name} cannot be erased while it is locked ({now.told}), since nothing could be laid on it that proves it, so nothing was done; "
                "unlock it, or destroy it physically"
            )
        require_idle(firmware, ", ".join(task.names))

    def preconditions(self) -> list[Precondition]:
        return drive_preconditions(*ask_discovery(self.device.path, nvme=self.device.name.startswith("nvme")))

    def opens(self) -> str:
        return ""

    def plan(self) -> dict[str, t.Any]:
        reached = []
        for each in self.task.reached:
            document = fresh_canaries(each, self._params["canaries"]).document()
            reached.append({"asked": dict(each.asked), "identity": each.identity, "canaries": document.decode()})
        return {"technique": self.technique, "reached": reached}

    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        task = self.task
        done = sanitize_medium(
            executor,
            self._firmware(task),
            _bearers(task, plan),
            Course(on_unseen=self._params["on_unseen"], look=self._look, directory=self.run_directory),
            note=note,
            earlier=self._earlier,
            recheck=lambda: recheck(task),
        )
        self.limits = [*done.limits]
        if done.running:
            raise DisposalError(
                f"{self.name} may still be busy with {task.technique} ({done.reason}); nothing else was begun there, run again to watch it to its end"
            )
        self._done = done

    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        done = self._done
        if done is None:
            return Gone("unknown", "nothing was seen of it", {})
        seen = {
            "transition": done.transition,
            "canaries": dict(done.canaries),
            "media_verification": dict(done.verification),
            "read": dict(done.read),
        }
        state = {"destroyed": "gone", "not_destroyed": "left"}.get(done.outcome, "unknown")
        return Gone(state, f"by {plan['technique']}: {done.reason}" if done.reason else "", seen)

    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        fresh = bool(self._done and self._done.fresh) and reaches_all_namespaces(self.technique)
        reached = zip(self.task.reached, plan["reached"])
        return {"fresh": fresh, "reached": [{**left_as(find_again(each)), "canaries": planned["canaries"]} for each, planned in reached]}

    def still(self, left: t.Any) -> bool:
        task, reached = self.task, left["reached"]
        if len(reached) != len(task.reached) or not all(map(holds_as_left, reached, task.reached)):
            return False
        return untouched(task, [parse_canaries(each["canaries"].encode()) for each in reached], self._look, fresh=left["fresh"])


def _bearers(task: Task, plan: t.Mapping[str, t.Any]) -> list[Bearer]:
    """All that is reached, with the canaries of a plan."""
    return [bearer_of(device, parse_canaries(each["canaries"].encode())) for device, each in zip(task.reached, plan["reached"])]
