# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """The holds and requests that planning and applying share; with C(_policy) the twin of C(INPUT_OPTIONS) in C(module_utils/_sweep/options.py)."""

    DOCUMENTATION = r"""
options:
  holds:
    description:
      - Legal holds, each a mapping with C(id), C(reason), C(placed), C(placed_by) and C(match) or C(where).
      - Holds that were placed on the host by M(recordings.disposal.legal_hold) count in any case.
    type: list
    elements: dict
    default: []
  holds_dir:
    description:
      - Directory on the controller whose C(*.yml), C(*.yaml) and C(*.json) files are holds, one in each; added to O(holds).
      - A directory that is missing is refused, since a hold must not be taken for none; so is a file that is empty, no mapping, or has a key twice.
      - A hold that names a source which the policy does not have stands, with a warning.
    type: path
  requests:
    description:
      - Erasure requests (GDPR art. 17), each a mapping with C(id), C(received) and C(match) or C(where).
      - Holds and floors beat requests, requests beat the periods of classes.
    type: list
    elements: dict
    default: []
  requests_dir:
    description:
      - Directory on the controller whose C(*.yml), C(*.yaml) and C(*.json) files are erasure requests, one in each; added to O(requests).
    type: path
  workers:
    description:
      - Processes that share the walk. The default is the number of processors that the host gives, at most 4.
    type: int
"""
