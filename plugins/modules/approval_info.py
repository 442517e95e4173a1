#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: approval_info
short_description: Tell whether a plan is approved
version_added: 0.1.0
description:
  - Verifies the signatures of a plan's manifest with C(ssh-keygen) and tells whether enough people have approved it, and if not,
    what is missing.
  - An approval counts when C(ssh-keygen) finds it good for its signer under O(allowed_signers), for the namespace
    C(plan@recordings.disposal), with a key that is valid now.
  - One person counts once, whoever shares a key is one person, and the author of the plan never counts, under no name.
  - Approve with C(ssh-keygen -Y sign -f KEY -n plan@recordings.disposal manifest.json), and rename the signature that this leaves
    to C(manifest.json.PRINCIPAL.sig), where C(PRINCIPAL) is the signer's name in O(allowed_signers).
  - Runs on the controller.
options:
  manifest:
    description:
      - Path of the manifest on the controller.
    type: path
    required: true
  signatures_dir:
    description:
      - Directory on the controller with the signatures, files named C(manifest.json.PRINCIPAL.sig).
      - The default is the directory of O(manifest).
    type: path
  allowed_signers:
    description:
      - File on the controller with the people who may approve, in the form of OpenSSH's C(allowed_signers); its namespaces and validities
        (C(valid-after), C(valid-before)) are honoured.
      - Dates without the letter Z are read as UTC.
      - No approval counts while a line has a pattern for names (C(*), C(?)) or is a C(cert-authority), since one key could sign as several
        people then; each such line is named.
      - Without it no approval counts.
    type: path
  required:
    description:
      - How many approvals are needed. When the manifest asks for more, that counts.
    type: int
    default: 0
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Only reads.
  diff_mode:
    support: none
    details: Changes nothing.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.retention_apply
"""

EXAMPLES = r"""
- name: Look who has approved the plan
  recordings.disposal.approval_info:
    manifest: disposal/plans/2026-11-23-4f1c/manifest.json
    allowed_signers: change_board.allowed_signers
    required: 2
  register: approval
  delegate_to: localhost

- name: Wait for the change board
  ansible.builtin.assert:
    that: approval.approved
    fail_msg: "{{ approval.sentence }}"
"""

RETURN = r"""
approved:
  description: Whether enough approvals count and the manifest is valid now.
  returned: success
  type: bool
required:
  description: How many approvals are needed, the stricter of O(required) and the manifest.
  returned: success
  type: int
approvals:
  description: The approvals that count, in order of their signers.
  returned: success
  type: list
  elements: dict
  contains:
    principal:
      description: The signer.
      type: str
      sample: anna@example.com
    key:
      description: Fingerprint of the signer's key.
      type: str
      sample: SHA256:HNrFPQiGqjJKwH9HVzO+W+fL8tgm8kEUVaq65rKvXuU
    namespace:
      description: What the signature is for.
      type: str
      sample: plan@recordings.disposal
    training:
      description: The records by which the signer was trained as an approver when the manifest was made, and is now.
      returned: with O(training_dir)
      type: list
      elements: dict
      contains:
        record:
          description: Digest of the record.
          type: str
        until:
          description: When it ends.
          type: str
missing:
  description: How many approvals are still needed.
  returned: success
  type: int
problems:
  description: A sentence for each signature that does not count, and for a manifest that is not valid now.
  returned: success
  type: list
  elements: str
  sample:
    - ewa@example.com is the plan's author, who does not count
sentence:
  description: What is there and what is missing, in one sentence.
  returned: success
  type: str
  sample: 2 approvals needed, 1 counts (anna@example.com); ewa@example.com is the plan's author, who does not count
"""
