"""Pictures that say something of their own use: in XMP, and in content credentials signed with a certificate of now."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image, PngImagePlugin

PLUS = "http://ns.useplus.org/ldf/vocab/"
MIME = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff", "GIF": "image/gif"}
_SPACES = (
    'xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:tdm="http://www.w3.org/ns/tdmrep#" '
    'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:cc="http://creativecommons.org/ns#"'
)
_BORN = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def packet(attributes: str = "", elements: str = "") -> bytes:
    """An XMP packet that says this."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'{_SPACES} {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def picture(kind: str = "JPEG", colour: int = 0, xmp: bytes | None = None) -> bytes:
    """A small picture; always the same for the same values."""
    out = io.BytesIO()
    said: dict[str, Any] = {} if xmp is None else {"xmp": xmp}
    if xmp is not None and kind == "PNG":
        said = {"pnginfo": PngImagePlugin.PngInfo()}
        said["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    if xmp is not None and kind == "TIFF":
        said = {"tiffinfo": {700: xmp}}
    Image.new("RGB", (64, 64), (200, colour % 256, 90)).save(out, kind, **said)
    return out.getvalue()


@cache
def _chain() -> tuple[bytes, bytes]:
    """A certificate with its issuer's, and its key, made now."""
    now = datetime.datetime.now(datetime.UTC)
    of_issuer, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(whose: str, key: ec.EllipticCurvePrivateKey, *, issues: bool) -> x509.Certificate:
        built = (
            x509.CertificateBuilder()
            .subject_name(_name(whose))
            .issuer_name(_name("issuer of a test"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(of_issuer.public_key()), critical=False)
            .add_extension(_usage(issues), critical=True)
        )
        if not issues:
            built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
        return built.sign(of_issuer, hashes.SHA256())

    chain = certificate("a test", own, issues=False), certificate("issuer of a test", of_issuer, issues=True)
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return (
        b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain),
        own.private_bytes(serialization.Encoding.PEM, *plain),
    )


def _name(text: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, text), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Emotionet")]
    )


def _usage(issues: bool) -> x509.KeyUsage:
    rest = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(digital_signature=True, key_cert_sign=issues, crl_sign=issues, decipher_only=False, **rest)


def signed(data: bytes, uses: Mapping[str, str] | None, kind: str = "JPEG", label: str = "cawg") -> bytes:
    """A picture with content credentials; ``uses``: what the assertion says, None: there is none."""
    certificates, key = _chain()
    assertions: list[dict[str, Any]] = [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": _BORN}]},
        }
    ]
    if uses is not None:
        entries = {f"{label}.{name}": {"use": use} for name, use in uses.items()}
        assertions.append({"label": f"{label}.training-mining", "data": {"entries": entries}})
    made = {"claim_generator_info": [{"name": "a test", "version": "1"}], "assertions": assertions}
    signer = c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(alg=b"es256", sign_cert=certificates, private_key=key, ta_url=None)
    )
    out = io.BytesIO()
    c2pa.Builder(made).sign(signer, MIME[kind], io.BytesIO(data), out)
    return out.getvalue()
