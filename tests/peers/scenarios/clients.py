"""What clients send: names, offers, malformed hellos, other protocols."""

from __future__ import annotations

import wire
from conn import CLIENT_MARK, SERVER_MARK, close, half_close, hear, say, script, server_tail, until_eof
from flows import client12, client13, finish13, flight13, hello, second_flight12, server12, server13, server13_early
from scenario import (END, MALFORMED, NAME, NOT_TLS, NOT_TLS_AWS, PASS, WEAK, Scenario, either,
                      noted, refuse)

VERSION = refuse("weak-tls", alerts={70, 71, 40})


def names():
    def case(label, why, expect, *, sni=None, first=(), add=(), target=None, aws=False, server=None, **bend):
        if sni is not None:
            first = (*first, lambda c: sni(c.run.host))
        return Scenario(f"sni/{label}", why, expect, client13(_named(first, add, **bend)), server or server13(),
                        target=target, aws=aws, unheard=expect is NAME)

    yield case("good", "RFC 6066 3", PASS, sni=lambda h: wire.sni(h))
    yield case("none", "RFC 6066 3: optional; nothing says another name", either("sni-mismatch"))
    yield case("none-aws", "a name by CONNECT alone", either("sni-mismatch"), aws=True)
    yield case("upper-case", "RFC 6066 3: names compare without case", PASS, sni=lambda h: wire.sni(h.upper()))
    yield case("trailing-dot", "RFC 6066 3: without a trailing dot; the same name all the same", either("sni-mismatch"),
               sni=lambda h: wire.sni(h + "."))
    yield case("two-trailing-dots", "no name at all", NAME, sni=lambda h: wire.sni(h + ".."))
    yield case("mismatch", "DESIGN 5 sni-mismatch", NAME, sni=lambda h: wire.sni("other.peers.test"))
    yield case("mismatch-aws", "CONNECT names nobody, the hello names AWS", NAME,
               sni=lambda h: wire.sni("s3.us-east-1.amazonaws.com"))
    yield case("mismatch-under-aws", "CONNECT names AWS, the hello names somebody", NAME, aws=True,
               sni=lambda h: wire.sni("exfiltrate.example"))
    yield case("mismatch-within-aws", "CONNECT names one bucket, the hello another", NAME, aws=True,
               sni=lambda h: wire.sni("other.s3.us-east-1.amazonaws.com"))
    yield case("parent", "DESIGN 5", NAME, sni=lambda h: wire.sni(h.split(".", 1)[1]))
    yield case("child", "DESIGN 5", NAME, sni=lambda h: wire.sni("x." + h))
    yield case("longer", "a prefix is not the name", NAME, sni=lambda h: wire.sni(h + ".evil.example"))
    yield case("shorter", "a prefix is not the name", NAME, sni=lambda h: wire.sni(h[:-1]))
    yield case("nul-inside", "issue 2: NUL", NAME, sni=lambda h: wire.sni(h.encode() + b"\0.evil.example"))
    yield case("nul-at-end", "issue 2: NUL", NAME, sni=lambda h: wire.sni(h.encode() + b"\0"))
    yield case("nul-first", "issue 2: NUL", NAME, sni=lambda h: wire.sni(b"\0" + h.encode()))
    yield case("empty-name", "issue 2: empty", NAME, sni=lambda h: wire.sni(""))
    yield case("empty-list", "issue 2: empty", NAME, sni=lambda h: (wire.SNI, wire.vec16(b"")))
    yield case("empty-extension", "issue 2: empty; only a server sends it so", NAME, sni=lambda h: (wire.SNI, b""))
    yield case("two-in-a-list", "RFC 6066 3: one name of a type", NAME,
               sni=lambda h: wire.sni_list(h, "other.peers.test"))
    yield case("two-in-a-list-other-first", "RFC 6066 3", NAME, sni=lambda h: wire.sni_list("other.peers.test", h))
    yield case("same-twice-in-a-list", "RFC 6066 3: doubled", NAME, sni=lambda h: wire.sni_list(h, h))
    yield case("extension-twice", "RFC 8446 4.2: doubled", refuse("sni-mismatch", "weak-tls", "not-tls"),
               first=(lambda c: wire.sni(c.run.host),), add=(lambda c: wire.sni("other.peers.test"),))
    yield case("extension-twice-other-first", "RFC 8446 4.2: doubled", refuse("sni-mismatch", "weak-tls", "not-tls"),
               first=(lambda c: wire.sni("other.peers.test"),), add=(lambda c: wire.sni(c.run.host),))
    yield case("extension-twice-the-same", "RFC 8446 4.2: doubled", refuse("sni-mismatch", "weak-tls", "not-tls"),
               first=(lambda c: wire.sni(c.run.host),), add=(lambda c: wire.sni(c.run.host),))
    yield case("address", "RFC 6066 3: literal addresses are not permitted", NAME, sni=lambda h: wire.sni("127.0.0.1"))
    yield case("address-v6", "RFC 6066 3", NAME, sni=lambda h: wire.sni("::1"))
    yield case("address-in-brackets", "RFC 6066 3", NAME, sni=lambda h: wire.sni("[::1]"))
    yield case("address-as-a-number", "an address in an odd spelling", NAME, sni=lambda h: wire.sni("2130706433"))
    yield case("with-port", "no host name", NAME, sni=lambda h: wire.sni(h + ":443"))
    yield case("leading-dot", "no host name", NAME, sni=lambda h: wire.sni("." + h))
    yield case("leading-space", "no host name", NAME, sni=lambda h: wire.sni(" " + h))
    yield case("newline", "no host name", NAME, sni=lambda h: wire.sni(h + "\n"))
    yield case("wildcard", "no host name", NAME, sni=lambda h: wire.sni("*." + h.split(".", 1)[1]))
    yield case("high-bytes", "RFC 6066 3: ASCII", NAME, sni=lambda h: wire.sni(b"\xc3\xa9." + h.encode()))
    yield case("fullwidth-dot", "IDNA tricks change nothing", NAME,
               sni=lambda h: wire.sni(h.replace(".", "\u3002", 1).encode()))
    yield case("percent-encoded", "no host name", NAME, sni=lambda h: wire.sni(h.replace(".", "%2e", 1)))
    yield case("too-long", "a name of 300 bytes", NAME, sni=lambda h: wire.sni("a" * 60 + ".a" * 120))
    yield case("type-1-only", "RFC 6066 3: no host_name at all", either("sni-mismatch", "weak-tls", "not-tls"),
               sni=lambda h: wire.sni("other.peers.test", kind=1))
    yield case("type-1-good-name", "RFC 6066 3: an unknown type of name", either("sni-mismatch", "weak-tls", "not-tls"),
               sni=lambda h: wire.sni(h, kind=1))
    yield case("list-length-lies", "RFC 6066 3: malformed", refuse("sni-mismatch", "weak-tls", "not-tls"),
               sni=lambda h: (wire.SNI, wire.u16(3) + b"\0" + wire.vec16(h.encode())))
    yield case("name-length-lies", "RFC 6066 3: malformed", refuse("sni-mismatch", "weak-tls", "not-tls"),
               sni=lambda h: (wire.SNI, wire.vec16(b"\0" + wire.u16(200) + h.encode())))
    yield case("trailing-byte", "RFC 6066 3: malformed", refuse("sni-mismatch", "weak-tls", "not-tls"),
               sni=lambda h: (wire.SNI, wire.sni(h)[1] + b"\0"))
    far = (lambda c: (wire.PADDING, bytes(20000)),)
    yield case("beyond-16k-good", "issue 2: beyond the first 16 KB", PASS, first=far, sni=lambda h: wire.sni(h))
    yield case("beyond-16k-mismatch", "issue 2: beyond the first 16 KB", NAME, first=far,
               sni=lambda h: wire.sni("other.peers.test"))
    yield case("beyond-32k-mismatch", "issue 2", NAME, first=(lambda c: (wire.PADDING, bytes(40000)),),
               sni=lambda h: wire.sni("other.peers.test"))
    yield case("after-a-decoy", "a name hidden in another extension", NAME,
               first=(lambda c: (0x5A5A, b"".join((b"\0\0", wire.vec16(wire.sni(c.run.host)[1])))),),
               sni=lambda h: wire.sni("other.peers.test"))


