#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_destruction
short_description: Judge and record what people did to media by degaussing, shredding, burning and the like
version_added: 0.1.0
description:
  - Takes the results of physical work as they come back from the floor or from a vendor, one row for each medium, and judges each by the facts of its
    technique and by tables whose figures tell their edition, source and confidence. No medium is touched.
  - Every row is judged before anything is written. Where one is refused, none is recorded, and each bad row is named with its number, serial and reasons.
  - Rows that are accepted get a journal each, like the runs of other modules that destroy. A medium is V(destroyed) only where the facts of its technique are
    told and reach O(level), never by a mere word.
  - It runs where the journals are kept, as a rule on the controller (C(delegate_to) localhost).
options:
  results:
    description:
      - The results, one mapping for each medium, 200 at most. One of O(results) and O(results_file) is required.
      - Each has C(serial), C(kind) (one that M(recordings.disposal.media_info) tells of a single medium, or V(floppy), V(paper), V(film)), C(technique),
        C(date) (RFC 3339 with its zone), C(place), C(operator) and C(second_person). It may have C(make), C(model), C(asset), C(photos) (digests, in
        CSV parted by blanks), C(protection_class) and C(required_level), such as V(H-5).
      - C(technique) is V(degauss), V(shred), V(disintegrate), V(pulverize), V(incinerate) or V(melt); or V(cut), V(bend), V(drill), which are recorded
        and never reach any level but V(none).
      - Which other facts a technique needs and may have is listed in the guide on physical destruction; a fact that does not belong to the technique
        is refused.
      - Sizes, fields and temperatures have their unit with them, such as V(320 mm2), V(10000 Oe), V(1100 °C).
    type: list
    elements: dict
  results_file:
    description:
      - A file on the controller with the same rows, C(.csv) (UTF-8, comma or semicolon, the names of facts in the first line), C(.yml), C(.yaml) or C(.json).
    type: path
  order:
    description:
      - Path on the controller of the C(order.json) of the work order that M(recordings.disposal.media_order) made. O(expected), O(level) and
        O(protection_class) are set from it; one of them that is given besides and differs is refused.
      - Rows of its form C(order.csv) into which nobody has written anything are no results; their serials are open.
      - A row is refused where its kind, make, model or asset is not the order's, or its technique is another one that does not reach the order's level.
        Another technique that does is accepted, and RV(limits) says so.
    type: path
  work_order:
    description:
      - The text of that file, set from O(order) on the controller.
    type: str
  level:
    description:
      - The level of sanitization that is required. Degaussing reaches V(purge).
      - Required without O(order).
    type: str
    choices: [clear, purge, destroy]
  protection_class:
    description:
      - Protection class of ISO/IEC 21964 that all media have at least; it asks for the lowest level that belongs to the class and that a particle size
        can prove.
      - The highest of what this option and the row ask for counts. V(1) is unfit for personal data and refused, unless O(figures) gives its lowest level.
    type: int
    choices: [1, 2, 3]
  expected:
    description:
      - The serials that were ordered, or that were handed over to the vendor. A row with another serial is refused; a serial without a row is returned
        in RV(open) and counts as V(unknown).
    type: list
    elements: str
  operators:
    description:
      - Who was trained for which techniques. An operator who is not on the list, or whose training was not valid on the day, is refused.
      - With O(training_dir) the operator needs a training record for the role too, and the second person one as a witness, both valid at the time of the work
        and found by their names or their principals. Of a vendor's work that holds for who made the sample check, as a witness.
      - Where both are left out RV(limits) says that training was not checked.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name as results have it.
        type: str
        required: true
      valid_from:
        description: First day, such as V(2026-01-31).
        type: str
      valid_until:
        description: Last day.
        type: str
        required: true
      techniques:
        description: For which techniques; for all of them where it is left out.
        type: list
        elements: str
  vendor:
    description:
      - Who destroyed the media, where that was a vendor. O(results) are then what the certificate states, and O(expected), which is required, is what was
        handed over. They must match serial by serial; one too many or too few is refused.
    type: dict
    suboptions:
      name:
        description: The vendor.
        type: str
        required: true
      certificate:
        description: Digest of the certificate, V(sha256:) and 64 hexadecimal digits.
        type: str
        required: true
      certificate_file:
        description: The certificate, a file where the task runs, which must have that digest.
        type: path
      sample_check:
        description: What people of one's own saw.
        type: dict
        required: true
        suboptions:
          by:
            description: Who looked, none of the operators.
            type: str
            required: true
          date:
            description: When (RFC 3339 with its zone).
            type: str
            required: true
          serials:
            description: The media that were looked at, at least one.
            type: list
            elements: str
            required: true
          found:
            description: What was found. With V(deviates) nothing is recorded.
            type: str
            choices: [as_stated, deviates]
            required: true
  photos_dir:
    description:
      - A directory where the task runs. Each digest under C(photos) must be that of a file in it.
    type: path
  figures:
    description:
      - Figures that replace those of the tables, by name, each with C(value) (and its unit), C(edition) and C(source); the guide lists the names.
      - C(degauss_factor) may only be raised. What a technique reaches is no figure.
    type: dict
  state_dir:
    description:
      - Where journals are kept, a directory that only its owner can enter.
    type: path
    default: /var/lib/recordings-disposal
