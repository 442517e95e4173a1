# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a secret shows in the arguments or the environment of any process, or in files."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import threading
import types
import typing as t

__all__ = ["Watch", "files_with", "forms_of"]


def forms_of(secret: bytes) -> list[bytes]:
    """A secret as programs write it: as it is, in hexadecimal, in base64 at each of the three places of a triple."""
    hexadecimal = secret.hex().encode()
    triples = [base64.b64encode(bytes(lead) + secret)[4 if lead else 0 : -4] for lead in range(3)]
    return [secret, hexadecimal, hexadecimal.upper(), *triples]


class Watch(threading.Thread):
    """Reads the arguments and environments of all processes, over and over, as long as its block lasts.

    :ivar commands: all that were seen; C(found) those with a secret.
    """

    def __init__(self, secrets: t.Sequence[bytes]) -> None:
        super().__init__(daemon=True)
        self.secrets = list(secrets)
        self.ended = threading.Event()
        self.commands: set[bytes] = set()
        self.found: list[bytes] = []

    def run(self) -> None:
        while not self.ended.wait(0.01):
            for name in os.listdir("/proc"):
                if name.isdigit():
                    with contextlib.suppress(OSError):
                        command = pathlib.Path("/proc", name, "cmdline").read_bytes()
                        self.commands.add(command)
                        shown = command + b"\0" + pathlib.Path("/proc", name, "environ").read_bytes()
                        if any(secret in shown for secret in self.secrets):
                            self.found.append(command)

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | types.TracebackType | None) -> None:
        self.ended.set()
        self.join()


def files_with(secrets: t.Sequence[bytes], paths: t.Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """The files that have a secret in them."""
    return [path for path in paths if any(secret in path.read_bytes() for secret in secrets)]