def _named(first, add, **bend):
    def part(c):
        built = {"host": None, **bend}
        built["first"] = tuple(f(c) for f in first)
        built["add"] = tuple(f(c) for f in add)
        return hello(**built)(c)
    return part


def spellings():
    for label, spelled in (("upper-case", str.upper), ("trailing-dot", lambda h: h + "."),
                           ("both", lambda h: h.upper() + ".")):
        yield Scenario(f"connect/{label}", "issue 2: one canonical host; the SNI is the plain name", PASS, client13(),
                       server13(), spelled=spelled)
        yield Scenario(f"connect/{label}-1.2", "the certificate is for the plain name", PASS, client12(), server12(),
                       spelled=spelled)
        yield Scenario(f"connect/{label}-mismatch", "DESIGN 5", NAME, client13(host="other.peers.test"), server13(),
                       spelled=spelled, unheard=True)


def addresses():
    more = {"variant": "addresses"}
    yield Scenario("address/no-sni", "RFC 6066 3: an address has no SNI", PASS, client13(host=None), server13(),
                   target="127.0.1.1", **more)
    yield Scenario("address/sni-is-an-address", "DESIGN 5: an address in the SNI", NAME,
                   client13(host="127.0.1.2"), server13(), target="127.0.1.2", **more)
    yield Scenario("address/sni-of-another-host", "DESIGN 2: must be among its addresses",
                   refuse("sni-mismatch", verdicts=("block", "error")), client13(host="nobody.peers.test"), server13(),
                   target="127.0.1.3", **more)
    yield Scenario("address/sni-resolves-elsewhere", "DESIGN 2: must be among its addresses", NAME,
                   client13(host="localhost"), server13(), target="127.0.1.7", **more)
    yield Scenario("address/sni-of-aws", "DESIGN 2: judged as that name too, and must be among its addresses",
                   refuse("sni-mismatch", verdicts=("block", "error")), client13(host="s3.us-east-1.amazonaws.com"),
                   server13(), target="127.0.1.4", **more)
    yield Scenario("address/sni-resolves-to-it", "DESIGN 2: an address with a DNS SNI is judged as that name too", PASS,
                   client13(host="localhost"), server13(), target="127.0.0.1", port=8443, **more)
    direct = {"target": "127.0.0.1", "port": 0}
    yield Scenario("address/direct-no-sni", "RFC 6066 3: an address has no SNI", noted("port", "private-address"),
                   client13(host=None), server13(), **direct)
    yield Scenario("address/direct-sni-resolves-to-it", "DESIGN 2", noted("port", "private-address"),
                   client13(host="localhost"), server13(), **direct)
    yield Scenario("address/direct-sni-of-another-host", "DESIGN 2: must be among its addresses",
                   refuse("sni-mismatch", verdicts=("block", "error")), client13(host="nobody.peers.test"), server13(),
                   **direct)
    yield Scenario("address/direct-sni-is-an-address", "DESIGN 5: an address in the SNI", NAME,
                   client13(host="127.0.0.1"), server13(), **direct)
    yield Scenario("address/1.2-certificate-for-it", "RFC 9525: an IP address in the certificate", PASS,
                   client12(host=None), server12(), target="127.0.1.5", **more)
    yield Scenario("address/1.2-certificate-for-a-name", "RFC 9525: the address is not named",
                   refuse("invalid-certificate"), client12(host=None),
                   server12(identity="named", leaf={"names": ["some.peers.test"]}), target="127.0.1.6", **more)


