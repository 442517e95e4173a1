# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file tree that the test hosts share: made once by mmdebstrap, kept in a cache under a name that says what is in it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from machine import BedError

__all__ = ["PACKAGES", "cache_directory", "ensure_rootfs"]

# What a recording server has, and what target_setup puts on one: the hosts have no network to fetch it from.
PACKAGES = (
    "ca-certificates",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "python3-cryptography",
    "python3-jmespath",
    "tzdata",
)
CACHE_VARIABLE = "DISPOSAL_TESTBED_CACHE"
RELEASE_VARIABLE = "DISPOSAL_TESTBED_RELEASE"
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
# Raise it when the steps below change what ends up in the tree.
RECIPE = 1


def cache_directory() -> Path:
    """Where trees are kept: DISPOSAL_TESTBED_CACHE, or the user's cache."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "recordings-disposal" / "testbed"


def release() -> str:
    """Code name of the hosts' Debian: DISPOSAL_TESTBED_RELEASE (say, trixie), or that of the running one."""
    given = os.environ.get(RELEASE_VARIABLE)
    if given:
        return given
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            key, _equals, value = line.partition("=")
            if key == "VERSION_CODENAME":
                return value.strip('"')
    raise BedError(f"cannot tell which Debian this is (no VERSION_CODENAME in /etc/os-release); set {RELEASE_VARIABLE}, to trixie say")


def mirrors(codename: str) -> list[str]:
    """The release's package sources as apt is set up with them, as one-line entries; none where apt has no lists yet."""
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI) $(COMPONENT)", "Created-By: Packages", "Origin: Debian"],
        capture_output=True,
        text=True,
        check=False,
    )
    # Said outright, because from Debian 13 on the archive's keys need not be among those that apt trusts for everything.
    keyring = next((f"[signed-by={path}] " for path in KEYRINGS if os.path.exists(path)), "")
    entries = []
    for line in shown.stdout.splitlines():
        name, uri, component = line.split()
        if name.partition("-")[0] == codename and component == "main" and "debug" not in name:
            entries.append(f"deb {keyring}{uri} {name} {component}")
    return sorted(set(entries))


def ensure_rootfs(log: t.Callable[[str], None], packages: t.Sequence[str] = PACKAGES) -> Path:
    """The path of a tree with these packages; makes it where the cache has none.

    :raises BedError: it cannot be made.
    """
    codename = release()
    identity = "\n".join([codename, os.uname().machine, str(RECIPE), *packages])
    directory = cache_directory()
    tree = directory / f"rootfs-{codename}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if any(mark in str(tree) for mark in ":,\\\n"):
        raise BedError(f"the cache {directory} has a colon, comma, backslash or newline in its name, which overlay mounts cannot take")
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            log(f"building a file tree ({codename}) in {tree}: once, a minute or two")
            _build(codename, tree, packages)
    return tree


def _build(codename: str, tree: Path, packages: t.Sequence[str]) -> None:
    partial = tree.with_name(tree.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        "--aptopt=Acquire::Languages none",
        "--aptopt=Acquire::Retries 3",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id',
        codename,
        str(partial),
        *mirrors(codename),
    ]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        said = [line for line in made.stderr.splitlines() if line.strip()]
        raise BedError(f"mmdebstrap could not make a file tree: {' / '.join(said[-5:])}")
    partial.rename(tree)
