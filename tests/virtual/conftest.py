# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine for all tests of this directory; each test's drives go with it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.system.loop_bed import need
from ansible_collections.recordings.disposal.tests.virtual.guest import Guest, vm


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Guest]:
    need("qemu-system-x86_64", "mmdebstrap")
    # The monitor's socket needs a short path.
    work = pathlib.Path(tmp_path_factory.mktemp("vm")) / "m"
    with vm.VirtualMachine(work, vm.DRIVES) as started:
        guest = Guest(started)
        guest.install()
        try:
            yield guest
        finally:
            guest.server.close()


@pytest.fixture
def guest(machine: Guest) -> t.Iterator[Guest]:
    try:
        yield machine
    finally:
        machine.unplug()
        machine.vm.run("rm -rf /var/lib/recordings-disposal")
