#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: training_course
short_description: Check a training course, and write it as pages
version_added: 0.1.0
description:
  - Reads a course and its question bank, data files that a team may replace with its own, and refuses what could not be taught or marked, with the file, the
    place and the reason.
  - With O(dest) it writes the course as HTML pages, C(course.ROLE.LANGUAGE.html), that print well and load nothing from a network.
  - Runs on the controller.
options:
  course:
    description:
      - File with the course. The guide on training tells its form.
    type: path
    required: true
  bank:
    description:
      - File with the question bank of that course.
    type: path
    required: true
  dest:
    description:
      - Directory for the pages. Without it nothing is written.
    type: path
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Reads both files, makes the pages and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.training_test
  - module: recordings.disposal.training_info
"""

EXAMPLES = r"""
- name: Write the pages of the course
  recordings.disposal.training_course:
    course: course.yml
    bank: bank.yml
    dest: disposal/training/course
  delegate_to: localhost
"""

RETURN = r"""
course:
  description: Id, edition and digest of the course, its languages and the number of its chapters.
  returned: success
  type: dict
bank:
  description: Id, edition and digest of the question bank, its number of questions, how many a test asks, and the pass mark in percent.
  returned: success
  type: dict
pages:
  description: Paths of the pages; none without O(dest).
  returned: success
  type: list
  elements: str
"""
