"""What servers agree to: versions, suites, groups, parameters, signatures, hellos that cannot be."""

from __future__ import annotations

import wire
from flows import (ECDSA_SHA1, ECDSA_SHA256, PSS_SHA256, RSA_MD5, RSA_SHA1, RSA_SHA256, SERVER_RANDOM, client12,
                   client13, client_any, finish13, hello, server12, server13)
from conn import hear, say, script
from real import lite_client, lite_server, ssl_client, ssl_server
from scenario import PASS, WEAK, Scenario, either, refuse
from suites import GOOD, SUITES12, SUITES13, TASTE, WEAK as WEAK_SUITE

VERDICT = {GOOD: PASS, WEAK_SUITE: WEAK, TASTE: either("weak-tls")}
VERSION = refuse("weak-tls", alerts={70, 71, 40, 47})


def versions():
    names = {wire.SSL3: "ssl3", wire.TLS10: "tls10", wire.TLS11: "tls11", wire.TLS12: "tls12"}
    for version, name in names.items():
        good = version == wire.TLS12
        for suite, kx in ((0xC014, "ecdhe"), (0x002F, "rsa")):
            if good and kx == "rsa":
                continue
            yield Scenario(f"server/version/{name}-{kx}", "DESIGN 6: 1.2 and 1.3; offered 1.2, answered lower",
                           PASS if good else VERSION,
                           client12(version=version, suites=(0xC02F, suite)),
                           server12(version=version, suite=suite, kx=kx))
        if not good:
            yield Scenario(f"server/version/{name}-where-1.3-was-offered", "the first ServerHello is not 1.3",
                           VERSION, client_any(suites=(*wire.MODERN_SUITES, 0x002F)),
                           server12(version=version, suite=0xC014))
    for version in (0x0305, 0x0306, 0x0203, 0x0002, 0x0000, 0x0403, 0xFEFD, 0x7F1C, 0x0A0A):
        yield Scenario(f"server/version/legacy-field-{version:04x}", "not a version of TLS", VERSION,
                       client12(), server12(version=version, record_version=wire.TLS12))
    for version, name in ((0x7F1C, "draft28"), (0x7F12, "draft18"), (0x0305, "1.4"), (0x7E02, "unassigned"),
                          (0x1A1A, "grease"), (0xFB1A, "facebook-draft26"), (wire.TLS11, "1.1"), (wire.SSL3, "ssl3"),
                          (wire.TLS12, "1.2-in-supported-versions")):
        offered = (0x1A1A, version, wire.TLS13, wire.TLS12) if version not in (0x1A1A, wire.TLS12) else (0x1A1A, wire.TLS13, wire.TLS12)
        expect = VERSION if version != wire.TLS12 else either("weak-tls", "not-tls")
        yield Scenario(f"server/version/supported-versions-{name}",
                       "issue 2: the selected version must be a real one, no draft", expect,
                       client13(versions=offered), server13(version=version))
    yield Scenario("server/version/1.3-not-offered", "RFC 8446 4.1.3: a version never offered", WEAK,
                   script(say(hello(versions=None)), hear(), finish13()), server13())
    yield Scenario("server/version/1.3-in-legacy-field", "RFC 8446 4.1.3: legacy_version is 0x0303", WEAK,
                   client13(), server13(legacy=wire.TLS13, exts=[wire.server_share("x25519")]))
    yield Scenario("server/version/1.3-with-legacy-1.1", "RFC 8446 4.1.3", either("weak-tls", "not-tls"),
                   client13(), server13(legacy=wire.TLS11))
    yield Scenario("server/version/1.2-not-offered", "a client of 1.3 alone got 1.2", WEAK,
                   script(say(hello(versions=(wire.TLS13,))), hear(), finish13()), server12(suite=0xC02F))
    yield Scenario("server/version/1.3-good", "the plain good case", PASS, client13(), server13())
    yield Scenario("server/version/1.3-versions-grease", "RFC 8701: GREASE in offers", PASS,
                   client13(versions=(0x3A3A, wire.TLS13, wire.TLS12)), server13())
    yield Scenario("server/version/1.3-no-session-id", "RFC 8446: without compatibility mode", PASS,
                   client13(session_id=b""), server13(session_id=b"", after=b"".join(
                       wire.app(wire.filler(n)) for n in (40, 900))))
    yield Scenario("server/version/1.3-session-id-not-echoed", "RFC 8446 4.1.3: the client aborts anyway",
                   either("weak-tls", "not-tls"), client13(), server13(session_id=b"other"))


