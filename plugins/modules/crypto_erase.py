#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: crypto_erase
short_description: Destroy the key of what is encrypted, and prove that every copy of it is gone
version_added: 0.1.0
description:
  - Makes encrypted data unreadable for good by destroying their key. That reaches every copy at once, backups and the spare cells of flash included,
    if every copy of the key is gone; so most of this module is looking for what could speak against that.
  - Each precondition is seen as V(met), V(not_met) or V(unknown), with what was looked at. V(unknown) never counts as met. RV(outcome) is V(destroyed)
    only where the key is seen to be gone and no precondition is open that O(preconditions) does not accept.
  - A volume that is open is refused, as is whatever else is in use; what cannot be determined counts as in use.
  - Secrets are read from files on the host. They never are in options, results, journals or the process table.
options:
  target:
    description:
      - What is encrypted, by its identity.
    type: dict
    required: true
    suboptions:
      kind:
        description:
          - V(luks) is a LUKS1 or LUKS2 volume. Both copies of its header, all key slots and tokens, the gaps between them, and declared backups are
            overwritten with noise and read back.
          - V(period) is the key of a retention class and a period, with which M(recordings.disposal.recording_encrypt) has encrypted recordings on any number
            of hosts. It is destroyed in its store, once.
          - V(fscrypt) is a directory with a v2 policy of the kernel's filesystem encryption. The kernel is made to forget its key, and the metadata in
            which the C(fscrypt) tool keeps the wrapped key, the key file and declared copies are overwritten and removed. Refused while something in
            it is open. What it does not encrypt, such as sizes and times, stays.
          - V(drive) is a self-encrypting drive, which forgets its media key by its own firmware as with M(recordings.disposal.sanitize), by crypto
            sanitize or NVMe Format, or where a secret is given by Opal's revert. That was never tried on a real Opal drive.
          - V(zfs) is an encryption root of ZFS. Its key is wrapped anew with one that nobody keeps and unloaded, and the key file that opened it is
            overwritten and removed. Refused where another encryption root names that file. That was tried with a stand-in for the command C(zfs) only.
        type: str
        choices: [luks, fscrypt, drive, zfs, period]
        required: true
      device:
        description:
          - Of V(luks) and V(drive), the block device that holds the data. All keys that are given must fit, and only one device may have them.
        type: dict
        suboptions:
          serial:
            description: Serial number.
            type: str
          wwn:
            description: World wide name, EUI or NGUID.
            type: str
          partuuid:
            description: UUID of a partition.
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
      header:
        description:
          - Absolute path of the detached header of a V(luks) volume, a file. It is overwritten and removed. That it belongs to the device is the
            task's word.
        type: path
      directory:
        description:
          - Absolute path of a V(fscrypt) directory, the topmost that has its policy.
        type: path
      dataset:
        description:
          - Name of a V(zfs) filesystem or volume that is its own encryption root.
        type: str
      key_file:
        description:
          - Absolute path of a file on the host that opens it. That it does is seen before, and that it does not any more afterwards.
          - Of V(luks) the file itself is left as it is; destroy it with M(recordings.disposal.overwrite).
          - Of V(fscrypt) it holds the key itself, or 32 bytes that open a protector; of V(zfs) it is needed where the dataset names no file of its own. Of
            both the file is destroyed, unless it opens a protector that stays.
          - Of V(drive) it holds the owner's password (SID), byte for byte as the drive has it; C(sedutil-cli) sets a hash of what it is given.
        type: path
      psid_file:
        description:
          - Absolute path of a file on the host with the PSID that is printed on a V(drive), by which it is reverted without its owner's password.
        type: path
      protectors:
        description:
          - What becomes of a V(fscrypt) policy's protectors. They stay by default, since they may serve a filesystem that is not mounted now.
          - V(destroy) overwrites and removes those that no other policy on a mounted filesystem uses, never a login's.
        type: str
        choices: [keep, destroy]
      covers:
        description:
          - Other directories of V(fscrypt), on whichever mounted filesystem, or datasets of V(zfs) that have the same key and are meant too. Those that
            are not named are a reason to refuse.
        type: list
        elements: str
      all_namespaces:
        description:
          - A V(drive)'s crypto sanitize and its revert destroy what is on all of its NVMe namespaces, and all of them are meant.
        type: bool
      class:
        description: Of V(period), the retention class.
        type: str
      period:
        description: Of V(period), such as V(2024-11), V(2024-Q4) or V(2024).
        type: str
      dir:
        description: Of V(period), the absolute path of the directory with the documents of keys, as for M(recordings.disposal.period_key).
        type: path
      prefix:
        description: Of V(period), begins the names of the store's keys; V(recordings) where it is left out.
        type: str
  hosts:
    description:
      - Of V(period), the names of all hosts that have recordings of the class. Each must have given a report.
    type: list
    elements: str
  reports:
    description:
      - Of V(period), what M(recordings.disposal.recording_period) returned as C(report) on each host, not longer than an hour ago. Where one of them has
        recordings that must be kept and go with this key, nothing is done.
    type: list
    elements: dict
  level:
    description:
      - The level of sanitization that is required.
    type: str
    choices: [clear, purge, destroy]
    required: true
  levels:
    description:
      - Levels that the policy gives techniques, as for M(recordings.disposal.sanitize); that of C(crypto_erase) counts here.
    type: dict
  preconditions:
    description:
      - What is demanded of each precondition, by its name. V(require) refuses where it is not known to be met. V(report), the default, goes on where
        it is unknown, and RV(outcome) is then V(unknown). V(accept) takes what is unknown as a limit that RV(limits) names, and goes on even where
        it is known not to be met, with V(not_destroyed).
      - The names are V(encrypted_from_first_write), V(strength), V(no_other_key), V(no_backup), V(no_stale_copy), V(not_in_memory), V(no_store_copies)
        and V(waiting_over); which of them concern a target depends on its kind.
    type: dict
  declared:
    description:
      - What people vouch for, by the precondition's name, each with who does and where that is written. It settles what cannot be seen, never what was
        seen to be otherwise.
    type: dict
  header_backups:
    description:
      - Absolute paths of files and directories in which backups of the header may lie, and of V(fscrypt) and V(zfs) copies of the key or of what holds
        it. They are searched for those of this very target, and what is found is destroyed too.
      - A header of the volume within something larger, as the image of a disk, is left and makes V(no_backup) not met. Symbolic links, what cannot be
        read, and headers of which nobody can tell whose they are make it unknown.
      - An empty list says that there is none. Where the option is left out V(no_backup) is unknown.
      - The host's other block devices are looked at in any case. One that begins with a header of the volume makes V(no_backup) not met.
    type: list
    elements: path
    aliases: [backups]
  close:
    description:
      - Close an open mapping that nobody has open or mounted; otherwise an open volume is refused.
    type: bool
    default: false
  discard:
    description:
      - What becomes of the data once their key is gone. V(overwrite) overwrites them once with zeros and reads them back, V(discard) tells the device
        that they are not needed any more, which proves nothing.
    type: str
    choices: [none, discard, overwrite]
    default: none
  verify:
    description:
      - How much of the data is read, of V(luks) before, to look for what was written in the clear, of a V(drive) afterwards. V(sample) reads a share,
        V(all) everything.
      - With V(all) the block device below the metadata of V(fscrypt), and below a key file, is read for older copies of them.
    type: str
    choices: [none, sample, all]
    default: sample
  sample_share:
    description:
      - The share that O(verify=sample) reads, in per cent.
    type: int
    default: 1
  seed:
    description:
      - Chooses the places of a sample, as for M(recordings.disposal.media_verify); a fresh one where it is left out.
    type: str
  canaries:
    description:
      - How many blocks are written to a V(drive) before, as M(recordings.disposal.sanitize) does; at least 64.
    type: int
    default: 4096
  on_unseen:
    description:
      - What to do where the kernel does not let this module see whether some process has the device, or something in the directory, open. V(refuse)
        counts it as in use; V(report) does not.
    type: str
    choices: [refuse, report]
    default: refuse
  holds:
    description:
      - V(refuse) while legal holds are in force on the host; V(checked) says that somebody has made sure that none is about what is encrypted.
    type: str
    choices: [refuse, checked]
    default: refuse
  resume:
    description:
      - Bring to its end what an interrupted run has begun. With V(false) such a run is a reason to refuse.
    type: bool
    default: true
  state_dir:
    description:
      - Where journals are kept on the host, a directory that only its owner can enter.
    type: path
    default: /var/lib/recordings-disposal
