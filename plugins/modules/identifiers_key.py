#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: identifiers_key
short_description: Destroy the key under which evidence names recording sets
version_added: 0.1.0
description:
  - Evidence names recording sets by keyed hashes. Once the key is destroyed, nobody can tell any more which recording a record is about, not even with the
    recording's name at hand, and the evidence stays valid. The next plan makes a new key.
  - The key is overwritten in place and read back by M(recordings.disposal.overwrite), whose journal is kept in C(identifiers-key) below O(state_dir). What
    that cannot reach stands in RV(limits). Copies of the key elsewhere, such as in backups of the controller, are not looked for.
  - Refused while somebody needs the key, that is a legal hold in force, an open erasure request, or a plan that can still be carried out or is not sealed as
    complete.
  - What is left is a line in C(identifiers-keys.jsonl) in O(state_dir), announced before and confirmed after. It has a fingerprint by which a copy of the
    key would be known again (HMAC-SHA256 under the key over a fixed text), and how the key was destroyed, and nothing that is personal.
  - Runs on the controller, so give it to C(localhost) with C(connection=local). Cut off at any point, the same task run again finishes it.
options:
  path:
    description:
      - The key's file.
    type: path
    default: disposal/identifiers.key
  state_dir:
    description:
      - The controller's state directory with C(plans) and C(runs); the directory of O(path) by default.
    type: path
  holds_dir:
    description:
      - Directory with the documents of all legal holds, those that lie on hosts among them; it may be empty.
    type: path
    required: true
  requests_dir:
    description:
      - Directory with the documents of all erasure requests that are open; it may be empty.
    type: path
    required: true
  on_ineffective:
    description:
      - What to do where an overwrite would prove nothing, such as on btrfs. V(fail) refuses before a byte is written. With V(report) the key is overwritten and
        removed all the same, and the task fails, since it is not known to be destroyed.
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: Nothing of a key is shown.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.overwrite
"""

EXAMPLES = r"""
- name: Make the evidence of the years before anonymous
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Destroy the key for identifiers
      recordings.disposal.identifiers_key:
        path: disposal/identifiers.key
        holds_dir: holds
        requests_dir: requests
"""

RETURN = r"""
fingerprint:
  description: The key's fingerprint, as the tombstone has it.
  returned: success
  type: str
outcome:
  description: V(destroyed), or V(not_destroyed) in check mode where it would be; V(unknown) where a failure leaves it open.
  returned: success, and on failure once it was begun
  type: str
tombstones:
  description: Path of the file with the lines about destroyed keys.
  returned: success
  type: str
limits:
  description: What the proof of the overwriting leaves open.
  returned: when the key was destroyed
  type: list
  elements: str
needed_by:
  description: Who still needs the key, one sentence each.
  returned: when refused for that
  type: list
  elements: str
"""