def suites():
    for code, name, kx, auth, verdict in SUITES12:
        leaf = {"identity": "ec", "leaf": {"key": "p256"}, "sign": ECDSA_SHA256} if auth == "ecdsa" else {}
        yield Scenario(f"server/suite12/{code:04x}-{name}", "DESIGN 6, TLS 1.2 suites", VERDICT[verdict],
                       client12(suites=(code, *wire.MODERN_SUITES)), server12(suite=code, kx=kx, **leaf))
    for code, name, verdict in SUITES13:
        expect = VERDICT[verdict]
        yield Scenario(f"server/suite13/{code:04x}-{name}", "DESIGN 6, TLS 1.3 suites; issue 2: the suite must encrypt",
                       expect, client13(suites=(code, *wire.MODERN_SUITES)), server13(suite=code))
    for code in (0x1305, 0x1304, 0xC0B4):
        yield Scenario(f"server/suite13/{code:04x}-never-offered", "RFC 8446 4.1.3: a suite never offered", WEAK,
                       client13(), server13(suite=code))
    for code, kx in ((0xC027, "ecdhe"), (0x009E, "dhe"), (0xC0AC, "ecdhe")):
        yield Scenario(f"server/suite12/{code:04x}-never-offered", "RFC 5246 7.4.1.3: a suite never offered", WEAK,
                       client12(suites=(0xC02F, 0xC030)), server12(suite=code, kx=kx))


