#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: evidence_seal
short_description: Seal the evidence of a run
version_added: 0.1.0
description:
  - Checks every journal of a run, adds them up to one statement, signs it, records it in the ledger, and writes the certificates.
  - A journal that was changed, is of another run, plan, policy or host, or claims anything without proof is refused, and nothing is sealed.
  - A host whose journal is missing or not ended makes the statement incomplete, and is named in it. Seal again when it has been swept.
    The older statement is kept beside the new one as C(statement-N.json), where C(N) is its number in the ledger.
  - The ledger's head, over how many lines it is and the root of the Merkle tree (RFC 9162) over them, is signed and written beside the ledger as
    C(ledger.head.json) each time that the ledger grows. Keep a copy of it elsewhere, M(recordings.disposal.evidence_verify) then finds whether the ledger
    only grew since.
  - A ledger that is not an extension of the head beside it is refused, as is a clock that is more than 5 minutes behind what was sealed last.
  - Manifest and approvals are copied beside the evidence, so that the directory can be verified alone.
  - Runs on the controller.
options:
  run:
    description:
      - Directory of the run on the controller, with the journals of the hosts as C(journals/HOST.jsonl).
    type: path
    required: true
  manifest:
    description:
      - Path of the manifest that the run carried out.
    type: path
    required: true
  signatures_dir:
    description:
      - Directory with the approvals, files named C(manifest.json.PRINCIPAL.sig).
      - The default is the directory of O(manifest).
    type: path
  ledger:
    description:
      - Path of the ledger, which is created if it is missing.
    type: path
    required: true
  signing_key:
    description:
      - Private key without passphrase on the controller, or a public key (C(.pub)) whose private half an agent or a security key holds.
      - The namespace is C(evidence@recordings.disposal).
    type: path
    required: true
  signer:
    description:
      - Name of who signs the evidence, as in O(allowed_signers).
    type: str
    required: true
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers). If given, the signature must be one that it allows, else nothing is sealed.
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
      - V(pdf) is PDF/A-3b on A4, with a QR code of the statement's digest, and the statement and its signature attached. It needs on the controller the
        Python libraries weasyprint (70 or newer) and segno, Pango, and the fonts DejaVu Sans and DejaVu Sans Mono. Letters that these fonts lack are shown
        as their escapes.
      - The same statement and signature give the same bytes as long as these libraries and fonts stay the same; where they have changed, certificates are
        written anew.
      - A certificate that shows an older statement is removed where it is not asked for anew.
    type: list
    elements: str
    choices: [html, pdf]
    default: [html]
  timestamp_url:
    description:
      - Address of a time-stamp authority (RFC 3161) that stamps the ledger's head, over HTTP or HTTPS. It learns the head's digest and nothing else.
      - The query and the answer are made and checked by C(openssl ts). An authority whose clock differs from this host's by more than 5 minutes is refused.
      - Where no good stamp can be had, the task fails once everything else is safe, and sealing again has the head stamped.
    type: str
  timestamp_ca:
    description:
      - File with the certificates (PEM) of the authority that stamps, which a stamp must lead to. Needed with O(timestamp_url).
    type: path
  rehearse:
    description:
      - Only try whether O(signing_key) can sign and O(signer) is allowed now, and whether O(formats) can be made, and seal nothing; to be done before
        anything is destroyed.
    type: bool
    default: false
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Checks the journals and builds the statement in memory; signs and writes nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: Unchanged journals that are sealed already are not sealed again.
author:
  - recordings.disposal contributors (@recordings-disposal)
seealso:
  - module: recordings.disposal.evidence_verify
"""

EXAMPLES = r"""
- name: Seal the run
  recordings.disposal.evidence_seal:
    run: disposal/runs/2026-11-23-4f1c
    manifest: disposal/plans/2026-11-23-4f1c/manifest.json
    ledger: disposal/ledger.jsonl
    signing_key: ~/.ssh/evidence_ed25519.pub
    signer: evidence@example.com
    allowed_signers: evidence.allowed_signers
    formats: [html, pdf]
  delegate_to: localhost
  run_once: true

- name: Seal the run and have the ledger's head time-stamped
  recordings.disposal.evidence_seal:
    run: disposal/runs/2026-11-23-4f1c
    manifest: disposal/plans/2026-11-23-4f1c/manifest.json
    ledger: disposal/ledger.jsonl
    signing_key: ~/.ssh/evidence_ed25519.pub
    signer: evidence@example.com
    allowed_signers: evidence.allowed_signers
    timestamp_url: https://tsa.example.com/stamp
    timestamp_ca: tsa-ca.pem
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
key:
  description: Fingerprint of the key that would sign.
  returned: with O(rehearse=true)
  type: str
statement:
  description: The statement.
  returned: when the run is sealed
  type: dict
  contains:
    path:
      description: Path of the statement.
      type: str
    digest:
      description: Its digest.
      type: str
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    signature:
      description: Path of its signature.
      type: str
    key:
      description: Fingerprint of the key that signed; none in check mode if it would be signed.
      type: str
run:
  description: Id of the run.
  returned: when the run is sealed
  type: str
created:
  description: When the statement was made.
  returned: when the run is sealed
  type: str
  sample: "2026-11-23T22:00:00Z"
complete:
  description: Whether every host with due sets has ended its run and accounts for all of them.
  returned: when the run is sealed
  type: bool
problems:
  description: A sentence for each host that has not.
  returned: when the run is sealed
  type: list
  elements: str
missing_hosts:
  description: Hosts with due sets and without a journal.
  returned: when the run is sealed
  type: list
  elements: str
totals:
  description: Sets by outcome (C(counts)) and bytes destroyed (C(bytes)) of all hosts.
  returned: when the run is sealed
  type: dict
  sample:
    counts: {destroyed: 412, not_destroyed: 3, unknown: 0}
    bytes: {destroyed: 65938128}
merkle_root:
  description: Root of the Merkle tree (RFC 9162) over all outcomes.
  returned: when the run is sealed
  type: str
tree_size:
  description: Number of outcomes.
  returned: when the run is sealed
  type: int
not_checked:
  description: What the evidence does not show.
  returned: when the run is sealed
  type: list
  elements: str
ledger:
  description:
    - The ledger, C(path), C(seq) (the statement's number in it, none in check mode if it would be appended) and C(head) (digest of its
      last line).
  returned: when the run is sealed
  type: dict
ledger_head:
  description:
    - The ledger's head, C(path), C(size) (how many lines it is over), C(merkle_root) and C(time).
    - None in check mode where the ledger would get a line first.
  returned: when the run is sealed
  type: dict
  sample:
    path: /srv/disposal/ledger.head.json
    size: 17
    merkle_root: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    time: "2026-11-23T22:00:00Z"
time_stamp:
  description: The time stamp of the ledger's head, C(path) and C(time); none where it was not asked for, or could not be had.
  returned: when the run is sealed
  type: dict
superseded:
  description: Where the statement that this one replaces is kept; none if it replaces none.
  returned: when the run is sealed
  type: str
certificates:
  description: Paths of the certificates.
  returned: when the run is sealed
  type: list
  elements: str
"""
