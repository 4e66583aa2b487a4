"""Whole scripted handshakes, with everything that a scenario may want to bend."""

from __future__ import annotations

import wire
from conn import CLIENT_MARK, client_tail, close, half_close, hear, say, say_in_pieces, script, server_tail, until_eof

SERVER_RANDOM = wire.filler(32, 99)
RSA_SHA1, RSA_MD5, RSA_SHA256, PSS_SHA256 = 0x0201, 0x0101, 0x0401, 0x0804
ECDSA_SHA1, ECDSA_SHA256 = 0x0203, 0x0403
_DIGESTS = {1: "md5", 2: "sha1", 3: "sha224", 4: "sha256", 5: "sha384", 6: "sha512"}


# --- clients --------------------------------------------------------------

def hello(*, record_version=wire.TLS10, size=16384, **bend):
    """A ClientHello in records, as a part of a turn."""
    return lambda c: wire.records(wire.HANDSHAKE, c.run.hello(**bend), record_version, size)


def client13(opening=None, **bend):
    return script(say(opening or hello(**bend)), hear(), finish13())


def finish13():
    return [say(wire.ccs(), wire.app(wire.filler(53, 41)), wire.app(CLIENT_MARK)), hear(), half_close(),
            until_eof(), close()]


def client_exchange(kx: str, *, group="x25519", dh_prime=None, dh_generator=2, **_) -> bytes:
    """The ClientKeyExchange body that answers what the server asked for."""
    if kx in ("rsa", "rsa-export"):
        return wire.vec16(wire.filler(256 if kx == "rsa" else 64, 47))
    prime = dh_prime if dh_prime is not None else wire.ffdhe(2048)
    if "ecdh" in kx:
        share = wire.vec8(wire.share_bytes(group, False)[:200])
    elif kx in ("psk", "rsa-psk"):
        share = wire.vec16(wire.filler(256, 47)) if kx == "rsa-psk" else b""
    elif kx == "srp":
        share = wire.vec16(wire.filler(256, 48))
    else:
        share = wire.vec16(wire.to_bytes(pow(dh_generator, 0xBEEF4321ABCD, prime)))
    return (wire.vec16(b"identity") if "psk" in kx else b"") + share


def second_flight12(version=wire.TLS12, certificate=False, size=16384):
    """The client's second flight, with the key exchange that the server's script left for it."""
    def part(c):
        exchange = c.run.made.get("client-exchange", wire.vec8(wire.filler(32, 43)))
        messages = key = wire.handshake(16, exchange)
        if certificate == "empty":
            messages = wire.handshake(11, wire.vec24(b"")) + key
        elif certificate:
            messages = (wire.certificate12(c.run.pki.client_identity.chain) + key
                        + wire.handshake(15, wire.u16(ECDSA_SHA256) + wire.vec16(wire.filler(71, 45))))
        return (wire.records(wire.HANDSHAKE, messages, version, size) + wire.ccs(version)
                + wire.record(wire.HANDSHAKE, wire.filler(40, 46), version))
    return part


def client12(opening=None, *, version=wire.TLS12, certificate=False, **bend):
    bend.setdefault("versions", None)
    return script(say(opening or hello(**bend)), hear(), say(second_flight12(version, certificate)), hear(),
                  client_tail(version))


def client_any(opening=None, **bend):
    """Offers 1.3 and 1.2 and goes on as 1.2 once the hellos are through."""
    return script(say(opening or hello(**bend)), hear(), say(second_flight12()), hear(), client_tail())


# --- 1.3 servers ----------------------------------------------------------

def server_hello13(*, group="x25519", suite=0x1301, version=wire.TLS13, legacy=wire.TLS12, session_id=wire.SESSION_ID,
                   random=SERVER_RANDOM, exts=None, add=(), compression=0, tail=b"") -> bytes:
    if exts is None:
        exts = [wire.selected_version(version)]
        if group is not None:
            exts.append(wire.server_share(group))
    return wire.server_hello(random, version=legacy, session_id=session_id, suite=suite, compression=compression,
                             exts=list(exts) + list(add), tail=tail)


