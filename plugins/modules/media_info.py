#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_info
short_description: What media a host has, who uses them, and what could sanitize them
version_added: 0.1.0
description:
  - Looks at every drive, every other whole block device that has a size, and every tape drive, or at the one block device that an identity names, by
    reading only.
  - What cannot be read is a dictionary with the key C(unavailable), which says why; nothing is left blank.
  - Asks hdparm, nvme-cli, sg3_utils, smartmontools, mmc-utils, mt-st and blkid where they are installed, and only those that the medium needs.
options:
  device:
    description:
      - The identity of one block device. All keys that are given must fit, and only one device may have them. All devices where it is left out.
    type: dict
    suboptions:
      serial:
        description: Serial number.
        type: str
      wwn:
        description: World wide name, EUI or NGUID.
        type: str
      backing_file:
        description: Absolute path of the file below a loop device.
        type: str
      size_bytes:
        description: Size that the register expects, in bytes; another one is refused.
        type: int
  levels:
    description:
      - Levels that the policy gives techniques, by technique, in place of those that this collection knows.
      - Each has C(level) (C(none), C(clear) or C(purge)), C(standard) with its edition, and C(source).
    type: dict
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
  - module: recordings.disposal.media_verify
  - module: recordings.disposal.overwrite
"""

EXAMPLES = r"""
- name: See every disk of the host
  recordings.disposal.media_info:
  register: found

- name: Show those that nobody uses, with what could sanitize them
  ansible.builtin.debug:
    msg: "{{ item.name }} {{ item.serial }}: {{ item.techniques | selectattr('possible') | map(attribute='technique') | join(', ') }}"
  loop: "{{ found.media | selectattr('free') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Count what eMMC devices erase as clear only
  recordings.disposal.media_info:
    levels:
      mmc_sanitize:
        level: clear
        standard: NIST SP 800-88 Rev. 2 (2025-09)
        source: our own test of 2026-03

- name: Look at one disk of the register
  recordings.disposal.media_info:
    device:
      serial: S4EWNX0M501234
      size_bytes: 4000787030016
"""

RETURN = r"""
media:
  description: One entry for each medium.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The kernel's name of it now; it is no identity.
      type: str
    kind:
      description:
        - One of C(hdd), C(sata_ssd), C(nvme), C(sas_hdd), C(sas_ssd), C(smr), C(hybrid), C(usb), C(emmc), C(sd), C(ufs), C(tape), C(optical),
          C(virtual), C(volume) of a RAID controller, C(loop), C(memory), C(unknown).
      type: str
    transport:
      description: What it hangs on.
      type: str
    bridge:
      description: Whether it is behind a bridge that may answer in its place.
      type: bool
    bay:
      description: The bay that it is in, where its enclosure tells the kernel (SES), as the enclosure names it.
      type: str
    vendor:
      description: Vendor, as the medium tells it.
      type: str
    model:
      description: Model.
      type: str
    serial:
      description: Every serial number that was found.
      type: list
      elements: str
    wwn:
      description: Every WWN, EUI and NGUID that was found, without signs and prefixes.
      type: list
      elements: str
    firmware:
      description: Edition of its firmware.
      type: str
    identity:
      description: What recognises it after a restart.
      type: dict
    size_bytes:
      description: Size that it shows, in bytes.
      type: int
    sectors:
      description: Bytes of a C(logical) and of a C(physical) sector.
      type: dict
    hidden_capacity:
      description:
        - Whether it hides capacity (HPA, DCO, AMAC), as C(state) and in words as C(told), and what it has with all of it as C(native_bytes); of an NVMe
          drive for all its namespaces.
      type: dict
    rotation:
      description: Revolutions a minute, 0 for a medium that does not turn.
      type: int
    behind:
      description:
        - Of a C(volume), the drives behind it as far as smartctl reaches them, with C(model), C(serial), C(wwn), C(firmware), C(size_bytes) and C(rotation).
      type: list
      elements: dict
    mmc:
      description:
        - "Of an eMMC device or SD card: C(features) of an eMMC device (C(secure_erase), C(secure_bad_blocks), C(trim), C(sanitize)), the state
          C(wear) of its reserve of blocks, C(erase_bytes) that are erased at once, and its identification C(cid)."
      type: dict
    tape:
      description:
        - "Of a tape drive: whether a tape is C(loaded) and C(write_protected), its C(density) code, C(block_bytes), and the C(flags) of mt."
        - "C(cartridge) tells what the cartridge's own memory says: its C(serial), by which M(recordings.disposal.sanitize) names it, C(barcode),
          C(manufacturer), C(type) (C(data), C(worm), C(cleaning) or a number), C(capacity_bytes) and C(partitions)."
      type: dict
    namespaces:
      description: Names of all NVMe namespaces of the same drive that this host sees.
      type: list
      elements: str
    encryption:
      description:
        - Encrypted C(volumes) on it by device name, states of C(ata_security), and whether it could encrypt itself (C(self_encrypting)).
        - C(opal) tells of a self-encrypting drive whether its locking is C(supported), C(enabled) and C(locked) now, and which specifications
          it follows (C(kinds)), whether it C(encrypts), and whether a boot area is shown in place of the medium (C(shadow), C(shadow_done)).
      type: dict
    contents:
      description: What blkid finds on it and on its partitions, by device name.
      type: dict
    system:
      description: Whether the running system lies on it.
      type: bool
    free:
      description: Whether nothing speaks against destroying what is on it.
      type: bool
    in_use_because:
      description: What does, one clause each.
      type: list
      elements: str
    sanitize_log:
      description:
        - C(state), C(percent) while it runs, and C(action) of the last sanitize, whoever began it. A SCSI device tells of one only while it runs or where it
          failed; an ATA disk does not tell which action it was.
      type: dict
    techniques:
      description:
        - For each C(technique) whether it is C(possible), the C(level) that it reaches with the edition of its C(standard), and C(estimated_seconds);
          where it is not, C(why).
        - C(source) tells where the level is from, and C(confidence) how sure it is (C(P) read in the source itself, C(S) quoted by others,
          C(unverified) from common knowledge, C(policy) from O(levels)).
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import DISK_OPTIONS, given_identity
from ansible_collections.recordings.disposal.plugins.module_utils._media.medium import look_at_media


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "device": {
                "type": "dict",
                "options": DISK_OPTIONS,
            },
            "levels": {"type": "dict"},
        },
        supports_check_mode=True,
    )
    given = module.params["device"]
    identity = None if given is None else given_identity(given)
    try:
        module.exit_json(changed=False, media=look_at_media(identity, overrides=module.params["levels"]))
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
