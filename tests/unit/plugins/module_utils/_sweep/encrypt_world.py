# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording server whose policy asks for encryption, with the keys that its host never has."""

from __future__ import annotations

import io
import os
import pathlib
import time
import typing as t

from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._keys.age import read_header, require_own, unwrap
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agekeys import fingerprint, public_of, recipient_text
from ansible_collections.recordings.disposal.plugins.module_utils._keys.agestream import decrypt
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.encrypting import encrypt_recordings
from ansible_collections.recordings.disposal.tests.unit.plugins.module_utils._sweep.sweep_world import World

__all__ = ["EncryptWorld", "Hooked", "opened"]

Hook = t.Callable[[], None]


def opened(path: pathlib.Path, identity: bytes) -> bytes:
    """What an encrypted file holds, by the key's holder."""
    out = io.BytesIO()
    with path.open("rb") as file:
        header = read_header(file)
        label = require_own(header)
        assert label.fingerprint == fingerprint(public_of(identity))
        decrypt(unwrap(header, identity), file, out.write)
    return out.getvalue()


class Hooked(Executor):
    """Does something just before the first call of one of its methods to which C(when) applies.

    :ivar copies: descriptors of the files that it made without a name.
    """

    def __init__(self, method: str, hook: Hook, *, when: t.Callable[..., bool] = lambda *_args, **_options: True) -> None:
        self.copies: set[int] = set()
        done = False
        real = getattr(self, method)

        def hooked(*args: t.Any, **options: t.Any) -> t.Any:
            nonlocal done
            if not done and when(*args, **options):
                done = True
                hook()
            return real(*args, **options)

        setattr(self, method, hooked)

    def open_unnamed(self, dir_fd: int) -> int:
        fd = super().open_unnamed(dir_fd)
        self.copies.add(fd)
        return fd


class EncryptWorld(World):
    """A FreePBX root, one class, keys by the year."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(path)
        self.policy["classes"][0]["encryption"] = {"period": "year"}
        self.policy["limits"]["clock_skew"] = "PT1H"
        year = int(time.strftime("%Y"))
        self.identities = {str(year - back): bytes([0x40 + back]) * 32 for back in range(2)}

    @property
    def recipients(self) -> list[dict[str, str]]:
        return [
            {"class": "calls", "period": period, "recipient": recipient_text(public_of(identity))}
            for period, identity in self.identities.items()
        ]

    def encrypt_params(self, **more: t.Any) -> dict[str, t.Any]:
        told = {
            "recipients": self.recipients,
            "on_missing_recipient": "fail",
            "destroyed_keys": [],
            "scheme": "nist_clear",
            "max_rate": None,
            "threads": 2,
            **self.params(),
            **more,
        }
        return {name: value for name, value in told.items() if name not in ("holds", "requests", "workers")}

    def encrypt(self, *, check: bool = False, executor: Executor | None = None, **more: t.Any) -> dict[str, t.Any]:
        chosen = CheckExecutor() if check else executor or Executor()
        return encrypt_recordings(self.encrypt_params(**more), chosen, check_mode=check)

    def journal_types(self) -> list[str]:
        return [record["type"] for record in self.journal()]

    def period_of(self, copy: pathlib.Path) -> str:
        with copy.open("rb") as file:
            return require_own(read_header(file)).period

    def require_encrypted(self, plain: t.Mapping[pathlib.Path, bytes]) -> None:
        """Every file is there, encrypted only, and holds what it held."""
        for path, content in plain.items():
            copy = path.with_name(f"{path.name}.age")
            assert copy.exists() and not path.exists(), sorted(os.listdir(path.parent))
            assert opened(copy, self.identities[self.period_of(copy)]) == content

    def names(self) -> set[str]:
        """Every file below the root."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir() or path.is_symlink()}
