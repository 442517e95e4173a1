#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_drain
short_description: Tell whether anything that must be kept still lies on media that leave a host
version_added: 0.1.0
description:
  - Looks at all that lies on each medium, which is the device, its partitions and whatever is stacked on them (volumes, arrays, encrypted volumes), and at
    every filesystem there, and tells whether the medium may be destroyed as far as its contents are concerned.
  - Recording sets get their verdicts as M(recordings.disposal.retention_plan) gives them, with classes, floors, holds and erasure requests. What is due
    may go with the medium. What is retained, unclassified or in conflict must have a copy elsewhere with the same bytes, which are read for that. What is
    held or in progress keeps the medium whatever copies there are.
  - Nothing is ever written. A filesystem that is not mounted is looked into on a private mount that no other process sees, over a loop device that cannot
    write and that goes with the module.
  - What cannot be looked into makes a medium C(unknown), with the reason, and never drained.
  - Without a policy every file on the media must have a copy.
options:
  media:
    description:
      - Serials of the media; set from O(register) on the controller, or given in its place. Case and spaces do not count.
    type: list
    elements: str
  register:
    description:
      - Path on the controller of the register of media, in any form that M(recordings.disposal.media_register) reads.
      - The media are those that it has as C(released) on the host.
    type: path
  serials:
    description:
      - Only these media of the register. Those of other hosts are left to them.
      - One that is not in the register, or is of this host and not C(released), is refused.
    type: list
    elements: str
  copies:
    description:
      - Where copies of what lies on the media are.
      - A file has a copy where a regular file of the same size and the same bytes lies at the same path below O(copies[].copy) as it has below
        O(copies[].root), with no link on the way. Both are read from their media for that, as far as caches can be emptied.
      - One for each directory; several may be of the same root.
    type: list
    elements: dict
    default: []
    suboptions:
      root:
        description:
          - A root of one of the policy's sources, or a mount point.
          - On a filesystem that is not mounted, nobody knows of which root it is, and a copy counts by its path from the top of the filesystem.
        type: path
        required: true
      copy:
        description:
          - Absolute path on the host of the directory with the copies, such as another server's store that is mounted there.
          - Refused where it lies on one of the media, on the same filesystem as the root, in memory, on what this host serves to itself, or where that cannot
            be told (overlays).
        type: path
        required: true
  mount_unmounted:
    description:
      - Whether to look into filesystems that are not mounted. Where not, their media are C(unknown).
    type: bool
    default: true
  other_files:
    description:
      - What files mean on media on which the policy has no root at all.
      - V(refuse) keeps such a medium, since a policy that has its root elsewhere may be the wrong one.
      - V(accepted) tells how many there are, and lets them go.
    type: str
    choices: [refuse, accepted]
    default: refuse
extends_documentation_fragment:
  - recordings.disposal._policy
  - recordings.disposal._inputs
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Reads only, in both modes.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Other than the fragment of options says, both O(policy) and O(policy_file) may be left out.
  - The limits of the policy do not apply, as nothing is destroyed, but for C(limits.clock_skew).
seealso:
  - module: recordings.disposal.media_info
  - module: recordings.disposal.media_plan
  - module: recordings.disposal.retention_plan
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Look at what lies on the media that leave this host
  recordings.disposal.media_drain:
    register: register.yml
    policy_file: policy.yml
    holds_dir: holds
    requests_dir: requests
  register: drained

- name: Say which may not go yet, and why
  ansible.builtin.debug:
    msg: "{{ item.serial }}: {{ item.reasons | join('; ') }}"
  loop: "{{ drained.media | rejectattr('drained', 'eq', 'yes') }}"
  loop_control:
    label: "{{ item.serial }}"

- name: The same, where another server has taken the recordings over
  recordings.disposal.media_drain:
    register: register.yml
    serials: [S4EWNX0M501234]
    policy_file: policy.yml
    holds_dir: holds
    copies:
      - root: /var/spool/asterisk/monitor
        copy: /mnt/store2/monitor

