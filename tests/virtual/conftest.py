# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine for all tests of this directory; each test's drives go with it."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.recordings.disposal.tests.system.loop_bed import need
from ansible_collections.recordings.disposal.tests.virtual.guest import Guest, vm

# What goes the way of another test with other parameters: a machine without acceleration takes 10 to 30 seconds for each, so only
# DISPOSAL_THOROUGH=1 (make thorough) has them run.
THOROUGH = (
    "test_sanitize_interrupted.py::test_power_loss_halfway_is_watched_to_the_end_by_the_same_task[ata]",
    "test_sanitize.py::test_failure_is_told[ata-ata_sanitize_block-behaviour2",
    "test_sanitize.py::test_four_runs[scsi]",
    "test_crypto_drive.py::test_cut_off_before",
    "test_crypto_drive.py::test_what_nobody_vouches",
    "test_crypto_drive.py::test_killed_while",
    "test_crypto_drive.py::test_refused_before_a_byte_is_lost[about0",
    "test_crypto_drive.py::test_refused_before_a_byte_is_lost[about1",
    "test_crypto_drive.py::test_opal_is_reverted",
    "test_crypto_drive.py::test_a_revert",
    "test_crypto_erase.py::test_a_logical_volume",
    "test_media.py::test_a_drive_in_use_is_refused[crypt]",
    "test_media.py::test_a_drive_in_use_is_refused[keys]",
    "test_media.py::test_a_drive_in_use_is_refused[open]",
    "test_media.py::test_a_drive_in_use_is_refused[raid_stopped]",
    "test_media.py::test_a_drive_in_use_is_refused[read_only]",
    "test_media.py::test_hidden_capacity_is_refused_or_restored_first[about1]",
    "test_media.py::test_an_overlay",
    "test_media.py::test_drives_that_sanitize_themselves",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[nvme-nvme_sanitize",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[nvme-nvme_format_crypto]",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[scsi-scsi_sanitize_overwrite]",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[scsi-scsi_format]",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[ata-ata_sanitize_crypto]",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[ata-ata_sanitize_overwrite]",
    "test_sanitize.py::test_each_technique_destroys_all_that_the_drive_holds[ata-ata_security_erase_enhanced]",
    "test_sanitize.py::test_success_of_a_drive_that_kept_data_is_not_believed[nvme-nvme_sanitize_block-behaviour5]",
    "test_sanitize.py::test_failure_is_told[ata-ata_security_erase-behaviour4",
    "test_sanitize.py::test_failure_is_told[ata-ata_sanitize_block-behaviour5",
    "test_sanitize.py::test_failure_is_told[nvme-nvme_sanitize_crypto",
    "test_sanitize.py::test_refused_before_a_byte_is_lost[nvme-behaviour1",
    "test_sanitize.py::test_refused_before_a_byte_is_lost[ata-behaviour3",
    "test_sanitize.py::test_refused_before_a_byte_is_lost[ata-behaviour6",
    "test_sanitize_anew.py::test_a_node_with",
    "test_sanitize_anew.py::test_an_nvme_drive_knows",
    "test_sanitize_anew.py::test_a_fallback_works",
    "test_sanitize_anew.py::test_failed_by_others",
    "test_sanitize_anew.py::test_timeout_ends_the_watching_and_not_the_tool[nvme",
    "test_sanitize_anew.py::test_what_the_real_run_refuses",
    "test_sanitize_anew.py::test_the_media_verification_state",
    "test_sanitize_interrupted.py::test_power_loss_halfway_is_watched_to_the_end_by_the_same_task[scsi]",
    "test_sanitize_interrupted.py::test_a_sanitize_that_somebody_else_began_is_left_alone[ata]",
    "test_sanitize_interrupted.py::test_gone_halfway",
    "test_tape.py::test_a_tape_that_cannot_be_read",
    "test_tape.py::test_refused_with",
    "test_tape.py::test_what_else",
    "test_tape.py::test_killed_halfway",
    "test_tape.py::test_another_cartridge",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("DISPOSAL_THOROUGH"):
        return
    later = [item for item in items if item.nodeid.rpartition("tests/virtual/")[2].startswith(THOROUGH)]
    config.hook.pytest_deselected(items=later)
    items[:] = [item for item in items if item not in later]


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
