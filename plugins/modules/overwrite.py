#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: overwrite
short_description: Overwrite files, free space or a block device so that it can be proven
version_added: 0.1.0
description:
  - Overwrites with a scheme of passes and reads back what the medium holds, with a journal that tells each step before it is taken. Exactly one of
    O(paths), O(free_space) and O(device) says what.
  - What was written is read back from the block device below the filesystem, at the places where the file's bytes lay before, past every cache;
    where that device cannot be read, through the filesystem past the page cache. The result says which. An overwrite that had no effect is found out.
  - With O(free_space), what earlier plain deletions left behind is overwritten by filling the filesystem with files that have no name, so that none
    is left behind, not even after a kill. What was not reached, the reserve among it, is told in bytes, and RV(outcome) is then not V(destroyed).
  - With O(device), a whole disk or partition that its identity names, never a path. Devices that are mounted, held by RAID, LVM or device-mapper,
    used as swap, open, read-only, zoned, or the system's own are refused, and what cannot be determined counts as in use. Hidden capacity (HPA, DCO,
    AMAC) is asked for first, and refused. Bad sectors are tried again, listed, and RV(outcome) is then V(not_destroyed). A checkpoint is kept every
    few seconds, so that the same task goes on after a reboot.
  - All files are looked at before the first one is written. If one of them could not be destroyed, nothing is done.
  - For recordings under a retention policy use M(recordings.disposal.retention_apply), which knows holds, periods and recording sets. This module
    refuses to work while a legal hold is in force on the host, since it cannot tell what the hold is about.
  - Killed at any point, the same task run again finishes what was begun.
