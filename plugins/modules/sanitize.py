#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: sanitize
short_description: Sanitize a whole medium by its own firmware, and prove it
version_added: 0.1.0
description:
  - Has a drive erase itself (NVMe Sanitize and Format, ATA SANITIZE DEVICE and SECURITY ERASE UNIT, SCSI SANITIZE and FORMAT UNIT,
    eMMC secure erase and sanitize), which also
    reaches spare and remapped blocks that overwriting does not. Has a tape drive erase the whole of a tape.
  - Believes neither a tool's exit code nor a log that says success, since an idle drive says so too. Blocks that only the holder of a key can foresee
    (canaries) are laid across the whole medium before; RV(outcome) is V(destroyed) only where this command's own way to its end was seen in the
    device's log, as far as the technique has one, and none of the canaries is left.
  - The medium is named by its identity. Whatever is mounted, held by RAID, LVM, device-mapper or multipath, used as swap, open, read-only or the
    system's own is refused, on every namespace that the technique would reach; what cannot be determined counts as in use.
  - A sanitize goes on in the drive whatever becomes of this task, its connection or the host. The same task run again finds it in its
    journal, watches it to its end, and never begins another one while something runs. One that the journal does not know is refused.
options:
  device:
    description:
      - The identity of one block device, all keys of which must fit, and which only one device may have; or of one cartridge in a tape drive.
    type: dict
    required: true
    suboptions:
      serial:
        description: Serial number.
        type: str
      wwn:
        description: World wide name, EUI or NGUID.
        type: str
      backing_file:
        description: Absolute path of the file below a loop device, which no technique of this module reaches.
        type: str
      size_bytes:
        description: Size that the register expects, in bytes; another one is refused.
        type: int
      cartridge:
        description:
          - Serial number of a cartridge, as its own memory has it (MAM attribute 0401h); M(recordings.disposal.media_info) tells it. Whatever drive
            of the host it is in is found. A drive's serial names no cartridge, and no other key may be given beside this one.
        type: str
  level:
    description:
      - The level of sanitization that is required. Nothing that reaches less is ever tried.
    type: str
    choices: [clear, purge, destroy]
    required: true
  technique:
    description:
      - V(auto) takes the strongest that the medium offers; among those of one level what erases cells before what writes over them, and that before
        what forgets a key.
      - Or one of V(nvme_sanitize_block), V(nvme_sanitize_overwrite), V(nvme_sanitize_crypto), V(ata_sanitize_block), V(ata_sanitize_overwrite),
        V(ata_sanitize_crypto), V(scsi_sanitize_block), V(scsi_sanitize_overwrite), V(scsi_sanitize_crypto), V(ata_security_erase_enhanced),
        V(ata_security_erase), V(mmc_secure_erase), V(mmc_sanitize), V(nvme_format_user_data), V(nvme_format_crypto), V(scsi_format),
        V(tape_erase_long).
      - M(recordings.disposal.media_info) tells which of them a medium offers.
    type: str
    default: auto
  levels:
    description:
      - Levels that the policy gives techniques, by technique, in place of those that this collection knows.
      - Each has C(level) (C(none), C(clear) or C(purge)), C(standard) with its edition, and C(source).
    type: dict
  fallback:
    description:
      - Techniques to try, in this order, where the one before did not destroy what was there and nothing runs on the device any more. None is ever
        tried that is not named here. A warning tells which of them are never tried on this
        medium, and why.
      - A drive whose sanitize has failed takes nothing but another sanitize.
    type: list
    elements: str
    default: []
  all_namespaces:
    description:
      - NVMe Sanitize reaches every namespace of the drive. Where there are several it is refused unless this is V(true), and then each of them
        must be free.
    type: bool
    default: false
  canaries:
    description:
      - How many canaries of 4 KiB are laid, one at each end and the others spread over the medium at places that nobody can foresee. On a tape they
        are the first records.
    type: int
    default: 4096
  verify:
    description:
      - What is read afterwards besides the canaries. V(sample) reads a share of the medium and V(all) the whole of it, and looks for the beginnings of
        files and filesystems; each that is found makes RV(outcome) V(not_destroyed).
      - After a cryptographic erase a medium holds noise, in which such beginnings turn up by chance, rarely.
      - Of a tape nothing can be read behind the end of its data, so only V(canaries) is taken there.
    type: str
    choices: [canaries, sample, all]
    default: canaries
  sample_share:
    description:
      - The share that O(verify=sample) reads, in per cent.
    type: int
    default: 1
  passes:
    description:
      - Passes of a sanitize that overwrites, from 1 to 15; of an ATA disk from 1 to 7, since hdparm takes no more.
    type: int
    default: 1
  pattern:
    description:
      - What such a sanitize writes, 4 bytes in hexadecimal. SCSI devices write zeros only.
    type: str
    default: '00000000'
  poll:
    description:
      - Seconds between two looks at the device's log at most; the first ones come more often.
    type: int
    default: 10
  timeout:
    description:
      - After so many seconds this task stops watching and fails with RV(running=true), while the device goes on; run it again to watch on.
      - A tool that waits for its device (security erase, NVMe format, eMMC secure erase) goes on too, and is found again. Refused for
        V(mmc_sanitize) and V(tape_erase_long), which nobody could find again.
      - Watches to the end where it is left out.
    type: int
  hidden_capacity:
    description:
      - What to do where an ATA disk hides capacity (HPA, AMAC, DCO). V(restore) has hdparm show all of it for good before anything is destroyed, once
        nothing else speaks against that; check mode refuses then, since it cannot.
    type: str
    choices: [refuse, restore]
    default: refuse
  on_unseen:
    description:
      - What to do where the kernel does not let this module see whether some process has the device open, as in a container without the right
        to look at others. V(refuse) counts it as in use; V(report) names it in RV(limits).
    type: str
    choices: [refuse, report]
    default: refuse
  holds:
    description:
      - V(refuse) while legal holds are in force on the host; V(checked) says that somebody has made sure that none is about what is on the medium.
    type: str
    choices: [refuse, checked]
    default: refuse
  io_priority:
    description:
      - Priority of reads and writes, as far as the device's I/O scheduler honours it.
    type: str
    choices: [normal, low, idle]
    default: normal
  resume:
    description:
      - Go on with what an interrupted run has begun. With V(false) such a run is a reason to refuse.
    type: bool
    default: true
  state_dir:
    description:
      - Where journals and canaries are kept on the host, a directory that only its owner can enter.
    type: path
    default: /var/lib/recordings-disposal
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Makes every check, says what would be done, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The journal says V(destroyed), the medium still holds at both ends and at random places what it held then, no canary and no other filesystem
        or partition table is found on it, an NVMe drive's log says that nothing was written since, and what O(verify) asks for is read again.
      - A tape is still blank at its beginning, to which it is wound for that, in check mode too.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.media_info
  - module: recordings.disposal.media_verify
  - module: recordings.disposal.overwrite
