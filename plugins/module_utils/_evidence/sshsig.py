# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH signatures (PROTOCOL.sshsig), verified by the real C(ssh-keygen).

C(ssh-keygen) alone says yes or no. What is read here of a signature serves only to say why it said no.
Nothing is written to a disk: signature and signers reach C(ssh-keygen) as anonymous files in memory.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import datetime as dt
import hashlib
import os
import re
import struct
import subprocess
import tempfile
import typing as t

from .._errors import EvidenceError

__all__ = [
    "SshSignature",
    "Verified",
    "check_principal",
    "fits",
    "in_memory",
    "path_of",
    "read_signature",
    "run_ssh_keygen",
    "shared_lines",
    "verify",
]

MAX_SIGNATURE = 1 << 16
_SECONDS = 30
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_GOOD = re.compile(r'Good "(?P<namespace>.*)" signature for (?P<principal>.*) with (?P<type>\S+) key (?P<key>SHA256:\S+)')
# As ssh-keygen splits a line: principals, perhaps in quotes, then options (or the key), whose quotes may hold spaces and commas.
_SIGNER = re.compile(r'[ \t\r]*("[^"]*"|[^ \t\r"#][^ \t\r"]*)[ \t\r]*(.*)')
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"?')
_LINE_OF_SIGNERS = re.compile(r"/(?:dev|proc/self)/fd/\d+:(\d+): ")


@dataclasses.dataclass(frozen=True)
class SshSignature:
    """What a signature says of itself: C(key) is C(SHA256:<fingerprint>) as C(ssh-keygen -l) shows it, C(armor) its one canonical text."""

    namespace: str
    key: str
    armor: bytes


@dataclasses.dataclass(frozen=True)
class Verified:
    """A signature that C(ssh-keygen) found good."""

    principal: str
    fingerprint: str


def check_principal(principal: str) -> str:
    """The principal itself.

    :raises EvidenceError: it could not stand in C(allowed_signers), or would confuse who reads it.
    """
    if not 1 <= len(principal) <= 254 or not principal.isprintable() or re.search(r'[\s,"*?!#]', principal):
        raise EvidenceError(f"{principal[:80]!r} is no name of a signer; use the name from allowed_signers, such as anna@example.com")
    return principal


def shared_lines(allowed_signers: str) -> list[str]:
    """A sentence for each line under which one holder of a key could sign as several people: a pattern for names, or a cert-authority."""
    sentences = []
    for number, line in enumerate(allowed_signers.split("\n"), 1):
        found = _SIGNER.match(line)
        if not found:
            continue
        names, options = found[1].strip('"'), re.split(r"[ \t\r]", _QUOTED.sub("", found[2]))[0]
        if re.search(r"[*?]", names):
            why = f"has the pattern {names[:80]!r}, under which one key signs as several people"
            sentences.append(f"line {number} of allowed_signers {why}; write each person's name")
        if "cert-authority" in options.lower().split(","):
            why = "is a cert-authority, whose holder signs as several people"
            sentences.append(f"line {number} of allowed_signers {why}; list each person's own key")
    return sentences


def _strings(blob: bytes) -> t.Iterator[bytes]:
    """The length-prefixed strings of SSH's wire format."""
    while blob:
        (length,) = struct.unpack_from(">I", blob)
        if 4 + length > len(blob):
            raise ValueError("it is cut off")
        yield blob[4 : 4 + length]
        blob = blob[4 + length :]


def _fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def read_signature(signature: bytes) -> SshSignature:
    """Take a signature apart, without judging it.

    :raises EvidenceError: it is none, or not of version 1 with SHA-256 or SHA-512.
    """
    try:
        if len(signature) > MAX_SIGNATURE:
            raise ValueError(f"it is longer than {MAX_SIGNATURE} bytes")
        if not signature.isascii():
            raise ValueError("it holds bytes that are not ASCII")
        lines = signature.decode("ascii").split()
        text = " ".join(lines)
        if not text.startswith(_BEGIN) or not text.endswith(_END):
            raise ValueError(f"it does not go from {_BEGIN} to {_END}")
        blob = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
        if blob[:10] != b"SSHSIG\x00\x00\x00\x01":
            raise ValueError("it is not of version 1")
        key, namespace, reserved, hash_name, _signed = _strings(blob[10:])
        if reserved or hash_name not in (b"sha256", b"sha512"):
            raise ValueError("its hash or a reserved part is not known")
        encoded = base64.b64encode(blob).decode("ascii")
        body = "\n".join(encoded[at : at + 70] for at in range(0, len(encoded), 70))
        return SshSignature(namespace.decode("utf-8", "replace"), _fingerprint(key), f"{_BEGIN}\n{body}\n{_END}\n".encode("ascii"))
    except (ValueError, struct.error, binascii.Error) as error:
        what = f"is not an SSH signature: {error}; sign again with ssh-keygen -Y sign"
        raise EvidenceError(what, details={"fault": "malformed"}) from error