extends_documentation_fragment:
  - recordings.disposal._key_store
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Looks at every precondition and guard, tries the key file, says what would be done, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The journal says V(destroyed), its place is as it was left, and no header of the volume is found in declared places and on other devices.
      - Where the journal says otherwise and the key is gone as that run left it, what was open then is looked at and seen to once more.
      - A drive still holds at both ends and at random places what it held then.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.sanitize
  - module: recordings.disposal.overwrite
  - module: recordings.disposal.media_verify
"""

EXAMPLES = r"""
- name: Destroy the key of a volume whose header was never saved elsewhere
  recordings.disposal.crypto_erase:
    target:
      kind: luks
      device:
        serial: ZC11A0B7
      key_file: /root/luks/volume.key
    header_backups: []
    declared:
      encrypted_from_first_write: commissioning protocol 2024-17, signed by the storage team
    level: purge

- name: The same, with the backups of its header, and only if it is known to have been encrypted always
  recordings.disposal.crypto_erase:
    target:
      kind: luks
      device:
        wwn: "0x5000c500a1b2c3d4"
      key_file: /root/luks/volume.key
    header_backups: [/srv/luks-headers]
    preconditions:
      encrypted_from_first_write: require
      not_in_memory: accept
    verify: all
    level: purge

- name: Destroy the key of all service calls of a month, on whatever hosts they are
  recordings.disposal.crypto_erase:
    target:
      kind: period
      class: service-calls
      period: 2024-11
      dir: /srv/recording-keys
    key_store:
      kind: vault
      url: https://vault.example.com:8200
      token_file: /root/vault.token
    hosts: [pbx1]
    # As recording_period returned it on each host.
    reports:
      - format: recordings.disposal/period-report/1
        host: pbx1
        class: service-calls
        period: 2024-11
        recipient: 3f1c9a52b7d04e6e8c2a1f5d6b7e8f90
        time: "2026-11-27T08:15:00Z"
        sets: 4210
        kept: 0
        plain: 0
        undecided: 0
        others: 0
        unread: 0
        bytes: 2107391820
        samples: []
    declared:
      no_backup: the identities were never taken out of the vault, security concept 4.2
      encrypted_from_first_write: plaintext is overwritten within the hour, evidence of the encryption runs
    level: purge