GOOD_GROUPS13 = {"x25519", "x448", "secp256r1", "secp384r1", "secp521r1", "brainpoolP256r1tls13",
                 "brainpoolP384r1tls13", "brainpoolP512r1tls13", "ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144",
                 "ffdhe8192", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"}
TASTE_GROUPS13 = {"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"}
GOOD_GROUPS12 = {"x25519", "x448", "secp256r1", "secp384r1", "secp521r1", "brainpoolP256r1", "brainpoolP384r1",
                 "brainpoolP512r1"}
TASTE_GROUPS12 = {"brainpoolP256r1tls13", "brainpoolP384r1tls13", "brainpoolP512r1tls13", "ffdhe2048", "ffdhe3072",
                  "ffdhe4096", "ffdhe6144", "ffdhe8192", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"}


def groups():
    for name in wire.GROUPS:
        expect = PASS if name in GOOD_GROUPS13 else either("weak-tls") if name in TASTE_GROUPS13 else WEAK
        both = (name, "x25519") if name != "x25519" else (name, "secp256r1")
        yield Scenario(f"server/group13/{name}", "DESIGN 6, key exchange; RFC 8446 4.2.7", expect,
                       client13(groups=both, shares=both), server13(group=name))
    for code in (0xFF01, 0x0A0A, 0x4138, 0x0):
        yield Scenario(f"server/group13/unknown-{code:04x}", "DESIGN 6: what is not listed is weak", WEAK,
                       client13(groups=(code, "x25519"), shares=(code, "x25519")), server13(group=code))
    for name in ("secp256r1", "X25519MLKEM768", "ffdhe3072"):
        yield Scenario(f"server/group13/{name}-never-offered", "RFC 8446 4.2.8: a group never offered", WEAK,
                       client13(groups=("x25519", "secp384r1"), shares=("x25519",)), server13(group=name))
    yield Scenario("server/group13/offered-without-a-share", "RFC 8446 4.2.8: the share must answer one sent",
                   either("weak-tls", "not-tls"), client13(), server13(group="secp256r1"))
    for name in ("x448", "secp256r1", "X25519MLKEM768"):
        share = wire.key_share_entry(name, True)
        for label, body in (("short", share[:2] + wire.vec16(share[4:-1])), ("empty", share[:2] + wire.vec16(b"")),
                            ("truncated", share[:-3])):
            yield Scenario(f"server/group13/{name}-share-{label}", "RFC 8446 4.2.8: a share of the wrong size",
                           refuse("weak-tls", "not-tls") if label != "short" else either("weak-tls", "not-tls"),
                           client13(groups=(name, "x25519"), shares=(name, "x25519")),
                           server13(group=None, add=[(wire.KEY_SHARE, body)]))
    for name in wire.GROUPS:
        if name.startswith("ffdhe") and name not in ("ffdhe2048", "ffdhe8192"):
            continue
        expect = PASS if name in GOOD_GROUPS12 else either("weak-tls", "not-tls") if name in TASTE_GROUPS12 else WEAK
        yield Scenario(f"server/group12/{name}", "DESIGN 6, key exchange; RFC 8422 5.4", expect,
                       client12(groups=(name, "secp384r1")), server12(group=name))
    for kind, label in ((1, "explicit-prime"), (2, "explicit-char2"), (0, "zero"), (7, "unassigned")):
        yield Scenario(f"server/group12/{label}", "RFC 8422 5.4: only named curves", refuse("weak-tls", "not-tls"),
                       client12(), server12(curve_type=kind))
    yield Scenario("server/group12/never-offered", "RFC 8422 5.4: a curve never offered", WEAK,
                   client12(groups=("x25519",)), server12(group="secp384r1"))
    yield Scenario("server/group12/no-groups-extension", "RFC 8422 4: then the server may choose", PASS,
                   client12(groups=None), server12(group="secp256r1"))
    yield Scenario("server/group12/empty-point", "RFC 8422 5.4", either("weak-tls", "not-tls"), client12(),
                   server12(point=b""))


def diffie_hellman():
    odd = {2047: (1 << 2046) | int.from_bytes(wire.filler(250, 5), "big") | 1,
           512: (1 << 511) | int.from_bytes(wire.filler(60, 6), "big") | 1,
           1023: (1 << 1022) | int.from_bytes(wire.filler(120, 8), "big") | 1,
           2049: (1 << 2048) | int.from_bytes(wire.filler(250, 9), "big") | 1}
    primes = {512: odd[512], 768: wire.modp(768), 1023: odd[1023], 1024: wire.modp(1024), 1536: wire.modp(1536),
              2047: odd[2047], 2048: wire.modp(2048), 2049: odd[2049], 3072: wire.modp(3072), 4096: wire.modp(4096)}
    for bits, prime in primes.items():
        yield Scenario(f"server/dh/{bits}", "DESIGN 6: DH of 2048 bits up", PASS if bits >= 2048 else WEAK,
                       client12(suites=(0x009E, 0xC02F)), server12(suite=0x009E, kx="dhe", dh_prime=prime))
    for bits in (2048, 3072, 8192):
        yield Scenario(f"server/dh/ffdhe{bits}", "RFC 7919", PASS, client12(suites=(0x009E, 0xC02F)),
                       server12(suite=0x009E, kx="dhe", dh_prime=wire.ffdhe(bits)))
    yield Scenario("server/dh/1024-padded-to-2048", "the prime's bits count, not its field's length", WEAK,
                   client12(suites=(0x009E, 0xC02F)),
                   server12(suite=0x009E, kx="dhe", dh_prime=wire.modp(1024), dh_pad=128))
    yield Scenario("server/dh/2048-with-a-leading-zero", "RFC 5246: an opaque integer", PASS,
                   client12(suites=(0x009E, 0xC02F)),
                   server12(suite=0x009E, kx="dhe", dh_prime=wire.modp(2048), dh_pad=1))
    for label, public in (("one", 1), ("zero", 0), ("p-minus-one", wire.modp(2048) - 1)):
        yield Scenario(f"server/dh/public-value-{label}", "RFC 7919 5.1: no secret at all",
                       either("weak-tls", "not-tls"), client12(suites=(0x009E, 0xC02F)),
                       server12(suite=0x009E, kx="dhe", dh_prime=wire.modp(2048), dh_public=public))


def signatures():
    cases = (("rsa-md5", RSA_MD5, {}, WEAK), ("rsa-sha1", RSA_SHA1, {}, WEAK), ("rsa-sha256", RSA_SHA256, {}, PASS),
             ("rsa-sha512", 0x0601, {}, PASS), ("rsa-pss-sha256", PSS_SHA256, {}, PASS),
             ("ecdsa-sha1", ECDSA_SHA1, {"key": "p256"}, WEAK), ("ecdsa-sha256", ECDSA_SHA256, {"key": "p256"}, PASS),
             ("ecdsa-sha384-p384", 0x0503, {"key": "p384"}, PASS), ("ed25519", 0x0807, {"key": "ed25519"}, PASS),
             ("ed448", 0x0808, {"key": "ed448"}, PASS))
    offered = (*wire.MODERN_SIGNATURES, 0x0203, 0x0201, 0x0101, 0x0301)
    for label, sign, leaf, expect in cases:
        yield Scenario(f"server/signature/{label}", "issue 2: the ServerKeyExchange's signature hash; RFC 9155", expect,
                       client12(signatures=offered, suites=(0xC02B, 0xC02F)),
                       server12(suite=0xC02B if leaf else 0xC02F, sign=sign, identity="signer", leaf=leaf))
    yield Scenario("server/signature/rsa-sha224", "DESIGN 6: SHA-256 up", either("weak-tls"),
                   client12(signatures=offered), server12(sign=0x0301))
    yield Scenario("server/signature/never-offered", "RFC 5246 7.4.3", either("weak-tls", "not-tls"),
                   client12(signatures=(0x0401,)), server12(sign=0x0501))
    yield Scenario("server/signature/does-not-fit", "the client refuses it if the proxy does not",
                   either("weak-tls", "not-tls", "invalid-certificate"), client12(), server12(spoil=True))
    yield Scenario("server/signature/dhe-sha1", "RFC 9155", WEAK,
                   client12(signatures=offered, suites=(0x009E, 0xC02F)),
                   server12(suite=0x009E, kx="dhe", sign=RSA_SHA1))
    yield Scenario("server/signature/no-offer-sha1", "RFC 5246 7.4.1.4.1: without the extension SHA-1 is meant", WEAK,
                   client12(signatures=None), server12(sign=RSA_SHA1))
    yield Scenario("server/signature/no-offer-sha256", "the agreed one counts", either("weak-tls"),
                   client12(signatures=None), server12(sign=RSA_SHA256))


def impossible_hellos():
    yield Scenario("server/hello/compression-deflate", "DESIGN 6: compression is weak (CRIME)", WEAK,
                   client12(compression=b"\x01\0"), server12(compression=1))
    yield Scenario("server/hello/compression-in-1.3", "RFC 8446 4.1.3", WEAK, client13(), server13(compression=1))
    yield Scenario("server/hello/compression-never-offered", "RFC 5246 7.4.1.3", WEAK, client12(),
                   server12(compression=64))
    for label, tail, expect in (("1.2", wire.DOWNGRADE_12, WEAK), ("1.1", wire.DOWNGRADE_11, WEAK)):
        random = SERVER_RANDOM[:24] + tail
        yield Scenario(f"server/hello/downgrade-sentinel-{label}", "RFC 8446 4.1.3, where 1.3 was offered", expect,
                       client_any(), server12(random=random))
    yield Scenario("server/hello/sentinel-without-1.3-offered",
                   "issue 2: the sentinel only counts when the client offered 1.3", PASS, client12(),
                   server12(random=SERVER_RANDOM[:24] + wire.DOWNGRADE_12))
    yield Scenario("server/hello/sentinel-1.1-without-1.3-offered",
                   "RFC 8446 4.1.3: a 1.2 client should check this one, when it agrees on less", either("weak-tls"),
                   client12(), server12(random=SERVER_RANDOM[:24] + wire.DOWNGRADE_11))
    yield Scenario("server/hello/sentinel-in-1.3", "RFC 8446 4.1.3: only below 1.3", either("weak-tls"), client13(),
                   server13(random=SERVER_RANDOM[:24] + wire.DOWNGRADE_12))
    yield Scenario("server/hello/1.2-where-1.3-was-offered", "an honest 1.2 server", PASS, client_any(), server12())
    yield Scenario("server/hello/no-extensions", "RFC 5246: the block is optional", PASS, client12(), server12(exts=()))
    for label, add in (("extension-never-offered", [(0x1234, b"?")]),
                       ("alpn-never-offered", [wire.alpn("h2")]),
                       ("extension-of-the-client-only", [(wire.PSK_MODES, b"\x01\x01")])):
        yield Scenario(f"server/hello/{label}-1.2", "RFC 8446 4.2, RFC 7301 3.2: the client aborts",
                       either("weak-tls", "not-tls"), client12(), server12(add=add))
        yield Scenario(f"server/hello/{label}-1.3", "RFC 8446 4.2: not in a ServerHello",
                       either("weak-tls", "not-tls"), client13(), server13(add=add))
    yield Scenario("server/hello/alpn-two", "RFC 7301 3.1: exactly one", either("weak-tls", "not-tls"),
                   client12(protocols=("http/1.1", "h2")), server12(add=[wire.alpn("http/1.1", "h2")]))
    yield Scenario("server/hello/alpn-good", "RFC 7301", PASS, client12(), server12(add=[wire.alpn("http/1.1")]))
    yield Scenario("server/hello/doubled-extension", "RFC 8446 4.2: not twice",
                   refuse("weak-tls", "not-tls"), client13(),
                   server13(add=[wire.selected_version(wire.TLS13)]))
    yield Scenario("server/hello/doubled-version-differs", "which of the two would be believed?",
                   refuse("weak-tls", "not-tls"), client13(versions=(0x7F1C, wire.TLS13, wire.TLS12)),
                   server13(add=[wire.selected_version(0x7F1C)]))
    yield Scenario("server/hello/doubled-key-share", "RFC 8446 4.2", refuse("weak-tls", "not-tls"),
                   client13(groups=("x25519", "secp192r1"), shares=("x25519", "secp192r1")),
                   server13(add=[wire.server_share("secp192r1")]))
    yield Scenario("server/hello/no-key-share", "DESIGN 6: no key share is weak", WEAK, client13(),
                   server13(group=None))
    psk = [wire.pre_shared_key()]
    for label, modes in (("psk-alone", (0,)), ("psk-alone-both-modes", (0, 1))):
        yield Scenario(f"server/hello/{label}", "issue 2: a PSK alone has no forward secrecy", WEAK,
                       client13(add=psk, modes=modes), server13(group=None, add=[(wire.PRE_SHARED_KEY, b"\0\0")]))
    yield Scenario("server/hello/psk-with-key-share", "RFC 8446 2.2: resumption with forward secrecy", PASS,
                   client13(add=psk), server13(add=[(wire.PRE_SHARED_KEY, b"\0\0")]))
    yield Scenario("server/hello/psk-never-offered", "RFC 8446 4.2.11", either("weak-tls", "not-tls"), client13(),
                   server13(add=[(wire.PRE_SHARED_KEY, b"\0\0")]))
    yield Scenario("server/hello/psk-ignored", "the server may decline a PSK", PASS, client13(add=psk), server13())
    yield Scenario("server/hello/trailing-bytes", "RFC 8446 4: a message ends where it says",
                   refuse("weak-tls", "not-tls"), client13(), server13(tail=b"\0\0\0"))
    yield Scenario("server/hello/trailing-bytes-1.2", "RFC 5246",
                   refuse("weak-tls", "not-tls"), client12(),
                   _bent_hello12(lambda m: m[:1] + wire.u24(len(m) - 1) + m[4:] + b"\0\0\0"))
    yield Scenario("server/hello/truncated", "the extension block ends early", refuse("weak-tls", "not-tls"), client13(),
                   _bent_hello13(lambda m: m[:1] + wire.u24(len(m) - 10) + m[4:-6]))
    yield Scenario("server/hello/session-id-33-bytes", "RFC 8446 4.1.3: 32 at most", refuse("weak-tls", "not-tls"),
                   client13(), server13(session_id=bytes(33)))
    yield Scenario("server/hello/empty-body", "a ServerHello of no bytes", refuse("weak-tls", "not-tls"), client13(),
                   _bent_hello13(lambda m: wire.handshake(2, b"")))
    yield Scenario("server/hello/heartbeat-extension", "RFC 6520; offered and answered", either("weak-tls"),
                   client12(add=[(wire.HEARTBEAT_EXT, b"\x01")]), server12(add=[(wire.HEARTBEAT_EXT, b"\x01")]))
    yield Scenario("server/hello/encrypt-then-mac", "RFC 7366", PASS,
                   client12(add=[(wire.ENCRYPT_THEN_MAC, b"")]),
                   server12(suite=0xC013, add=[(wire.ENCRYPT_THEN_MAC, b"")]))
    yield Scenario("server/hello/no-extended-master-secret", "RFC 7627 is not asked for", PASS, client12(),
                   server12(exts=[(wire.RENEGOTIATION_INFO, b"\0")]))


def _bent_hello13(bend):
    from flows import ENCRYPTED, server_hello13, server13_raw
    return server13_raw(wire.record(wire.HANDSHAKE, bend(server_hello13())), wire.ccs() + ENCRYPTED)


def _bent_hello12(bend):
    from flows import messages12, server12_raw

    def part(c):
        first, *rest = messages12(c)
        return b"".join(wire.records(wire.HANDSHAKE, m) for m in [bend(first), *rest])
    return server12_raw(part)


def real_old():
    """Weak things spoken in earnest, by both ends."""
    lite = "tlslite"
    weak = refuse("weak-tls", alerts={40, 47, 70, 71})

    def pair(name, why, client, server, expect=weak):
        return Scenario(f"real-old/{name}", why, expect, lite_client(**client), lite_server(**server), needs=lite)

    for version, name in ((wire.SSL3, "ssl3"), (wire.TLS10, "tls10"), (wire.TLS11, "tls11")):
        ciphers = {"ciphers": ("aes128", "3des")}
        yield pair(f"{name}-offered-lower-only", "the client offers nothing within the profile",
                   {"low": wire.SSL3, "high": version, **ciphers}, {"low": version, "high": version, **ciphers})
        yield pair(f"{name}-agreed", "the server agrees to less than was offered",
                   {"low": wire.SSL3, "high": wire.TLS12, **ciphers}, {"low": version, "high": version, **ciphers})
    for cipher in ("rc4", "3des", "null", "aes128"):
        macs = ("sha", "md5", "sha256")
        yield pair(f"tls12-static-rsa-{cipher}", "no forward secrecy",
                   {"low": wire.TLS12, "ciphers": (cipher, "aes128gcm"), "macs": (*macs, "aead"),
                    "exchanges": ("rsa", "ecdhe_rsa")},
                   {"low": wire.TLS12, "ciphers": (cipher,), "macs": macs, "exchanges": ("rsa",)})
    for exchange in ("dh_anon", "ecdh_anon"):
        yield pair(f"tls12-{exchange}", "nobody is authenticated",
                   {"low": wire.TLS12, "anonymous": True, "ciphers": ("aes128",), "exchanges": (exchange,)},
                   {"low": wire.TLS12, "anonymous": True, "ciphers": ("aes128",), "exchanges": (exchange,)})
    yield pair("tls12-srp", "SRP is not in the profile",
               {"low": wire.TLS12, "srp": True, "ciphers": ("aes128",)},
               {"low": wire.TLS12, "srp": True, "ciphers": ("aes128",)})
    for bits, expect in ((1024, weak), (2048, PASS)):
        yield pair(f"tls12-dhe-{bits}", "DESIGN 6: DH of 2048 bits up",
                   {"low": wire.TLS12, "ciphers": ("aes128gcm",), "exchanges": ("dhe_rsa",)},
                   {"low": wire.TLS12, "ciphers": ("aes128gcm",), "exchanges": ("dhe_rsa",), "dh": bits}, expect)
    yield pair("tls12-ecdhe-good", "the same library, a good agreement",
               {"low": wire.TLS12, "ciphers": ("aes128gcm",), "exchanges": ("ecdhe_rsa",)},
               {"low": wire.TLS12, "ciphers": ("aes128gcm",), "exchanges": ("ecdhe_rsa",)}, PASS)
    for version, name in ((wire.TLS10, "tls10"), (wire.TLS11, "tls11")):
        yield Scenario(f"real-old/openssl-{name}", "an OpenSSL of old settings", weak,
                       ssl_client(low=wire.TLS10, high=wire.TLS12), ssl_server(low=version, high=version))
    for cipher in ("AES128-SHA", "AES128-GCM-SHA256", "NULL-SHA256", "ADH-AES128-GCM-SHA256", "AECDH-AES128-SHA",
                   "DHE-RSA-AES128-SHA", "ECDHE-RSA-NULL-SHA"):
        yield Scenario(f"real-old/openssl-{cipher}", "agreed with OpenSSL 3", weak,
                       ssl_client(high=wire.TLS12, verify="ADH" not in cipher and "AECDH" not in cipher),
                       ssl_server(high=wire.TLS12, ciphers=cipher + ":@SECLEVEL=0"))
    for group in ("secp224r1", "secp256k1", "prime192v1", "sect283k1"):
        yield Scenario(f"real-old/openssl-{group}", "a curve that the profile lacks", weak,
                       ssl_client(high=wire.TLS12, group=group), ssl_server(high=wire.TLS12, group=group))


def scenarios():
    yield from versions()
    yield from suites()
    yield from groups()
    yield from diffie_hellman()
    yield from signatures()
    yield from impossible_hellos()
    yield from real_old()
