#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: training_info
short_description: Tell who is trained, until when, and who is not
version_added: 0.1.0
description:
  - Verifies the training records in a directory and tells for each person and role whether the training is valid, about to expire, expired or missing.
  - Gives a reminder for each that is not simply valid, to be mailed by whatever mails.
  - Names each record that does not count, and why.
  - Runs on the controller.
options:
  training_dir:
    description:
      - Directory with the records.
    type: path
    required: true
  training_signers_file:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with those who may sign training records.
    type: path
    required: true
  people:
    description:
      - Who should be trained, each with C(principal), C(roles) and perhaps the C(name). Without it only persons with records are told.
    type: list
    elements: dict
  people_file:
    description:
      - File with the same list, in place of O(people).
    type: path
  expiring_within:
    description:
      - Trainings that end within this ISO 8601 period are about to expire.
    type: str
    default: P30D
  language:
    description:
      - Language of page and reminders.
    type: str
    choices: [en, pl]
    default: en
  formats:
    description:
      - In what other forms to return the roster.
    type: list
    elements: str
    choices: [csv, html]
    default: []
extends_documentation_fragment:
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
  - module: recordings.disposal.training_test
"""

EXAMPLES = r"""
- name: Who needs another test this month?
  recordings.disposal.training_info:
    training_dir: disposal/training/records
    training_signers_file: training_signers
    people:
      - principal: anna@example.com
        name: Anna Nowak
        roles: [approver, witness]
    expiring_within: P1M
    formats: [csv, html]
  delegate_to: localhost
  register: training
"""

RETURN = r"""
roster:
  description: A row for each person and role, in order of both.
  returned: success
  type: list
  elements: dict
  contains:
    principal:
      description: The person.
      type: str
    name:
      description: The person's name.
      type: str
    role:
      description: The role.
      type: str
    state:
      description: V(valid), V(expiring), V(expired) or V(missing).
      type: str
    valid_from:
      description: From when the last record is valid; empty without one.
      type: str
    valid_until:
      description: Until when it is valid; empty without one.
      type: str
    issuer:
      description: Who signed it; empty without one.
      type: str
    record:
      description: Its digest; empty without one.
      type: str
counts:
  description: Rows by state.
  returned: success
  type: dict
problems:
  description: A sentence for each record that does not count, the first hundred.
  returned: success
  type: list
  elements: str
reminders:
  description: For each row that is not V(valid) a letter with C(to), C(role), C(state), C(subject) and C(body).
  returned: success
  type: list
  elements: dict
csv:
  description: The roster as CSV.
  returned: when asked for in O(formats)
  type: str
html:
  description: The roster as an HTML page that loads nothing from a network.
  returned: when asked for in O(formats)
  type: str
"""