- name: An encrypted directory, of which no copy of the key was made, with a look for older copies of its metadata
  recordings.disposal.crypto_erase:
    target:
      kind: fscrypt
      directory: /srv/recordings/2024
      protectors: destroy
    backups: []
    verify: all
    level: purge

- name: A self-encrypting drive, by the PSID on its label
  recordings.disposal.crypto_erase:
    target:
      kind: drive
      device:
        serial: S4EWNX0M501234
      psid_file: /root/psid-S4EWNX0M501234
    declared:
      encrypted_from_first_write: "data sheet 11/2023: it encrypts always; taken into use on 2024-02-01"
      strength: data sheet 11/2023, AES-256-XTS
    preconditions:
      no_stale_copy: accept
    level: purge

- name: A dataset of ZFS and the one below it
  recordings.disposal.crypto_erase:
    target:
      kind: zfs
      dataset: tank/recordings
      covers: [tank/recordings/old]
    backups: [/root/keys]
    preconditions:
      no_stale_copy: accept
    level: purge
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) when the key is seen to be gone and no precondition is open; V(not_destroyed) where something of it is left, or a precondition is
      known not to be met; V(unknown) where neither is certain.
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
  description: C(crypto_erase), or of a V(drive) the one that was taken.
  returned: success, and on failure as far as it got
  type: str
