#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: policy_review
short_description: Write the review of a policy down, for people to sign off
version_added: 0.1.0
description:
  - Reviews what M(recordings.disposal.policy_review_info) does, and writes C(record.json), what people sign, with the policy as it was reviewed and the
    pages that they read, C(review.html), C(review.md) and C(review.json), into a directory of its own below O(reviews_dir).
  - The record names what of the policy changed since the last review that was signed off, what may destroy sooner, what was found, and what was not known.
  - To sign off is to run C(ssh-keygen -Y sign -n review@recordings.disposal) over the record, and to keep the signature as C(record.json.PRINCIPAL.sig).
  - The same review on the same day keeps the record that is there, so that signatures over it stay good.
  - Runs on the controller only.
options:
  author:
    description:
      - Whoever writes the review, by the name that the list of signers has for them. An author cannot sign the own review off.
    type: str
    required: true
  language:
    description:
      - Language of the pages.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._reviewed
  - recordings.disposal._review
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing.
  diff_mode:
    support: none
    details: The pages tell what changed.
  idempotent:
    support: full
    details: The same review on the same day keeps the record that is there.
seealso:
  - module: recordings.disposal.policy_review_info
  - module: recordings.disposal.retention_plan
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Review the policy
  recordings.disposal.policy_review:
    policy_file: policy.yml
    holds_dir: holds
    allowed_signers: allowed_signers
    manifests: ["disposal/plans/2026-11-23-998e220a56/manifest.json"]
    reviews_dir: disposal/reviews
    review_signers: allowed_signers
    author: ewa@example.com
    language: pl
  delegate_to: localhost
  register: review

- name: Say what to sign
  ansible.builtin.debug:
    msg: "Read {{ review.pages.html }}, then sign {{ review.record_path }}"
"""

RETURN = r"""
review_id:
  description: Name of the review.
  returned: success
  type: str
  sample: 2026-11-27-4f1c998e22
record_path:
  description: The file to sign, with its absolute path on the controller; in check mode where it would be.
  returned: success
  type: str
pages:
  description: The pages, C(html), C(markdown) and C(json), with their absolute paths on the controller.
  returned: success
  type: dict
policy:
  description: The policy's C(id), C(version), C(owner), C(review_by) and C(digest).
  returned: success
  type: dict
catalogue:
  description: The catalogue's C(edition), C(dated) and C(digest).
  returned: success
  type: dict
findings:
  description:
    - What was found, the severe ones first, at most 30, each with C(code), C(severity), C(subject) (C(kind) and C(name)), C(place), C(reason) and C(action).
  returned: success
  type: list
  elements: dict
  sample:
    - code: expiring
      severity: warning
      subject: signer anna@example.com
      kind: signer
      name: anna@example.com
      place: allowed_signers line 1
      reason: It ends on 2026-12-31.
      action: Prepare its successor before that day.
counts:
  description: How many findings there are of each severity.
  returned: success
  type: dict
  sample: {"severe": 0, "warning": 1, "notice": 0}
review:
  description: How the policy stands to its last review that counts; see M(recordings.disposal.retention_plan).
  returned: success and O(reviews_dir) is given
  type: dict
not_known:
  description: What was not looked at, and hosts of which nothing is known, with why.
  returned: success
  type: list
  elements: str
"""