@contextlib.contextmanager
def in_memory(name: str, data: bytes) -> t.Iterator[int]:
    """A descriptor of a file without a name that holds C(data)."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create(name)
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


def path_of(fd: int) -> str:
    """By which another process opens a descriptor that it was given; a host without systemd and udev may lack the first of the two."""
    return f"/dev/fd/{fd}" if os.path.isdir("/dev/fd") else f"/proc/self/fd/{fd}"


def run_ssh_keygen(
    *arguments: str, data: bytes, descriptors: t.Sequence[int] = (), keep: t.Mapping[str, str] | None = None, seconds: int = _SECONDS
) -> subprocess.CompletedProcess[bytes]:
    """C(ssh-keygen -Y ...) without a shell, without a terminal to ask on, in UTC; C(keep) adds to its environment.

    :raises EvidenceError: it is missing, or takes longer than C(seconds).
    """
    path = os.environ.get("PATH") or os.defpath
    environment = {"PATH": path, "LC_ALL": "C", "TZ": "UTC0", "SSH_ASKPASS_REQUIRE": "never", **(keep or {})}
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", *arguments],
            input=data,
            capture_output=True,
            pass_fds=descriptors,
            env=environment,
            start_new_session=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise _no_tool("is missing; install the package openssh-client (openssh on Red Hat and Fedora)") from error
    except OSError as error:
        raise _no_tool(f"cannot be started ({error.strerror}); repair that") from error
    except subprocess.TimeoutExpired as error:
        raise _no_tool(f"did not end within {seconds} seconds; look what holds it up") from error


def _no_tool(what: str) -> EvidenceError:
    return EvidenceError(f"ssh-keygen {what}", details={"fault": "no_tool"})


def verify(
    data: bytes, signature: bytes, *, allowed_signers: str, principal: str, namespace: str, at: dt.datetime | None = None
) -> Verified:
    """Verify that C(principal) signed C(data) for C(namespace) with a key that C(allowed_signers), the file's text, lists for them.

    Validity of the key is judged as of C(at), by default now; dates in C(allowed_signers) are read as UTC.

    :raises EvidenceError: with C(details["fault"]) one of C(malformed), C(namespace), C(tampered), C(expired), C(not_yet_valid),
        C(key_namespace), C(signers), C(unknown_signer), C(no_tool), and C(details["key"]) the fingerprint where the signature tells one.
    """
    check_principal(principal)
    try:
        claimed = read_signature(signature)
    except EvidenceError as error:
        raise EvidenceError(f"{principal}: the signature {error.message}", details=error.details) from error
    if claimed.namespace != namespace:
        what = f"the signature is for the namespace {claimed.namespace!r}, not {namespace}; sign again with -n {namespace}"
        raise _refusal(principal, claimed, "namespace", what)
    listed = allowed_signers.encode("utf-8", "surrogateescape")
    with in_memory("signature", signature) as sig, in_memory("allowed_signers", listed) as signers:
        files = ("-f", path_of(signers), "-s", path_of(sig))
        moment = () if at is None else (f"-Overify-time={at.astimezone(dt.timezone.utc):%Y%m%d%H%M%S}",)
        done = run_ssh_keygen("verify", *files, "-I", principal, "-n", namespace, *moment, data=data, descriptors=(signers, sig))
        found = _GOOD.fullmatch(done.stdout.decode("utf-8", "replace").rstrip("\r\n"))
        if done.returncode == 0 and found and found["principal"] == principal and found["namespace"] == namespace:
            return Verified(principal, found["key"])
    if not fits(data, signature, namespace=namespace):
        what = "the signature does not fit the text: it is over another text, or one of the two was changed; sign this very text again"
        raise _refusal(principal, claimed, "tampered", what)
    raise _why_not(principal, claimed, namespace, done.stderr.decode("utf-8", "replace"))


def fits(data: bytes, signature: bytes, *, namespace: str) -> bool:
    """Whether the signature is over this very text and for this namespace, whoever made it."""
    with in_memory("signature", signature) as sig:
        done = run_ssh_keygen("check-novalidate", "-s", path_of(sig), "-n", namespace, data=data, descriptors=(sig,))
    return done.returncode == 0


def _refusal(principal: str, claimed: SshSignature, fault: str, what: str) -> EvidenceError:
    return EvidenceError(f"{principal}: {what}", details={"fault": fault, "key": claimed.key})


def _why_not(principal: str, claimed: SshSignature, namespace: str, said: str) -> EvidenceError:
    """Why a signature that fits its text is not accepted, by what C(ssh-keygen) said of C(allowed_signers)."""
    said = _LINE_OF_SIGNERS.sub(r"allowed_signers line \1: ", said).strip()
    told = [line.strip() for line in said.splitlines() if line.startswith("allowed_signers line ")]
    for fault, mark, what in (
        ("expired", "key has expired", "is outside its validity"),
        ("not_yet_valid", "key is not yet valid", "is outside its validity"),
        ("key_namespace", "not permitted for use in signature namespace", f"may not sign for {namespace}"),
    ):
        lines = [line for line in told if mark in line]
        if lines:
            what = f"signed with key {claimed.key}, which {what} ({lines[0]}); use a key that may sign now"
            return _refusal(principal, claimed, fault, what)
    if told:
        what = f"the key {claimed.key} is not known, since a line cannot be read ({told[0]}); correct that line"
        return _refusal(principal, claimed, "signers", what)
    what = f"signed with key {claimed.key}, which allowed_signers does not list for {principal}; list it if it is theirs"
    return _refusal(principal, claimed, "unknown_signer", what)
