# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats that certificates are written in."""

from __future__ import annotations

import typing as t

from ._pdf import check_pdf
from ._qr import check_qr

__all__ = ["FORMATS", "check_formats"]

FORMATS = ("html", "pdf")


def check_formats(formats: t.Container[str]) -> None:
    """See whether certificates can be made in the formats on this controller.

    :raises DisposalError: a library or the fonts are missing.
    """
    if "pdf" in formats:
        check_pdf()
        check_qr()