def offers():
    for version, label in ((wire.SSL3, "ssl3"), (wire.TLS10, "tls10"), (wire.TLS11, "tls11")):
        yield Scenario(f"offer/only-{label}", "DESIGN 5 weak-tls: nothing within the profile", VERSION,
                       client12(version=version, legacy=version, suites=(0xC014, 0x002F)),
                       server12(version=version, suite=0xC014), unheard=True)
    yield Scenario("offer/supported-versions-of-1.1", "RFC 8446 4.2.1: the extension decides", VERSION,
                   script(say(hello(versions=(wire.TLS11, wire.TLS10))), hear(), say(second_flight12()), hear(), finish13()),
                   server12(version=wire.TLS11, suite=0xC014))
    yield Scenario("offer/supported-versions-drafts-only", "issue 2: no drafts", VERSION,
                   client13(versions=(0x7F1C, 0x7F17)), server13(version=0x7F1C))
    yield Scenario("offer/supported-versions-grease-only", "RFC 8701: GREASE offers nothing", VERSION,
                   client13(versions=(0x1A1A,), shares=("x25519",)), server13())
    yield Scenario("offer/old-versions-along", "DESIGN 6: old along with good is judged by what is agreed", PASS,
                   client13(versions=(wire.TLS13, wire.TLS12, wire.TLS11, wire.TLS10, wire.SSL3)), server13())
    yield Scenario("offer/legacy-version-1.0-with-1.3", "RFC 8446 4.1.2: legacy_version says 1.2",
                   either("weak-tls", "not-tls"), client13(legacy=wire.TLS10), server13())
    yield Scenario("offer/legacy-version-1.4", "RFC 5246 E.1: a later version than we know", either("weak-tls", "not-tls"),
                   client12(legacy=0x0304), server12())
    for suites, label in (((0x002F, 0x0035), "static-rsa"), ((0x0033, 0x0039), "dhe-cbc"), ((0x0005, 0x000A), "rc4-3des"),
                          ((0x0034, 0x00A6, 0xC018), "anonymous"), ((0x0002, 0x003B), "null"), ((0x00FF,), "scsv"),
                          ((0x0A0A,), "grease"), ((0x0003, 0x0008), "export"), ((), "no-suites")):
        expect = WEAK if suites else refuse("weak-tls", "not-tls")
        yield Scenario(f"offer/only-{label}", "DESIGN 5: the hello offers nothing within the profile", expect,
                       client12(suites=suites), server12(suite=suites[0] if suites else 0xC02F, kx="rsa"),
                       unheard=True)
    yield Scenario("offer/only-integrity-suites-1.3", "issue 2: must encrypt", WEAK,
                   client13(suites=(0xC0B4, 0xC0B5), versions=(wire.TLS13,)), server13(suite=0xC0B4))
    yield Scenario("offer/1.3-with-1.2-suites-only", "nothing to agree on in 1.3, and 1.2 is not offered",
                   WEAK, client13(suites=(0xC02F, 0xC030), versions=(wire.TLS13,)), server13(suite=0xC02F))
    yield Scenario("offer/1.2-with-1.3-suites-only", "nothing to agree on in 1.2, and 1.3 is not offered",
                   WEAK, client12(suites=(0x1301, 0x1302)), server12(suite=0x1301))
    yield Scenario("offer/weak-suites-along", "DESIGN 6: good clients offer bad ones too", PASS,
                   client12(suites=(0x0005, 0x000A, 0x002F, 0x0003, 0x0034, 0xC02F, 0x0001)), server12())
    yield Scenario("offer/weak-groups-only-1.3", "DESIGN 5 weak-tls", WEAK,
                   client13(groups=("secp192r1", "secp256k1"), shares=("secp192r1",), versions=(wire.TLS13,)),
                   server13(group="secp192r1"))
    yield Scenario("offer/pure-mlkem-only-1.3", "DESIGN 6: not listed", WEAK,
                   client13(groups=("MLKEM768",), shares=("MLKEM768",), versions=(wire.TLS13,)),
                   server13(group="MLKEM768"))
    yield Scenario("offer/weak-groups-only-1.2", "DESIGN 5 weak-tls", WEAK,
                   client12(groups=("secp192r1", "secp224r1"), suites=(0xC02F,)), server12(group="secp192r1"))
    yield Scenario("offer/weak-groups-1.2-with-dhe", "RFC 7919 4: groups bind ECDHE, not DHE", PASS,
                   client12(groups=("secp192r1",), suites=(0xC02F, 0x009E)), server12(suite=0x009E, kx="dhe"))
    yield Scenario("offer/weak-groups-along", "DESIGN 6", PASS,
                   client13(groups=("secp192r1", "sect163k1", "x25519"), shares=("x25519",)), server13())
    yield Scenario("offer/psk-ke-only", "issue 2: a PSK alone has no forward secrecy", WEAK,
                   client13(modes=(0,), shares=None, drop=(wire.SUPPORTED_GROUPS,), add=[wire.pre_shared_key()],
                            versions=(wire.TLS13,)),
                   server13(group=None, add=[(wire.PRE_SHARED_KEY, b"\0\0")]))
    yield Scenario("offer/psk-ke-with-shares", "the server may take the full handshake",
                   PASS, client13(modes=(0,), add=[wire.pre_shared_key()]), server13())
    yield Scenario("offer/no-key-share-no-1.2", "RFC 8446 9.2: missing", either("weak-tls", "not-tls"),
                   client13(shares=None, versions=(wire.TLS13,)), server13())
    yield Scenario("offer/weak-signatures-only", "SHA-1 and MD5 only", either("weak-tls"),
                   client12(signatures=(0x0201, 0x0101, 0x0203)), server12(sign=0x0201))
    yield Scenario("offer/no-signature-algorithms-1.3", "RFC 8446 9.2", either("weak-tls", "not-tls"),
                   client13(signatures=None), server13())
    yield Scenario("offer/compression", "offers are not agreements", either("weak-tls"),
                   client12(compression=b"\x01\0"), server12())
    yield Scenario("offer/compression-1.3", "RFC 8446 4.1.2: null alone", either("weak-tls", "not-tls"),
                   client13(compression=b"\x01\0"), server13())
    yield Scenario("offer/no-null-compression", "RFC 5246 7.4.1.2: null must be there", refuse("weak-tls", "not-tls"),
                   client12(compression=b"\x01"), server12(compression=1))
    yield Scenario("offer/no-compression-methods", "RFC 5246 7.4.1.2", refuse("weak-tls", "not-tls"),
                   client12(compression=b""), server12())
    yield Scenario("offer/no-extensions", "RFC 5246: an old but honest client without a name", either(
        "weak-tls", "sni-mismatch"), client12(only=(), suites=(0xC02F,)), server12(exts=()))
    grease = wire.grease
    yield Scenario("offer/grease-everywhere", "RFC 8701", PASS,
                   client13(suites=(grease(1), *wire.MODERN_SUITES), versions=(grease(2), wire.TLS13, wire.TLS12),
                            groups=(grease(3), *wire.MODERN_GROUPS), shares=(grease(3), "x25519"),
                            signatures=(grease(4), *wire.MODERN_SIGNATURES), protocols=("\x0a\x0a", "h2", "http/1.1"),
                            first=[(grease(5), b"")], add=[(grease(6), b"\0")]), server13())
    yield Scenario("offer/post-quantum-shares", "issue 2: post-quantum key shares", PASS,
                   client13(groups=("X25519MLKEM768", "x25519"), shares=("X25519MLKEM768", "x25519")),
                   server13(group="X25519MLKEM768"))
    yield Scenario("offer/three-post-quantum-shares", "a hello of 4 KB", PASS,
                   client13(groups=("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"),
                            shares=("X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024")),
                   server13(group="SecP384r1MLKEM1024"))
    yield Scenario("offer/fallback-scsv", "RFC 7507", PASS, client12(suites=(0xC02F, 0x5600)), server12())
    yield Scenario("offer/post-handshake-auth", "RFC 8446 4.2.6", PASS,
                   client13(add=[(wire.POST_HANDSHAKE_AUTH, b"")]), server13())
    yield Scenario("offer/400-suites", "long lists", PASS, client13(suites=tuple(range(0xE000, 0xE190)) + (0x1301,)),
                   server13())


