# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that has ended left of a key, so that what was open then can be judged anew although the key is gone."""

from __future__ import annotations

import os
import typing as t

from .._erasure.filesystem import FilesystemProbe
from .._errors import RefusedError
from .erasable import Steps
from .preconditions import Precondition

__all__ = ["Recalled", "recalled_from"]


class Recalled(t.NamedTuple):
    """That run.

    :arg earlier: the plan that it followed.
    :arg rows: what it saw of each precondition, by name.
    """

    earlier: t.Mapping[str, t.Any]
    rows: t.Mapping[str, Precondition]

    def plan(self, copies: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
        """The plan of a run that destroys only copies that are found now."""
        return {**self.earlier, "copies": list(copies), "recalled": True}

    def saw(self, name: str, why: str) -> Precondition:
        """A precondition of which nothing can be seen any more.

        :arg why: that is so, one clause, told where it was open.
        """
        row = self.rows[name]
        return row if row.state == "met" else row._replace(looked_at=tuple(dict.fromkeys((*row.looked_at, why))))

    def with_secret(self, anew: Precondition) -> Precondition:
        """A precondition that was looked at with the key, and now without: what was seen then stands, unless it is worse now."""
        row = self.rows[anew.name]
        return anew if anew.state == "not_met" or row.state == "unknown" else row

    def require_gone(self, paths: t.Iterable[str]) -> None:
        """:raises RefusedError: at the place of a file that was destroyed is one again."""
        back = [path for path in paths if os.path.lexists(path)]
        if back:
            raise RefusedError(
                f"{back[0]}, which held the key and was destroyed, is there again and may be a copy of it, so nothing was done; "
                "overwrite it or move it away, and run again"
            )

    def limits(self) -> list[str]:
        """What stays open of the media below the files that were destroyed."""
        found: list[str] = []
        for directory in sorted({os.path.dirname(each["path"]) for each in self.earlier["files"]}):
            try:
                fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:
                found.append(f"the filesystem of {directory}, which held the key, cannot be looked at any more")
                continue
            try:
                found.extend(FilesystemProbe().assess(fd).limits)
            finally:
                os.close(fd)
        return found


def recalled_from(plan: t.Mapping[str, t.Any], found: t.Sequence[Precondition], steps: Steps) -> Recalled | None:
    """C(None) where that run did not come to the end of what it destroyed; that the key is gone is for others to see."""
    ended = "recalled" in plan or any(step == "looked" for step, _told in steps)
    return Recalled(plan, {each.name: each for each in found}) if ended else None
