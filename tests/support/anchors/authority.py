"""A timestamp authority on the loopback (``openssl ts`` signs) that misbehaves on demand, with its certificates."""

from __future__ import annotations

import contextlib
import datetime
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/{name}.pem
certs = {folder}/root.pem
signer_key = {folder}/{name}.key
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
TIMES = (datetime.timedelta(days=-10), datetime.timedelta(days=3650))
PAST = (datetime.timedelta(days=-10), datetime.timedelta(days=-5))
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
HASHES: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
Span = tuple[datetime.timedelta, datetime.timedelta]


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _built(subject: str, key: Key, issuer: str, by: Key, span: Span) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + span[0])
        .not_valid_after(now + span[1])
    )


class Authority:
    """``how``: ``honest`` or one of the methods of ``_Answer``. ``root`` is its PEM file, ``folder`` holds its keys."""

    def __init__(
        self,
        folder: Path,
        name: str = "Some Authority",
        make_key: Callable[[], Key] = lambda: ec.generate_private_key(ec.SECP256R1()),
        digest: str = "sha256",
    ) -> None:
        """``digest``: what its tokens and certificates are signed with."""
        folder.mkdir(parents=True, exist_ok=True)
        self._make_key, self.digest = make_key, digest
        self._hash = HASHES[digest]
        self.folder, self.name, self.how, self.url = folder, name, "honest", ""
        self.stop = threading.Event()
        self.asked = 0
        self._last = 0
        self._root_key = make_key()
        root = _built(f"{name} Root", self._root_key, f"{name} Root", self._root_key, TIMES)
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        (folder / "root.pem").write_bytes(
            root.sign(self._root_key, self._hash).public_bytes(serialization.Encoding.PEM)
        )
        (folder / "serial").write_text("01\n")
        self._issue("tsa", name, TIMES, ExtendedKeyUsageOID.TIME_STAMPING)
        self._issue("past", name, PAST, ExtendedKeyUsageOID.TIME_STAMPING)
        self._issue("mail", name, TIMES, ExtendedKeyUsageOID.EMAIL_PROTECTION)

    @property
    def root(self) -> Path:
        """The certificate to trust, as PEM."""
        return self.folder / "root.pem"

    def _issue(self, file: str, subject: str, span: Span, usage: x509.ObjectIdentifier) -> None:
        key = self._make_key()
        made = _built(subject, key, f"{self.name} Root", self._root_key, span)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        pem = made.sign(self._root_key, self._hash).public_bytes(serialization.Encoding.PEM)
        (self.folder / f"{file}.pem").write_bytes(pem)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / f"{file}.key").write_bytes(secret)

    def reply(self, query: bytes, name: str = "tsa") -> bytes:
        """The answer to a query, signed with one of its keys: each in a later second than the one before.

        Stamps have whole seconds, and two of the same second show no order; simulated trainings take less than one.
        """
        folder = self.folder
        while int(time.time()) <= self._last:
            time.sleep(0.02)
        (folder / f"{name}.cnf").write_text(CONFIG.format(folder=folder, name=name, digest=self.digest))
        (folder / "query").write_bytes(query)
        _openssl(folder, "ts", "-reply", "-config", f"{name}.cnf", "-queryfile", "query", "-out", "reply")
        self._last = int(time.time())
        return (folder / "reply").read_bytes()

    def signed_by_mail(self, query: bytes) -> bytes:
        """The token of ``reply``, signed with a certificate that is for mail alone (`openssl ts` would refuse to)."""
        folder = self.folder
        self.reply(query)
        _openssl(folder, "ts", "-reply", "-in", "reply", "-token_out", "-out", "token")
        _openssl(folder, *["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info", "-binary"])
        kind = "1.2.840.113549.1.9.16.1.4"
        sign = f"cms -sign -binary -nodetach -econtent_type {kind} -signer mail.pem -inkey mail.key -in info"
        _openssl(folder, *f"{sign} -outform DER -out token -md sha256".split())
        body = b"\x30\x03\x02\x01\x00" + (folder / "token").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    authority: Authority

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    lock = threading.Lock()

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        authority = self.server.authority
        query = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            authority.asked += 1
            getattr(self, authority.how)(query)

    def _send(self, body: bytes, status: int = 200, kind: str = "application/timestamp-reply", **more: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def honest(self, query: bytes) -> None:
        self._send(self.server.authority.reply(query))

    def wrong_nonce(self, query: bytes) -> None:
        end = len(query) - 4  # behind the nonce stands certReq, three bytes
        self._send(self.server.authority.reply(query[:end] + bytes([query[end] ^ 1]) + query[end + 1 :]))

    def wrong_digest(self, query: bytes) -> None:
        at = query.index(b"\x04\x20") + 2
        self._send(self.server.authority.reply(query[:at] + bytes([query[at] ^ 1]) + query[at + 1 :]))

    def expired(self, query: bytes) -> None:
        self._send(self.server.authority.reply(query, "past"))

    def other_usage(self, query: bytes) -> None:
        self._send(self.server.authority.signed_by_mail(query))

    def damaged(self, query: bytes) -> None:
        reply = self.server.authority.reply(query)
        self._send(reply[:-1] + bytes([reply[-1] ^ 1]))

    def refusing(self, query: bytes) -> None:
        sha256, other = bytes.fromhex("0304020105"), bytes.fromhex("0304020205")
        self._send(self.server.authority.reply(query.replace(sha256, other, 1)))

    def html(self, query: bytes) -> None:
        self._send(b"<!DOCTYPE html><html><body>Welcome</body></html>", kind="text/html")

    def garbage(self, query: bytes) -> None:
        self._send(b"\x30\x80nonsense")

    def busy(self, query: bytes) -> None:
        self._send(b"later", 503, "text/plain")

    def redirect(self, query: bytes) -> None:
        self._send(b"", 302, Location="http://169.254.169.254/latest/meta-data")

    def huge(self, query: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.authority.stop.is_set():
                self.wfile.write(bytes(1 << 16))

    def stall(self, query: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.authority.stop.wait(0.05):
                self.wfile.write(b"0")
                self.wfile.flush()


@contextlib.contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """Serve it on a free port of the loopback until the end of the block."""
    server = _Server(("127.0.0.1", 0), _Answer)
    server.authority = authority
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/tsr"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        authority.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
