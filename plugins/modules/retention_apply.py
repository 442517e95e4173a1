#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: retention_apply
short_description: Destroy the recordings that an approved plan lists
version_added: 0.1.0
description:
  - Destroys exactly the recording sets that a host's plan file lists as C(due), under a manifest that enough distinct persons have signed.
  - Before anything is written it checks the manifest's signatures, the plan file's digest, the policy's digest, the clocks, the roots, the limits,
    and what has changed since the plan. Just before each set's first write it opens every member again without following links, compares device,
    inode, size and time of change, and decides the set again with the holds that are in force by then. A difference is a skip with its reason.
  - Overwrites in place, reads back every byte, and removes the names only after the proof is in the journal. A set is C(destroyed) only when each
    of its members is.
  - Killed at any point, the same task run again finishes what was begun and accounts for every set once.
  - Where the policy names a quarantine, sets are moved aside on the same filesystem instead. A later plan destroys them, until then
    M(recordings.disposal.retention_restore) brings them back.
options:
  manifest_file:
    description:
      - Path on the controller of the manifest that M(recordings.disposal.plan_manifest) made; its signatures C(manifest.json.<principal>.sig) lie
        beside it.
      - Exactly one of O(manifest_file) and O(manifest) is required.
    type: path
  manifest:
    description:
      - The manifest's text, set from O(manifest_file) on the controller.
    type: str
  signatures:
    description:
      - Signatures over the manifest, each with C(principal) and C(signature); set from the files beside O(manifest_file) on the controller.
    type: list
    elements: dict
    default: []
  allowed_signers_file:
    description:
      - Path on the controller of the persons who may approve, in the form that C(ssh-keygen) calls allowed signers.
    type: path
  allowed_signers:
    description:
      - The text of that file, set from O(allowed_signers_file) on the controller.
    type: str
  approvals_required:
    description:
      - How many distinct persons must have signed; the manifest's own number counts if it is higher.
    type: int
    default: 2
  destroyed_keys:
    description:
      - Keys of classes and periods that M(recordings.disposal.crypto_erase) has destroyed, each with the C(class), C(period) and C(recipient) of its target,
        and its C(outcome), achieved C(level) and C(run). Sets whose method is C(crypto_erase) are brought to their end where all that is encrypted of
        them went with one of these keys; the others are skipped.
      - What lies beside in the clear, such as metadata, is overwritten; a set that has such files reaches V(clear) only.
    type: list
    elements: dict
    default: []
  host:
    description:
      - The host's name in the manifest; set to the inventory name on the controller.
    type: str
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Makes every check, tells what would be destroyed, and writes nothing.
  diff_mode:
    support: none
    details: RV(delta) tells what has changed since the plan.
  idempotent:
    support: full
    details: A run that has its end in the journal is not repeated; its journal and the places of its recordings are looked at again.
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Apply the plan that the change board signed
  recordings.disposal.retention_apply:
    policy_file: policy.yml
    holds_dir: holds
    manifest_file: disposal/plans/2026-11-23-0a1b2c3d4e/manifest.json
    allowed_signers_file: allowed_signers
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) when every due set of the plan is; V(unknown) when what became of any set cannot be told; V(not_destroyed) otherwise.
  returned: success, and on failure as far as it got
  type: str
  sample: destroyed
level:
  description: The C(required) and the C(achieved) level of sanitization and the edition of the C(standard) that they come from.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"required": "clear", "achieved": "clear", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
counts:
  description: Sets by outcome.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 412, "not_destroyed": 3, "unknown": 0}
bytes:
  description: Bytes of the sets that were destroyed.
  returned: success, and on failure as far as it got
  type: dict
delta:
  description: What has changed since the plan, C(as_planned), C(skipped) by reason, and C(newly_due) sets that the plan does not name.
  returned: when the plan was compared with the host
  type: dict
run:
  description: Id of the run, 16 hexadecimal digits that follow from plan, manifest and host.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal.
  returned: when there is one
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
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.applying import apply_plan
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import (
    INPUT_OPTIONS,
    INPUT_RULES,
    TRAINING_OPTIONS,
    told_params,
    warned,
)

_OPTIONS = {
    "manifest_file": {"type": "path"},
    "manifest": {"type": "str"},
    "signatures": {"type": "list", "elements": "dict", "default": []},
    "allowed_signers_file": {"type": "path"},
    "allowed_signers": {"type": "str"},
    "approvals_required": {"type": "int", "default": 2},
    "destroyed_keys": {"type": "list", "elements": "dict", "default": [], "no_log": False},
    "host": {"type": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={**INPUT_OPTIONS, **TRAINING_OPTIONS, **_OPTIONS},
        mutually_exclusive=[*INPUT_RULES["mutually_exclusive"], ("manifest", "manifest_file")],
        required_one_of=[*INPUT_RULES["required_one_of"], ("manifest", "manifest_file")],
        supports_check_mode=True,
        # The system log of the host is no place for policies and holds.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = apply_plan(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
