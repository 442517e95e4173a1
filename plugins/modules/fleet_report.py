#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_report
short_description: Report on the whole fleet, as one page
version_added: 0.1.0
description:
  - "Writes one static HTML page on the fleet, by site, host and class: what is due, overdue, held and unclassified, what was destroyed and what was not,
    the capacity that was freed, media by state, and which policies are to be reviewed."
  - The figures come from what lies on the controller, the manifests of plans, the sealed runs and the register of media.
  - A run counts only if M(recordings.disposal.evidence_verify) would find nothing wrong with it. One that does not count is named.
  - Hosts that could not be reached, could not plan or have no plan are named and never counted as zero. What is not given is said not to be given.
  - Nothing personal is in the page, no names of files, of persons or of media, no sentences of hosts but the reasons for which sets are kept.
  - Runs on the controller only; no host is touched.
options:
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory.
    type: path
    default: disposal
  hosts:
    description:
      - Inventory hosts that belong to the fleet. One of them without a plan is named; the plan of any other host does not count.
      - The default is every host that has a plan, evidence or a result.
    type: list
    elements: str
  sites:
    description:
      - Site by inventory host. A host without one is shown apart.
    type: dict
    default: {}
  results:
    description:
      - What M(recordings.disposal.retention_plan) returned just now, by inventory host; may be of some hosts only, and may be that of check mode.
      - One that failed or is unreachable makes its host one that is named as such, with the figures of its last plan where there is one.
    type: dict
    default: {}
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence and who could approve plans.
      - Without it evidence is not looked at, and the page says nothing of what was destroyed. Needs O(signer).
    type: path
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
  ledger:
    description:
      - Path of the ledger.
      - The default is C(ledger.jsonl) in O(dest).
    type: path
  register:
    description:
      - Path of the register of media, as M(recordings.disposal.media_register) takes it.
    type: path
  forecast:
    description:
      - Path of a forecast over the fleet, the C(forecast.json) that M(recordings.disposal.forecast) writes.
      - The default is C(previews/forecast.json) in O(dest), where that is there.
    type: path
  training_dir:
    description:
      - Directory with the training records (C(*.json), each with its signature C(*.json.sig) beside it). Needs O(training_signers_file).
      - The page tells by role how many persons have a record that counts today, and names nobody.
    type: path
  training_signers_file:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign training records.
    type: path
  reviews_dir:
    description:
      - Directory with the reviews of policies that were signed off. Needs O(review_signers).
    type: path
  review_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign reviews.
    type: path
  reviewers:
    description:
      - Those who may sign off reviews, by their names in O(review_signers); everybody there by default.
    type: list
    elements: str
  old_after:
    description:
      - Age from which a plan is called old, as an ISO 8601 period of days, hours and minutes such as V(P14D), at most 366 days.
    type: str
    default: P14D
  languages:
    description:
      - Languages of the page, each in a file of its own.
    type: list
    elements: str
    choices: [en, pl]
    default: [en, pl]
  output:
    description:
      - Directory for the pages, C(fleet.en.html) and C(fleet.pl.html), which are replaced.
      - The default is C(reports) in O(dest).
    type: path
  on_gap:
    description:
      - Whether something that the figures do not know, such as a host without a plan or a run that was not verified, fails the task.
        The pages are written either way.
    type: str
    choices: [fail, report]
    default: report
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Writes nothing and returns the figures.
  diff_mode:
    support: none
    details: Changes nothing but its pages.
  idempotent:
    support: full
    details: On the same day, as the page tells the day and no time.
seealso:
  - module: recordings.disposal.plan_manifest
  - module: recordings.disposal.evidence_verify
  - module: recordings.disposal.forecast
  - module: recordings.disposal.media_register
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Report on the fleet
  recordings.disposal.fleet_report:
    hosts: "{{ query('ansible.builtin.inventory_hostnames', 'recording_servers') }}"
    sites: {pbx1: Warsaw, dialer1: Cracow}
    allowed_signers: allowed_signers
    signer: evidence@example.com
    register: register.yml
  delegate_to: localhost
  register: report

- name: Fail where a host has no plan or a run is not verified
  recordings.disposal.fleet_report:
    hosts: [pbx1, dialer1]
    allowed_signers: allowed_signers
    signer: evidence@example.com
    languages: [pl]
    on_gap: fail
  delegate_to: localhost
"""

RETURN = r"""
whole:
  description: Whether the figures know every host and every run.
  returned: success and failure
  type: bool
gaps:
  description:
    - What the figures do not know, by C(kind), with C(count) and the first 50 C(names).
    - C(unreachable), C(failed), C(no_plan) and C(old) are of hosts, C(plans) of plans, C(broken), C(unsealed) and C(incomplete) of runs;
      C(evidence) says that evidence was not given.
  returned: success and failure
  type: list
  elements: dict
  sample: [{"kind": "no_plan", "count": 1, "names": ["pbx7"]}]
faults:
  description: A sentence for each plan, result, run, training record or review that cannot be believed, up to 50.
  returned: success and failure
  type: list
  elements: str
  sample: []
not_given:
  description: What was not given, so that the page says nothing of it.
  returned: success and failure
  type: list
  elements: str
  sample: [forecast, training, reviews]
totals:
  description:
    - Sums over all hosts that are known, in recording sets; C(found_bytes), C(due_bytes) and C(freed) in bytes.
    - Has no C(destroyed), C(not_destroyed), C(unknown) and C(freed) where evidence was not given, and nothing else where no host has a plan.
  returned: success and failure
  type: dict
  sample: {"found": 18231, "due": 412, "overdue": 3, "held": 13, "unclassified": 5, "destroyed": 9120, "freed": 2130000000}
hosts:
  description: How many hosts are in each state, and in C(not_counted) the first 50 that no figure of what was found counts.
  returned: success and failure
  type: dict
  sample: {"planned": 3, "old": 0, "unreachable": 0, "failed": 0, "no_plan": 1, "gone": 0, "not_counted": ["pbx7"]}
pages:
  description: The pages by language, each with C(path) and C(digest); in check mode where they would be.
  returned: success and failure
  type: dict
  sample: {"en": {"path": "/srv/disposal/reports/fleet.en.html", "digest": "sha256:3eb953788dafeda84092f7d6f946183840dd1cc2e0fd62f4e6738e5cdebbebda"}}
"""
