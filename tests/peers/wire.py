"""TLS on the wire, byte by byte: records, handshake messages, extensions.

Everything here builds or takes apart bytes. No sockets, no cryptography: the
proxy cannot decrypt, so what would be encrypted is filler of the right shape.
"""

from __future__ import annotations

CCS, ALERT, HANDSHAKE, APPLICATION, HEARTBEAT = 20, 21, 22, 23, 24

SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0300, 0x0301, 0x0302, 0x0303, 0x0304

ALERTS = {
    "close_notify": 0, "unexpected_message": 10, "bad_record_mac": 20, "record_overflow": 22,
    "handshake_failure": 40, "bad_certificate": 42, "unsupported_certificate": 43,
    "certificate_revoked": 44, "certificate_expired": 45, "certificate_unknown": 46,
    "illegal_parameter": 47, "unknown_ca": 48, "access_denied": 49, "decode_error": 50,
    "decrypt_error": 51, "protocol_version": 70, "insufficient_security": 71,
    "internal_error": 80, "inappropriate_fallback": 86, "user_canceled": 90,
    "missing_extension": 109, "unsupported_extension": 110, "unrecognized_name": 112,
}
ALERT_NAMES = {code: name for name, code in ALERTS.items()}

# Named groups: code point, length of a client's and of a server's share.
GROUPS = {
    "x25519": (29, 32, 32), "x448": (30, 56, 56),
    "secp256r1": (23, 65, 65), "secp384r1": (24, 97, 97), "secp521r1": (25, 133, 133),
    "brainpoolP256r1": (26, 65, 65), "brainpoolP384r1": (27, 97, 97), "brainpoolP512r1": (28, 129, 129),
    "brainpoolP256r1tls13": (31, 65, 65), "brainpoolP384r1tls13": (32, 97, 97),
    "brainpoolP512r1tls13": (33, 129, 129),
    "ffdhe2048": (0x100, 256, 256), "ffdhe3072": (0x101, 384, 384), "ffdhe4096": (0x102, 512, 512),
    "ffdhe6144": (0x103, 768, 768), "ffdhe8192": (0x104, 1024, 1024),
    "SecP256r1MLKEM768": (0x11EB, 65 + 1184, 65 + 1088), "X25519MLKEM768": (0x11EC, 1184 + 32, 1088 + 32),
    "SecP384r1MLKEM1024": (0x11ED, 97 + 1568, 97 + 1568),
    "MLKEM512": (0x200, 800, 768), "MLKEM768": (0x201, 1184, 1088), "MLKEM1024": (0x202, 1568, 1568),
    "curveSM2MLKEM768": (0x11EE, 65 + 1184, 65 + 1088),
    "X25519Kyber768Draft00": (0x6399, 32 + 1184, 32 + 1088),
    "curveSM2": (41, 65, 65), "GC256A": (34, 64, 64), "GC512A": (38, 128, 128),
    "sect163k1": (1, 43, 43), "sect163r1": (2, 43, 43), "sect163r2": (3, 43, 43), "sect193r1": (4, 51, 51),
    "sect233k1": (6, 61, 61), "sect233r1": (7, 61, 61), "sect283k1": (9, 73, 73), "sect283r1": (10, 73, 73),
    "sect409r1": (12, 105, 105), "sect571k1": (13, 145, 145), "sect571r1": (14, 145, 145),
    "secp160k1": (15, 41, 41), "secp160r1": (16, 41, 41), "secp160r2": (17, 41, 41),
    "secp192k1": (18, 49, 49), "secp192r1": (19, 49, 49), "secp224k1": (20, 57, 57),
    "secp224r1": (21, 57, 57), "secp256k1": (22, 65, 65),
}
GROUP_IDS = {name: spec[0] for name, spec in GROUPS.items()}
GROUP_NAMES = {spec[0]: name for name, spec in GROUPS.items()}

