"""Certificates of every sort, written in DER by hand and signed at run time.

Keys come from the openssl command and live in a temporary directory only.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

# --- DER ------------------------------------------------------------------


def tlv(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def integer(n: int) -> bytes:
    return tlv(2, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    arcs = [int(a) for a in dotted.split(".")]
    out = bytearray([arcs[0] * 40 + arcs[1]])
    for arc in arcs[2:]:
        chunk = [arc & 0x7F]
        while arc := arc >> 7:
            chunk.append(0x80 | arc & 0x7F)
        out += bytes(reversed(chunk))
    return tlv(6, bytes(out))


def octets(body: bytes) -> bytes:
    return tlv(4, body)


def bits(body: bytes, unused: int = 0) -> bytes:
    return tlv(3, bytes([unused]) + body)


def moment(when: datetime) -> bytes:
    if when.year < 2050:
        return tlv(0x17, when.strftime("%y%m%d%H%M%SZ").encode())
    return tlv(0x18, when.strftime("%Y%m%d%H%M%SZ").encode())


def read_tlv(data: bytes, at: int = 0):
    """(tag, body, end) of the element at `at`."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        n = length & 0x7F
        length, start = int.from_bytes(data[start:start + n], "big"), start + n
    return tag, data[start:start + length], start + length


def children(body: bytes):
    at, out = 0, []
    while at < len(body):
        tag, inner, end = read_tlv(body, at)
        out.append((tag, inner))
        at = end
    return out


def pem(label: str, der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


# --- keys -----------------------------------------------------------------

NULL = tlv(5, b"")
HASHES = {"md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4", "sha256": "2.16.840.1.101.3.4.2.1",
          "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}
RSA_SIGNATURES = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5",
                  "sha256": "1.2.840.113549.1.1.11", "sha384": "1.2.840.113549.1.1.12",
                  "sha512": "1.2.840.113549.1.1.13"}
ECDSA_SIGNATURES = {"sha1": "1.2.840.10045.4.1", "sha256": "1.2.840.10045.4.3.2",
                    "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}


def openssl(*args: str, data: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *args], input=data, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(args)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


@dataclass
class Key:
    kind: str            # "rsa", "ec", "ed", "pss", "dsa"
    path: Path
    spki: bytes
    rsa: tuple[int, int] | None = None     # n, d

    @property
    def point(self) -> bytes:
        """The public key's raw bytes, as a key share carries them."""
        return children(read_tlv(self.spki)[1])[1][1][1:]

    def sign(self, data: bytes, digest: str = "sha256", pss: bool = False) -> bytes:
        if self.kind == "rsa" and not pss:
            n, d = self.rsa
            size = (n.bit_length() + 7) // 8
            if digest == "md5sha1":
                info = hashlib.md5(data).digest() + hashlib.sha1(data).digest()
            else:
                info = seq(seq(oid(HASHES[digest]), NULL), octets(hashlib.new(digest, data).digest()))
            padded = b"\0\x01" + b"\xff" * (size - len(info) - 3) + b"\0" + info
            return pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big")
        if self.kind == "ed":
            source = self.path.with_suffix(f".{threading.get_ident()}.tbs")
            source.write_bytes(data)
            try:
                return openssl("pkeyutl", "-sign", "-inkey", str(self.path), "-rawin", "-in", str(source))
            finally:
                source.unlink()
        options = []
        if pss or self.kind == "pss":
            options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        return openssl("dgst", f"-{digest}", "-sign", str(self.path), *options, data=data)

    def signature_algorithm(self, digest: str, pss: bool) -> bytes:
        if pss or self.kind == "pss":
            algorithm = seq(oid(HASHES[digest]), NULL)
            salt = hashlib.new(digest).digest_size
            return seq(oid("1.2.840.113549.1.1.10"),
                       seq(tlv(0xA0, algorithm), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), algorithm)),
                           tlv(0xA2, integer(salt))))
        if self.kind == "rsa":
            return seq(oid(RSA_SIGNATURES[digest]), NULL)
        if self.kind == "ec":
            return seq(oid(ECDSA_SIGNATURES[digest]))
        if self.kind == "ed":
            return read_tlv(self.spki)[1][: read_tlv(read_tlv(self.spki)[1])[2]]
        return seq(oid("2.16.840.1.101.3.4.3.2"))  # dsa-with-sha256


