#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: plan_page
short_description: Make the pages of a plan again, with the approvals that are there
version_added: 0.1.0
description:
  - Writes C(plan.html), C(plan.md), C(plan.csv) and C(plan.json) beside a manifest again, with the approvals that are there and their times, for the record of
    the change. The manifest and the signatures stay as they are.
  - Approvals are judged as M(recordings.disposal.approval_info) does. The time of an approval is that of the file with its signature on the controller,
    since a signature by C(ssh-keygen) holds no time.
  - Runs on the controller only.
options:
  manifest:
    description:
      - Path of the manifest on the controller, as M(recordings.disposal.plan_manifest) wrote it.
    type: path
    required: true
  allowed_signers:
    description:
      - File on the controller with the people who may approve. Without it no approval counts.
    type: path
  language:
    description:
      - Language of C(plan.html) and C(plan.md).
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing and tells the same.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The same manifest with the same signatures gives the same pages.
seealso:
  - module: recordings.disposal.plan_manifest
  - module: recordings.disposal.approval_info
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Show on the page who has approved, and when
  recordings.disposal.plan_page:
    manifest: disposal/plans/2026-11-23-998e220a56/manifest.json
    allowed_signers: change_board.allowed_signers
  delegate_to: localhost
"""

RETURN = r"""
approvals:
  description: The approvals that count, each with C(principal), C(key) (its fingerprint) and C(time).
  returned: success
  type: list
  elements: dict
  sample:
    - principal: anna@example.com
      key: SHA256:HNrFPQiGqjJKwH9HVzO+W+fL8tgm8kEUVaq65rKvXuU
      time: "2026-11-24T09:12:44Z"
problems:
  description: A sentence for each signature that does not count.
  returned: success
  type: list
  elements: str
missing:
  description: How many approvals are still needed.
  returned: success
  type: int
pages:
  description: The pages, C(html), C(markdown), C(csv) and C(json), with their absolute paths on the controller.
  returned: success
  type: dict
"""