# Extension types.
SNI, STATUS_REQUEST, SUPPORTED_GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS = 0, 5, 10, 11, 13
HEARTBEAT_EXT, ALPN, SCT, PADDING, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET = 15, 16, 18, 21, 22, 23
RECORD_SIZE_LIMIT, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA, SUPPORTED_VERSIONS = 28, 35, 41, 42, 43
COOKIE, PSK_MODES, POST_HANDSHAKE_AUTH, KEY_SHARE = 44, 45, 49, 51
ECH, RENEGOTIATION_INFO = 0xFE0D, 0xFF01

HRR_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
DOWNGRADE_12 = b"DOWNGRD\x01"
DOWNGRADE_11 = b"DOWNGRD\x00"

SESSION_ID = bytes(range(0x40, 0x60))


def u8(n: int) -> bytes:
    return n.to_bytes(1, "big")


def u16(n: int) -> bytes:
    return n.to_bytes(2, "big")


def u24(n: int) -> bytes:
    return n.to_bytes(3, "big")


def vec8(body: bytes) -> bytes:
    return u8(len(body)) + body


def vec16(body: bytes) -> bytes:
    return u16(len(body)) + body


def vec24(body: bytes) -> bytes:
    return u24(len(body)) + body


def filler(n: int, seed: int = 7) -> bytes:
    """Bytes that look like ciphertext and are the same in every run."""
    out = bytearray()
    state = (seed * 2654435761 + 12345) & 0xFFFFFFFF
    while len(out) < n:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out += state.to_bytes(4, "big")
    return bytes(out[:n])


# --- records and messages -------------------------------------------------

def record(kind: int, body: bytes, version: int = TLS12) -> bytes:
    return u8(kind) + u16(version) + vec16(body)


def records(kind: int, body: bytes, version: int = TLS12, size: int = 16384) -> bytes:
    """The body cut into records of at most `size` bytes."""
    if not body:
        return record(kind, b"", version)
    return b"".join(record(kind, body[at:at + size], version) for at in range(0, len(body), size))


def handshake(kind: int, body: bytes) -> bytes:
    return u8(kind) + vec24(body)


def alert(code: int | str, level: int = 2, version: int = TLS12) -> bytes:
    code = ALERTS[code] if isinstance(code, str) else code
    return record(ALERT, bytes([level, code]), version)


def ccs(version: int = TLS12, body: bytes = b"\x01") -> bytes:
    return record(CCS, body, version)


def app(body: bytes, version: int = TLS12) -> bytes:
    return record(APPLICATION, body, version)


def extension(kind: int, body: bytes = b"") -> tuple[int, bytes]:
    return kind, body


def extensions(pairs) -> bytes:
    return vec16(b"".join(u16(kind) + vec16(body) for kind, body in pairs))


# --- extensions -----------------------------------------------------------

def sni(name: str | bytes, kind: int = 0) -> tuple[int, bytes]:
    name = name.encode() if isinstance(name, str) else name
    return SNI, vec16(u8(kind) + vec16(name))


def sni_list(*names: str | bytes) -> tuple[int, bytes]:
    raw = [n.encode() if isinstance(n, str) else n for n in names]
    return SNI, vec16(b"".join(b"\0" + vec16(n) for n in raw))


def group_id(group: str | int) -> int:
    return GROUP_IDS[group] if isinstance(group, str) else group


def share_bytes(group: str | int, server: bool) -> bytes:
    name = group if isinstance(group, str) else GROUP_NAMES.get(group)
    length = GROUPS[name][2 if server else 1] if name else 1
    body = filler(length, group_id(group) + (1000 if server else 0))
    if name and name.startswith(("sec", "brain", "curveSM2")) and "MLKEM" not in name:
        body = b"\x04" + body[1:]
    if name and name.startswith(("SecP", "curveSM2MLKEM")):
        body = b"\x04" + body[1:]
    if name and name.startswith("ffdhe"):
        body = b"\x12" + body[1:]  # below every ffdhe prime, and not tiny
    return body


