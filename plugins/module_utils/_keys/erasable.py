# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everything whose key can be destroyed is to the engine: named, looked at, erased, looked at again."""

from __future__ import annotations

import abc
import typing as t

from .._executor import Executor
from .preconditions import Gone, Precondition

__all__ = ["KeyTarget", "Note", "Steps"]

Steps = t.Sequence[tuple[str, t.Mapping[str, t.Any]]]
Note = t.Callable[[str, t.Mapping[str, t.Any]], None]


class KeyTarget(abc.ABC):
    """One thing that a key opens.

    :ivar kind: C(luks), C(fscrypt), C(drive), C(zfs) or C(period).
    :ivar name: for a person.
    :ivar size: bytes that become unreadable, 0 where that is not known.
    :ivar limits: what the proof leaves open, one sentence each.
    :ivar discards: what was encrypted can be discarded or overwritten besides.
    :ivar otherwise: what else can be done where its key is not destroyed.
    :ivar run_directory: of the run on its way, where what goes on without this process is found again.
    """

    kind: str
    name: str
    size: int
    limits: list[str]
    discards: bool = False
    otherwise: str = "overwrite or sanitize the medium, or destroy it physically"
    run_directory: str = ""

    @property
    def technique(self) -> str:
        """As the table of levels has it.

        :raises RefusedError: none is possible.
        """
        return "crypto_erase"

    @property
    @abc.abstractmethod
    def subject(self) -> dict[str, t.Any]:
        """What names it, also once its key is gone: plain data without secrets."""

    @abc.abstractmethod
    def preconditions(self) -> list[Precondition]:
        """What can be seen of each precondition that concerns this kind; reads only."""

    @abc.abstractmethod
    def require_ready(self) -> None:
        """Nothing, where the key may be destroyed now.

        :raises RefusedError: it is in use, or what was named is something else.
        """

    @abc.abstractmethod
    def plan(self) -> dict[str, t.Any]:
        """What C(erase) needs to know to go on after an interruption, as plain data without secrets, for the intent."""

    def goes_on(self, plan: t.Mapping[str, t.Any], steps: Steps, executor: Executor | None) -> bool:
        """Whether an interrupted run is gone on with; else its end is recorded, and all is looked at and begun anew.

        :arg executor: C(None) where nothing may be written.
        """
        return True

    def take_up(self, plan: t.Mapping[str, t.Any], steps: Steps) -> None:  # noqa: B027 - what names its key beyond doubt needs nothing
        """Called before anything else but C(goes_on) where an interrupted run is gone on with.

        :arg plan: what C(plan) gave in that run; C(steps) what it noted, by name and what was told.
        :raises RefusedError: it is in use, or is not what that run was about.
        """

    def recall(self, plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> bool:
        """Whether its key is gone as a run that has ended left it, so that what was open then can be looked at and seen to once more.

        :arg found: the preconditions of that run.
        """
        return False

    @abc.abstractmethod
    def opens(self) -> str:
        """How it was seen that the key opens it now; empty where there is no means to try.

        :raises RefusedError: the key that was given does not open it.
        """

    @abc.abstractmethod
    def erase(self, executor: Executor, plan: t.Mapping[str, t.Any], note: Note) -> None:
        """Destroy the key and all of its copies that are known; every step may be taken again after an interruption.

        :arg plan: what C(plan) gave, perhaps in an earlier run.
        :arg note: keeps a step on stable storage before it is taken.
        :raises DisposalError: a step failed.
        """

    @abc.abstractmethod
    def look_back(self, plan: t.Mapping[str, t.Any]) -> Gone:
        """What is left of the key; reads past caches, and tries to open it where there is a means."""

    @abc.abstractmethod
    def left(self, plan: t.Mapping[str, t.Any]) -> t.Any:
        """What C(still) compares later, as plain data."""

    @abc.abstractmethod
    def still(self, left: t.Any) -> bool:
        """Whether it is as C(left) told: its key gone, and nothing new in its place."""

    def discard(self, executor: Executor, plan: t.Mapping[str, t.Any], how: str, note: Note) -> None:  # noqa: B027 - most cannot be discarded
        """What was encrypted goes too, where C(discards) says that it can: C(how) is C(none), C(discard) or C(overwrite).

        :raises DisposalError: it could not be done.
        """
