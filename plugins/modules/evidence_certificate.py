#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_certificate
short_description: Make the certificates of a sealed run anew
version_added: 0.1.0
description:
  - Verifies a run's evidence as M(recordings.disposal.evidence_verify) does, and writes its certificates from the signed statement, for instance in another
    language or as PDF for those who asked later. Needs no signing key, and changes nothing of the evidence.
  - Evidence that is not valid gets no certificate.
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
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  ledger:
    description:
      - Path of the ledger. Without it, whether the statement is the last of its run stays open.
    type: path
  output:
    description:
      - Directory to write the certificates to, made where it is missing. Without it, they go to O(run).
    type: path
  languages:
    description:
      - Languages to write certificates in.
    type: list
    elements: str
    choices: [en, pl]
    default: [en, pl]
  formats:
    description:
      - Formats to write certificates in, as C(certificate.LANGUAGE.html) and C(certificate.LANGUAGE.pdf).
      - What V(pdf) needs on the controller is told at O(recordings.disposal.evidence_seal#module:formats).
    type: list
    elements: str
    choices: [html, pdf]
    default: [html]
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Tells what would be written, and writes nothing.
  diff_mode:
    support: none
    details: Certificates are whole pages.
  idempotent:
    support: full
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_seal
  - module: recordings.disposal.evidence_verify
  - module: recordings.disposal.media_certificate
"""

EXAMPLES = r"""
- name: Give the auditor the certificate as PDF, in Polish
  recordings.disposal.evidence_certificate:
    run: disposal/runs/2026-11-23-4f1c
    allowed_signers: allowed_signers
    signer: evidence@example.com
    ledger: disposal/ledger.jsonl
    output: for-the-auditor
    languages: [pl]
    formats: [pdf]
  delegate_to: localhost
"""

RETURN = r"""
certificates:
  description: Paths of the certificates.
  returned: success
  type: list
  elements: str
  sample:
    - /srv/ansible/for-the-auditor/certificate.pl.pdf
statement:
  description: Digest of the statement that they show.
  returned: success
  type: str
  sample: sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
complete:
  description: Whether every host with due sets has ended its run and accounts for all of them.
  returned: success
  type: bool
not_checked:
  description: What was not checked of the evidence, or cannot be.
  returned: success
  type: list
  elements: str
problems:
  description: A sentence for each fault of the evidence, with the place.
  returned: failure
  type: list
  elements: str
"""