- name: Look at a spare disk of which nobody knows what is on it
  recordings.disposal.media_drain:
    media: [ZHZ3ABCD]
"""

RETURN = r"""
as_of:
  description: The host's clock when it looked, RFC 3339 UTC.
  returned: success
  type: str
policy:
  description: The policy's C(id), C(version), C(owner), C(review_by) and C(digest); nothing where none was given.
  returned: success
  type: dict
holds:
  description: The C(generation) (digest over all holds) and the number of C(active) ones.
  returned: success
  type: dict
media:
  description: One entry for each medium, in the order in which they were named.
  returned: success
  type: list
  elements: dict
  contains:
    serial:
      description: Its serial, as it was given.
      type: str
    drained:
      description: V(yes) where nothing speaks against its end; V(no) where something on it must be kept; V(unknown) where that cannot be told.
      type: str
      choices: ['yes', 'no', unknown]
    reasons:
      description: Why it is not V(yes), one clause each.
      type: list
      elements: str
    limits:
      description: What was left aside, one clause each.
      type: list
      elements: str
    filesystems:
      description: The filesystems that were looked into.
      type: list
      elements: dict
      contains:
        device:
          description: The kernel's name of the device that it is on; it is no identity.
          type: str
        type:
          description: The filesystem's type.
          type: str
        uuid:
          description: What it is known by, where it has that.
          type: str
        mounted:
          description: Where it is mounted; empty where it is not.
          type: str
        stacked:
          description: Whether it lies on a volume, array, mapping or image over the medium, without which it is not seen any more.
          type: bool
        files:
          description: Regular files in it, one with two names counting twice.
          type: int
        bytes:
          description: Their bytes.
          type: int
        inventory:
          description:
            - SHA-256 over one line for each of them (path, size, time of change in nanoseconds, inode, as canonical JSON), in the order of a walk by names.
            - It stays the same until a file comes, goes or changes, wherever the filesystem is mounted.
          type: str
    verdicts:
      description: Recording sets on it by verdict (C(due), C(retained), C(held), C(unclassified), C(conflict), C(in_progress)).
      type: dict
    outside:
      description: Files on it that lie in no root of the policy.
      type: int
    copied:
      description: Files on it that have a verified copy elsewhere.
      type: int
    backup:
      description:
        - C(copied) tells whether each file that must be kept has a verified copy; C(unknown) where nobody named copies, or nothing had to be kept.
        - C(where) lists the directories in which such copies were found.
      type: dict
    samples:
      description: The first five sets of each verdict other than C(retained), by id; left out where the result would be too large.
      type: dict
arrays:
  description: The host's Linux RAID arrays.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The kernel's name of it.
      type: str
    level:
      description: Its level, such as C(raid1).
      type: str
    disks:
      description: Of how many disks it consists when none is missing.
      type: int
    degraded:
      description: How many of them are missing.
      type: int
    members:
      description: Serials of the disks that hold its data; the kernel's name of one that tells no serial.
      type: list
      elements: str
    others:
      description: Those that belong to it and do not hold its data now, which are spares, failed ones, and those being rebuilt.
      type: list
      elements: str
problems:
  description: Every fault of a document that is not valid.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.draining import drained_of
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import INPUT_OPTIONS, told_params, warned


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **INPUT_OPTIONS,
            "media": {"type": "list", "elements": "str"},
            "register": {"type": "path"},
            "serials": {"type": "list", "elements": "str"},
            "copies": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"root": {"type": "path", "required": True}, "copy": {"type": "path", "required": True}},
            },
            "mount_unmounted": {"type": "bool", "default": True},
            "other_files": {"type": "str", "choices": ["refuse", "accepted"], "default": "refuse"},
        },
        supports_check_mode=True,
        mutually_exclusive=[("policy", "policy_file"), ("media", "register")],
        # The system log of the host is no place for policies and holds.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    try:
        result = drained_of(module.params)
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))
    module.exit_json(invocation=told, **warned(module, result))


if __name__ == "__main__":
    main()