extends_documentation_fragment:
  - recordings.disposal._training
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Judges every row, refuses and fails as the real run would, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The same result of the same medium is recorded once. Another result of a medium that is recorded as destroyed is refused.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.media_order
  - module: recordings.disposal.media_info
  - module: recordings.disposal.sanitize
  - module: recordings.disposal.media_verify
"""

EXAMPLES = r"""
- name: A work order came back
  recordings.disposal.media_destruction:
    results_file: results/WO-2026-114.csv
    expected: [ZC11A0B7, S4EWNX0M501234]
    level: destroy
    protection_class: 2
    operators:
      - name: Anna Nowak
        valid_until: "2027-03-31"
        techniques: [shred, disintegrate]
  delegate_to: localhost

- name: The form of a work order came back
  recordings.disposal.media_destruction:
    order: disposal/orders/WO-2026-11-27-3f9a1c07de/order.json
    results_file: disposal/orders/WO-2026-11-27-3f9a1c07de/order.csv
    state_dir: "{{ playbook_dir }}/disposal/physical"
  delegate_to: localhost

- name: Two tapes were degaussed
  recordings.disposal.media_destruction:
    level: purge
    results:
      - serial: HA7T00C019
        kind: tape
        technique: degauss
        date: "2026-11-23T14:05:00+01:00"
        place: Warsaw, room 0.14
        operator: Anna Nowak
        second_person: Jan Kowalski
        machine: degausser D-2, serial 4711
        field: 10000 Oe
        calibrated: "2026-02-01"
        calibrated_until: "2027-01-31"
        recording: lto_8
        readback: unreadable
      - serial: HB7T00C020
        kind: tape
        technique: degauss
        date: "2026-11-23T14:09:00+01:00"
        place: Warsaw, room 0.14
        operator: Anna Nowak
        second_person: Jan Kowalski
        machine: degausser D-2, serial 4711
        field: 10000 Oe
        calibrated: "2026-02-01"
        calibrated_until: "2027-01-31"
        coercivity: 2700 Oe
        coercivity_source: data sheet of the cartridge, 2021-05
  delegate_to: localhost

- name: A vendor burnt a disk
  recordings.disposal.media_destruction:
    level: destroy
    expected: [ZC11A0B7]
    vendor:
      name: Destruction Ltd.
      certificate: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      sample_check:
        by: Jan Kowalski
        date: "2026-11-24T09:00:00+01:00"
        serials: [ZC11A0B7]
        found: as_stated
    results:
      - serial: ZC11A0B7
        kind: hdd
        technique: incinerate
        date: "2026-11-23T18:00:00+01:00"
        place: Katowice
        operator: M. Zielinska
        second_person: P. Wrona
        facility: kiln 2 of Destruction Ltd.
        licence: OS.6233.12.2024
        temperature: 1100 °C
  delegate_to: localhost
