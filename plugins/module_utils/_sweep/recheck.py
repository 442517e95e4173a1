# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last look at a set, under the lock, just before its first write."""

from __future__ import annotations

import time
import typing as t

from .._recordings.sets import RecordingSet, reassembled
from .._recordings.source import Resolver
from .._recordings.walk import ASIDE, Roots, opened_below
from .._retention.holds import load_holds
from .._retention.planner import Place, Planner, aside_since
from .._retention.rows import Row
from .inputs import Inputs
from .state import StateDir

__all__ = ["Recheck"]


class Recheck:
    """Decides a planned set again from what lies on the disk now, with the holds that are in force now."""

    def __init__(self, inputs: Inputs, state: StateDir, given_holds: t.Sequence[t.Any]) -> None:
        self.inputs = inputs
        self.state = state
        self._given_holds = given_holds
        self._planner: Planner = inputs.planner()
        # Nothing yet, so that the first look reads the holds anew: some may have come while the host was walked.
        self._holds_state: tuple[tuple[str, int, int], ...] | None = None
        self._roots = Roots()

    def close(self) -> None:
        self._planner.close()
        self._roots.close()

    @property
    def now(self) -> int:
        """The time of the last look, seconds since 1970 UTC."""
        return self._planner.rules.now

    def refresh(self) -> bool:
        """Take up holds that were placed on the host since the last look, and the time; tells whether there was a change."""
        self._planner.rules.now = int(time.time())
        found = self.state.holds_state()
        changed = found != self._holds_state
        if changed:
            holds, _generation = load_holds([*self._given_holds, *self.state.hold_documents()])
            self._planner.rules.use_holds(holds)
            self._holds_state = found
        return changed

    def root(self, row: Row) -> int:
        """A descriptor of the directory that a row's paths count from: a root, or a quarantine directory in it."""
        return self._roots[row.root]

    def aside(self, row: Row) -> bool:
        """Whether the set is in quarantine already."""
        return self._place(row).entered is not None

    def reason(self, row: Row) -> str | None:
        """Why the set is not to be destroyed now; none where it is due as planned.

        :raises OSError: its directory cannot be opened.
        """
        place = self._place(row)
        recording_set = self._reassembled(row)
        with opened_below(place.fd, recording_set.directory) as fd:
            resolver = self._resolver(row)
            resolver.resolve(recording_set, fd)
            decision = self._planner.decide(place, recording_set, fd)
        if decision.verdict != "due":
            return (
                f"{decision.verdict} since the plan: {', '.join(decision.reasons)}"
                if decision.reasons
                else f"{decision.verdict} since the plan"
            )
        decided = decision.retention_class.name if decision.retention_class else None
        if decided != row.retention_class or decision.method is None or decision.method.row() != row.method:
            return "another class or method since the plan"
        return None

    def directory_set(self, row: Row) -> bool:
        """Whether the set is a directory of its own."""
        return self._resolver(row).source.layout.set_by == "directory"

    def safely(self, row: Row) -> str | None:
        """C(reason), what cannot be opened counting as one."""
        try:
            return self.reason(row)
        except OSError as error:
            return f"cannot be opened ({error.strerror})"

    def held(self, row: Row) -> list[str]:
        """The holds on a set whose files can no longer be read as they were."""
        recording_set = self._reassembled(row)
        fields = {**recording_set.fields, "source": row.source, "name": recording_set.stem, "directory": recording_set.directory}
        return self._planner.rules.held(fields, {})

    def _reassembled(self, row: Row) -> RecordingSet:
        return reassembled(self._resolver(row).source.layout, row.set, row.members)

    def _resolver(self, row: Row) -> Resolver:
        return self._planner.resolvers[row.source]

    def _place(self, row: Row) -> Place:
        base, _slash, name = row.root.rpartition("/")
        entered = aside_since(name) if base.endswith("/" + ASIDE) else None
        source = self._resolver(row).source
        return Place(source, row.root, self.root(row), "", entered)
