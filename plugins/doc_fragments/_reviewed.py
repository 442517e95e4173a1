# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """What a review looks at."""

    DOCUMENTATION = r"""
options:
  policy:
    description:
      - The policy to review. Exactly one of O(policy) and O(policy_file) is required.
    type: dict
  policy_file:
    description:
      - Path on the controller of a YAML file with the policy; Ansible Vault files are read too.
    type: path
  holds:
    description:
      - Legal holds.
    type: list
    elements: dict
    default: []
  holds_dir:
    description:
      - Directory on the controller whose documents are legal holds.
    type: path
  media_policy:
    description:
      - The policy of media, as the option O(recordings.disposal.media_plan#module:policy).
    type: dict
  media_policy_file:
    description:
      - The same, as path on the controller.
    type: path
  levels:
    description:
      - Levels of techniques that are given in place of the shipped ones, each with C(level), C(standard) and C(source).
    type: dict
    default: {}
  figures:
    description:
      - Figures of physical destruction that are given in place of the shipped ones, each with C(value), C(edition) and C(source).
    type: dict
    default: {}
  protection_class:
    description:
      - The protection class of ISO/IEC 21964 that media are destroyed for.
    type: int
  catalogue_file:
    description:
      - Path on the controller of a catalogue of standards and laws in place of the shipped one; the guide C(review) of the collection tells its form.
      - A catalogue with a status that is not known is refused.
    type: path
  allowed_signers:
    description:
      - File on the controller in OpenSSH's allowed signers form whose keys are looked at.
    type: path
  keys:
    description:
      - What stores of keys tell of the keys in them, each with C(name) and C(algorithm), and C(bits) and C(expires) (a date) where they are known.
    type: list
    elements: dict
    default: []
  manifests:
    description:
      - Manifests of plans on the controller, of which it is told what layouts, roots and classes found on each host.
    type: list
    elements: path
    default: []
  results:
    description:
      - By inventory host, what M(recordings.disposal.retention_plan) returned; beside O(manifests), or in place of them.
      - A host that failed, was skipped or could not be reached is named, and never counted as one that has nothing.
    type: dict
    default: {}
  hosts:
    description:
      - All hosts that there should be. One of which nothing is known is named.
    type: list
    elements: str
    default: []
  expires_within:
    description:
      - What ends within this ISO 8601 period is about to end.
    type: str
    default: P60D
  fail_on:
    description:
      - Fail where something is found that is at least as severe.
    type: str
    choices: [never, severe, warning, notice]
    default: never
"""
