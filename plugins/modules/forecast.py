#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: forecast
short_description: Join the forecasts of all hosts into one page
version_added: 0.1.0
description:
  - Joins what M(recordings.disposal.retention_forecast) returned on each host into one page for people, C(forecast.html), C(forecast.md), C(forecast.csv),
    and C(forecast.json) for programs. All of it lies in C(previews) below O(dest), in a directory of mode V(0700) and files of mode V(0600), over
    what was there.
  - Tells by week and class what falls due, what room that gives, what is due and overdue already, and which filesystems are full when. Sets that are
    held, unclassified, in conflict or still being recorded are told apart.
  - A host that failed, could not be reached or gave no result, and a root that could not be read, are named and never counted as nothing; the forecast is
    then not complete and fails unless O(on_incomplete=report).
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  results:
    description:
      - For each inventory host the result of M(recordings.disposal.retention_forecast) on it.
    type: dict
    required: true
  on_incomplete:
    description:
      - What to do when a host or root is not known; the page is written in either case.
    type: str
    choices: [fail, report]
    default: fail
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory.
    type: path
    default: disposal
  language:
    description:
      - Language of C(forecast.html) and C(forecast.md). Sentences that come from hosts stay English.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing and tells the same.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The same results give the same pages.
seealso:
  - module: recordings.disposal.retention_forecast
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Look ahead on every recording server
  recordings.disposal.retention_forecast:
    policy_file: policy.yml
  register: outlook
  ignore_errors: true
  ignore_unreachable: true

- name: Write the page
  recordings.disposal.forecast:
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'outlook'))) }}"
    dest: disposal
  run_once: true
"""

RETURN = r"""
complete:
  description: Whether every host and root is in the forecast.
  returned: success, or when something is not known
  type: bool
unknown_hosts:
  description: The first 50 hosts without a result, each with C(why).
  returned: success, or when something is not known
  type: list
  elements: dict
unread:
  description: The first 50 roots that could not be read, each with C(host), C(root) and C(why).
  returned: success, or when something is not known
  type: list
  elements: dict
totals:
  description: Sets, files and bytes that were found.
  returned: success, or when something is not known
  type: dict
due:
  description: Sets and bytes that are due now.
  returned: success, or when something is not known
  type: dict
overdue:
  description: Of these, what should have been destroyed before now.
  returned: success, or when something is not known
  type: dict
apart:
  description: Sets, files and bytes of which it is not known when they fall due, by verdict.
  returned: success, or when something is not known
  type: dict
weeks:
  description: For each C(week), by its Monday, the C(sets) and C(bytes) that fall due in it, and the bytes that destroying has C(freed) by its end.
  returned: success, or when something is not known
  type: list
  elements: dict
filling:
  description: The first 20 filesystems that are full within the horizon although recordings are destroyed in time, each with C(host), C(roots) and C(date).
  returned: success, or when something is not known
  type: list
  elements: dict
pages:
  description: The pages, C(html), C(markdown), C(csv) and C(json), with their absolute paths on the controller.
  returned: success, or when something is not known
  type: dict
  sample: {"html": "/srv/change-board/disposal/previews/forecast.html"}
"""
