# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overwriting against the tools that people use for it, on the same medium in the same run; medians, as ratios."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import typing as t

from measuring import Measured, measure

MODULE = "ansible_collections.recordings.disposal.plugins.modules.overwrite"
SIZE = 200_000
MIB = 1 << 20

Command = t.Callable[[pathlib.Path], list[str]]


def _ours(paths: list[pathlib.Path], root: pathlib.Path, state: pathlib.Path, **options: t.Any) -> Measured:
    named = {"paths": [str(path) for path in paths], "roots": [str(root)], "recurse": True}
    return _module({**named, "level": "clear", "state_dir": str(state), **options})


def _module(arguments: dict[str, t.Any]) -> Measured:
    """The module as Ansible starts it."""
    measured = measure([sys.executable, "-m", MODULE], json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    result = json.loads(measured.output)
    if result.get("failed"):
        sys.exit(f"overwriting failed: {result['msg']}")
    return measured


def _settled() -> None:
    """Nothing of the round before is left to be written."""
    os.sync()


def _lay(directory: pathlib.Path, count: int) -> None:
    directory.mkdir()
    content = os.urandom(SIZE)
    for number in range(count):
        (directory / f"in-+48600{number:06d}.wav").write_bytes(content)
    _settled()


def _names(directory: pathlib.Path) -> list[str]:
    return [str(path) for path in directory.iterdir()]


FILE_PEERS: dict[str, tuple[str, Command]] = {
    "shred -n1 -u": ("shred", lambda directory: ["shred", "-n1", "-u", *_names(directory)]),
    "scrub -p random -r": (
        "scrub",
        lambda directory: ["sh", "-c", f"for file in {directory}/*; do scrub -f -p random -r $file || exit 1; done"],
    ),
    "srm -ll": ("srm", lambda directory: ["srm", "-ll", *_names(directory)]),
    "wipe -q -Q1": ("wipe", lambda directory: ["wipe", "-f", "-s", "-q", "-Q", "1", *_names(directory)]),
}


def bench_files(medium: pathlib.Path, *, count: int, rounds: int) -> None:
    """Many files, one random pass, removed, which is what the others do; and ours once more, reading every byte back."""
    seconds: dict[str, list[float]] = {}
    memory = 0.0
    for number in range(rounds):
        for name, (tool, command) in FILE_PEERS.items():
            if shutil.which(tool) is None:
                continue
            _lay(medium / "files", count)
            measured = measure(command(medium / "files"))
            left = len(os.listdir(medium / "files"))
            if measured.code or left:
                sys.exit(f"{name} ended with {measured.code} and left {left} files: {measured.output[-300:].decode(errors='replace')}")
            seconds.setdefault(name, []).append(measured.seconds)
            shutil.rmtree(medium / "files")
        for verify in ("none", "last"):
            _lay(medium / "files", count)
            measured = _ours([medium / "files"], medium, medium / f"state{number}{verify}", scheme="random", verify=verify)
            seconds.setdefault(verify, []).append(measured.seconds)
            memory = max(memory, measured.memory)
    ours, proven = (statistics.median(seconds.pop(verify)) for verify in ("none", "last"))
    print(
        f"{count:,} files of 200 kB, one random pass, removed: ours {ours:.2f} s, read back {proven:.2f} s, "
        f"peak memory {memory:.0f} MiB (to reach: 150)"
    )
    for name in FILE_PEERS:
        if name not in seconds:
            print(f"  {name}: not installed here")
            continue
        peer = statistics.median(seconds[name])
        aim = 8 if name.startswith("shred") else 5
        print(f"  {name}: {peer:.2f} s, ratio {peer / ours:.1f} (to reach: {aim}), {peer / proven:.1f} with reading back", flush=True)


def bench_large_file(medium: pathlib.Path, *, gib: int, rounds: int) -> None:
    """One large file: zeros against dd, a random pass against shred, with read-back against dd writing and then reading."""
    path = medium / "large" / "large.raw"
    path.parent.mkdir()
    size = gib << 30
    write = ["dd", "if=/dev/zero", f"of={path}", "oflag=direct", "bs=4M", f"count={size // (4 * MIB)}", "conv=fsync,notrunc", "status=none"]
    read = ["dd", f"if={path}", "of=/dev/null", "iflag=direct", "bs=4M", "status=none"]
    runs: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        runs.setdefault(name, []).append(seconds)

    memory = 0.0
    measure(write)
    for number in range(rounds):
        _settled()
        written = measure(write).seconds
        note("dd", written)
        note("dd both", written + measure(read).seconds)
        note("shred", measure(["shred", "-n1", str(path)]).seconds)
        for name, options in (
            ("zeros", {"scheme": "nist_clear", "verify": "none"}),
            ("random", {"scheme": "random", "verify": "none"}),
            ("random both", {"scheme": "random"}),
        ):
            _settled()
            measured = _ours([path], medium, medium / f"state-large{number}{name.replace(' ', '')}", remove=False, **options)
            note(name, measured.seconds)
            memory = max(memory, measured.memory)
    middle = {name: statistics.median(values) for name, values in runs.items()}
    print(f"one file of {gib} GiB: peak memory {memory:.0f} MiB (to reach: 150)")
    for what, ours, peer, aim in (
        ("zeros, against dd oflag=direct bs=4M conv=fsync", "zeros", "dd", 0.95),
        ("one random pass, against shred -n1", "random", "shred", 2.5),
        ("random and read back, against dd writing, then reading, both direct", "random both", "dd both", 0.9),
    ):
        print(
            f"  {what}: {middle[ours]:.2f} s and {middle[peer]:.2f} s, ratio {middle[peer] / middle[ours]:.2f} (to reach: {aim})",
            flush=True,
        )
    shutil.rmtree(path.parent)


def bench_device(medium: pathlib.Path, *, gib: int, rounds: int) -> None:
    """A loop device over a file of this benchmark's own: zeros against dd, random and read back against nwipe."""
    if os.geteuid() != 0 or shutil.which("losetup") is None:
        print("a loop device: not run, it needs root and losetup")
        return
    image = medium / "device.raw"
    with image.open("wb") as handle:
        handle.truncate(gib << 30)
    device = measure(["losetup", "--find", "--show", "--direct-io=on", str(image)]).output.decode().strip()
    if not device.startswith("/dev/loop") or pathlib.Path(f"/sys/block/{device[5:]}/loop/backing_file").read_text().strip() != str(image):
        sys.exit(f"{device} is not a loop device over {image}")
    try:
        _bench_device(device, image, medium, gib=gib, rounds=rounds)
    finally:
        measure(["losetup", "--detach", device])
        image.unlink()


def _bench_device(device: str, image: pathlib.Path, medium: pathlib.Path, *, gib: int, rounds: int) -> None:
    zeros = [
        "dd",
        "if=/dev/zero",
        f"of={device}",
        "oflag=direct",
        "bs=4M",
        f"count={(gib << 30) // (4 * MIB)}",
        "conv=fsync",
        "status=none",
    ]
    nwipe = ["nwipe", "--nogui", "--autonuke", "--method=random", "--verify=last", "--rounds=1", "--noblank", "--nowait", device]
    runs: dict[str, list[float]] = {"dd": [], "nwipe": [], "zeros": [], "random": []}
    memory = 0.0
    measure(zeros)
    for number in range(rounds):
        runs["dd"].append(measure(zeros).seconds)
        if shutil.which("nwipe"):
            runs["nwipe"].append(measure(nwipe).seconds)
        for name, options in (("zeros", {"scheme": "nist_clear", "verify": "none"}), ("random", {"scheme": "random"})):
            told = {"device": {"backing_file": str(image)}, "on_unseen": "report", "level": "clear", **options}
            measured = _module({**told, "state_dir": str(medium / f"state-device{number}{name}")})
            runs[name].append(measured.seconds)
            memory = max(memory, measured.memory)
    middle = {name: statistics.median(values) for name, values in runs.items() if values}
    print(f"a loop device of {gib} GiB: peak memory {memory:.0f} MiB (to reach: 150)")
    print(f"  zeros, against dd oflag=direct bs=4M conv=fsync: ratio {middle['dd'] / middle['zeros']:.2f} (to reach: 0.95)")
    if "nwipe" in middle:
        print(f"  random and read back, against nwipe: ratio {middle['nwipe'] / middle['random']:.1f} (to reach: 5)", flush=True)


def bench(medium: pathlib.Path, *, files: int, gib: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="recordings-disposal-bench-", dir=medium) as name:
        place = pathlib.Path(name)
        bench_files(place, count=files, rounds=rounds)
        bench_large_file(place, gib=gib, rounds=rounds)
        bench_device(place, gib=gib, rounds=rounds)