def encrypted_hellos():
    ech = wire.ech_outer()
    yield Scenario("ech/grease", "RFC 9849 6.2: GREASE ECH looks like the real one", PASS, client13(add=[ech]), server13())
    yield Scenario("ech/grease-large", "a payload of 400 bytes", PASS, client13(add=[wire.ech_outer(payload=400)]),
                   server13())
    yield Scenario("ech/outer-name-differs", "DESIGN 5: an encrypted hello's outer name is another one", NAME,
                   client13(add=[ech], host="public.peers.test"), server13())
    yield Scenario("ech/outer-name-differs-aws", "DESIGN 5", NAME, client13(add=[ech], host="cloudflare-ech.com"),
                   server13(), aws=True)
    yield Scenario("ech/no-outer-name", "an encrypted name and no other", either("sni-mismatch"),
                   client13(add=[ech], host=None), server13())
    yield Scenario("ech/inner-type-outside", "RFC 9849 5: the inner type stands only inside",
                   either("sni-mismatch", "weak-tls", "not-tls"), client13(add=[(wire.ECH, b"\x01")]), server13())
    yield Scenario("ech/malformed", "RFC 9849 5", either("sni-mismatch", "weak-tls", "not-tls"),
                   client13(add=[(wire.ECH, b"\0\0")]), server13())
    yield Scenario("ech/old-esni", "draft-esni's 0xffce with another name", NAME,
                   client13(add=[(0xFFCE, wire.filler(200))], host="public.peers.test"), server13())


