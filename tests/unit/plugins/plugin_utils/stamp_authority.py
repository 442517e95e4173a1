# Copyright (c) 2026 recordings.disposal contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A time-stamp authority made of C(openssl ts), behind a server on loopback."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import pathlib
import subprocess
import threading
import typing as t

__all__ = ["Authority", "Server", "serving"]

_CONFIG = """[tsa]
default_tsa = tsa1
[tsa1]
serial = {path}/serial
signer_cert = {path}/tsa.crt
signer_key = {path}/tsa.key
certs = {path}/ca.crt
default_policy = 1.2.3.4.1
digests = sha256, sha512
signer_digest = sha256
ess_cert_id_chain = no
ordering = no
tsa_name = no
clock_precision_digits = 3
[req]
distinguished_name = name
prompt = no
[name]
CN = authority
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


class Authority:
    """Keys and certificates of an authority, valid from yesterday on for C(days)."""

    def __init__(self, path: pathlib.Path, *, days: int = 30) -> None:
        path.mkdir(parents=True)
        self.path, self.ca_file = path, str(path / "ca.crt")
        (path / "serial").write_text("01\n")
        (path / "tsa.conf").write_text(_CONFIG.format(path=path))
        new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.crt", "-days", "3650", "-subj", "/CN=ca", "-extensions", "ca")
        self._openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa")
        self.certify(days)

    def certify(self, days: int) -> None:
        """The certificate that stamps; with a negative number it has expired."""
        now = dt.datetime.now(dt.timezone.utc)
        begin = now - dt.timedelta(days=abs(days) + 1)
        (self.path / "index").write_text("")
        (self.path / "ca.conf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={self.path}/index\nrand_serial=yes\nnew_certs_dir={self.path}\nunique_subject=no\npolicy=p\n"
            "default_md=sha256\n[p]\ncommonName=supplied\n"
        )
        dates = ("-startdate", f"{begin:%Y%m%d%H%M%SZ}", "-enddate", f"{now + dt.timedelta(days=days):%Y%m%d%H%M%SZ}")
        given = ("-batch", "-notext", "-config", "ca.conf", "-extfile", "tsa.conf", "-extensions", "stamping", *dates)
        self._run("ca", *given, "-cert", "ca.crt", "-keyfile", "ca.key", "-in", "tsa.csr", "-out", "tsa.crt")

    def _openssl(self, command: str, *arguments: str) -> None:
        self._run(command, "-config", "tsa.conf", *arguments)

    def _run(self, *arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=self.path, check=True, capture_output=True, timeout=60).stdout

    def reply(self, query: bytes) -> bytes:
        (self.path / "query").write_bytes(query)
        return self._run("ts", "-reply", "-config", "tsa.conf", "-queryfile", "query")

    def query(self, data: bytes) -> bytes:
        """A query of its own, with another nonce than that of whoever asks."""
        (self.path / "data").write_bytes(data)
        return self._run("ts", "-query", "-data", "data", "-sha256", "-cert")


class Server(http.server.ThreadingHTTPServer):
    """:ivar asked: path, type of content and length of each request."""

    def __init__(self, answer: t.Callable[[bytes], bytes | int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[tuple[str, str, int]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/stamp"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Content-Type"], len(query)))
        answer = self.server.answer(query)
        if isinstance(answer, int):
            self.send_response(answer)
            self.send_header("Location", self.server.url)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(answer)

    def log_message(self, *_arguments: t.Any) -> None:
        return


@contextlib.contextmanager
def serving(answer: t.Callable[[bytes], bytes | int]) -> t.Iterator[Server]:
    with Server(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
