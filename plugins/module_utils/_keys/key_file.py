# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that opens a LUKS volume: what it holds is looked for, and it is tried before and after; only its path is told to others."""

from __future__ import annotations

import os
import stat
import typing as t

from .._errors import RefusedError
from .._media.tools import ask, failure
from .files import require_plain

__all__ = ["KeyFile"]

# What is shorter would be found by chance.
_SHORTEST = 8


class KeyFile:
    """:arg path: absolute; C(None) where there is none."""

    def __init__(self, path: str | None) -> None:
        self.path = path

    def secret(self) -> bytes | None:
        """What it holds, as far as it is long enough to be looked for.

        :raises RefusedError: it cannot be read.
        """
        if self.path is None:
            return None
        require_plain(self.path, "the key file")
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise RefusedError(f"the key file {self.path} is no regular file, so nothing was done; give one that can be read twice")
            with open(self.path, "rb") as handle:
                secret = handle.read(4096).strip()
        except OSError as error:
            raise RefusedError(f"the key file {self.path} cannot be read ({error.strerror}), so nothing was done; correct it") from error
        return secret if len(secret) >= _SHORTEST else None

    def tried(self, where: t.Sequence[str]) -> tuple[bool | None, str]:
        """Whether it opens the volume, and cryptsetup's words; C(None) where that cannot be tried.

        :arg where: as cryptsetup names the volume.
        """
        if self.path is None:
            return None, "no key file was given"
        told = ask(["cryptsetup", "open", "--test-passphrase", "--batch-mode", "--key-file", self.path, *where])
        if told.code is None:
            return None, failure(told)
        return told.code == 0, failure(told) if told.code else ""

    def require_opens(self, name: str, where: t.Sequence[str]) -> str:
        """How it was seen that it opens the volume; empty where there is none.

        :raises RefusedError: it does not, or that cannot be tried.
        """
        opened, told = self.tried(where)
        if opened is None and self.path is not None:
            raise RefusedError(f"whether the key file opens {name} cannot be tried ({told}), so nothing was done; install cryptsetup")
        if opened is False:
            raise RefusedError(f"the key file does not open {name} ({told}), so nothing was done; correct it, or the identity")
        return "the key file opened it before" if opened else ""
