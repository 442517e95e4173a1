# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx: the guides and the generated reference, without the network."""

from __future__ import annotations

project = "recordings.disposal"
project_copyright = "2026 recordings.disposal contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_title = "recordings.disposal"
highlight_language = "yaml"
nitpicky = False
