#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_settle
short_description: Take what became of media into the register, and tell what is left to be done
version_added: 0.1.0
description:
  - With O(plan_id), verifies the sealed evidence of a run of M(recordings.disposal.media_apply), keeps the record of each medium as a file of its own
    (C(runs/<plan_id>/media)), and moves what was destroyed to C(sanitized) and, where it was read and found clean, to C(verified). What was not destroyed
    stays where it is in the register, and is told, with what has to be ordered for it. Nothing is ordered for a medium that nothing was begun on, since it
    may be under a hold or hold other files by now, nor for one whose host something spoke against in the plan.
  - What a host tells as destroyed by a technique that the plan does not name, or below its level, is not believed.
  - A plan by which nothing is done on any host needs no run; its approvals are checked, and what it sends to physical destruction is told.
  - With O(destroyed), moves what M(recordings.disposal.media_destruction) has recorded to C(destroyed), all of it or nothing. What falls short of the level
    that the register requires is refused.
  - The register moves by its own table of transitions, each with evidence; nothing is moved by a mere word. A medium of a run that people have moved
    otherwise meanwhile stops no other; RV(not_moved) and a warning tell it.
  - Runs on the controller only. Run it once, with C(run_once) or on V(localhost).
options:
  register:
    description:
      - Path of the register of media on the controller.
    type: path
    required: true
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory.
    type: path
    default: disposal
  plan_id:
    description:
      - The plan whose run is sealed in C(runs/<plan_id>) below O(dest). Exactly one of O(plan_id) and O(destroyed) is required.
    type: str
  destroyed:
    description:
      - What M(recordings.disposal.media_destruction) returned as C(evidence), with C(physical) below O(dest) as its C(state_dir).
    type: list
    elements: dict
  person:
    description:
      - Who carried out the run, as the register's log names persons. Needed with O(plan_id).
    type: str
  signer:
    description:
      - Who sealed the evidence, as in O(allowed_signers). Needed with O(plan_id).
    type: str
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with those who may seal and approve. Needed with O(plan_id).
    type: path
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Verifies, tells what is left to be done, and writes nothing. Whether the register could be moved by a run is not tried.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: What the register has learned already is not recorded again.
seealso:
  - module: recordings.disposal.media_apply
  - module: recordings.disposal.media_destruction
  - module: recordings.disposal.media_register
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Take what a run has destroyed into the register
  recordings.disposal.media_settle:
    register: register.yml
    plan_id: 2026-11-27-998e220a56
    person: anna@example.com
    signer: evidence@example.com
    allowed_signers: allowed_signers
  register: settled
  delegate_to: localhost
  run_once: true

- name: Say what has to be shredded
  ansible.builtin.debug:
    var: settled.orders
  run_once: true

- name: Take what was shredded into the register
  recordings.disposal.media_settle:
    register: register.yml
    destroyed: "{{ destruction.evidence }}"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
plan_id:
  description: The plan; none with O(destroyed).
  returned: success
  type: str
moved:
  description: How many transitions the register has learned. Always 0 in check mode.
  returned: success
  type: int
  sample: 8
sanitized:
  description: Serials that were destroyed on their hosts.
  returned: success
  type: list
  elements: str
verified:
  description: Those of them that were read afterwards and found clean.
  returned: success
  type: list
  elements: str
ready:
  description: Those that need nothing more but their certificate.
  returned: success
  type: list
  elements: str
not_destroyed:
  description:
    - Media that were not destroyed, or are not known to be, each with C(serial), C(outcome), C(reason), and what comes C(next), V(order) where it is among
      RV(orders), V(plan) where it has to be planned again; the first hundred.
  returned: success
  type: list
  elements: dict
pending:
  description: Media of the plan that have no outcome yet.
  returned: success
  type: list
  elements: str
not_moved:
  description: Media whose state in the register does not allow what the evidence says, each with C(serial) and C(reason), the first hundred.
  returned: success
  type: list
  elements: dict
orders:
  description:
    - What goes to physical destruction and is not there yet by the register, by C(technique), with its C(level) and the C(serials), at most 200 each, for
      M(recordings.disposal.media_order).
  returned: success
  type: list
  elements: dict
  sample: [{"technique": "shred", "level": "destroy", "serials": ["S4EWNX0M501234"]}]
problems:
  description: A sentence for each fault, the first hundred.
  returned: failure
  type: list
  elements: str
"""
