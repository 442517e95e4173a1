#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_sample
short_description: Draw an auditor's sample of the evidence, and look at it
version_added: 0.1.0
description:
  - Draws at random from the records of all sealed runs, and from the assets that should have a record, looks at each that was drawn, and says with which
    confidence the rest is as good.
  - Of a record (C(records)) it looks at the chain and the journal that it is in, the statement and its signature, the tree, the ledger, the approvals, and
    where the plan can be read, at the row by which it was done. The run of each record that was drawn is verified as a whole, as
    M(recordings.disposal.evidence_verify) does.
  - Of an asset (C(assets)), a medium that the register calls destroyed or reused, or a set that a plan called due, it looks whether there is a record.
    That of a set must be in a sealed run, that of a medium too unless people destroyed it, which the register's log links.
  - The draw follows from the seed alone, and can be repeated by hand. The seed is in the result and the report. Without faults the figures are exact, by
    the hypergeometric distribution.
  - The report is kept as JSON and as a table of plain text. It names sets by keyed hashes only.
  - Runs on the controller.
options:
  dest:
    description:
      - State directory on the controller, below which the runs are; a relative path counts from the working directory.
    type: path
    default: disposal
  runs:
    description:
      - Names of the runs to draw from. The default is all of them.
      - Without it, a run that the ledger names and that is not there is a fault.
    type: list
    elements: str
  ways:
    description:
      - What to draw.
    type: list
    elements: str
    choices: [records, assets]
    default: [records, assets]
  register:
    description:
      - Path of the register of media, as M(recordings.disposal.media_register) takes it. Its media that are V(destroyed) or V(reused) are assets.
    type: path
  plan_files:
    description:
      - Files of plans as the hosts wrote them, fetched to the controller, or of media as they are below C(plans). The sets that are due by them are assets,
        and the rows of their records are looked at.
      - Each must have the digest that the manifest of a sealed run names. Plans of recordings hold plain names of files; keep them where those may be.
    type: list
    elements: path
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence and who could approve plans.
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  ledger:
    description:
      - Path of the ledger.
      - The default is C(ledger.jsonl) in O(dest).
    type: path
  seed:
    description:
      - What the draw follows from. The same seed draws the same sample from the same evidence.
      - The default is a random one. An auditor who does not trust who runs this gives one of their own.
    type: str
  size:
    description:
      - How many to draw of each. The default is as many as O(tolerable) and O(confidence) need.
    type: int
  confidence:
    description:
      - The confidence that is wanted, in percent.
    type: int
    default: 95
  tolerable:
    description:
      - The share of faults that may stay undiscovered.
    type: str
    default: 1%
  output:
    description:
      - Directory for the report.
      - The default is C(samples) in O(dest).
    type: path
  on_fault:
    description:
      - Whether a fault fails the task. The report is written either way.
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Draws and looks, and writes no report.
  diff_mode:
    support: none
    details: Changes nothing but its report.
  idempotent:
    support: full
    details: With the same O(seed) and the same evidence.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_verify
  - module: recordings.disposal.evidence_proof
"""

EXAMPLES = r"""
- name: Draw enough to show that at most 1 % of the records have a fault
  recordings.disposal.evidence_sample:
    allowed_signers: allowed_signers
    signer: evidence@example.com
    ways: [records]
    seed: audit-2026-11
  delegate_to: localhost

- name: Look at 50 sets that a plan called due, and at 50 records
  recordings.disposal.evidence_sample:
    allowed_signers: allowed_signers
    signer: evidence@example.com
    plan_files: [fetched/rec1.jsonl]
    size: 50
    seed: audit-2026-11
  delegate_to: localhost
"""

RETURN = r"""
valid:
  description: Whether nothing that was looked at has a fault.
  returned: success and failure
  type: bool
seed:
  description: What the draw followed from.
  returned: success and failure
  type: str
  sample: audit-2026-11
runs:
  description: How many sealed runs it was drawn from.
  returned: success and failure
  type: int
ways:
  description: By C(records) and C(assets), what was drawn and what it shows.
  returned: success and failure
  type: dict
  contains:
    population:
      description: How many there are.
      type: int
    sampled:
      description: How many were drawn.
      type: int
    faulty:
      description: How many of these have a fault.
      type: int
    outcomes:
      description: How many of these have which outcome.
      type: dict
    confidence:
      description: The confidence that the figures are for.
      type: str
      sample: 95%
    at_most:
      description: How many of the population may have a fault all the same (C(faulty)), and which C(share) that is; none if a fault was found.
      type: dict
      sample: {faulty: 9967, share: 1.00%}
    needed:
      description: How many C(samples) without a fault show that at most the C(share) has one.
      type: dict
      sample: {samples: 298, share: 1%}
faults:
  description: The first 20 faults, each with C(way), C(item) (its number in the report) and C(fault).
  returned: success and failure
  type: list
  elements: dict
broken:
  description: Runs whose evidence cannot be drawn from, each with the reason; the first 20.
  returned: success and failure
  type: list
  elements: str
not_covered:
  description: Runs that are not sealed; the first 20.
  returned: success and failure
  type: list
  elements: str
not_checked:
  description: What was not checked; the first 20.
  returned: success and failure
  type: list
  elements: str
report:
  description: The report.
  returned: success and failure
  type: dict
  contains:
    path:
      description: Path of the report.
      type: str
    digest:
      description: Its digest.
      type: str
    table:
      description: Path of the same as a table of plain text.
      type: str
"""
