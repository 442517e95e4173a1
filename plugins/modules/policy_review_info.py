#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: policy_review_info
short_description: Review a policy and what it rests on
version_added: 0.1.0
description:
  - Looks at a policy, at the tables, schemes, standards and keys that it rests on, at legal holds, and at what plans found on a fleet, and tells each finding
    with its severity, subject, place, reason and what to do.
  - Finds overdue reviews, superseded and withdrawn editions, overwrite schemes without standing, weak algorithms, keys and signers that end soon, figures
    that nobody has verified, legal holds past their review, layouts that match nothing, roots that never yield and classes that are never matched.
  - Runs on the controller only, and writes nothing; M(recordings.disposal.policy_review) writes a record to be signed.
extends_documentation_fragment:
  - recordings.disposal._reviewed
  - recordings.disposal._review
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
seealso:
  - module: recordings.disposal.policy_review
  - module: recordings.disposal.retention_plan
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Look for what is overdue, in a job that runs each night
  recordings.disposal.policy_review_info:
    policy_file: policy.yml
    holds_dir: holds
    allowed_signers: allowed_signers
    reviews_dir: disposal/reviews
    review_signers: allowed_signers
    fail_on: severe
  delegate_to: localhost
"""

RETURN = r"""
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
