# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: the guides and the generated reference, without the network."""

from __future__ import annotations

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "recordings.disposal"
project_copyright = "2026 recordings.disposal contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_title = "recordings.disposal"
highlight_language = "yaml"
nitpicky = False
# Headings down to the third level can be linked to.
myst_heading_anchors = 3


def setup(app: Sphinx) -> None:
    """Blocks of CSV are named so for other readers; Pygments has no lexer for it."""
    app.add_lexer("csv", TextLexer)
