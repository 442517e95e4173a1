#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_apply
short_description: Destroy what is on the media that an approved plan lists
version_added: 0.1.0
description:
  - Carries out what a plan of M(recordings.disposal.media_plan) says of the media of this host, under a manifest that enough distinct persons have signed,
    several media at once, each by the techniques that the plan names and no other, as M(recordings.disposal.sanitize) and
    M(recordings.disposal.overwrite) do it, with all of their guards and proofs. Then each is read as the plan says.
  - Before anything is written it checks the signatures, the digest of the rows, whether the plan has expired, and that the legal holds are those that it
    was made under. Just before a medium's first write the holds are compared again, and the files on it with those that
    M(recordings.disposal.media_drain) has seen. A difference leaves that medium as it is, with the reason.
  - A medium that fails, hangs or is refused stops no other. Each has its outcome in one journal of the run.
  - Killed at any point, the same task run again goes on, and accounts for every medium once. What runs in a drive is watched to its end.
options:
  manifest_file:
    description:
      - Path on the controller of the manifest; its signatures C(manifest.json.<principal>.sig) lie beside it, and the rows of each host below C(media).
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
  plan:
    description:
      - The plan's rows of this host, set from the file beside O(manifest_file) on the controller. They must have the digest that the manifest names.
    type: str
  register:
    description:
      - Path on the controller of the register of media. A medium that it does not have as C(released) any more, because its release was withdrawn or another
        plan was carried out, stays as it is. What was begun before is brought to its end.
    type: path
  released:
    description:
      - Serials of the media that are released now; set from O(register) on the controller. Where both are left out nobody looks.
    type: list
    elements: str
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
  holds:
    description:
      - Legal holds besides those that were placed on the host; the same as for M(recordings.disposal.media_drain), since the plan is stale under others.
    type: list
    elements: dict
    default: []
  holds_dir:
    description:
      - Directory on the controller whose documents are legal holds.
    type: path
  host:
    description:
      - The host's name in the manifest; set to the inventory name on the controller.
    type: str
  parallel:
    description:
      - How many media of the host are worked on at once, from 1 to 32.
    type: int
    default: 4
  poll:
    description:
      - Seconds between two looks at a drive's log at most.
    type: int
    default: 10
  timeout:
    description:
      - After so many seconds a sanitize that goes on in its drive is not watched any more; run the task again to watch on. Watches to the end where it is
        left out.
    type: int
  on_unseen:
    description:
      - What to do where the kernel does not let this module see whether some process has a device open. V(refuse) counts it as in use; V(report) names it
        as a limit of the proof.
    type: str
    choices: [refuse, report]
    default: refuse
  io_priority:
    description:
      - Priority of reads and writes, as far as a device's I/O scheduler honours it.
    type: str
    choices: [normal, low, idle]
    default: normal
  state_dir:
    description:
      - Where journals are kept on the host, a directory that only its owner can enter.
    type: path
    default: /var/lib/recordings-disposal
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Makes every check of the plan and of each medium, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A run that has its end in the journal is not repeated. Each medium that it destroyed and that still is in the host is looked at again, as
        M(recordings.disposal.sanitize) does; where one was not destroyed it fails again.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.media_plan
  - module: recordings.disposal.media_settle
"""

EXAMPLES = r"""
- name: Destroy what the change board has signed
  recordings.disposal.media_apply:
    manifest_file: disposal/plans/2026-11-27-998e220a56/manifest.json
    register: register.yml
    allowed_signers_file: allowed_signers
    holds_dir: holds
  register: applied
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) when every medium of the plan on this host is; V(unknown) as soon as what became of one cannot be told, as while it runs;
      V(not_destroyed) otherwise.
  returned: success, and on failure as far as it got
  type: str
  sample: destroyed
level:
  description: The highest C(required) and the lowest C(achieved) level of sanitization, and the edition of the C(standard) that they come from.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"required": "purge", "achieved": "purge", "standard": "NIST SP 800-88 Rev. 2 (2025-09)"}
counts:
  description: Media by outcome.
  returned: success, and on failure as far as it got
  type: dict
  sample: {"destroyed": 4, "not_destroyed": 1, "unknown": 0}
bytes:
  description: Bytes of the media that were destroyed.
  returned: success, and on failure as far as it got
  type: dict
media:
  description: The first hundred media; the journal has all of it.
  returned: success, and on failure as far as it got
  type: list
  elements: dict
  contains:
    serial:
      description: Serial, as the register has it.
      type: str
    outcome:
      description: Outcome of this medium.
      type: str
    technique:
      description: The technique that was tried last.
      type: str
    required:
      description: The level that the technique had to reach.
      type: str
    achieved:
      description: The level that was reached.
      type: str
    reason:
      description: Why it is not V(destroyed); empty where it is.
      type: str
    run:
      description: Id of the run of M(recordings.disposal.sanitize) or M(recordings.disposal.overwrite) over it.
      type: str
    verdict:
      description: What was found when it was read afterwards, V(clean), V(residue), V(unknown) or V(not_done).
      type: str
    running:
      description: It goes on in the drive, or may.
      type: bool
    percent:
      description: Of its way that it has come, where it is running and tells.
      type: int
limits:
  description: What the proofs leave open, one sentence each, the first fifty.
  returned: success, and on failure as far as it got
  type: list
  elements: str
run:
  description: Id of the run, 16 hexadecimal digits that follow from plan, manifest and host.
  returned: success, and on failure as far as it got
  type: str
journal:
  description: Path, head digest and number of records of the run's journal.
  returned: when there is one
  type: dict
evidence:
  description: One record for the run; the record of each medium is in the journal.
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
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.media_applying import apply_media
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import TRAINING_OPTIONS, told_params


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "manifest_file": {"type": "path"},
            "manifest": {"type": "str"},
            "signatures": {"type": "list", "elements": "dict", "default": []},
            "plan": {"type": "str"},
            "register": {"type": "path"},
            "released": {"type": "list", "elements": "str"},
            "allowed_signers_file": {"type": "path"},
            "allowed_signers": {"type": "str"},
            "approvals_required": {"type": "int", "default": 2},
            **TRAINING_OPTIONS,
            "holds": {"type": "list", "elements": "dict", "default": []},
            "holds_dir": {"type": "path"},
            "host": {"type": "str"},
            "parallel": {"type": "int", "default": 4},
            "poll": {"type": "int", "default": 10},
            "timeout": {"type": "int"},
            "on_unseen": {"type": "str", "choices": ["refuse", "report"], "default": "refuse"},
            "io_priority": {"type": "str", "choices": ["normal", "low", "idle"], "default": "normal"},
            "state_dir": {"type": "path", "default": "/var/lib/recordings-disposal"},
        },
        mutually_exclusive=[("manifest", "manifest_file")],
        required_one_of=[("manifest", "manifest_file")],
        supports_check_mode=True,
        # Holds name persons; the system log of the host is no place for them.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = apply_media(module.params, CheckExecutor() if module.check_mode else Executor(), check_mode=module.check_mode)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **error.details)
    module.exit_json(invocation=told, **result)


if __name__ == "__main__":
    main()
