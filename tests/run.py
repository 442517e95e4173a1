# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks and tests, several at a time, and say how long each took; what fails shows its output.

usage: run.py [lint|unit|sanity|units|molecule|docs] — all but units, which are the unit tests once more, without an argument.
In CI nothing may be skipped.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

TOP = pathlib.Path(__file__).resolve().parent.parent
VENV = TOP / ".venv"
LOGS = VENV / "logs"
COPY = VENV / "copy" / "ansible_collections" / "recordings" / "disposal"
PACKAGE = "ansible_collections.recordings.disposal"
SCRIPTS = [
    *("docs/playbook_reference.py", "docs/verify_evidence.py", "playbooks/files", "tests/bench", "tests/run.py"),
    *("molecule/testbed", "molecule/default/files", "molecule/media/files"),
]
CI = bool(os.environ.get("CI"))
# One more than the processors that it is meant for: much of what the tests do is waiting for disks.
LANES = 3
LONGEST = "--durations=40"


class Step(t.NamedTuple):
    """A check: commands that run one after the other in a directory. C(lane) keeps apart what would disturb each other."""

    name: str
    group: str
    commands: list[list[str]]
    cwd: pathlib.Path = TOP
    lane: str = ""
    root: bool = False


def steps() -> list[Step]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    keys = [f"tests/system/test_{name}*.py" for name in ("age", "crypto", "encrypt", "key", "period")]
    others = [f"--ignore-glob={name}" for name in keys]
    key_tests = sorted(str(path.relative_to(TOP)) for name in keys for path in TOP.glob(name))
    scripts = [name for name in SCRIPTS if (TOP / name).exists()]
    reference = ["--plugin-docs", "--validate-collection-refs=self", "--disallow-unknown-collection-refs"]
    return [
        # The longest lane first.
        Step("molecule media", "molecule", [["molecule", "test", "-s", "media"]], lane="machines", root=True),
        Step("virtual tests", "molecule", [["pytest", "-q", LONGEST, "tests/virtual"]], lane="machines", root=True),
        Step("molecule default", "molecule", [["molecule", "test"]], lane="hosts", root=True),
        Step(
            "system tests",
            "molecule",
            [["pytest", "-q", LONGEST, *others, "tests/system", "tests/testbed"]],
            lane="hosts",
            root=True,
        ),
        Step("tests of keys", "molecule", [["pytest", "-q", LONGEST, *key_tests]], lane="keys", root=True),
        Step("unit tests", "unit", [["pytest", "-q", "-n", "2", "tests/unit"]]),
        Step("ruff", "lint", [["ruff", "check"], ["ruff", "format", "--check"]]),
        Step("mypy", "lint", [["mypy", "-p", f"{PACKAGE}.plugins"], *(["mypy", name] for name in scripts)]),
        Step("import-linter", "lint", [["lint-imports"]]),
        Step("yamllint", "lint", [["yamllint", "."]]),
        Step("ansible-lint", "lint", [["ansible-lint"]]),
        Step("reuse", "lint", [["reuse", "lint"]]),
        Step("changelog", "lint", [["antsibull-changelog", "lint"]]),
        Step("documentation", "lint", [["antsibull-docs", "lint-collection-docs", *reference, "."]], cwd=COPY),
        Step(
            "ansible-test sanity",
            "sanity",
            [["ansible-test", "sanity", "--requirements", "--python", python, "--color", "no"]],
            COPY,
            "ansible-test",
        ),
        Step(
            "ansible-test units",
            "units",
            [["ansible-test", "units", "--requirements", "--python", python, "--color", "no"]],
            COPY,
            "ansible-test",
        ),
        Step(
            "galaxy-importer",
            "sanity",
            [["sh", "-c", "ansible-galaxy collection build --force && python -m galaxy_importer.main *.tar.gz"]],
            COPY,
            "ansible-test",
        ),
        Step("docs", "docs", [["sh", "docs/build.sh"]]),
    ]


def environment() -> dict[str, str]:
    """Real interpreters only: version managers' stand-ins answer ansible-test's questions with errors."""
    path = [str(VENV / "bin"), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    home = os.environ.get("HOME") or str(VENV / "home")
    return {**os.environ, "PATH": ":".join(path), "HOME": home, "ANSIBLE_CONFIG": str(TOP / "ansible.cfg"), "PYTHONDONTWRITEBYTECODE": "1"}


def copy_tree() -> None:
    """The checkout where ansible-test wants it, in a repository of its own."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    names = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=TOP, capture_output=True, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source = TOP / name
        if source.is_file():
            target = COPY / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    identity = ["-c", "user.name=copy", "-c", "user.email=copy@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "copy"]):
        subprocess.run(["git", *arguments], cwd=COPY, check=True)


def bootstrap_pip() -> None:
    """Stand in for the pip bootstrap script of ansible-test where the download of the real one is out of reach."""
    cache = pathlib.Path(environment()["HOME"]) / ".ansible" / "test" / "cache"
    script = (
        "import subprocess, sys\n"
        "subprocess.check_call([sys.executable, '-m', 'ensurepip', '--upgrade'])\n"
        "arguments = [word for word in sys.argv[1:] if word not in ('--no-setuptools', '--no-wheel')]\n"
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', *arguments])\n"
    )
    for version in ("24_2", "25_2", "21_3_1", "20_3_4"):
        path = cache / f"get_pip_{version}.py"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script, encoding="ascii")


def run(step: Step) -> tuple[Step, bool, float]:
    """Run a step, its output in a log."""
    started = time.monotonic()
    log = LOGS / (step.name.replace(" ", "-") + ".log")
    with log.open("wb") as output:
        good = all(
            subprocess.run(
                command,
                cwd=step.cwd,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
            == 0
            for command in step.commands
        )
    return step, good, time.monotonic() - started


def lane(members: list[Step]) -> list[tuple[Step, bool, float]]:
    results = []
    for step in members:
        result = run(step)
        print(f"{'ok  ' if result[1] else 'FAIL'} {step.name} ({result[2]:.0f} s)", flush=True)
        results.append(result)
    return results


def main() -> int:
    wanted = sys.argv[1:] or ["lint", "unit", "sanity", "docs", "molecule"]
    chosen = [step for step in steps() if step.group in wanted]
    if not chosen:
        print(__doc__)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    skipped = [step for step in chosen if step.root and os.geteuid() != 0]
    chosen = [step for step in chosen if step not in skipped]
    if any(step.cwd == COPY for step in chosen):
        copy_tree()
        bootstrap_pip()
    if any(step.root for step in chosen):
        subprocess.run([str(TOP / "molecule" / "testbed" / "install.sh")], check=True, stdout=subprocess.DEVNULL)
    lanes: dict[str, list[Step]] = {}
    for step in chosen:
        lanes.setdefault(step.lane or "rest", []).append(step)
    with concurrent.futures.ThreadPoolExecutor(max_workers=LANES) as pool:
        results = [result for results in pool.map(lane, lanes.values()) for result in results]
    for step, good, _seconds in results:
        if not good:
            log = LOGS / (step.name.replace(" ", "-") + ".log")
            print(f"\n---- {step.name} ({log.relative_to(TOP)})\n" + "\n".join(log.read_text(errors="replace").splitlines()[-60:]))
    for step in skipped:
        print(f"not run: {step.name}, which makes hosts and loop devices and so needs root")
    return 1 if any(not good for _step, good, _seconds in results) or (CI and skipped) else 0


if __name__ == "__main__":
    sys.exit(main())