def sizes():
    def padded(total):
        return [(wire.PADDING, bytes(min(total, 65000)))]

    for size in (3000, 15000, 17000, 33000, 50000, 60000):
        yield Scenario(f"size/hello-{size}", "issue 2: fragmented, up to 64 KB", PASS, client13(add=padded(size)),
                       server13())
    yield Scenario("size/hello-over-64k", "issue 2: up to 64 KB", refuse("limits", "not-tls", "weak-tls", "malformed-request"),
                   client13(add=[(wire.PADDING, bytes(40000))], suites=wire.MODERN_SUITES + tuple(range(0x4000, 0x4000 + 16000))),
                   server13())
    yield Scenario("size/hello-claims-16m", "issue 2: bounded", refuse("limits", "not-tls", "weak-tls", "malformed-request"),
                   script(say(wire.records(wire.HANDSHAKE, b"\x01\xff\xff\xff" + wire.filler(300000))), hear(), finish13()),
                   server13(), through=False)
    yield Scenario("size/hello-30k-in-records-of-100", "RFC 8446 5.1", PASS,
                   client13(hello(size=100, add=padded(30000))), server13())
    yield Scenario("size/hello-of-few-bytes", "the shortest that can be", refuse("weak-tls", "not-tls", "sni-mismatch"),
                   client12(lambda c: wire.record(wire.HANDSHAKE, wire.handshake(
                       1, b"\x03\x03" + c.run.random + b"\0" + b"\0\x02\0\x2f" + b"\x01\0"))),
                   server12(suite=0x002F, kx="rsa", exts=()))


