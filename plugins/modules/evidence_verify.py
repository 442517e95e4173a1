#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_verify
short_description: Verify the evidence of a run
version_added: 0.1.0
description:
  - Verifies the signature of a run's statement with C(ssh-keygen), the digests of the manifest and of every journal, the chain of
    every journal, the counts and the Merkle root, the approvals, and the statement's place in the ledger.
  - Makes every check that it can, and fails if one fails, naming each place.
  - Valid is not complete. Evidence of a run that a host has not ended can be valid; RV(complete) is then V(false).
  - Runs on the controller.
options:
  run:
    description:
      - Directory of the run on the controller, as M(recordings.disposal.evidence_seal) left it.
    type: path
    required: true
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers) with who may sign evidence and who could approve plans.
      - Keys are judged as of when the statement was made and the hosts began, so an old run stays valid when a key expires.
      - Dates without the letter Z are read as UTC.
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  ledger:
    description:
      - Path of the ledger. Without it, whether statements are missing stays open.
      - Its head, C(ledger.head.json) and C(ledger.head.json.sig), must lie beside it.
    type: path
  known_head:
    description:
      - An older head of the ledger that you kept, a file whose signature lies beside it as C(FILE.sig).
      - Evidence is not valid where the ledger is not an extension of it, that is where a statement was taken out, moved, put in or written anew since, or
        where there are two ledgers of the same length (a fork).
    type: path
  timestamp_ca:
    description:
      - File with the certificates (PEM) of the authority that stamped the ledger's head. Without it, its time stamp (RFC 3161) is not checked.
      - The certificates are judged as of the stamp's time, so an old stamp stays good when one expires. Whether one was revoked is not checked.
    type: path
extends_documentation_fragment:
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
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
"""

EXAMPLES = r"""
- name: Verify the evidence of a run
  recordings.disposal.evidence_verify:
    run: disposal/runs/2026-11-23-4f1c
    allowed_signers: allowed_signers
    signer: evidence@example.com
    ledger: disposal/ledger.jsonl
  delegate_to: localhost

- name: Verify that the ledger only grew since the last audit, and when its head was there
  recordings.disposal.evidence_verify:
    run: disposal/runs/2026-11-23-4f1c
    allowed_signers: allowed_signers
    signer: evidence@example.com
    ledger: disposal/ledger.jsonl
    known_head: audits/2026-06/ledger.head.json
    timestamp_ca: tsa-ca.pem
  delegate_to: localhost
"""

RETURN = r"""
valid:
  description: Whether every check that was made has passed.
  returned: success and failure
  type: bool
complete:
  description: Whether the evidence is valid, and every host with due sets has ended its run and accounts for all of them.
  returned: success and failure
  type: bool
checks:
  description: A sentence for each check that has passed.
  returned: success and failure
  type: list
  elements: str
  sample:
    - statement.json is signed by evidence@example.com with key SHA256:HNrFPQiGqjJKwH9HVzO+W+fL8tgm8kEUVaq65rKvXuU.
problems:
  description: A sentence for each check that has failed, with the place.
  returned: success and failure
  type: list
  elements: str
  sample:
    - journals/rec1.jsonl line 17 does not name the digest of the line before it, so lines were changed or moved; compare it with a copy
not_checked:
  description: What was not checked, or cannot be.
  returned: success and failure
  type: list
  elements: str
consistency:
  description:
    - The proof (RFC 9162, 2.1.4) that the ledger is an extension of O(known_head), by sizes and roots alone, C(from), C(to) and C(path); none where there
      is none.
  returned: success and failure
  type: dict
  sample:
    from:
      size: 1
      merkle_root: sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
      time: "2026-06-01T22:00:00Z"
    to:
      size: 2
      merkle_root: sha256:fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
      time: "2026-11-23T22:00:00Z"
    path:
      - sha256:96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7
"""