"""

EXAMPLES = r"""
- name: Sanitize a drive that leaves service, with the strongest that it offers
  recordings.disposal.sanitize:
    device:
      serial: S4EWNX0M501234
      size_bytes: 4000787030016
    level: purge

- name: Block erase, and a crypto erase where the drive refuses that or has failed at it
  recordings.disposal.sanitize:
    device:
      wwn: eui.002538b911b37a65
    technique: nvme_sanitize_block
    fallback: [nvme_sanitize_crypto]
    level: purge

- name: Erase a cartridge that leaves the library, in whatever drive it is
  recordings.disposal.sanitize:
    device:
      cartridge: HA7T00C019
    technique: tape_erase_long
    level: clear

- name: Begin, and look again later
  recordings.disposal.sanitize:
    device:
      serial: ZC11A0B7
    level: clear
    timeout: 60
  register: sanitized
  until: sanitized.outcome == 'destroyed' or not sanitized.running
  retries: 100
  delay: 600
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) when this command's way to its end was seen and no canary is left; V(not_destroyed) where canaries or files are left, or the device
      refused it or failed; V(unknown) where neither is certain.
  returned: success, and on failure as far as it got
  type: str
  sample: destroyed
reason:
  description: Why the outcome is not V(destroyed), in one sentence.
  returned: success, and on failure as far as it got
  type: str
level:
  description: The C(required) and the C(achieved) level of sanitization and the edition of the C(standard) that they come from.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"required": "purge", "achieved": "purge", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
technique:
  description: The technique that was tried last.
  returned: success, and on failure as far as it got
  type: str
  sample: nvme_sanitize_block
tried:
  description: Techniques before it that did not destroy what was there, each with its reason.
  returned: success, and on failure as far as it got
  type: list
  elements: str
reached:
  description: Names of all devices that the technique reaches.
  returned: success, and on failure as far as it got
  type: list
  elements: str
percent:
  description: Of its way that it has come; none where the device does not tell, as while a tool waits for it.
  returned: while it goes on in the device
  type: int
  sample: 42
running:
  description: It goes on in the device, or may.
  returned: success, and on failure as far as it got
  type: bool
transition:
  description: How this command's own way was seen in the device's log; empty where it was not, or the technique has no log.
  returned: success, and on failure as far as it got
  type: str
  sample: in progress, then done
canaries:
  description: How many were C(laid), how many are C(left), and how many could not be read (C(unread)).
  returned: success, and on failure as far as it got
  type: dict
  sample: {"laid": 4096, "left": 0, "unread": 0}
media_verification:
  description:
    - Canaries that were C(left) and that were C(unread) in the drive's media verification state (NVMe 2.1), or C(unavailable) and why.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"left": 0, "unread": 0}
counts:
  description: Media by outcome. One that has none yet, as while it runs, counts as C(unknown).
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 1, "not_destroyed": 0, "unknown": 0}
seconds:
  description: How long this call took.
  returned: success, and on failure as far as it got
  type: float
limits:
  description: What the proof leaves open, one sentence each.
  returned: success, and on failure as far as it got
  type: list
  elements: str
run:
  description: Id of the run, 16 hexadecimal digits that follow from the task; none where none was begun.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal, which tells each step with the device's own words. Beside it lie the canaries,
    as C(canaries-0.json), for M(recordings.disposal.media_verify).
  returned: when something was begun
  type: dict
evidence:
  description: One record for the run.
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
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.act_options import SANITIZE_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import warned
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.sanitizing import sanitize_of


def main() -> None:
    module = AnsibleModule(
        argument_spec=SANITIZE_OPTIONS,
        supports_check_mode=True,
    )
    executor = CheckExecutor() if module.check_mode else Executor()
    try:
        result = sanitize_of(module.params, executor, check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, **warned(module, error.details))
    module.exit_json(**warned(module, result))


if __name__ == "__main__":
    main()
