# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to ask a tool about a drive, and to tell it something: bounded in time, the whole answer kept.

An exit code of 0 proves nothing: several of these tools end with it although the drive refused. Each parser looks at the words.
"""

from __future__ import annotations

import os
import subprocess
import typing as t
from dataclasses import dataclass

from .._executor import Executor

__all__ = ["Answer", "ask", "environment", "failure", "tell"]

SECONDS = 120
_PATH = ("/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Answer:
    """What a tool said.

    :arg code: its exit code; C(None) where it did not run, or not to its end.
    :arg problem: why it did not, empty where it did.
    """

    code: int | None
    output: bytes
    errors: str
    problem: str = ""

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")


def ask(command: t.Sequence[str], *, seconds: float = SECONDS) -> Answer:
    """Run a tool that only reads and keep what it says; it is found also where PATH lacks the directories of administrators' tools."""
    return _answered(
        command[0],
        seconds,
        lambda variables: subprocess.run(
            command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        ),
    )


def tell(executor: Executor, command: t.Sequence[str], what: str, *, seconds: float | None = SECONDS, stdin: bytes = b"") -> Answer:
    """The same for a tool that changes the medium, as C(what) names it; C(seconds) is C(None) where it takes as long as it takes."""
    return _answered(
        command[0], seconds, lambda variables: executor.run(command, what, environment=variables, seconds=seconds, stdin=stdin)
    )


def environment() -> dict[str, str]:
    """In which every tool is run."""
    return {**os.environ, "LC_ALL": "C", "PATH": os.pathsep.join([os.environ.get("PATH", ""), *_PATH])}


def _answered(name: str, seconds: float | None, run: t.Callable[[dict[str, str]], subprocess.CompletedProcess[bytes]]) -> Answer:
    try:
        done = run(environment())
    except FileNotFoundError:
        return Answer(None, b"", "", f"the tool {name} is not installed")
    except subprocess.TimeoutExpired:
        return Answer(None, b"", "", f"{name} did not answer within {seconds:g} seconds")
    except OSError as error:
        return Answer(None, b"", "", f"{name} cannot be run ({error.strerror})")
    return Answer(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def failure(answer: Answer) -> str:
    """Why a tool has no answer, in the tool's words where it has some."""
    words = " ".join((answer.errors if answer.errors.strip() else answer.text if answer.code else "").split())
    return answer.problem or words or f"the tool ended with {answer.code}"
