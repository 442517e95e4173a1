#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: simulation
short_description: Join plans of a simulated date into a page that nobody can sign
version_added: 0.1.0
description:
  - Joins what M(recordings.disposal.retention_plan) returned with its option O(recordings.disposal.retention_plan#module:as_of) on each host into one page for
    people, C(simulation.html), C(simulation.md), C(simulation.csv), and C(simulation.json) for programs. All of it lies in C(previews) below O(dest), in a
    directory of mode V(0700) and files of mode V(0600), over what was there.
  - It is no manifest, and cannot be signed or carried out.
  - A host that failed, could not be reached or gave no result is named and never counted as nothing; the simulation is then not complete and fails unless
    O(on_incomplete=report).
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  results:
    description:
      - For each inventory host the result of M(recordings.disposal.retention_plan) on it, all with the same policy and date.
    type: dict
    required: true
  on_incomplete:
    description:
      - What to do when a host is not known; the page is written in either case.
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
      - Language of C(simulation.html) and C(simulation.md). Sentences that come from hosts stay English where they have no translation.
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
  - module: recordings.disposal.retention_plan
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: See on every recording server what would be due at the end of the year
  recordings.disposal.retention_plan:
    policy_file: policy.yml
    as_of: "2027-12-31"
    on_limit: report
  register: simulated

- name: Write the page
  recordings.disposal.simulation:
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'simulated'))) }}"
    dest: disposal
  run_once: true
"""

RETURN = r"""
complete:
  description: Whether every host is in the simulation.
  returned: success, or when something is not known
  type: bool
unknown_hosts:
  description: The first 50 hosts without a result, each with C(why).
  returned: success, or when something is not known
  type: list
  elements: dict
unread:
  description: Always empty, since a root that cannot be read fails its host.
  returned: success, or when something is not known
  type: list
  elements: dict
as_of:
  description: The date that is simulated, RFC 3339 UTC.
  returned: success, or when something is not known
  type: str
totals:
  description: Hosts, sets, files and bytes that were found, what would be C(due), and all C(verdicts), over all hosts.
  returned: success, or when something is not known
  type: dict
pages:
  description: The pages, C(html), C(markdown), C(csv) and C(json), with their absolute paths on the controller.
  returned: success, or when something is not known
  type: dict
"""