ENCRYPTED = b"".join(wire.app(wire.filler(n, n)) for n in (39, 1203, 281, 69))


def flight13(*, size=16384, after=wire.ccs() + ENCRYPTED, **bend) -> bytes:
    return wire.records(wire.HANDSHAKE, server_hello13(**bend), wire.TLS12, size) + after


def server13(**bend):
    return script(hear(), say(flight13(**bend)), server_tail())


def server13_early(**bend):
    """The same for a client that says its early data as a turn of its own."""
    return script(hear(), say(flight13(**bend)), hear(), server_tail())


def server13_raw(*parts):
    """A 1.3 server whose whole first flight is given."""
    return script(hear(), say(*parts), server_tail())


def retry_pair(*, retry=None, second=None, client_first=None, client_second=None, between=b"", first_bend=None,
               second_bend=None, server_bend=None, retry_bend=None, early=b""):
    """(client, server) of a handshake with a HelloRetryRequest."""
    first_bend = {"shares": ("x25519",), **(first_bend or {})}
    second_bend = {**first_bend, "shares": ("secp256r1",), **(second_bend or {})}
    client = script(
        say(client_first or hello(**first_bend)), [say(early)] if early else [], hear(),
        say(wire.ccs(), client_second or hello(record_version=wire.TLS12, **second_bend)), hear(), finish13())
    retry_bytes = retry or wire.records(wire.HANDSHAKE, wire.hello_retry(**(retry_bend or {})))
    server = script(hear(), say(retry_bytes, wire.ccs(), between), [hear()] if early else [], hear(),
                    say(second or flight13(after=ENCRYPTED, **{"group": "secp256r1", **(server_bend or {})})),
                    server_tail())
    return client, server


# --- 1.2 servers (and older) ----------------------------------------------

def exchange_params(c, kx: str, *, group="x25519", curve_type=3, point=None, dh_prime=None, dh_generator=2,
                    dh_public=None, dh_pad=0) -> bytes:
    if "ecdhe" in kx:
        if curve_type != 3:
            return bytes([curve_type]) + wire.vec8(wire.filler(32, 61)) + wire.filler(150, 62)
        if point is None:
            key = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521", "secp224r1": "p224",
                   "secp256k1": "k256", "brainpoolP256r1": "bp256", "secp192r1": "p192"}.get(group)
            point = c.run.pki.keys[key].point if key else wire.share_bytes(group, True)[:200]
        return b"\x03" + wire.u16(wire.group_id(group)) + wire.vec8(point)
    prime = dh_prime if dh_prime is not None else wire.ffdhe(2048)
    public = dh_public if dh_public is not None else pow(dh_generator, 0xC0FFEE1234567, prime)
    return (wire.vec16(bytes(dh_pad) + wire.to_bytes(prime)) + wire.vec16(wire.to_bytes(dh_generator))
            + wire.vec16(wire.to_bytes(public)))


