#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_order
short_description: Order the physical destruction of media of the register
version_added: 0.1.0
description:
  - Writes a work order for media of the register, C(order.json), with a page for the floor, C(order.html), to be printed and written on, and a form,
    C(order.csv), that comes back as O(recordings.disposal.media_destruction#module:results_file).
  - All of it lies in C(orders/<order_id>) below O(dest), in directories of mode V(0700) and files of mode V(0600).
  - Every fault is told at once, by serial, and nothing is written then.
  - The same order made again is the one that is there, on another day too, until its directory is moved away. A form that is there is left alone, since
    people write into it.
  - Runs on the controller only; no host and no medium is touched. Run it once, with C(run_once) or on V(localhost).
requirements:
  - segno (Python library, on the controller), for QR codes
options:
  register:
    description:
      - Path of the register on the controller, as M(recordings.disposal.media_register) keeps it. One that shows what its log does not say is refused.
    type: path
    required: true
  dest:
    description:
      - State directory on the controller, that of the register; a relative path counts from the working directory.
    type: path
    default: disposal
  serials:
    description:
      - The media to be destroyed, 200 at most. Each must be V(released), V(sanitized), V(verified) or V(in_custody) in the register.
    type: list
    elements: str
    required: true
  technique:
    description:
      - V(degauss), V(shred), V(disintegrate), V(pulverize), V(incinerate) or V(melt). V(cut), V(bend) and V(drill) reach no level and are refused.
      - It must reach O(level) and what the register requires of each medium, and must not be one that never reaches a medium of its kind,
        such as V(degauss) of flash.
    type: str
    required: true
  level:
    description:
      - The level that must be reached, at least what the register requires of each medium. Degaussing reaches V(purge).
    type: str
    choices: [purge, destroy]
    default: destroy
  protection_class:
    description:
      - Protection class of ISO/IEC 21964, as M(recordings.disposal.media_destruction) judges it; the page then tells the largest particle for each medium.
      - Without it each row of the results has to state the level of ISO/IEC 21964 that was required.
      - V(1) is refused unless O(figures) gives its lowest level; so is any with V(degauss), which makes no particles.
    type: int
    choices: [1, 2, 3]
  due:
    description:
      - The day by which it has to be done, such as V(2026-12-31), not one that is over in UTC.
    type: str
  facility:
    description:
      - Where it has to be done.
    type: str
  issued_by:
    description:
      - Who orders it, and gets the result.
    type: str
    required: true
  plan_id:
    description:
      - The plan that the media come from.
    type: str
  why:
    description:
      - By serial a sentence that says why the medium is destroyed. Where there is none, one is made from its state in the register.
    type: dict
  figures:
    description:
      - Figures that replace those of the tables, as O(recordings.disposal.media_destruction#module:figures). They decide what the page tells; give the
        same ones when the results are judged.
    type: dict
  language:
    description:
      - Language of C(order.html). The columns of C(order.csv) are the names of facts in either.
    type: str
    choices: [en, pl]
    default: en
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Refuses what would be refused, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The same order is made once. Where other orders have some of the same media a warning names them.
seealso:
  - module: recordings.disposal.media_register
  - module: recordings.disposal.media_destruction
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Have two drives shredded
  recordings.disposal.media_order:
    register: register.yml
    serials: [S4EWNX0M501234, ZHZ3ABCD]
    technique: shred
    protection_class: 3
    due: "2099-12-31"
    facility: Warsaw, room 0.14
    issued_by: operations@example.com
    why:
      ZHZ3ABCD: Its sanitize failed, see run 3f9a1c07de55a1b2.
  register: ordered
  delegate_to: localhost
  run_once: true

- name: Take the form back
  recordings.disposal.media_destruction:
    order: "{{ ordered.order }}"
    results_file: "{{ ordered.files.csv }}"
    state_dir: "{{ playbook_dir }}/disposal/physical"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
order_id:
  description: The day on which it was first ordered (in UTC) and the first ten hexadecimal digits of a digest over what is ordered.
  returned: success
  type: str
  sample: WO-2026-11-27-3f9a1c07de
order:
  description: Path of C(order.json); in check mode where it would be.
  returned: success
  type: str
  sample: /srv/change-board/disposal/orders/WO-2026-11-27-3f9a1c07de/order.json
digest:
  description: The digest of that file's bytes, by which the evidence of M(recordings.disposal.media_destruction) names it.
  returned: success
  type: str
  sample: sha256:3eb953788dafeda84092f7d6f946183840dd1cc2e0fd62f4e6738e5cdebbebda
files:
  description: The files, C(order), C(html) and C(csv), with their absolute paths on the controller.
  returned: success
  type: dict
  sample: {"html": "/srv/change-board/disposal/orders/WO-2026-11-27-3f9a1c07de/order.html"}
media:
  description: How many media are ordered.
  returned: success
  type: int
  sample: 2
problems:
  description: A sentence for each fault, the first hundred.
  returned: failure
  type: list
  elements: str
"""