def malformed():
    def bent(label, why, bend, expect=MALFORMED, **more):
        return Scenario(f"malformed/{label}", why, expect, client13(lambda c: wire.records(
            wire.HANDSHAKE, bend(c.run.hello()), wire.TLS10)), server13(), **more)

    def resize(message):
        return message[:1] + wire.u24(len(message) - 4) + message[4:]

    yield bent("trailing-bytes", "RFC 8446 4.1.2: nothing follows the extensions", lambda m: resize(m + b"\0\0\0\0"))
    yield bent("second-message-in-record", "RFC 8446: nothing follows the hello but its answer", lambda m: m + m)
    yield bent("bytes-behind-message", "a part of a message behind the hello", lambda m: m + b"\x01\0\0",
               expect=MALFORMED)
    yield bent("extensions-length-short", "the block ends inside", lambda m: _patch_extensions(m, -3))
    yield bent("extensions-length-long", "the block overruns", lambda m: _patch_extensions(m, 3))
    yield bent("session-id-33", "RFC 8446 4.1.2: 32 at most", lambda m: resize(m[:38] + b"\x21" + bytes(33) + m[71:]))
    yield bent("session-id-overruns", "the length lies", lambda m: m[:38] + b"\xff" + m[39:])
    yield bent("suites-odd", "RFC 8446 4.1.2: two bytes each", lambda m: resize(
        m[:71] + wire.u16(int.from_bytes(m[71:73], "big") + 1) + b"\0" + m[73:]))
    yield bent("suites-overrun", "the length lies", lambda m: m[:71] + b"\xff\xfe" + m[73:])
    yield bent("body-cut", "a hello of twenty bytes", lambda m: wire.handshake(1, m[4:24]))
    yield bent("no-body", "a hello of no bytes", lambda m: wire.handshake(1, b""))
    yield bent("length-zero", "the message says it is empty", lambda m: b"\x01\0\0\0" + m[4:])
    yield bent("type-2", "a ServerHello from the client", lambda m: b"\x02" + m[1:])
    yield bent("type-0", "a HelloRequest from the client", lambda m: wire.handshake(0, b"") + m)
    yield bent("type-99", "no such message", lambda m: b"\x63" + m[1:])
    for kind, label in ((wire.SUPPORTED_VERSIONS, "versions"), (wire.KEY_SHARE, "key-share"),
                        (wire.SUPPORTED_GROUPS, "groups"), (wire.ALPN, "alpn")):
        body = {wire.SUPPORTED_VERSIONS: b"\x02\x03\x04", wire.KEY_SHARE: wire.vec16(b""),
                wire.SUPPORTED_GROUPS: wire.vec16(b"\0\x1d"), wire.ALPN: wire.alpn("h2")[1]}[kind]
        yield Scenario(f"malformed/doubled-{label}", "RFC 8446 4.2: not twice", MALFORMED, client13(add=[(kind, body)]),
                       server13())
    yield Scenario("malformed/doubled-unknown-extension", "RFC 8446 4.2: not twice", either("weak-tls", "not-tls"),
                   client13(add=[(0x5A5B, b""), (0x5A5B, b"")]), server13())
    for kind, label, bodies in (
            (wire.SUPPORTED_VERSIONS, "versions", (b"", b"\x03\x03\x04\x03", b"\x04\x03\x04", b"\0")),
            (wire.SUPPORTED_GROUPS, "groups", (b"", b"\0\x03\0\x1d\0", b"\0\x08\0\x1d")),
            (wire.KEY_SHARE, "key-share", (b"", b"\0\x05\0\x1d\0\x20\1", b"\0\x40\0\x1d")),
            (wire.SIGNATURE_ALGORITHMS, "signatures", (b"", b"\0\x03\4\3\5")),
            (wire.ALPN, "alpn", (b"", b"\0\x05\x02h", b"\0\x01\0")),
            (wire.PSK_MODES, "psk-modes", (b"", b"\x05\x01"))):
        for n, body in enumerate(bodies):
            firm = kind in (wire.SUPPORTED_VERSIONS, wire.SUPPORTED_GROUPS, wire.KEY_SHARE)
            yield Scenario(f"malformed/{label}-{n}", "RFC 8446 4.2: the extension cannot be read",
                           MALFORMED if firm else either("weak-tls", "not-tls", "malformed-request"),
                           client13(drop=(kind,), add=[(kind, body)]), server13())
    yield Scenario("malformed/psk-not-last", "RFC 8446 4.2.11: it must be the last", either("weak-tls", "not-tls"),
                   client13(first=[wire.pre_shared_key()]), server13())
    yield Scenario("malformed/truncated-record-then-eof", "the record never ends; the client ends it", END,
                   script(say(lambda c: hello()(c)[:-7]), half_close(), until_eof(), close()),
                   script(hear(), until_eof(), close()), through=False)


