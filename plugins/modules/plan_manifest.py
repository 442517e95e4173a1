#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: plan_manifest
short_description: Join the plans of all hosts into a manifest to be approved
version_added: 0.1.0
description:
  - Joins what M(recordings.disposal.retention_plan) returned on each host into one manifest, the document that people sign, and writes it
    on the controller with the pages that they read, C(plan.html), C(plan.md) and C(plan.csv).
  - All of it lies in C(plans/<plan_id>) below O(dest), in directories of mode V(0700) and files of mode V(0600).
  - A manifest that is there already, has not expired and decides the same stays as it is, so that signatures over it stay good.
    What it decides are the plan files of the hosts by digest, the sets due, policy, holds, methods, blocking limits, author and number of
    approvals; the time at which hosts were looked at and counts of what is kept may differ.
  - A manifest with signatures beside it is never overwritten by one that decides otherwise.
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  results:
    description:
      - For each inventory host the result of M(recordings.disposal.retention_plan) on it.
      - A host whose planning failed, was skipped or gave no result is refused by name, never left out silently.
      - Only keys that M(recordings.disposal.retention_plan) documents are taken over.
    type: dict
    required: true
  author:
    description:
      - Whoever wrote the plan, by the name that the list of allowed signers has for them. An author cannot approve the own plan.
    type: str
    required: true
  approvals_required:
    description:
      - Number of different persons other than O(author) who have to sign the manifest; V(0) where no approval is needed.
      - Limits hold in any case.
    type: int
    default: 2
  expires_in:
    description:
      - How long the plan may be carried out, as an ISO 8601 period of days, hours and minutes such as V(P7D) or V(PT12H), at most
        366 days.
    type: str
    default: P7D
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory.
    type: path
    default: disposal
  policy:
    description:
      - The policy that the hosts planned under; needed with O(reviews_dir), and with nothing else.
    type: dict
  policy_file:
    description:
      - The same, as path on the controller.
    type: path
  plan_id:
    description:
      - Name of the plan, up to 64 letters, digits, dots, hyphens and underscores.
      - The default is the date in UTC and the first ten hexadecimal digits of a digest over the hosts' plan digests and the policy digest,
        so that the same plan has the same name on the same day.
    type: str
  change:
    description:
      - What people say of the plan as a request for change, a mapping with any of C(number), C(reason), C(effect_of_not_doing), C(impact),
        C(implementer), C(risk), C(start) and C(end) (times such as V(2026-12-01T20:00:00+01:00)), and C(tests), a list of test evidence.
      - The pages say of what is not there that it is not given. What the plan tells by itself (hosts and roots, what cannot be undone and from which
        step, what can be undone until when, stop points, counts, expiry) is never taken from here.
      - It is part of the manifest, so that it is signed with it.
    type: dict
  serial:
    description:
      - The waves in which the sweep takes the hosts, as in a play, such as V([1, 25%]), so that the pages tell the stop points between them.
      - Hosts are taken in the order of O(results).
    type: list
    elements: str
  language:
    description:
      - Language of C(plan.html) and C(plan.md). Sentences that come from hosts stay English where they have no translation.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._review
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing and returns the manifest.
  diff_mode:
    support: full
    details: Shows C(plan.md) before and after.
  idempotent:
    support: full
    details: The same plans on the same day keep the manifest that is there.
seealso:
  - module: recordings.disposal.retention_plan
  - module: recordings.disposal.retention_apply
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Plan on every recording server
  recordings.disposal.retention_plan:
    policy_file: policy.yml
    on_limit: report
  register: plan

- name: Write the manifest and the page for the change board
  recordings.disposal.plan_manifest:
    results: "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'plan'))) }}"
    author: operations@example.com
    approvals_required: 2
    expires_in: P7D
    change:
      number: CHG-4711
      reason: Retention periods of the class brokerage are over.
      effect_of_not_doing: Recordings stay longer than the policy allows.
      impact: None on calls; disks of the recording servers are busy for about an hour.
      start: 2026-12-01T20:00:00+01:00
      end: 2026-12-01T23:00:00+01:00
      implementer: Operations, on call
      tests:
        - Rehearsed on the test system on 2026-11-20, change CHG-4702.
    serial: [1, 25%]
    dest: disposal
  register: manifest
  run_once: true

- name: Say what to sign
  ansible.builtin.debug:
    msg: "Read {{ manifest.pages.html }}, then sign {{ manifest.manifest_path }} ({{ manifest.manifest_digest }})"
  run_once: true
"""

RETURN = r"""
plan_id:
  description: Name of the plan.
  returned: success
  type: str
  sample: 2026-11-23-998e220a56
manifest:
  description:
    - The manifest that counts, which is the one that was there before if it decides the same.
    - Where it is larger than 48 KiB the samples of the hosts are left out; where that is not enough, C(hosts) tells each host's
      C(plan.digest) and C(due) only. The file always has all of it.
  returned: success
  type: dict
manifest_path:
  description: The file to sign, with its absolute path on the controller; in check mode where it would be.
  returned: success
  type: str
  sample: /srv/change-board/disposal/plans/2026-11-23-998e220a56/manifest.json
manifest_digest:
  description: The digest of that file's bytes.
  returned: success
  type: str
  sample: sha256:3eb953788dafeda84092f7d6f946183840dd1cc2e0fd62f4e6738e5cdebbebda
pages:
  description: The pages, C(html), C(markdown), C(csv), and C(json) (the request for change for programs), with their absolute paths on the controller.
  returned: success
  type: dict
  sample: {"html": "/srv/change-board/disposal/plans/2026-11-23-998e220a56/plan.html"}
totals:
  description: Hosts, sets, files and bytes that were found, what is C(due), and all C(verdicts), over all hosts.
  returned: success
  type: dict
  sample: {"hosts": 3, "sets": 18231, "files": 36462, "bytes": 91230000000, "due": {"sets": 412, "files": 824, "bytes": 2130000000}}
review:
  description: How the policy stands to its last review that counts; see M(recordings.disposal.retention_plan).
  returned: success and O(reviews_dir) is given
  type: dict
blocked:
  description: Each limit that is exceeded, with C(host) and C(sentence); empty when the plan may be approved and applied.
  returned: success
  type: list
  elements: dict
  sample: []
"""
