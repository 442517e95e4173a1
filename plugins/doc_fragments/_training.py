# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """By what it is judged whether people were trained; the twin of C(TRAINING_OPTIONS) in C(module_utils/_sweep/options.py)."""

    DOCUMENTATION = r"""
options:
  training_dir:
    description:
      - Directory on the controller with the training records (C(*.json), each with its signature C(*.json.sig) beside it) that
        M(recordings.disposal.training_test) issued.
      - When it is given, only those count who have a valid record for their role. A record that cannot be read, is not signed as it has to be, is for another
        role or calls the person otherwise than a later one, or whose time is over, does not count.
      - When it is left out, nobody looks at training.
    type: path
  training_records:
    description:
      - The records, each with C(file), C(record) and C(signature), set from O(training_dir) on the controller.
    type: list
    elements: dict
  training_signers_file:
    description:
      - Path on the controller of those who may sign training records, in the form that C(ssh-keygen) calls allowed signers, for the namespace
        C(training@recordings.disposal). Needed with O(training_dir).
    type: path
  training_signers:
    description:
      - The text of that file, set from O(training_signers_file) on the controller.
    type: str
"""