def _patch_extensions(message: bytes, by: int) -> bytes:
    at = 4 + 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at:at + 2], "big")
    at += 1 + message[at]
    return message[:at] + wire.u16(int.from_bytes(message[at:at + 2], "big") + by) + message[at + 2:]


def _sslv2_hello(version: bytes) -> bytes:
    specs = b"\x07\0\xc0\x05\0\x80\x03\0\x80\x01\0\x80" + b"\0\0\x2f\0\0\x35"
    body = b"\x01" + version + wire.u16(len(specs)) + b"\0\0" + wire.u16(16) + specs + wire.filler(16)
    return wire.u16(0x8000 | len(body)) + body


def other_protocols():
    things = {
        "http-get": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "http-post": b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "http2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http-connect": b"CONNECT y:443 HTTP/1.1\r\n\r\n",
        "ssh": b"SSH-2.0-OpenSSH_9.6\r\n", "smtp": b"EHLO x\r\n", "starttls": b"STARTTLS\r\n",
        "random": wire.filler(500, 99), "nul": bytes(100), "socks5": b"\x05\x01\x00", "socks4": b"\x04\x01\0\x50\x7f\0\0\x01\0",
        "postgres-ssl-request": b"\0\0\0\x08\x04\xd2\x16\x2f", "redis": b"PING\r\n", "rdp": b"\x03\0\0\x13\x0e\xe0" + bytes(13),
        "application-data": wire.app(wire.filler(80)), "alert": wire.alert(40), "warning-alert": wire.alert(0, 1),
        "ccs": wire.ccs(), "heartbeat": wire.record(24, b"\x01\x40\0"), "unknown-record": wire.record(99, b"hello"),
        "sslv2-hello": _sslv2_hello(b"\0\x02"), "sslv2-hello-offering-ssl3": _sslv2_hello(b"\x03\0"),
        "sslv2-hello-offering-1.2": _sslv2_hello(b"\x03\x03"),
        "dtls": b"\x16\xfe\xfd" + bytes(8) + wire.vec16(wire.filler(100)), "quic": b"\xc0\0\0\0\x01" + wire.filler(100),
        "bom": b"\xef\xbb\xbfGET / HTTP/1.1\r\n\r\n", "newlines": b"\r\n\r\n\r\n",
    }
    for label, data in things.items():
        tls_like = label in ("application-data", "alert", "warning-alert", "ccs", "heartbeat", "unknown-record", "dtls",
                             "sslv2-hello-offering-1.2", "sslv2-hello-offering-ssl3", "sslv2-hello", "quic")
        for aws in (False, True):
            expect = NOT_TLS_AWS if aws else NOT_TLS
            if tls_like:
                expect = refuse("not-tls", "weak-tls", *(["aws-plaintext"] if aws else []))
            if aws and tls_like and label not in ("sslv2-hello", "application-data"):
                continue
            yield Scenario(f"not-tls/{label}{'-aws' if aws else ''}", "issue 2: undecided bytes never pass; DESIGN 5",
                           expect, script(say(data + CLIENT_MARK), hear(), half_close(), until_eof(), close()),
                           script(hear(), say(b"HTTP/1.1 200 OK\r\n\r\n" + SERVER_MARK), until_eof(), close()), aws=aws,
                           unheard=True)
        if not tls_like and label in ("socks5", "redis", "ssh", "postgres-ssl-request", "newlines"):
            yield Scenario(f"not-tls/{label}-then-silence", "a few bytes of something else, then nothing",
                           refuse("not-tls", verdicts=("block", "error")),
                           script(say(data), until_eof(), close()), script(until_eof(), close()), variant="hasty",
                           limit=12, within=6, through=False)
    for label, data in (("application-data", wire.app(wire.filler(60))), ("alert", wire.alert(0, 1)), ("ccs", wire.ccs()),
                        ("http", b"GET / HTTP/1.1\r\n\r\n")):
        yield Scenario(f"not-tls/{label}-then-hello", "TLS from the first byte", refuse("not-tls", "weak-tls"),
                       script(say(data, hello()), hear(), finish13()), server13())
    yield Scenario("not-tls/hello-then-hello", "two ClientHellos without a retry", refuse("not-tls", "weak-tls"),
                   script(say(hello(), hello()), hear(), finish13()), server13())
    yield Scenario("not-tls/hello-then-http", "plaintext right behind the hello", refuse("not-tls", "weak-tls"),
                   script(say(hello(), b"GET / HTTP/1.1\r\n\r\n" + CLIENT_MARK), hear(), finish13()), server13())
    yield Scenario("not-tls/hello-then-ssh-1.2", "plaintext right behind the hello", refuse("not-tls", "weak-tls"),
                   script(say(hello(versions=None), b"SSH-2.0-x\r\n" + CLIENT_MARK), hear(), say(second_flight12()),
                          hear(), finish13()), server12())


