# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Which reviews of a policy count; twin of C(REVIEW_OPTIONS) in C(module_utils/_sweep/options.py)."""

    DOCUMENTATION = r"""
options:
  reviews_dir:
    description:
      - Directory on the controller with the reviews of policies that M(recordings.disposal.policy_review) wrote. Without it no review is looked at.
      - Where the last review that counts is overdue, there is a warning; once O(review_grace) is over, a policy that may destroy sooner than the one
        that was signed off is refused. One that keeps as long or longer goes on.
      - The date is the earlier one of the policy now and of the policy as signed off, so that no change of a policy puts its own review off.
      - A directory that is missing is refused, since a review must not be taken for none.
    type: path
  review_signers:
    description:
      - File on the controller in OpenSSH's allowed signers form; needed with O(reviews_dir).
      - A signature counts if the file lists its key for its signer, for the namespace C(review@recordings.disposal), at the time of the review, and
        the signer did not write the review.
    type: path
  reviewers:
    description:
      - Those who may sign off reviews, by their names in O(review_signers); everybody there by default.
    type: list
    elements: str
  review_grace:
    description:
      - How long after its date a review may still be missing before it blocks, an ISO 8601 period of days, months or years.
    type: str
    default: P30D
"""