KEYS = {
    "rsa2048": ["RSA", "rsa_keygen_bits:2048"], "rsa3072": ["RSA", "rsa_keygen_bits:3072"],
    "rsa1024": ["RSA", "rsa_keygen_bits:1024"], "rsa1536": ["RSA", "rsa_keygen_bits:1536"],
    "rsa512": ["RSA", "rsa_keygen_bits:512"], "rsa2047": ["RSA", "rsa_keygen_bits:2047"],
    "p256": ["EC", "ec_paramgen_curve:P-256"], "p384": ["EC", "ec_paramgen_curve:P-384"],
    "p521": ["EC", "ec_paramgen_curve:P-521"], "p224": ["EC", "ec_paramgen_curve:P-224"],
    "k256": ["EC", "ec_paramgen_curve:secp256k1"], "bp256": ["EC", "ec_paramgen_curve:brainpoolP256r1"],
    "p192": ["EC", "ec_paramgen_curve:prime192v1"],
    "ed25519": ["ED25519"], "ed448": ["ED448"], "pss2048": ["RSA-PSS", "rsa_keygen_bits:2048"],
    "root": ["RSA", "rsa_keygen_bits:2048"], "issuing": ["RSA", "rsa_keygen_bits:2048"],
    "stranger": ["RSA", "rsa_keygen_bits:2048"], "ec-root": ["EC", "ec_paramgen_curve:P-256"],
    "client": ["EC", "ec_paramgen_curve:P-256"],
}


def make_key(directory: Path, name: str) -> Key:
    algorithm, *options = KEYS[name]
    path = directory / f"{name}.key"
    args = ["genpkey", "-algorithm", algorithm, "-out", str(path)]
    for option in options:
        args += ["-pkeyopt", option]
    openssl(*args)
    spki = openssl("pkey", "-in", str(path), "-pubout", "-outform", "DER")
    kind = {"RSA": "rsa", "EC": "ec", "RSA-PSS": "pss"}.get(algorithm, "ed")
    rsa = None
    if kind == "rsa":
        inner = children(read_tlv(openssl("rsa", "-in", str(path), "-traditional", "-outform", "DER"))[1])
        rsa = int.from_bytes(inner[1][1], "big"), int.from_bytes(inner[3][1], "big")
    return Key(kind, path, spki, rsa)


# --- certificates ---------------------------------------------------------

def name(common: str | None) -> bytes:
    if common is None:
        return seq()
    return seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(0x0C, common.encode()))))


def ext(dotted: str, body: bytes, critical: bool = False) -> bytes:
    return seq(oid(dotted), *([tlv(1, b"\xff")] if critical else []), octets(body))


def san(*names: str) -> bytes:
    parts = []
    for n in names:
        octets4 = n.split(".")
        if len(octets4) == 4 and all(o.isdigit() for o in octets4):
            parts.append(tlv(0x87, bytes(int(o) for o in octets4)))
        else:
            parts.append(tlv(0x82, n.encode()))
    return ext("2.5.29.17", seq(*parts))


def basic_constraints(ca: bool, path_length: int | None = None) -> bytes:
    inner = tlv(1, b"\xff") if ca else b""
    if path_length is not None:
        inner += integer(path_length)
    return ext("2.5.29.19", seq(inner), True)


def key_usage(value: int, unused: int) -> bytes:
    return ext("2.5.29.15", bits(bytes([value]), unused), True)


SERVER_AUTH = ext("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1")))
CLIENT_AUTH = ext("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.2")))
UNKNOWN_CRITICAL = ext("1.3.6.1.4.1.55555.7", octets(b"?"), True)


def padding(size: int) -> bytes:
    return ext("1.3.6.1.4.1.55555.8", octets(b"\x5a" * size))


def permitted_dns(domain: str) -> bytes:
    return ext("2.5.29.30", seq(tlv(0xA0, seq(tlv(0x82, domain.encode())))), True)


NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)


@dataclass
class Authority:
    subject: str
    key: Key
    der: bytes = b""


@dataclass
class Identity:
    """What a server shows: its chain, leaf first, and the key of the leaf."""
    chain: list[bytes]
    key: Key
    pem_path: Path | None = None