"""

RETURN = r"""
outcome:
  description:
    - V(destroyed) where every medium is, V(unknown) where one of O(expected) has no result, else V(not_destroyed), with which the task fails.
    - In check mode, and after a refusal, what is recorded counts, and not what would be.
  returned: success and failure
  type: str
  sample: destroyed
level:
  description: Level of the weakest result.
  returned: success and failure
  type: dict
  contains:
    required:
      description: What the task asked for.
      type: str
    achieved:
      description: What was reached by every medium.
      type: str
    standard:
      description: The standard, with its edition, whose words these are.
      type: str
counts:
  description: Media by outcome.
  returned: success and failure
  type: dict
refused:
  description: The rows that were refused, with one reason each where there are very many.
  returned: where rows were refused
  type: list
  elements: dict
  contains:
    row:
      description: Number of the row, from 1; the first line of a CSV file does not count.
      type: int
    serial:
      description: Serial, as the row has it.
      type: str
    reasons:
      description: Every reason, else the first one and how many more there are.
      type: list
      elements: str
open:
  description: Serials of O(expected) that have no result, the first 200; RV(counts) counts all of them.
  returned: success and failure
  type: list
  elements: str
limits:
  description: What the proof leaves open, one sentence each, unverified figures that decided among them.
  returned: success and failure
  type: list
  elements: str
evidence:
  description: One record for each medium that is recorded.
  returned: success and failure
  type: list
  elements: dict
  contains:
    row:
      description: Number of the row.
      type: int
    serial:
      description: Serial.
      type: str
    technique:
      description: The technique.
      type: str
    outcome:
      description: Outcome of this medium.
      type: str
    achieved:
      description: Level of this medium.
      type: str
    particles:
      description: The level of ISO/IEC 21964 that the particles reach, of techniques that make some.
      type: str
    run:
      description: Id of the run, 16 hexadecimal digits.
      type: str
    journal:
      description: Path of its journal below O(state_dir).
      type: str
ansible_facts:
  description: C(disposal_evidence), the same, digested.
  returned: success and failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.recordings.disposal.plugins.module_utils._errors import DisposalError
from ansible_collections.recordings.disposal.plugins.module_utils._executor import CheckExecutor, Executor
from ansible_collections.recordings.disposal.plugins.module_utils._media.vendor import VENDOR_OPTIONS
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.options import TRAINING_OPTIONS, told_params, warned
from ansible_collections.recordings.disposal.plugins.module_utils._sweep.physical import media_destruction_of


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "results": {"type": "list", "elements": "dict"},
            "results_file": {"type": "path"},
            "order": {"type": "path"},
            "work_order": {"type": "str"},
            "level": {"type": "str", "choices": ["clear", "purge", "destroy"]},
            "protection_class": {"type": "int", "choices": [1, 2, 3]},
            "expected": {"type": "list", "elements": "str"},
            "operators": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "valid_from": {"type": "str"},
                    "valid_until": {"type": "str", "required": True},
                    "techniques": {"type": "list", "elements": "str"},
                },
            },
            **TRAINING_OPTIONS,
            "vendor": {"type": "dict", "options": VENDOR_OPTIONS},
            "photos_dir": {"type": "path"},
            "figures": {"type": "dict"},
            "state_dir": {"type": "path", "default": "/var/lib/recordings-disposal"},
        },
        mutually_exclusive=[("results", "results_file")],
        required_one_of=[("results", "results_file"), ("level", "order")],
        required_by={"vendor": ("expected",), "order": ("work_order", "level", "expected"), "work_order": ("order",)},
        supports_check_mode=True,
        # Results name persons; the system log is no place for them.
        no_log=True,
    )
    told = {"module_args": told_params(module.params)}
    executor = CheckExecutor() if module.check_mode else Executor()
    try:
        module.exit_json(invocation=told, **warned(module, media_destruction_of(module.params, executor, check_mode=module.check_mode)))
    except DisposalError as error:
        module.fail_json(msg=error.message, invocation=told, **warned(module, error.details))


if __name__ == "__main__":
    main()
