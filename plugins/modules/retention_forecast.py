#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: retention_forecast
short_description: Tell what falls due on a host in the coming weeks, and when its disks are full
version_added: 0.1.0
description:
  - Judges every recording set of a host under a policy, and tells by class and week what falls due, what is due and overdue already, what room
    destroying gives back, and when each filesystem with recordings is full.
  - Only reads. Nothing is planned and nothing is written on the host.
  - Sets that are held, unclassified, in conflict or still being recorded fall due in no week and are told apart in RV(apart).
  - A root that cannot be read to its end is named in RV(unread), and nothing in it is counted; RV(complete) says whether there is none.
  - The date on which a filesystem is full comes from its free bytes, from the bytes that were recorded a day by the dates of the sets that are there,
    and from what destroying gives back at the end of the week in which it falls due, after the quarantine of its class. Recordings that are made
    and fall due within the horizon are not counted as given back, so the date is rather too early than too late; what other programs write is
    not known. The number of days that the intake is counted over is at most O(intake_days) whole days before today, and not more than the
    shortest period of a class, since older recordings may be gone. Where fewer than 7 such days can be seen, where the start of more
    than a tenth of the bytes is not known, or where a root cannot be read, the date is C(unknown).
  - The result stays below 64 KiB whatever the number of recordings.
options:
  weeks:
    description:
      - How many weeks the forecast tells one by one, 1 to 53, beginning with the Monday of the present one in the policy's time zone.
    type: int
    default: 13
  intake_days:
    description:
      - Over how many whole days before today the intake is counted at most, 7 to 90.
    type: int
    default: 28
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
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
  - module: recordings.disposal.forecast
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Look a quarter ahead
  recordings.disposal.retention_forecast:
    policy_file: policy.yml
    holds_dir: holds
    weeks: 13
  register: outlook

- name: Warn of a disk that fills up although recordings are destroyed in time
  ansible.builtin.debug:
    msg: "{{ item.roots | join(', ') }} is full on {{ item.full.with_destruction.date }}"
  loop: "{{ outlook.filesystems | selectattr('full.with_destruction.state', 'eq', 'date') }}"
  loop_control:
    label: "{{ item.roots | first }}"
"""

RETURN = r"""
as_of:
  description: The host's clock when it looked, RFC 3339 UTC.
  returned: success
  type: str
policy:
  description: The policy's C(id), C(version), C(owner), C(review_by) and C(digest).
  returned: success
  type: dict
time_zone:
  description: The time zone of the weeks.
  returned: success
  type: str
complete:
  description: Whether every root could be read.
  returned: success
  type: bool
unread:
  description: The first 50 roots that could not be read, each with C(why).
  returned: success
  type: list
  elements: dict
roots:
  description: How many roots were C(looked_at), and how many are C(unread).
  returned: success
  type: dict
horizon:
  description: The C(first_week) by its Monday, the number of C(weeks), and the day after the last one (C(end)).
  returned: success
  type: dict
totals:
  description: Sets, files and bytes that were found.
  returned: success
  type: dict
due:
  description: Sets and bytes that are due now.
  returned: success
  type: dict
overdue:
  description: Of these, what should have been destroyed before now.
  returned: success
  type: dict
apart:
  description: Sets, files and bytes that are C(held), C(unclassified), in C(conflict) or C(in_progress); when they fall due is not known.
  returned: success
  type: dict
classes:
  description: For each class what is C(due), C(overdue), falls due in C(weeks) (by their Mondays, sets and bytes) and C(later) than the horizon.
  returned: success
  type: dict
  sample: {"calls": {"due": {"sets": 12, "bytes": 51200}, "weeks": {"2026-11-23": [7, 30100]}}}
other_classes:
  description: The same of the smallest classes together, where a result would grow too large; else none.
  returned: success
  type: dict
filesystems:
  description: >-
    Each filesystem with recordings - its C(roots) (ten of them at most), C(size), C(free) and C(recordings) in bytes, its C(intake)
    (C(bytes_per_day) over C(days), or C(why) that is not known), bytes C(freed) by week, and when it is C(full), C(without_destruction) and
    C(with_destruction), each with C(state) (C(date), C(not_within_horizon), C(not_at_this_rate) or C(unknown)) and C(date).
  returned: success
  type: list
  elements: dict
problems:
  description: Every fault of a document that is not valid.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.forecasting import make_forecast
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_OPTIONS, INPUT_RULES, told_params, warned


def main() -> None:
    module = AnsibleModule(
        argument_spec={**INPUT_OPTIONS, "weeks": {"type": "int", "default": 13}, "intake_days": {"type": "int", "default": 28}},
        supports_check_mode=True,
        # The system log of the host is no place for policies and holds.
        no_log=True,
        **INPUT_RULES,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = make_forecast(module.params)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
