#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# The guides of docs/ and the reference from the documentation of modules, roles and playbooks, as HTML in docs/build; a warning is a failure.
set -eu
cd "$(dirname "$0")/.."
rm -rf docs/build
umask 022
mkdir -p docs/build/source/reference
cp docs/*.md docs/*.rst docs/conf.py docs/build/source/
antsibull-docs collection --use-current --squash-hierarchy --no-indexes --fail-on-error --dest-dir docs/build/source/reference recordings.disposal
python docs/playbook_reference.py > docs/build/source/reference/playbooks.md
sphinx-build -q -W --keep-going -b html docs/build/source docs/build/html
echo "docs/build/html/index.html"
