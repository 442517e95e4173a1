#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: training_test
short_description: Test a person on the training course, and issue the signed record
version_added: 0.1.0
description:
  - With O(state=drawn) draws the questions of a test for a role from the question bank and shuffles them and their options by a seed, which anybody can repeat.
  - With O(state=marked) marks the answers. Who reaches the pass mark gets a training record in O(training_dir), C(PRINCIPAL.ROLE.TIME.json), signed with SSHSIG
    for the namespace C(training@recordings.disposal) in C(.json.sig) beside it. Who does not gets none, and the task fails with the score.
  - The trainer signs, never the person who was tested, neither by name nor by key. A record that would not count by O(training_signers_file) is not issued.
  - Runs on the controller.
options:
  state:
    description:
      - Whether a test is drawn, or marked.
    type: str
    choices: [drawn, marked]
    default: drawn
  course:
    description:
      - File with the course.
    type: path
    required: true
  bank:
    description:
      - File with the question bank of that course.
    type: path
    required: true
  principal:
    description:
      - The person who is tested, by the name that stands in the files of allowed signers, such as V(anna@example.com).
    type: str
    required: true
  name:
    description:
      - The person's name, as records of destruction have it.
    type: str
    required: true
  role:
    description:
      - The role. Approvers sign plans, operators do physical work, witnesses are the second person there; operators and witnesses sign for custody.
    type: str
    choices: [operator, approver, witness, auditor]
    required: true
  language:
    description:
      - The language of the course and the test.
    type: str
    choices: [en, pl]
    default: en
  seed:
    description:
      - 16 to 64 hexadecimal digits, by which the test is drawn. With O(state=drawn) the default is a random one; with O(state=marked) it has to be that of the
        test that was answered.
    type: str
  answers:
    description:
      - By the id of a question the ids of the options that were chosen, as a list, or as a text in which blanks or commas part them. What is left out
        is wrong.
    type: dict
  valid_for:
    description:
      - How long the record is valid, as an ISO 8601 period.
    type: str
    default: P12M
  issuer:
    description:
      - The trainer who signs, by the name in O(training_signers_file).
    type: str
  signing_key:
    description:
      - Private key of the trainer without a passphrase, or the public key (C(.pub)) of one that an agent holds.
    type: path
  training_signers_file:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with those who may sign training records.
    type: path
  training_dir:
    description:
      - Directory for the records, and for the seeds of tests that were not passed (C(SEED.failed)).
    type: path
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Marks, signs in memory and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The same answers to the same test have one record as long as it is valid. Without O(seed) another test is drawn each time.
      - A draw with other answers, for another person, or whose record has ended, is refused, as is one that was not passed.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.training_course
  - module: recordings.disposal.training_info
"""

EXAMPLES = r"""
- name: Draw a test
  recordings.disposal.training_test:
    course: course.yml
    bank: bank.yml
    principal: anna@example.com
    name: Anna Nowak
    role: approver
    language: pl
  delegate_to: localhost
  register: test

- name: Mark it, and issue the record
  recordings.disposal.training_test:
    state: marked
    course: course.yml
    bank: bank.yml
    principal: anna@example.com
    name: Anna Nowak
    role: approver
    language: pl
    seed: "{{ test.seed }}"
    answers: "{{ lookup('ansible.builtin.file', 'answers.yml') | from_yaml }}"
    issuer: tomasz@example.com
    signing_key: ~/.ssh/training
    training_signers_file: training_signers
    training_dir: disposal/training/records
  delegate_to: localhost
"""

RETURN = r"""
seed:
  description: By what the test was drawn.
  returned: with O(state=drawn)
  type: str
questions:
  description: The questions in their order.
  returned: with O(state=drawn)
  type: list
  elements: dict
  contains:
    id:
      description: Id of the question.
      type: str
    question:
      description: What is asked.
      type: str
    options:
      description: What there is to choose from, each with C(id) and C(text).
      type: list
      elements: dict
    choose:
      description: How many options are right.
      type: int
pass_mark:
  description: Percent of right answers that are needed.
  returned: with O(state=drawn)
  type: int
passed:
  description: Whether the pass mark was reached.
  returned: with O(state=marked)
  type: bool
score:
  description: The C(seed), the number of C(questions) and of those C(right), the C(pass_mark), and the digest of the C(answers).
  returned: with O(state=marked)
  type: dict
record:
  description: The record.
  returned: with O(state=marked), when the test was passed
  type: dict
  contains:
    path:
      description: Its path.
      type: str
    digest:
      description: Its digest, by which evidence names it.
      type: str
    valid_from:
      description: From when it is valid.
      type: str
    valid_until:
      description: Until when it is valid.
      type: str
"""