def key_exchange(c, kx: str, *, version=wire.TLS12, sign=RSA_SHA256, spoil=False, identity="good", leaf=None,
                 random=SERVER_RANDOM, hint=None, **params) -> bytes:
    """A ServerKeyExchange, signed with the key of the certificate shown."""
    if kx == "rsa-export":
        n, e = wire.filler(64, 71), b"\x01\0\x01"
        body = wire.vec16(n) + wire.vec16(e)
    elif kx == "srp":
        body = b"".join(wire.vec16(wire.filler(n, 72)) for n in (256, 1)) + wire.vec8(bytes(16)) + wire.vec16(wire.filler(256, 73))
    else:
        body = exchange_params(c, kx, **params)
    if "psk" in kx:
        return wire.handshake(12, wire.vec16(hint or b"") + body)
    if kx.startswith("anon") or kx == "srp":
        return wire.handshake(12, body)
    key = c.run.identity(identity, **(leaf or {})).key
    covered = c.run.random + random + body
    if version < wire.TLS12:
        signature = wire.vec16(key.sign(covered, "md5sha1" if key.kind == "rsa" else "sha1"))
    else:
        digest, pss = (_DIGESTS[sign >> 8], False) if sign < 0x0800 else ("sha256", sign in (0x0804, 0x0809))
        made = bytearray(key.sign(covered, digest, pss))
        if spoil:
            made[len(made) // 2] ^= 1
        signature = wire.u16(sign) + wire.vec16(bytes(made))
    return wire.handshake(12, body + signature)


def messages12(c, *, version=wire.TLS12, suite=0xC02F, kx="ecdhe", identity="good", leaf=None, chain=None,
               session_id=b"", exts=None, add=(), compression=0, random=SERVER_RANDOM, request=False, status=False,
               no_certificate=False, skip_exchange=False, before_done=b"", after_hello=b"", **exchange) -> list[bytes]:
    c.run.made["client-exchange"] = client_exchange(kx, **exchange)
    if exts is None:
        exts = [(wire.RENEGOTIATION_INFO, b"\0"), (wire.EXTENDED_MASTER_SECRET, b"")]
        exts = [] if version == wire.SSL3 else exts
    exts = list(exts) + list(add) + ([(wire.STATUS_REQUEST, b"")] if status else [])
    out = [wire.server_hello(random, version=version, session_id=session_id, suite=suite, compression=compression,
                             exts=exts or None)]
    if after_hello:
        out.append(after_hello)
    if not (kx.startswith("anon") or kx in ("psk", "dhe-psk", "ecdhe-psk", "srp") or no_certificate):
        shown = c.run.identity(identity, **(leaf or {})).chain if chain is None else chain
        out.append(wire.certificate12(shown))
        if status:
            out.append(wire.handshake(22, b"\x01" + wire.vec24(wire.filler(900, 81))))
    if kx not in ("rsa", "psk", "rsa-psk", "dh", "ecdh") and not skip_exchange:
        out.append(key_exchange(c, kx, version=version, identity=identity, leaf=leaf, random=random, **exchange))
    if request:
        out.append(wire.certificate_request12())
    if before_done:
        out.append(before_done)
    out.append(wire.server_hello_done())
    return out


def flight12(*, size=16384, one_record=False, record_version=None, **bend):
    def part(c):
        messages = messages12(c, **bend)
        version = record_version if record_version is not None else bend.get("version", wire.TLS12)
        if one_record:
            return wire.records(wire.HANDSHAKE, b"".join(messages), version, size)
        return b"".join(wire.records(wire.HANDSHAKE, m, version, size) for m in messages)
    return part


def finished12(version=wire.TLS12, ticket=False):
    new_ticket = wire.record(wire.HANDSHAKE, wire.handshake(4, bytes(4) + wire.vec16(wire.filler(180, 91))), version)
    return (new_ticket if ticket else b"") + wire.ccs(version) + wire.record(wire.HANDSHAKE, wire.filler(40, 92), version)


def server12(*, ticket=False, pieces=0, **bend):
    version = bend.get("version", wire.TLS12)
    first = say_in_pieces(pieces, flight12(**bend)) if pieces else say(flight12(**bend))
    return script(hear(), first, hear(), say(finished12(version, ticket)), server_tail(version))


def server12_raw(*parts):
    """A 1.2 server whose whole first flight is given."""
    return script(hear(), say(*parts), hear(), say(finished12()), server_tail())


def handshake_records(*messages):
    """Each part (bytes or a function of the connection giving bytes) as one record."""
    def part(c):
        made = [m(c) if callable(m) else m for m in messages]
        return b"".join(wire.records(wire.HANDSHAKE, m) for m in made)
    return part
