# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""QR codes for pages."""

from __future__ import annotations

import sys
import typing as t

from markupsafe import Markup

from ..module_utils._errors import DisposalError

__all__ = ["check_qr", "qr_code"]

# Light modules around a code, by which a scanner tells it from what stands beside it.
_QUIET_ZONE = 4


def check_qr() -> None:
    """See whether QR codes can be made on this controller.

    :raises DisposalError: the library is missing.
    """
    _library()


def qr_code(text: str) -> Markup:
    """A text as a QR code, inline SVG, black on white whatever the page's colours.

    :raises DisposalError: the library is missing.
    """
    made = _library().make(text, micro=False, error="m")
    # The library writes no part of the text into the picture.
    return Markup(made.svg_inline(border=_QUIET_ZONE, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None))


def _library() -> t.Any:
    try:
        import segno
    except ImportError as error:
        raise DisposalError(
            f"the Python library segno, which makes the QR codes of work orders and certificates, is not installed for {sys.executable} on the "
            "controller, so nothing was written; install it (pip install segno)"
        ) from error
    return segno