options:
  paths:
    description:
      - Absolute paths of files, or of directories with O(recurse=true). Symbolic links are never followed, neither at a path nor on its way.
    type: list
    elements: path
  roots:
    description:
      - Directories that every one of the O(paths) must lie in, so that a slip of the pen destroys nothing elsewhere.
      - Required with O(paths).
    type: list
    elements: path
  free_space:
    description:
      - A directory of the filesystem whose free space is overwritten; its real path, without a symbolic link on the way.
    type: path
  reserve:
    description:
      - What O(free_space) leaves free, so that a server at work goes on, such as V(10GiB). It is looked at before each write.
      - The larger of 5 per cent of the filesystem and 2 GiB where it is left out. With V(0) the filesystem is filled to its last block.
    type: str
  device:
    description:
      - The identity of one block device. All keys that are given must fit, and only one device may have them.
    type: dict
    suboptions:
      serial:
        description: Serial number.
        type: str
      wwn:
        description: World wide name, EUI or NGUID.
        type: str
      partuuid:
        description: UUID of a partition, which is then overwritten instead of the whole disk.
        type: str
      volume_uuid:
        description: UUID of a device-mapper volume (as C(/sys/block/*/dm/uuid) shows it, such as C(LVM-) and more of a logical volume) or of an MD array.
        type: str
      backing_file:
        description: Absolute path of the file below a loop device.
        type: str
      size_bytes:
        description: Size that the register expects, in bytes; another one is refused.
        type: int
  recurse:
    description:
      - Take every regular file below directories that are given; what is mounted below, symbolic links and special files are left alone.
    type: bool
    default: false
  scheme:
    description:
      - V(nist_clear), V(random), V(dod_5220_22m), V(dod_5220_22m_ece), V(rcmp_tssit_ops_ii), V(hmg_is5_baseline), V(hmg_is5_enhanced),
        V(bsi_vsitr), V(schneier), V(gutmann), or passes of one's own, such as V(custom:zeros,ff,6db6db,random).
      - NIST SP 800-88 Rev. 2 asks for one pass. Those marked as unverified in the guide C(overwrite) are as widely published.
    type: str
    default: nist_clear
  verify:
    description:
      - What is read back and compared byte by byte, V(last) the whole last pass, V(all) each pass, V(sample) a share of the last pass, V(none) nothing.
      - As the scheme says where it is left out, which is V(last) for all that are published.
      - RV(outcome) is V(destroyed) only with V(last) and V(all); with the others it is V(unknown) at best, without being a
        failure, unless the sample was all that there is.
    type: str
    choices: [none, sample, last, all]
  sample_share:
    description:
      - The share that O(verify=sample) reads back, in per cent, at places that nobody can foresee.
    type: int
    default: 10
  remove:
    description:
      - Remove the files after they were overwritten, their names scrubbed first, and the given directories that are empty then.
    type: bool
    default: true
  level:
    description:
      - The level of sanitization that is required. Overwriting files reaches V(clear) at most; a higher level is refused before anything is written.
    type: str
    choices: [clear, purge, destroy]
    required: true
  on_ineffective:
    description:
      - What to do where an overwrite would prove nothing, on copy-on-write, layered, network and FUSE filesystems, on shared or compressed extents,
        and with snapshots below.
      - V(fail) refuses before a byte is written; V(report) overwrites all the same, and RV(outcome) is V(unknown) at best.
      - With O(free_space) such filesystems are refused always.
    type: str
    choices: [fail, report]
    default: fail
  hidden_capacity:
    description:
      - What to do where an ATA disk hides capacity (HPA, AMAC, DCO). V(restore) has hdparm show all of it for good before anything is destroyed, once
        nothing else speaks against that; check mode refuses then, since it cannot.
    type: str
    choices: [refuse, restore]
    default: refuse
  on_member:
    description:
      - What to do where the O(device) or a partition on it is a member of something larger, active or not (LVM, RAID, ZFS, bcache, DRBD, multipath), or
        bears a filesystem of several hosts (OCFS2, GFS2, VMFS, Ceph, Lustre).
      - V(refuse) says which, and how to take it off first. V(report) destroys it all the same and names it in RV(limits).
    type: str
    choices: [refuse, report]
    default: refuse
  on_unseen:
    description:
      - What to do where the kernel does not let this module see whether some process has the O(device) open, as in a container without the right
        to look at others. V(refuse) counts it as in use; V(report) names it in RV(limits).
    type: str
    choices: [refuse, report]
    default: refuse
  open_files:
    description:
      - Files that another process has open are a reason to V(refuse); V(overwrite) overwrites them all the same.
    type: str
    choices: [refuse, overwrite]
    default: refuse
  protected:
    description:
      - Files with the flag immutable or append-only are a reason to V(refuse); V(overwrite) takes the flag off.
    type: str
    choices: [refuse, overwrite]
    default: refuse
  holds:
    description:
      - V(refuse) while legal holds are in force on the host; V(checked) says that somebody has made sure that none is about what is to be overwritten.
    type: str
    choices: [refuse, checked]
    default: refuse
  max_rate:
    description:
      - At most so many bytes a second, written and read ones together, such as V(50MB) or V(20MiB).
    type: str
  io_priority:
    description:
      - Priority of reads and writes, as far as the device's I/O scheduler honours it.
    type: str
    choices: [normal, low, idle]
    default: normal
  threads:
    description:
      - How many threads at most; each takes 2 MiB of memory.
    type: int
    default: 8
  resume:
    description:
      - Go on with what an interrupted run of the same task has begun. With V(false) such a run is a reason to refuse.
    type: bool
    default: true
  state_dir:
    description:
      - Where lists and journals are kept on the host, a directory that only its owner can enter.
    type: path
    default: /var/lib/recordings-disposal
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Makes every check and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Of O(paths), nothing is there to be overwritten any more. With O(remove=false) the files must still bear what the last run has written, as its
        journal tells. Of a O(device), its journal says V(destroyed), it still holds at both ends and at random places what it held then,
        and no other filesystem or partition table is found on it.
      - Free space is overwritten each time, since nothing tells what has become free.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.retention_apply
"""

EXAMPLES = r"""
- name: Destroy an export that was made for an inspection
  recordings.disposal.overwrite:
    paths: [/srv/export/2026-07]
    roots: [/srv/export]
    recurse: true
    level: clear

- name: Overwrite what earlier deletions left behind, and leave 10 GiB free
  recordings.disposal.overwrite:
    free_space: /srv/recordings
    reserve: 10GiB
    level: clear

- name: Overwrite a disk that leaves service
  recordings.disposal.overwrite:
    device:
      serial: S4EWNX0M501234
      size_bytes: 4000787030016
    scheme: random
    level: clear

- name: Three passes, gently, on a server at work
  recordings.disposal.overwrite:
    paths: [/srv/export/call.wav]
    roots: [/srv/export]
    scheme: dod_5220_22m
    level: clear
    max_rate: 20MiB
    io_priority: idle
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) when each file was overwritten and read back whole; V(unknown) when that cannot be told of any file; V(not_destroyed) otherwise.
  returned: success, and on failure as far as it got
  type: str
  sample: destroyed
level:
  description: The C(required) and the C(achieved) level of sanitization and the edition of the C(standard) that they come from.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"required": "clear", "achieved": "clear", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
counts:
  description: Files by outcome, one with several names once; a device or a free space counts as one.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 3, "not_destroyed": 0, "unknown": 0}
bytes:
  description: Bytes that were overwritten in the last pass; holes of sparse files are not among them.
  returned: success, and on failure as far as it got
  type: int
verified_bytes:
  description: Bytes that were read back and found equal.
  returned: success, and on failure as far as it got
  type: int
passes:
  description: Passes that were written.
  returned: success, and on failure as far as it got
  type: int
seconds:
  description: How long it took.
  returned: success, and on failure as far as it got
  type: float
rate:
  description: Bytes that this call has written a second, all passes counted.
  returned: success, and on failure as far as it got
  type: int
bad_ranges:
  description: The first ranges that could not be written, or did not read back equal, each with C(set), C(offset) and C(bytes).
  returned: success, and on failure as far as it got
  type: list
  elements: dict
bad_lbas:
  description: The first ranges of sectors (first, last) that could not be written, or did not read back equal.
  returned: with O(device), when it was overwritten
  type: list
  elements: list
resumed:
  description: Pass, phase and offset in bytes at which an earlier run was taken up; none where there was none.
  returned: with O(device), when it was overwritten
  type: list
free_bytes:
  description: Bytes that were free before.
  returned: with O(free_space), when it was overwritten
  type: int
kept_bytes:
  description: Free bytes that were not reached, the reserve included.
  returned: with O(free_space), when it was overwritten
  type: int
limits:
  description: What the proof leaves open, one sentence each.
  returned: success, and on failure as far as it got
  type: list
  elements: str
run:
  description: Id of the run, 16 hexadecimal digits that follow from the task.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal. The list of files is in C(plans) below O(state_dir).
  returned: when files were overwritten
  type: dict
evidence:
  description: One record for the run; the records for each file are in the journal.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
ansible_facts:
  description: C(disposal_evidence), the same, digested.
  returned: success, and on failure as far as it got
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.act_options import OVERWRITE_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import warned
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.overwriting import overwrite_paths
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.whole import overwrite_device_of, overwrite_free_space_of

_ACTS = {"paths": overwrite_paths, "free_space": overwrite_free_space_of, "device": overwrite_device_of}


def main() -> None:
    module = AnsibleModule(
        argument_spec=OVERWRITE_OPTIONS,
        mutually_exclusive=[("paths", "free_space", "device"), ("reserve", "paths", "device")],
        required_one_of=[("paths", "free_space", "device")],
        required_by={"paths": ["roots"]},
        supports_check_mode=True,
        # Names of recordings hold numbers of persons; the system log of the host is no place for them.
        no_log=True,
    )
    told = {"module_args": {**module.params, "paths": len(module.params["paths"] or [])}}
    given = next(name for name in _ACTS if module.params[name] is not None)
    try:
        result = _ACTS[given](module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