preconditions:
  description: Each precondition with its C(name), its C(state) and what was C(looked_at).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "strength", "state": "met", "looked_at": ["aes-xts-plain64 with a volume key of 512 bits"]}]
opened:
  description: How it was seen that the key opened it before; empty where there was no means to try.
  returned: success, and on failure as far as it got
  type: str
seen:
  description: What was read back and tried afterwards.
  returned: success, and on failure as far as it got
  type: dict
counts:
  description: Keys by outcome.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 1, "not_destroyed": 0, "unknown": 0}
seconds:
  description: How long this call took.
  returned: success, and on failure as far as it got
  type: float
limits:
  description: What the proof leaves open, one sentence each, preconditions that are not met among them.
  returned: success, and on failure as far as it got
  type: list
  elements: str
run:
  description: Id of the run, 16 hexadecimal digits that follow from the task.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal.
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
from ansible_collections.recordings.disposal.plugins.module_utils._keys.stores.options import STORE_OPTIONS, misplaced_secrets
from ansible_collections.recordings.disposal.plugins.module_utils._media.identity import DEVICE_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.crypto_erasing import crypto_erase_of
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.key_targets import KINDS


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "target": {
                "type": "dict",
                "required": True,
                "options": {
                    "kind": {"type": "str", "choices": list(KINDS), "required": True},
                    "device": {"type": "dict", "options": DEVICE_OPTIONS},
                    "header": {"type": "path"},
                    "directory": {"type": "path"},
                    "dataset": {"type": "str"},
                    "key_file": {"type": "path", "no_log": False},
                    "class": {"type": "str"},
                    "period": {"type": "str"},
                    "dir": {"type": "path"},
                    "prefix": {"type": "str"},
                    "psid_file": {"type": "path"},
                    "protectors": {"type": "str", "choices": ["keep", "destroy"]},
                    "covers": {"type": "list", "elements": "str"},
                    "all_namespaces": {"type": "bool"},
                },
            },
            **STORE_OPTIONS,
            "hosts": {"type": "list", "elements": "str"},
            "reports": {"type": "list", "elements": "dict"},
            "level": {"type": "str", "choices": ["clear", "purge", "destroy"], "required": True},
            "levels": {"type": "dict"},
            "preconditions": {"type": "dict"},
            "declared": {"type": "dict"},
            "header_backups": {"type": "list", "elements": "path", "aliases": ["backups"]},
            "close": {"type": "bool", "default": False},
            "discard": {"type": "str", "choices": ["none", "discard", "overwrite"], "default": "none"},
            "verify": {"type": "str", "choices": ["none", "sample", "all"], "default": "sample"},
            "sample_share": {"type": "int", "default": 1},
            "seed": {"type": "str"},
            "canaries": {"type": "int", "default": 4096},
            "on_unseen": {"type": "str", "choices": ["refuse", "report"], "default": "refuse"},
            "holds": {"type": "str", "choices": ["refuse", "checked"], "default": "refuse"},
            "resume": {"type": "bool", "default": True},
            "state_dir": {"type": "path", "default": "/var/lib/recordings-disposal"},
        },
        supports_check_mode=True,
        # The system log of the host is no place for what may be a secret by mistake.
        no_log=True,
    )
    module.no_log_values.update(misplaced_secrets(module.params))
    executor = CheckExecutor() if module.check_mode else Executor()
    try:
        module.exit_json(**crypto_erase_of(module.params, executor, check_mode=module.check_mode))
    except DisposalError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == "__main__":
    main()
