#!/usr/bin/python
# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: media_certificate
short_description: Issue the certificate of sanitization or destruction of each medium
version_added: 0.1.0
description:
  - Issues one certificate for each medium, with every field of NIST SP 800-88 Rev. 2 Appendix C and of Rev. 1 Appendix G, signed, and as a page in each
    language.
  - A medium gets one only if a record says that it was V(destroyed) at the level that it requires, and the register's log links that record. What was not
    destroyed is refused with the reason, and goes to physical destruction by a work order.
  - Each record is held against the journal that it is from, the journal against the statement that sealed the run, the statement against its signature, the
    plan against its manifest. What was changed since is refused.
  - What was not checked, and figures that nobody has verified, stand on the first page. Times are those of the evidence.
  - Runs on the controller only; no host is touched. Run it once, with C(run_once) or on V(localhost).
options:
  register:
    description:
      - Path of the register of media on the controller, as M(recordings.disposal.media_register) takes it.
    type: path
    required: true
  dest:
    description:
      - State directory on the controller; a relative path counts from the working directory. Evidence is read below it, and the certificates come to
        C(certificates) in it.
    type: path
    default: disposal
  serials:
    description:
      - The media to issue certificates for.
      - The default is every medium that is V(verified), V(destroyed) or V(reused), or is V(in_custody) and was verified before.
    type: list
    elements: str
  people:
    description:
      - Who took part, one mapping for each person, with C(principal) (the name in C(allowed_signers)), C(name), C(title), C(organisation) (by default
        O(organisation)), C(location) and C(contact), a phone number or an e-mail address. Both forms ask for all of them.
      - Of physical work the person who performed it is the C(operator) of its record, and is found here by that very name.
    type: list
    elements: dict
    required: true
  organisation:
    description:
      - The organisation that issues the certificates.
    type: str
  performed_by:
    description:
      - Principal of the person who had the hosts carry out the plan, where their records do not say that themselves.
    type: str
  validated_by:
    description:
      - Principal of the person who validates the result. Another one than the person who performed it.
    type: str
    required: true
  media:
    description:
      - What no record knows, or what people know better, by serial. It stands in the certificate as told by people.
      - C(backed_up) is V(yes), V(no) or V(unknown), C(backup_location) where, C(source) whom or what the medium served. C(destination) is V(internal_reuse),
        V(external_reuse), V(recycling), V(manufacturer) or V(other). C(classification_after) is the classification afterwards, C(operational) whether the
        medium works, C(notes) anything else.
      - By default the plan's row tells about backups, destination and classification, the record whether the medium works.
    type: dict
  signing_key:
    description:
      - Private key without passphrase on the controller, or a public key (C(.pub)) whose private half an agent or a security key holds.
      - The namespace is C(evidence@recordings.disposal).
    type: path
    required: true
  signer:
    description:
      - Name of who signs the certificates, as in O(allowed_signers).
    type: str
    required: true
  sealed_by:
    description:
      - Name of who sealed the runs. By default O(signer).
    type: str
  allowed_signers:
    description:
      - File in the form of OpenSSH's C(allowed_signers). If given, each certificate must have a signature that it allows, and so must the statement of each
        run.
      - Without it the certificates say that the signatures of the statements were not verified.
    type: path
  languages:
    description:
      - Languages to write pages in.
    type: list
    elements: str
    choices: [en, pl]
    default: [en, pl]
  formats:
    description:
      - Formats to write pages in, as C(NAME.LANGUAGE.html) and C(NAME.LANGUAGE.pdf).
      - V(pdf) is PDF/A-3b on A4, with a QR code of the certificate's digest, and the certificate and its signature attached. It needs on the controller the
        Python libraries weasyprint (70 or newer) and segno, Pango, and the fonts DejaVu Sans and DejaVu Sans Mono; without them nothing is read or written.
        Letters that these fonts lack are shown as their escapes. Each PDF takes about a second.
      - Pages of an older certificate, or of one that is signed anew, are removed where they are not asked for.
    type: list
    elements: str
    choices: [html, pdf]
    default: [html]
  on_refusal:
    description:
      - With V(fail) nothing is written if one of the media may have no certificate. With V(report) the others get theirs, and RV(refused) names it.
    type: str
    choices: [fail, report]
    default: fail
extends_documentation_fragment:
  - recordings.disposal._attributes
attributes:
  check_mode:
    support: full
    details: Checks the evidence and refuses what would be refused; signs and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A certificate over the same evidence stays as it is, with the time when it was issued first. Where the evidence says something else by now, such as a
        later event of custody, a new one is issued that names the digest of the older one, which is kept beside it as C(NAME.D.json) with its signature,
        where C(D) is the beginning of its digest.
seealso:
  - module: recordings.disposal.media_register
  - module: recordings.disposal.media_destruction
  - module: recordings.disposal.evidence_seal
author:
  - recordings.disposal contributors (@recordings-disposal)
"""

EXAMPLES = r"""
- name: Issue a certificate for every medium that has come so far
  recordings.disposal.media_certificate:
    register: register.yml
    people:
      - principal: anna@example.com
        name: Anna Nowak
        title: storage engineer
        location: Kraków, server room 2
        contact: +48 12 555 01 23
      - principal: bob@example.com
        name: Robert Lis
        title: data protection officer
        location: Kraków
        contact: bob@example.com
    organisation: Example S.A.
    performed_by: anna@example.com
    validated_by: bob@example.com
    signing_key: ~/.ssh/evidence_ed25519.pub
    signer: evidence@example.com
    allowed_signers: evidence.allowed_signers
    formats: [html, pdf]
  delegate_to: localhost
  run_once: true

- name: Issue one, with what no record knows
  recordings.disposal.media_certificate:
    register: register.yml
    serials: [S4EWNX0M501234]
    media:
      S4EWNX0M501234:
        backed_up: "yes"
        backup_location: Warsaw, vault 3
        destination: internal_reuse
    people: "{{ disposal_people }}"
    performed_by: anna@example.com
    validated_by: bob@example.com
    signing_key: ~/.ssh/evidence_ed25519.pub
    signer: evidence@example.com
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
counts:
  description: How many certificates were C(issued), those that lay there already among them, and how many of them C(changed).
  returned: success
  type: dict
  sample: {issued: 12, changed: 3}
certificates:
  description: The first hundred of them.
  returned: success
  type: list
  elements: dict
  contains:
    serial:
      description: The medium, as the register writes it.
      type: str
    path:
      description: The certificate. Its signature lies beside it as C(NAME.json.sig), its pages as C(NAME.en.html), C(NAME.pl.html),
        and C(NAME.en.pdf), C(NAME.pl.pdf) where O(formats) has them.
      type: str
    digest:
      description: Its digest, by which an event of the register can name it as evidence; in check mode that of what would be issued now.
      type: str
    achieved:
      description: The level that was achieved.
      type: str
      sample: purge
    issued:
      description: When it was issued.
      type: str
      sample: "2026-11-23T22:00:00Z"
    changed:
      description: Whether it was issued, signed or rendered now.
      type: bool
    superseded:
      description: Where the certificate that it replaces is kept; none if it replaces none.
      type: str
    key:
      description: Fingerprint of the key that signed it; none in check mode if it would be signed.
      type: str
directory:
  description: Where the certificates are.
  returned: success
  type: str
refused:
  description: The first hundred media that may have no certificate, each with its C(serial) and its C(reasons).
  returned: success and failure
  type: list
  elements: dict
refused_count:
  description: How many there are.
  returned: success and failure
  type: int
problems:
  description: A sentence for each fault of the register or of what was told.
  returned: failure
  type: list
  elements: str
"""
