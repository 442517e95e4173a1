#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: recording_encrypt
short_description: Encrypt finished recordings, and leave no plaintext behind
version_added: 0.1.0
description:
  - Encrypts the recordings of all sets whose retention class asks for it with its key C(encryption), in the format of C(age), to a public key of the
    set's class and of the period in which it began. The host never has a key that decrypts. C(call.wav) becomes C(call.wav.age), which stock
    C(age) decrypts, and which all layouts know as a member of the same set.
  - Destroying one private key then destroys all recordings of a class and period at once, copies and backups included.
  - Of each file, the copy is read back from the disk past the page cache, its header is checked to give the file's key to the recipient and to
    nobody else, and it is decrypted in memory and compared. Only then it gets its name, the plaintext is compared once more, overwritten, read back
    from the medium, and removed, as M(recordings.disposal.retention_apply) does it. Owner, mode, time of change and extended attributes go over to
    the copy.
  - Metadata stays plain, since planning reads it; that is members with the role C(sidecar), and files that the source's C(metadata) names.
    Transcripts, waveforms and thumbnails are encrypted.
  - Sets that are in progress, unclassified or in conflict are left alone and counted, and so are files that somebody has open or that were changed
    meanwhile. Holds keep nothing from being encrypted, since what is held still decrypts.
  - Something that stands at the name of an encrypted copy is never replaced and never trusted, unless the journal of an interrupted run tells what
    it is and its digest still fits.
  - Killed at any point, the same task run again, with the same or with other recipients, brings what was begun to its end. Plaintext that an earlier
    deletion left in free space is not reached; see O(recordings.disposal.overwrite#module:free_space).
options:
  recipients:
    description:
      - Public keys, one for each class and period; each key for one of them only.
      - They are no secrets. A private key among them is refused and never repeated.
    type: list
    elements: dict
    required: true
    suboptions:
      class:
        description: Name of the retention class.
        type: str
        required: true
      period:
        description: Such as V(2026-03), V(2026-Q1) or V(2026), as the class's C(encryption.period) says.
        type: str
        required: true
      recipient:
        description: What C(age-keygen) shows as the public key, V(age1) and 58 characters.
        type: str
        required: true
  destroyed_keys:
    description:
      - Keys of classes and periods that M(recordings.disposal.crypto_erase) has destroyed, each with the C(class), C(period) and C(recipient) of its
        target, and its C(outcome), achieved C(level) and C(run). A recipient of one of them is refused, since what is encrypted for it is lost.
    type: list
    elements: dict
    default: []
  on_missing_recipient:
    description:
      - What to do about sets for whose class and period there is no recipient. They stay as they are in any case. With V(fail), the task fails
        after all others were encrypted, so that a new month does not pile up plaintext unseen; with V(report), it warns.
    type: str
    choices: [fail, report]
    default: fail
  scheme:
    description:
      - How the plaintext is overwritten; see O(recordings.disposal.overwrite#module:scheme).
    type: str
    default: nist_clear
  max_rate:
    description:
      - At most so many bytes a second, read and written ones together, such as V(50MB) or V(20MiB).
    type: str
  threads:
    description:
      - How many threads at most; each takes 2 MiB of memory. Where it is left out, as many as processors encrypt, and 8 overwrite.
    type: int
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Tells which sets would be encrypted, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.retention_plan
  - module: recordings.disposal.overwrite
"""

EXAMPLES = r"""
- name: Encrypt what was recorded, each month of a class to its own key
  recordings.disposal.recording_encrypt:
    policy_file: policy.yml
    recipients:
      - class: service-calls
        period: 2026-10
        recipient: age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj
      - class: service-calls
        period: 2026-11
        recipient: age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg

- name: Gently, on a server at work
  recordings.disposal.recording_encrypt:
    policy_file: policy.yml
    recipients: "{{ recording_recipients }}"
    on_missing_recipient: report
    max_rate: 20MiB
"""

RETURN = r"""
sets:
  description:
    - Sets that this call C(encrypted), those that were C(encrypted_before), and those that it found C(due), to be encrypted, after it had brought
      an interrupted run to its end.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"encrypted": 120, "encrypted_before": 4210, "due": 120}
left:
  description:
    - Sets that were left alone, by why, such as C(in_progress), C(unclassified), C(conflict), C(class_without_encryption), C(busy), C(changed),
      and C(fault) for those that make the task fail.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"in_progress": 3, "busy": 1}
periods:
  description: For each C(class) and C(period) the fingerprint of the C(recipient) and how many C(sets) were encrypted.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
missing:
  description: Each C(class) and C(period) that lacks a recipient, with the number of C(sets) and the ids of the first few.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
beside:
  description: How many C(sets), and the first few, have an encrypted copy beside their plaintext that no interrupted run of this host explains.
  returned: success, and on failure as far as it got
  type: dict
files:
  description: Files that were encrypted.
  returned: success, and on failure as far as it got
  type: int
bytes:
  description: Their bytes.
  returned: success, and on failure as far as it got
  type: int
seconds:
  description: How long C(encrypting), C(flushing), C(verifying) and C(overwriting) took.
  returned: success, and on failure as far as it got
  type: dict
rate:
  description: Bytes a second of C(encrypting) alone.
  returned: success, and on failure as far as it got
  type: int
outcome:
  description:
    - Of the plaintext in the last run; V(destroyed) when each file's was overwritten and read back, V(unknown) when that cannot be told of one,
      V(not_destroyed) otherwise, and where there was nothing to do.
  returned: success, and on failure as far as it got
  type: str
  sample: destroyed
level:
  description: The C(required) and the C(achieved) level of sanitization of the plaintext and the edition of the C(standard) that they come from.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"required": "clear", "achieved": "clear", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
counts:
  description: Sets of the last run by the outcome of their plaintext.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 120, "not_destroyed": 1, "unknown": 0}
run:
  description: Id of the last run, 16 hexadecimal digits.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal.
  returned: when there was something to do
  type: dict
evidence:
  description: One record for the run; the records for each set are in the journal.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
ansible_facts:
  description: C(disposal_evidence), the same, digested.
  returned: success, and on failure as far as it got
  type: dict
problems:
  description: Every fault of a policy that is not valid.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.encrypting import encrypt_recordings
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_RULES, POLICY_OPTIONS, told_params, warned


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **POLICY_OPTIONS,
            "recipients": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "class": {"type": "str", "required": True},
                    "period": {"type": "str", "required": True},
                    "recipient": {"type": "str", "required": True},
                },
            },
            "destroyed_keys": {"type": "list", "elements": "dict", "default": [], "no_log": False},
            "on_missing_recipient": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
            "scheme": {"type": "str", "default": "nist_clear"},
            "max_rate": {"type": "str"},
            "threads": {"type": "int"},
        },
        supports_check_mode=True,
        # The system log of the host is no place for policies.
        no_log=True,
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = encrypt_recordings(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
