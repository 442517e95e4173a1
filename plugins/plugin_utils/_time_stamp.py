# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""RFC 3161 time stamps: asked for, taken apart and judged by C(openssl ts); nothing is written to a disk here."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import re
import ssl
import subprocess
import typing as t
import urllib.parse

from ..module_utils._errors import EvidenceError, RefusedError
from ..module_utils._evidence.approval import CLOCK_TOLERANCE
from ..module_utils._evidence.clock import time_text
from ..module_utils._evidence.sshsig import in_memory, path_of

__all__ = ["check_authority", "request_stamp", "verify_stamp"]

_SECONDS = 30
_MOST_BYTES = 1 << 20
_TIME = re.compile(r"^Time stamp: (\w{3} [ \d]\d \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4} GMT)$", re.MULTILINE | re.ASCII)
_NOISE = re.compile(r"^(?:Using configuration|Verification: FAILED|Warning:|Response has been)")


def _openssl(*arguments: str, descriptors: t.Sequence[int] = ()) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ.get("PATH") or os.defpath, "LC_ALL": "C", "TZ": "UTC0"}
    try:
        return subprocess.run(
            ["openssl", "ts", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=descriptors,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise EvidenceError("openssl is missing; install the package openssl", details={"fault": "no_tool"}) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        what = getattr(error, "strerror", None) or f"it did not end within {_SECONDS} seconds"
        raise EvidenceError(f"openssl cannot be used ({what}); repair that", details={"fault": "no_tool"}) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """Why C(openssl) said no, in its own words: the last reasons of its list of errors."""
    lines = [line.strip() for line in done.stderr.decode("utf-8", "replace").splitlines()]
    reasons = []
    for line in lines:
        parts = line.split(":")
        if len(parts) >= 6 and (parts[1] == "error" or parts[0] == "error"):
            at = parts.index("error")
            reasons.append(": ".join(part for part in (*parts[at + 4 : at + 5], *parts[at + 7 :]) if part.strip()))
    plain = [line for line in lines if line and ":error:" not in line and not _NOISE.match(line)]
    told = "; ".join(dict.fromkeys(reason for reason in (reasons or plain[:1]) if reason))
    return "".join(letter for letter in told if letter.isprintable())[:300] or "no reason is given"


def check_authority(url: str | None, ca_file: str | None) -> None:
    """That a time-stamp authority can be asked and judged.

    :raises RefusedError: a half is missing, the address is none, or the authority's certificates cannot be read.
    """
    if url is None and ca_file is None:
        return
    if url is not None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError("timestamp_url is no address of the form https://HOST/PATH, so nothing was done; correct it")
        if parts.username is not None or parts.password is not None:
            raise RefusedError(
                "timestamp_url holds a name or a password, which would be shown, so nothing was done; use an address without"
            )
        if ca_file is None:
            raise RefusedError(
                "timestamp_url needs timestamp_ca, since an unchecked time stamp shows nothing; give the authority's CA file"
            )
    if ca_file is not None:
        try:
            ssl.create_default_context(cafile=ca_file)
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or "it holds no certificate"
            raise RefusedError(
                f"timestamp_ca {ca_file} cannot be used ({what}), so nothing was done; give a file of certificates in PEM"
            ) from error


def request_stamp(data: bytes, *, url: str, ca_file: str, now: dt.datetime) -> bytes:
    """A time stamp over C(data) that was verified against the very question, as of now.

    :raises EvidenceError: the authority cannot be asked, or what it answers is no good stamp; the sentence says why.
    """
    host = urllib.parse.urlsplit(url).hostname
    asked = _openssl("-query", "-digest", hashlib.sha256(data).hexdigest(), "-sha256", "-cert")
    if asked.returncode != 0:
        raise EvidenceError(f"openssl makes no time-stamp query ({_said(asked)}); repair that")
    answer = _post(url, asked.stdout, f"the time-stamp authority {host}")
    with in_memory("query", asked.stdout) as query, in_memory("answer", answer) as stamp:
        done = _openssl("-verify", "-queryfile", path_of(query), "-in", path_of(stamp), "-CAfile", ca_file, descriptors=(query, stamp))
    if done.returncode != 0:
        raise EvidenceError(f"what the time-stamp authority {host} answers is no good time stamp ({_said(done)}), so it was not kept")
    moment = verify_stamp(data, answer, ca_file=ca_file)
    if abs(moment - now) > CLOCK_TOLERANCE:
        raise EvidenceError(
            f"the time-stamp authority {host} says it is {time_text(moment)}, and it is {time_text(now)} here, so its stamp was not kept; "
            "look at the clocks"
        )
    return answer


def _post(url: str, query: bytes, who: str) -> bytes:
    # Only here: what verifies needs no client of HTTP.
    from urllib.error import HTTPError

    from ansible.module_utils.urls import open_url

    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        with contextlib.closing(
            open_url(
                url, data=query, headers=headers, method="POST", timeout=_SECONDS, follow_redirects="no", http_agent="recordings.disposal"
            )
        ) as answer:
            body: bytes = answer.read(_MOST_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise EvidenceError(f"{who} answers with the status {error.code}; ask its operator, or correct timestamp_url") from None
    except Exception as error:  # open_url raises kinds of several libraries, and none may pass for a stamp
        what = " ".join(str(getattr(error, "reason", None) or error).split())[:200]
        raise EvidenceError(
            f"{who} cannot be asked ({what}); see that it can be reached from here, and that timestamp_url is right"
        ) from None
    if len(body) > _MOST_BYTES:
        raise EvidenceError(f"{who} answers with more than {_MOST_BYTES} bytes, which no time stamp has; correct timestamp_url")
    return body


def verify_stamp(data: bytes, stamp: bytes, *, ca_file: str) -> dt.datetime:
    """When C(data) existed at the latest, by a stamp that the authority made then with a certificate that was valid then.

    :raises EvidenceError: the stamp is none, is over something else, or of another authority.
    """
    with in_memory("stamp", stamp) as answer:
        told = _openssl("-reply", "-in", path_of(answer), "-text", descriptors=(answer,))
        found = _TIME.search(told.stdout.decode("utf-8", "replace")) if told.returncode == 0 else None
        if found is None:
            raise EvidenceError(f"is no time stamp ({_said(told) if told.returncode else 'it was not granted'})")
        seconds = ssl.cert_time_to_seconds(f"{found[1]} {found[2]}")
    with in_memory("data", data) as content, in_memory("stamp", stamp) as answer:
        given = ("-data", path_of(content), "-in", path_of(answer), "-CAfile", ca_file, "-attime", str(int(seconds)))
        done = _openssl("-verify", *given, descriptors=(content, answer))
    if done.returncode != 0:
        raise EvidenceError(f"is no good time stamp of it ({_said(done)})")
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
