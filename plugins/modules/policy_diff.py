#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: policy_diff
short_description: Join what a changed policy would do on all hosts, and hold it against limits
version_added: 0.1.0
description:
  - Joins what M(recordings.disposal.retention_compare) returned on each host into one page for people, C(policy_diff.html), C(policy_diff.md) for a
    merge request, C(policy_diff.csv), and C(policy_diff.json) for programs. All of it lies in C(previews) below O(dest), in a directory of mode
    V(0700) and files of mode V(0600), over what was there.
  - A host that failed, could not be reached or gave no result, and a root that could not be read, are named on the page and in RV(unknown_hosts) and
    RV(unread). They are never counted as nothing; the comparison is then not complete and fails unless O(on_incomplete=report).
  - Fails where the change does more than O(limits) allow, after the pages are written.
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  results:
    description:
      - For each inventory host the result of M(recordings.disposal.retention_compare) on it.
    type: dict
    required: true
  limits:
    description:
      - How much a change may do over all hosts, as C(newly_destroyed) and C(no_longer_destroyed), each with any of C(sets), C(bytes) (such as
        V(500GB)) and C(share) (such as V(2.5%)).
      - A share is that of the sets that the fleet has, and of the sets of each class, under the policy that destroys them.
      - What is not given is not limited.
    type: dict
    default: {}
  on_limit:
    description:
      - What to do when a limit is exceeded; the page is written in either case.
    type: str
    choices: [fail, report]
    default: fail
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
      - Language of C(policy_diff.html) and C(policy_diff.md). Sentences that come from hosts stay English.
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
  - module: recordings.disposal.retention_compare
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Judge both policies on every recording server
  recordings.disposal.retention_compare:
    policy_file: policy.yml
    changed_policy_file: policy.changed.yml
  register: compared
  ignore_errors: true
  ignore_unreachable: true

- name: Write the page, and fail where the change does too much
  recordings.disposal.policy_diff:
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'compared'))) }}"
    limits:
      newly_destroyed: {sets: 5000, bytes: 500GB, share: 2%}
      no_longer_destroyed: {share: 5%}
    dest: disposal
  run_once: true
"""

RETURN = r"""
complete:
  description: Whether every host and root is in the comparison.
  returned: success, or when a limit is exceeded or something is not known
  type: bool
unknown_hosts:
  description: The first 50 hosts without a result, each with C(why).
  returned: success, or when a limit is exceeded or something is not known
  type: list
  elements: dict
unread:
  description: The first 50 roots that could not be read, each with C(host), C(root) and C(why).
  returned: success, or when a limit is exceeded or something is not known
  type: list
  elements: dict
effects:
  description: Sets, files and bytes over all hosts by effect, as M(recordings.disposal.retention_compare) tells them.
  returned: success, or when a limit is exceeded or something is not known
  type: dict
totals:
  description: Sets, files and bytes that each policy finds over all hosts.
  returned: success, or when a limit is exceeded or something is not known
  type: dict
limits:
  description: The first 50 limits with what was found; exceeded ones come first.
  returned: success, or when a limit is exceeded or something is not known
  type: list
  elements: dict
exceeded:
  description: The first 50 sentences on limits that are exceeded.
  returned: success, or when a limit is exceeded or something is not known
  type: list
  elements: str
pages:
  description: The pages, C(html), C(markdown), C(csv) and C(json), with their absolute paths on the controller.
  returned: success, or when a limit is exceeded or something is not known
  type: dict
  sample: {"html": "/srv/change-board/disposal/previews/policy_diff.html"}
problems:
  description: Every fault of O(limits).
  returned: failure
  type: list
  elements: str
"""