@dataclass
class Pki:
    directory: Path
    keys: dict[str, Key] = field(default_factory=dict)
    serial: int = 0x1000
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        with ThreadPoolExecutor(4) as pool:
            made = {n: pool.submit(make_key, self.directory, n) for n in KEYS}
            self.keys = {n: f.result() for n, f in made.items()}
        self.root = self.authority("Peers Root", "root")
        self.ec_root = self.authority("Peers EC Root", "ec-root")
        self.sha1_root = self.authority("Peers Old Root", "root", digest="sha1")
        self.stranger = self.authority("Some Other Root", "stranger")
        self.issuing = self.authority("Peers Issuing CA", "issuing", by=self.root)
        self.roots_path = self.directory / "roots.pem"
        self.roots_path.write_text("".join(
            pem("CERTIFICATE", a.der) for a in (self.root, self.ec_root, self.sha1_root)))
        self.client_identity = self.leaf("client.peers.test", "client", by=self.root, exts=[CLIENT_AUTH])

    def certificate(self, subject: bytes, key: Key, issuer: bytes, signer: Key, *, digest="sha256", pss=False,
                    start=NOW - 10 * DAY, end=NOW + 300 * DAY, exts=(), version=2, serial=None,
                    inner_algorithm=None, spoil=False) -> bytes:
        with self.lock:
            self.serial += 1
            serial = self.serial if serial is None else serial
        algorithm = signer.signature_algorithm(digest, pss)
        tbs = seq(*([tlv(0xA0, integer(version))] if version else []), integer(serial),
                  inner_algorithm or algorithm, issuer, seq(moment(start), moment(end)), subject, key.spki,
                  *([tlv(0xA3, seq(*exts))] if exts else []))
        signature = bytearray(signer.sign(tbs, digest, pss))
        if spoil:
            signature[len(signature) // 2] ^= 1
        return seq(tbs, algorithm, bits(bytes(signature)))

    def authority(self, common: str, key: str, by: Authority | None = None, *, exts=None, ca=True,
                  path_length=None, **bend) -> Authority:
        made = Authority(common, self.keys[key])
        signer = by or made
        default = [basic_constraints(ca, path_length), key_usage(0x06, 1)]
        bend.setdefault("start", NOW - 1000 * DAY)
        bend.setdefault("end", NOW + 1000 * DAY)
        made.der = self.certificate(name(common), made.key, name(signer.subject), signer.key,
                                    exts=default + list(exts or ()), **bend)
        return made

    def leaf(self, host: str, key: str = "rsa2048", by: Authority | None = None, *, names=None, via=None,
             exts=(), common=None, ca=None, usage=True, tail=None, **bend) -> Identity:
        """A leaf for `host`. `names` replaces the alternative names (an empty list
        leaves the extension out), `via` is the chain sent after the leaf, `tail` is
        sent behind everything."""
        by = by or self.issuing
        if via is None:
            via = [self.issuing.der] if by is self.issuing else []
        names = [host] if names is None else names
        listed = []
        if bend.get("version", 2) == 2:
            listed = [basic_constraints(bool(ca))] if ca is not None else []
            listed += [san(*names)] if names else []
            listed += [key_usage(0xA0, 5)] if usage else []
            listed += list(exts) or [SERVER_AUTH]
        k = self.keys[key]
        if isinstance(by, str):  # signed by itself
            by = Authority(common or host, k)
        der = self.certificate(name(common or (host if len(host) < 64 else None)), k, name(by.subject), by.key,
                               exts=listed, **bend)
        return Identity([der, *via, *(tail or [])], k)

    def write(self, identity: Identity) -> Path:
        with self.lock:
            self.serial += 1
            path = self.directory / f"chain-{self.serial}.pem"
        path.write_text("".join(pem("CERTIFICATE", c) for c in identity.chain))
        return path


# --- the collection -------------------------------------------------------

def identities():
    """name -> (how it is made, is it good, why). Each is made for a given host when needed."""
    good, bad = True, False
    table: dict[str, tuple] = {}

    def add(label, verdict, why, make, *, only12=False):
        table[label] = (make, verdict, why, only12)

    for label, key in {"rsa-2048": "rsa2048", "rsa-3072": "rsa3072", "ecdsa-p256": "p256", "ecdsa-p384": "p384",
                       "ecdsa-p521": "p521", "ed25519": "ed25519", "ed448": "ed448"}.items():
        # The verifier of the preflight need not know Ed448 or P-521; it must not call them a fault.
        add(label, good, "DESIGN 6: certificates of the baseline", lambda p, h, key=key: p.leaf(h, key))
    add("rsa-pss-key", None, "RFC 8446 4.2.3 rsa_pss_pss: few verifiers know the key type",
        lambda p, h: p.leaf(h, "pss2048"))
    add("rsa-pss-signed", good, "RFC 8446 4.2.3: a PSS signature with SHA-256",
        lambda p, h: p.leaf(h, pss=True))
    for digest in ("sha384", "sha512"):
        add(f"{digest}-signed", good, "DESIGN 6: SHA-256 up", lambda p, h, d=digest: p.leaf(h, digest=d))
    add("ecdsa-signed", good, "DESIGN 6", lambda p, h: p.leaf(h, "p256", by=p.ec_root))
    add("root-sha1", good, "DESIGN 6: SHA-256 up *below the root*; a root's own signature says nothing",
        lambda p, h: p.leaf(h, by=p.sha1_root))
    add("root-sent-too", good, "RFC 8446 4.4.2: the root may be sent", lambda p, h: p.leaf(h, tail=[p.root.der]))
    add("stranger-in-chain", good, "RFC 8446 4.4.2: be ready for extraneous certificates",
        lambda p, h: p.leaf(h, tail=[p.stranger.der]))
    add("chain-out-of-order", good, "RFC 8446 4.4.2: arbitrary order after the leaf",
        lambda p, h: p.leaf(h, via=[p.stranger.der, p.root.der, p.issuing.der]))
    add("leaf-twice", good, "seen in the field, harmless", lambda p, h: _leaf_twice(p, h))
    add("wildcard", good, "RFC 9525 6.3", lambda p, h: p.leaf(h, names=["*." + h.split(".", 1)[1]]))
    add("many-names", good, "a CDN's leaf with 400 names",
        lambda p, h: p.leaf(h, names=[f"n{i}.cdn.example" for i in range(400)] + [h]))
    add("upper-case-name", good, "RFC 9525: names compare without case", lambda p, h: p.leaf(h, names=[h.upper()]))
    add("no-common-name", good, "RFC 9525: only the alternative names count",
        lambda p, h: p.leaf(h, common="x"))
    add("far-future", good, "RFC 5280 4.1.2.5.2: GeneralizedTime",
        lambda p, h: p.leaf(h, end=datetime(2099, 1, 1, tzinfo=timezone.utc)))
    add("key-usage-absent", good, "RFC 5280 4.2.1.3: optional", lambda p, h: p.leaf(h, usage=False))
    add("chain-90k", good, "issue 2: 90 KB certificate messages are good traffic", lambda p, h: _long_chain(p, h, 29000))
    add("chain-30k", good, "a long chain", lambda p, h: _long_chain(p, h, 9000))

    add("expired", bad, "DESIGN 5 invalid-certificate", lambda p, h: p.leaf(h, start=NOW - 90 * DAY, end=NOW - DAY))
    add("expired-just-now", bad, "DESIGN 5 invalid-certificate",
        lambda p, h: p.leaf(h, end=NOW - timedelta(minutes=5)))
    add("not-yet-valid", bad, "DESIGN 5 invalid-certificate", lambda p, h: p.leaf(h, start=NOW + DAY))
    add("wrong-name", bad, "DESIGN 5 invalid-certificate", lambda p, h: p.leaf(h, names=["other.example"]))
    add("parent-name", bad, "RFC 9525: the parent's name is another name",
        lambda p, h: p.leaf(h, names=[h.split(".", 1)[1]]))
    add("wildcard-too-high", bad, "RFC 9525 6.3: one label only",
        lambda p, h: p.leaf(h, names=["*." + h.split(".", 2)[2]]))
    add("wildcard-nul", bad, "a NUL in a name ends nothing", lambda p, h: p.leaf(h, names=[h + "\0.evil.example"]))
    add("suffix-name", bad, "RFC 9525", lambda p, h: p.leaf(h, names=[h + ".evil.example"]))
    add("cn-only", bad, "RFC 9525: the common name is not looked at", lambda p, h: p.leaf(h, names=[]))
    add("self-signed", bad, "DESIGN 5 untrusted", lambda p, h: p.leaf(h, by="self", via=[]))
    add("self-signed-ca", bad, "DESIGN 5 untrusted", lambda p, h: p.leaf(h, by="self", via=[], ca=True))
    add("untrusted-root", bad, "DESIGN 5 untrusted", lambda p, h: p.leaf(h, by=p.stranger, via=[p.stranger.der]))
    add("same-name-root", bad, "the issuer's name is right, its key is not", lambda p, h: _impostor(p, h))
    add("missing-intermediate", bad, "DESIGN 5 untrusted: no path", lambda p, h: p.leaf(h, via=[]))
    add("sha1-signed", bad, "DESIGN 6: SHA-256 up below the root", lambda p, h: p.leaf(h, digest="sha1"))
    add("md5-signed", bad, "DESIGN 6: SHA-256 up below the root", lambda p, h: p.leaf(h, digest="md5"))
    for label, key in {"rsa-512": "rsa512", "rsa-1024": "rsa1024", "rsa-1536": "rsa1536", "ecdsa-p192": "p192",
                       "ecdsa-p224": "p224"}.items():
        add(label, bad, "DESIGN 6: RSA 2048 up, ECDSA P-256 up", lambda p, h, key=key: p.leaf(h, key))
    add("rsa-2047", bad, "DESIGN 6: RSA 2048 up; one bit less is less", lambda p, h: p.leaf(h, "rsa2047"))
    add("ecdsa-secp256k1", bad, "DESIGN 6: not listed", lambda p, h: p.leaf(h, "k256"))
    add("ecdsa-brainpool256", None, "DESIGN 6 lists brainpool for key exchange only", lambda p, h: p.leaf(h, "bp256"))
    add("weak-intermediate", bad, "DESIGN 6 holds for the whole chain", lambda p, h: _via(p, h, key="rsa1024"))
    add("sha1-intermediate", bad, "DESIGN 6 holds for the whole chain", lambda p, h: _via(p, h, digest="sha1"))
    add("expired-intermediate", bad, "RFC 5280 6.1", lambda p, h: _via(p, h, end=NOW - DAY))
    add("intermediate-is-no-ca", bad, "RFC 5280 6.1.4 (k)", lambda p, h: _via(p, h, ca=False))
    add("leaf-signs-leaf", bad, "RFC 5280 6.1.4 (k)", lambda p, h: _leaf_signs_leaf(p, h))
    add("path-length-exceeded", bad, "RFC 5280 6.1.4 (l)", lambda p, h: _path_length(p, h))
    add("name-constraint-violated", bad, "RFC 5280 6.1.3 (b)",
        lambda p, h: _via(p, h, exts=[permitted_dns("other.example")]))
    add("unknown-critical-extension", bad, "RFC 5280 4.2",
        lambda p, h: p.leaf(h, exts=[SERVER_AUTH, UNKNOWN_CRITICAL]))
    add("client-auth-only", bad, "RFC 5280 4.2.1.12: not for servers", lambda p, h: p.leaf(h, exts=[CLIENT_AUTH]))
    add("bad-signature", bad, "the issuer never signed this", lambda p, h: p.leaf(h, spoil=True))
    add("version-1", bad, "no alternative name can stand in a v1 certificate", lambda p, h: p.leaf(h, version=0))
    add("ca-true-leaf", None, "webpki refuses a CA as end entity, OpenSSL does not", lambda p, h: p.leaf(h, ca=True))
    add("address-in-dns-name", bad, "the leaf is for another host", lambda p, h: p.leaf(h, names=["127.0.0.1"]))
    return table


def _leaf_twice(p: Pki, h: str) -> Identity:
    made = p.leaf(h)
    return Identity([made.chain[0], *made.chain], made.key)


def _long_chain(p: Pki, h: str, size: int) -> Identity:
    a = p.authority("Peers Long A", "issuing", by=p.root, exts=[padding(size)])
    b = p.authority("Peers Long B", "rsa3072", by=a, exts=[padding(size)])
    c = p.authority("Peers Long C", "issuing", by=b, exts=[padding(size)])
    return p.leaf(h, by=c, via=[c.der, b.der, a.der])


def _impostor(p: Pki, h: str) -> Identity:
    fake = Authority("Peers Root", p.keys["stranger"])
    return p.leaf(h, by=fake, via=[])


def _via(p: Pki, h: str, key: str = "rsa3072", **bend) -> Identity:
    between = p.authority("Peers Odd CA", key, by=p.root, **bend)
    return p.leaf(h, by=between, via=[between.der])


def _leaf_signs_leaf(p: Pki, h: str) -> Identity:
    honest = p.leaf("evil.example", "rsa3072")
    forger = Authority("evil.example", honest.key)
    return p.leaf(h, by=forger, via=honest.chain)


def _path_length(p: Pki, h: str) -> Identity:
    a = p.authority("Peers Short CA", "rsa3072", by=p.root, path_length=0)
    b = p.authority("Peers Sub CA", "issuing", by=a)
    return p.leaf(h, by=b, via=[b.der, a.der])