def supported_groups(groups) -> tuple[int, bytes]:
    return SUPPORTED_GROUPS, vec16(b"".join(u16(group_id(g)) for g in groups))


def key_share_entry(group: str | int, server: bool) -> bytes:
    return u16(group_id(group)) + vec16(share_bytes(group, server))


def client_shares(groups) -> tuple[int, bytes]:
    return KEY_SHARE, vec16(b"".join(key_share_entry(g, False) for g in groups))


def server_share(group: str | int) -> tuple[int, bytes]:
    return KEY_SHARE, key_share_entry(group, True)


def supported_versions(versions) -> tuple[int, bytes]:
    return SUPPORTED_VERSIONS, vec8(b"".join(u16(v) for v in versions))


def selected_version(version: int) -> tuple[int, bytes]:
    return SUPPORTED_VERSIONS, u16(version)


def alpn(*names: str) -> tuple[int, bytes]:
    return ALPN, vec16(b"".join(vec8(n.encode()) for n in names))


def signature_algorithms(codes) -> tuple[int, bytes]:
    return SIGNATURE_ALGORITHMS, vec16(b"".join(u16(c) for c in codes))


def psk_modes(*modes: int) -> tuple[int, bytes]:
    return PSK_MODES, vec8(bytes(modes))


def pre_shared_key(identity: bytes = b"", binder: bytes = b"") -> tuple[int, bytes]:
    identity = identity or filler(120, 3)
    binder = binder or filler(32, 4)
    return PRE_SHARED_KEY, vec16(vec16(identity) + bytes(4)) + vec16(vec8(binder))


def ech_outer(enc: int = 32, payload: int = 176, config_id: int = 0x5A) -> tuple[int, bytes]:
    """An encrypted_client_hello of the outer kind; a GREASE one looks just the same."""
    return ECH, (b"\0" + u16(1) + u16(1) + u8(config_id) + vec16(filler(enc, 11)) + vec16(filler(payload, 12)))


def grease(n: int) -> int:
    return (n % 16) * 0x1010 + 0x0A0A


MODERN_SUITES = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0x009E, 0x009F,
                 0xC009, 0xC013, 0xC00A, 0xC014)
MODERN_GROUPS = ("x25519", "secp256r1", "secp384r1")
MODERN_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)


def client_hello_body(host, random: bytes, *, legacy=TLS12, session_id=SESSION_ID, suites=MODERN_SUITES,
                      compression=b"\0", versions=(TLS13, TLS12), groups=MODERN_GROUPS, shares=("x25519",),
                      signatures=MODERN_SIGNATURES, protocols=("http/1.1",), modes=(1,), drop=(), add=(),
                      first=(), only=None, tail=b"") -> bytes:
    """A ClientHello as a current client sends it, bent by the arguments.

    `host` is the server name (None leaves the extension out), `first` and `add`
    are extensions put before and after the usual ones, `drop` leaves types out,
    `only` replaces the whole list and `tail` follows the extension block.
    """
    usual = []
    if host is not None:
        usual.append(sni(host))
    usual += [(EXTENDED_MASTER_SECRET, b""), (RENEGOTIATION_INFO, b"\0")]
    if groups is not None:
        usual.append(supported_groups(groups))
    usual += [(POINT_FORMATS, b"\x01\x00"), (SESSION_TICKET, b"")]
    if protocols:
        usual.append(alpn(*protocols))
    usual.append((STATUS_REQUEST, b"\x01\0\0\0\0"))
    if signatures is not None:
        usual.append(signature_algorithms(signatures))
    usual.append((SCT, b""))
    if versions is not None and any(v not in (SSL3, TLS10, TLS11, TLS12) for v in versions):
        if shares is not None:
            usual.append(client_shares(shares))
        usual.append(psk_modes(*modes))
    if versions is not None:
        usual.append(supported_versions(versions))
    chosen = [e for e in usual if e[0] not in drop]
    chosen = list(first) + chosen + list(add) if only is None else list(only)
    body = u16(legacy) + random + vec8(session_id)
    body += vec16(b"".join(u16(s) for s in suites)) + vec8(compression)
    if chosen or only is None:
        body += extensions(chosen)
    return body + tail


