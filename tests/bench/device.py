# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Benchmark of overwriting a whole device, against dd on the same device in the same round; prints ratios, judges nothing.

The device: a loop device with direct I/O over an allocated file in the given directory. Needs root.
"""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from ansible_collections.recordings.disposal.plugins.module_utils._erasure.device import overwrite_device
from ansible_collections.recordings.disposal.plugins.module_utils._erasure.schemes import find_scheme
from ansible_collections.recordings.disposal.plugins.module_utils._executor import Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import find_device
from ansible_collections.recordings.disposal.tests.system.loop_bed import Bed

ROUNDS = 5


def dd(*operands: str) -> float:
    began = time.monotonic()
    subprocess.run(["dd", "bs=4M", "status=none", *operands], check=True)
    return time.monotonic() - began


def overwrite(image: pathlib.Path, scheme: str, verify: str) -> float:
    device = find_device({"backing_file": str(image)})
    began = time.monotonic()
    result = overwrite_device(Executor(), device, find_scheme(scheme), verify=verify, on_unseen="report")
    took = time.monotonic() - began
    if result.outcome == "not_destroyed":
        sys.exit(f"the device was not destroyed: {result.reason}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", default="/var/tmp", help="where the file of the loop device is made")
    parser.add_argument("--mebibytes", type=int, default=2048)
    options = parser.parse_args()
    count = f"count={options.mebibytes // 4}"
    zeros: list[float] = []
    random: list[float] = []
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        bed = Bed(pathlib.Path(directory))
        try:
            image = bed.make_image(options.mebibytes)
            dd("if=/dev/zero", f"of={image}", count, "conv=notrunc,fsync")
            device = bed.attach(image, direct_io=True)
            for _each in range(ROUNDS):
                bed.image_of(device)
                write = dd("if=/dev/zero", f"of={device}", count, "oflag=direct", "conv=fsync")
                zeros.append(write / overwrite(image, "nist_clear", "none"))
                write = dd("if=/dev/zero", f"of={device}", count, "oflag=direct", "conv=fsync")
                read = dd(f"if={device}", "of=/dev/null", count, "iflag=direct")
                random.append((write + read) / overwrite(image, "random", "last"))
        finally:
            bed.close()
    for name, ratios in (("zeros against dd", zeros), ("random and read back against dd write + read", random)):
        told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"{name}: {statistics.median(ratios):.2f} of its speed (rounds: {told})")


if __name__ == "__main__":
    main()
