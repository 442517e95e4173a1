#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_verify
short_description: Look at a whole medium, by reading only, for what should not be there any more
version_added: 0.1.0
description:
  - Reads a block device past the page cache, all of it or a sample, and compares it with what every byte should be, looks for canaries that were
    laid before it was sanitized, and for known beginnings of recordings, filesystems and encrypted volumes.
  - Nothing is written. The medium is named by its identity, never by a path.
  - It knows nothing of how the medium was sanitized and needs none of this collection's evidence, so it can check the work of other tools.
options:
  device:
    description:
      - The identity of one block device. All keys that are given must fit, and only one device may have them.
    type: dict
    required: true
    suboptions:
      serial:
        description: Serial number.
        type: str
      wwn:
        description: World wide name, EUI or NGUID.
        type: str
      partuuid:
        description: UUID of a partition, which is then looked at instead of the whole disk.
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
  expect:
    description:
      - What every byte should be. V(zeros) and V(ones) after most sanitize commands and overwrites, V(pattern) of O(pattern), V(keystream) of a
        random pass whose key was kept in O(key_file).
      - V(no_canaries) where only that is known, after a cryptographic erase for example; O(canaries) is required then.
      - V(anything) looks for known beginnings only, which proves little.
    type: str
    choices: [zeros, ones, pattern, keystream, no_canaries, anything]
    default: zeros
  pattern:
    description:
      - Bytes in hexadecimal, 1 to 64 of them, repeated from the first byte of the medium on.
    type: str
  key_file:
    description:
      - A file on the host with the key of an AES-256-CTR keystream, 32 bytes or 64 hexadecimal digits, whose counter is 0 at the first byte.
    type: path
  canaries:
    description:
      - A file on the host that names the canaries of this medium. Each place is read, whatever O(verify) says.
    type: path
  verify:
    description:
      - V(all) reads everything. V(sample) reads both ends and, of each group of neighbouring pieces, one.
    type: str
    choices: [all, sample]
    default: all
  sample_share:
    description:
      - The share that O(verify=sample) reads at least, in per cent.
    type: int
    default: 10
  seed:
    description:
      - Chooses the pieces of a sample, so that somebody else can read the same ones. Made anew where it is left out, and returned.
    type: str
  on_residue:
    description:
      - Whether it is a failure that something was found, or could not be read.
    type: str
    choices: [fail, report]
    default: fail
  max_rate:
    description:
      - At most so many bytes a second, such as V(50MB) or V(20MiB).
    type: str
  io_priority:
    description:
      - Priority of reads, as far as the device's I/O scheduler honours it.
    type: str
    choices: [normal, low, idle]
    default: normal
  threads:
    description:
      - How many threads at most; each takes 2 MiB of memory.
    type: int
    default: 8
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Reads only, in both modes.
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.overwrite
"""

EXAMPLES = r"""
- name: Every byte of an overwritten disk is zero
  recordings.disposal.media_verify:
    device:
      serial: S4EWNX0M501234

- name: A tenth of a large disk, at places that an auditor can read again
  recordings.disposal.media_verify:
    device:
      wwn: "0x5000c500a1b2c3d4"
    verify: sample
    sample_share: 10
    seed: audit-2026-11

- name: After a cryptographic erase nothing of the canaries is left
  recordings.disposal.media_verify:
    device:
      serial: S4EWNX0M501234
    expect: no_canaries
    canaries: /var/lib/recordings-disposal/runs/91921a6fa660ba20/canaries-0.json
"""

RETURN = r"""
verdict:
  description:
    - V(residue) where something is there that should not be, V(unknown) where nothing was found and not all could be read that was to be,
      else V(clean), which is said of what was read only.
  returned: success and failure
  type: str
  sample: clean
identity:
  description: What recognises the medium, as the kernel shows it.
  returned: success and failure
  type: dict
size_bytes:
  description: Size of the medium, in bytes.
  returned: success and failure
  type: int
read_bytes:
  description: Bytes that were read; places of canaries are not counted.
  returned: success and failure
  type: int
seconds:
  description: How long it took.
  returned: success and failure
  type: float
rate:
  description: Bytes a second.
  returned: success and failure
  type: int
sample:
  description: Of a sample, what was drawn and how likely it misses a residue; none where all was read.
  returned: success and failure
  type: dict
  contains:
    one_of:
      description: Of so many neighbouring pieces one was read.
      type: int
    piece_bytes:
      description: Size of a piece, in bytes.
      type: int
    seed:
      description: What chose the pieces.
      type: str
    misses:
      description: For residues of some sizes in RV(sample.misses[].residue_bytes), the probability that the sample misses all of it, at most.
      type: list
      elements: dict
      contains:
        residue_bytes:
          description: The size of the residue, in bytes.
          type: int
        probability:
          description: From 0 to 1.
          type: str
residue_bytes:
  description: Bytes that are not what they should be.
  returned: success and failure
  type: int
residue_ranges:
  description: The first ranges of them, RV(residue_ranges[].offset) and RV(residue_ranges[].bytes).
  returned: success and failure
  type: list
  elements: dict
  contains:
    offset:
      description: Offset of the first byte.
      type: int
    bytes:
      description: Length in bytes.
      type: int
bad_bytes:
  description: Bytes that could not be read.
  returned: success and failure
  type: int
bad_ranges:
  description: The first ranges of them.
  returned: success and failure
  type: list
  elements: dict
  contains:
    offset:
      description: Offset of the first byte.
      type: int
    bytes:
      description: Length in bytes.
      type: int
beginnings:
  description: The first known beginnings that were found.
  returned: success and failure
  type: list
  elements: dict
  contains:
    offset:
      description: Offset of the sector that it begins in.
      type: int
    kind:
      description: What it is.
      type: str
beginnings_count:
  description: How many there are of all.
  returned: success and failure
  type: int
canaries:
  description: What became of the canaries.
  returned: success and failure
  type: dict
  contains:
    read:
      description: Places that were read.
      type: int
    unread:
      description: Places that could not be read.
      type: int
    left:
      description: Places at which something of a canary is left.
      type: int
    places:
      description: The first offsets of these.
      type: list
      elements: int
entropy:
  description:
    - Disorder of samples of 4096 bytes, one of each range that was looked at more closely, in thousandths of a bit per byte; 8000 is noise.
  returned: success and failure
  type: dict
  contains:
    samples:
      description: How many were taken.
      type: int
    uniform:
      description: Ranges that hold one value only.
      type: int
    lowest:
      description: Of the sample with the least disorder.
      type: int
    mean:
      description: Of all samples.
      type: int
    highest:
      description: Of the sample with the most disorder.
      type: int
limits:
  description: What this leaves open, one sentence each.
  returned: success and failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.act_options import VERIFY_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.verifying import verify_medium


def main() -> None:
    module = AnsibleModule(
        argument_spec=VERIFY_OPTIONS,
        required_if=[("expect", "pattern", ("pattern",)), ("expect", "keystream", ("key_file",)), ("expect", "no_canaries", ("canaries",))],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**verify_medium(module.params))
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