def client_hello(host, random: bytes, **bend) -> bytes:
    return handshake(1, client_hello_body(host, random, **bend))


def server_hello(random: bytes, *, version=TLS12, session_id=b"", suite=0xC02F, compression=0, exts=(),
                 tail=b"") -> bytes:
    body = u16(version) + random + vec8(session_id) + u16(suite) + u8(compression)
    if exts is not None:
        body += extensions(exts)
    return handshake(2, body + tail)


def hello_retry(*, session_id=SESSION_ID, suite=0x1301, group: str | int | None = "secp256r1", version=TLS13,
                cookie=None, exts=()) -> bytes:
    pairs = [selected_version(version)]
    if group is not None:
        pairs.append((KEY_SHARE, u16(group_id(group))))
    if cookie is not None:
        pairs.append((COOKIE, vec16(cookie)))
    return server_hello(HRR_RANDOM, session_id=session_id, suite=suite, exts=pairs + list(exts))


def certificate12(chain) -> bytes:
    return handshake(11, vec24(b"".join(vec24(c) for c in chain)))


def certificate13(chain) -> bytes:
    return handshake(11, vec8(b"") + vec24(b"".join(vec24(c) + vec16(b"") for c in chain)))


def certificate_request12() -> bytes:
    return handshake(13, vec8(b"\x01\x40") + vec16(b"".join(u16(s) for s in MODERN_SIGNATURES)) + vec16(b""))


def server_hello_done() -> bytes:
    return handshake(14, b"")


def split_records(data: bytes):
    """(kind, version, body) of each whole record; what does not parse is dropped."""
    at = 0
    while at + 5 <= len(data):
        length = int.from_bytes(data[at + 3:at + 5], "big")
        if at + 5 + length > len(data):
            return
        yield data[at], int.from_bytes(data[at + 1:at + 3], "big"), data[at + 5:at + 5 + length]
        at += 5 + length


def last_alert(data: bytes) -> int | None:
    """The code of a plaintext alert that ends the stream, if one does."""
    found = None
    for kind, _, body in split_records(data):
        found = body[1] if kind == ALERT and len(body) == 2 else None
    if found is None and len(data) >= 7 and data[-7] == ALERT and data[-6] == 3 and data[-4:-2] == b"\0\x02":
        found = data[-1]
    return found


def server_random_of(hello_message: bytes) -> bytes:
    return hello_message[6:38]


# --- Diffie-Hellman primes (RFC 2409, 3526, 7919, computed from their definitions) ----

def _scaled_pi(bits: int) -> int:
    guard = 64
    one = 1 << (bits + guard)

    def arctan_inverse(x: int) -> int:
        term = one // x
        total, n, sign = term, 3, -1
        while term:
            term //= x * x
            total += sign * (term // n)
            n, sign = n + 2, -sign
        return total

    return (4 * (4 * arctan_inverse(5) - arctan_inverse(239))) >> guard


def _scaled_e(bits: int) -> int:
    guard = 64
    term = 1 << (bits + guard)
    total, n = 0, 1
    while term:
        total += term
        term //= n
        n += 1
    return total >> guard


_MODP = {768: 149686, 1024: 129093, 1536: 741804, 2048: 124476, 3072: 1690314, 4096: 240904}
_FFDHE = {2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}


def modp(bits: int) -> int:
    return 2**bits - 2**(bits - 64) - 1 + 2**64 * (_scaled_pi(bits - 130) + _MODP[bits])


def ffdhe(bits: int) -> int:
    return 2**bits - 2**(bits - 64) + (_scaled_e(bits - 130) + _FFDHE[bits]) * 2**64 - 1


def to_bytes(n: int) -> bytes:
    return n.to_bytes((n.bit_length() + 7) // 8 or 1, "big")