def joined():
    yield Scenario("joined/hello-with-connect", "issue 2: a ClientHello in the same segment as CONNECT", PASS,
                   script(hear(), finish13()), server13(), joined=lambda run: wire.records(
                       wire.HANDSHAKE, run.hello(), wire.TLS10))
    yield Scenario("joined/large-hello-with-connect", "the same, 30 KB", PASS, script(hear(), finish13()), server13(),
                   joined=lambda run: wire.records(wire.HANDSHAKE, run.hello(add=[(wire.PADDING, bytes(30000))])))
    yield Scenario("joined/early-data-with-connect", "the same with early data", PASS, script(hear(), finish13()),
                   server13_early(), joined=lambda run: [
                       wire.records(wire.HANDSHAKE, run.hello(add=[(wire.EARLY_DATA, b""), wire.pre_shared_key()])),
                       wire.app(wire.filler(3000))])
    yield Scenario("joined/weak-hello-with-connect", "judged all the same", WEAK, script(hear(), finish13()),
                   server12(suite=0x002F, kx="rsa"),
                   joined=lambda run: wire.records(wire.HANDSHAKE, run.hello(versions=None, suites=(0x002F,))))
    yield Scenario("joined/http-with-connect", "DESIGN 5 not-tls", NOT_TLS,
                   script(hear(), half_close(), until_eof(), close()),
                   script(hear(), say(b"HTTP/1.1 200 OK\r\n\r\n" + SERVER_MARK), until_eof(), close()),
                   joined=lambda run: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + CLIENT_MARK)
    yield Scenario("joined/half-a-hello-with-connect", "the first part joined, the rest later", PASS,
                   script(lambda c: c.say(_rest(c)), hear(), finish13()),
                   script(hear(), hear(), say(flight13()), server_tail()), joined=lambda run: wire.records(
                       wire.HANDSHAKE, run.hello(), wire.TLS10)[:100])


def _rest(c):
    return wire.records(wire.HANDSHAKE, c.run.hello(), wire.TLS10)[100:]


def scenarios():
    yield from names()
    yield from spellings()
    yield from addresses()
    yield from offers()
    yield from encrypted_hellos()
    yield from sizes()
    yield from malformed()
    yield from other_protocols()
    yield from joined()
