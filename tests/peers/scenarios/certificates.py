"""Certificates: visible in TLS 1.2, found by the preflight in TLS 1.3 to AWS names, unseen in 1.3 elsewhere."""

from __future__ import annotations

import pki
import wire
from conn import close, say, script, until_eof
from flows import client12, client13, server12, server13
from real import ssl_client, ssl_server
from scenario import BAD_CERTIFICATE, PASS, Scenario, either, refuse

BAD = refuse("invalid-certificate", alerts=BAD_CERTIFICATE.alerts)
TASTE = either("invalid-certificate", "weak-tls")
EXPECT = {True: PASS, False: BAD, None: TASTE}

# With these keys no TLS 1.3 handshake comes about, so there is nothing to be verified.
NO_TLS13 = {"rsa-512", "ecdsa-p192", "ecdsa-p224", "ecdsa-secp256k1", "ecdsa-brainpool256"}
# The verifier need not know these keys; then the preflight is inconclusive, and that is no fault.
EVERY_SIGNATURE = (*wire.MODERN_SIGNATURES, 0x0809, 0x0203, 0x0201)
SHOWN = {"rsa": (0xC02F, 0x0401), "ec": (0xC02B, 0x0403), "pss": (0xC02F, 0x0809)}


def visible(make):
    """A scripted 1.2 server that shows what `make` makes, whatever OpenSSL thinks of it."""
    def end(conn):
        who = conn.run.identity("cert", make=make)
        if who.key.kind == "ed":
            suite, sign = 0xC02B, 0x0807 if "ed25519" in who.key.path.name else 0x0808
        else:
            suite, sign = SHOWN[who.key.kind]
        server12(suite=suite, sign=sign, identity="cert")(conn)
    end.raw = True
    return end


def client_seeing(**bend):
    return client12(suites=(0xC02B, 0xC02F, 0xC030), signatures=EVERY_SIGNATURE, **bend)


def tables():
    for label, (make, verdict, why, _) in pki.identities().items():
        expect = EXPECT[verdict]
        if label == "rsa-512":
            expect = refuse("invalid-certificate", "weak-tls")
        yield Scenario(f"certificate/1.2-{label}", why, expect, client_seeing(), visible(make))
        if label in NO_TLS13:
            continue
        yield Scenario(f"certificate/1.3-aws-{label}", why + " (by the preflight)", expect,
                       ssl_client(low=wire.TLS13, verify=False), ssl_server(low=wire.TLS13, identity=label, make=make),
                       aws=True)
    table = pki.identities()
    for label in ("expired", "wrong-name", "self-signed", "untrusted-root", "sha1-signed", "rsa-1024"):
        make, _, why, _ = table[label]
        yield Scenario(f"certificate/1.3-other-{label}", "DESIGN 2: not visible, and no preflight by default", PASS,
                       ssl_client(low=wire.TLS13, verify=False), ssl_server(low=wire.TLS13, identity=label, make=make))
        yield Scenario(f"certificate/1.2-aws-{label}", why, BAD, client_seeing(), visible(make), aws=True,
                       preflight=ssl_server(identity=label, make=make))
        yield Scenario(f"certificate/1.2-openssl-{label}", why, BAD,
                       ssl_client(high=wire.TLS12, verify=False),
                       ssl_server(high=wire.TLS12, identity=label, make=make))
        yield Scenario(f"certificate/1.3-aws-preflight-off-{label}", "DESIGN 4: preflight = off", PASS,
                       ssl_client(low=wire.TLS13, verify=False), ssl_server(low=wire.TLS13, identity=label, make=make),
                       aws=True, variant="preflight-off")
        yield Scenario(f"certificate/1.3-preflight-all-{label}", "DESIGN 4: preflight = all", BAD,
                       ssl_client(low=wire.TLS13, verify=False), ssl_server(low=wire.TLS13, identity=label, make=make),
                       variant="preflight-all")
    for label in ("rsa-2048", "ecdsa-p256", "chain-90k"):
        make, _, why, _ = table[label]
        yield Scenario(f"certificate/1.2-openssl-{label}", why, PASS, ssl_client(high=wire.TLS12),
                       ssl_server(high=wire.TLS12, identity=label, make=make))
        yield Scenario(f"certificate/1.3-openssl-{label}", why, PASS, ssl_client(low=wire.TLS13),
                       ssl_server(low=wire.TLS13, identity=label, make=make))
        yield Scenario(f"certificate/1.3-preflight-all-{label}", why, PASS, ssl_client(low=wire.TLS13),
                       ssl_server(low=wire.TLS13, identity=label, make=make), variant="preflight-all")
    yield Scenario("certificate/1.2-aws-rsa-2048", "a good one", PASS, ssl_client(high=wire.TLS12),
                   ssl_server(high=wire.TLS12), aws=True)


def mangled():
    cases = {
        "no-certificates": ([], "RFC 5246 7.4.2: the list must not be empty"),
        "garbage": ([wire.filler(800)], "no DER at all"),
        "empty-entry": ([b""], "a certificate of no bytes"),
    }
    for label, (chain, why) in cases.items():
        yield Scenario(f"certificate/1.2-{label}", why, refuse("invalid-certificate", "weak-tls", "not-tls"),
                       client_seeing(), server12(chain=chain))
    def cut(p, h):
        made = p.leaf(h)
        return pki.Identity([made.chain[0][:-20], *made.chain[1:]], made.key)

    def trailing(p, h):
        made = p.leaf(h)
        return pki.Identity([made.chain[0] + b"\0\0", *made.chain[1:]], made.key)

    def junk_behind(p, h):
        made = p.leaf(h)
        return pki.Identity([*made.chain, wire.filler(300)], made.key)

    def only_issuer(p, h):
        return pki.Identity([p.issuing.der], p.issuing.key)

    any_fault = refuse("invalid-certificate", "weak-tls", "not-tls")
    yield Scenario("certificate/1.2-cut-short", "DER that ends early", any_fault, client_seeing(), visible(cut))
    yield Scenario("certificate/1.2-trailing-bytes", "bytes behind the certificate",
                   either("invalid-certificate", "weak-tls", "not-tls"), client_seeing(), visible(trailing))
    yield Scenario("certificate/1.2-junk-behind-chain", "an entry that is no certificate",
                   either("invalid-certificate", "weak-tls", "not-tls"), client_seeing(), visible(junk_behind))
    yield Scenario("certificate/1.2-issuer-alone", "the authority shown as the server", any_fault, client_seeing(),
                   visible(only_issuer))
    yield Scenario("certificate/1.2-list-overruns", "RFC 5246 7.4.2: the list's length lies", any_fault,
                   client_seeing(), _bent_certificate(lambda m: m[:4] + wire.u24(len(m)) + m[7:]))
    yield Scenario("certificate/1.2-entry-overruns", "RFC 5246 7.4.2: an entry's length lies", any_fault,
                   client_seeing(), _bent_certificate(lambda m: m[:7] + b"\x7f\xff\xff" + m[10:]))


def _bent_certificate(bend):
    from flows import messages12, server12_raw

    def part(c):
        first, second, *rest = messages12(c)
        return b"".join(wire.records(wire.HANDSHAKE, m) for m in [first, bend(second), *rest])
    return server12_raw(part)


def preflights():
    good = ssl_server(low=wire.TLS13)
    expired = ssl_server(low=wire.TLS13, identity="expired", end=pki.NOW - pki.DAY)
    more = {"aws": True}
    yield Scenario("preflight/good", "DESIGN 2", PASS, client13(), server13(), preflight=good, **more)
    yield Scenario("preflight/bad", "DESIGN 2: also for clients that switched verification off", BAD, client13(),
                   server13(), preflight=expired, **more)
    yield Scenario("preflight/closed", "DESIGN 2: only a certificate fault refuses", PASS, client13(), server13(),
                   preflight=script(close()), **more)
    yield Scenario("preflight/alert", "DESIGN 2: no common parameters is inconclusive", PASS, client13(), server13(),
                   preflight=script(_swallow, say(wire.alert(40)), close()), **more)
    yield Scenario("preflight/never-answered", "DESIGN 2: a timeout is inconclusive", PASS, client13(), server13(),
                   preflight=script(until_eof(), close()), limit=30, **more)
    yield Scenario("preflight/not-tls", "another protocol on the second connection", either(), client13(), server13(),
                   preflight=script(_swallow, say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), close()), **more)
    yield Scenario("preflight/client-certificate", "DESIGN 2: a demanded client certificate is inconclusive", PASS,
                   ssl_client(low=wire.TLS13, certificate=True), ssl_server(low=wire.TLS13, client_certificate=True),
                   **more)
    yield Scenario("preflight/unknown-group", "DESIGN 2: no common parameters is inconclusive", PASS,
                   ssl_client(low=wire.TLS13, group="X448"), ssl_server(low=wire.TLS13, group="X448"), **more)
    yield Scenario("preflight/server-one-at-a-time", "a server that serves one connection after the other", PASS,
                   ssl_client(low=wire.TLS13), ssl_server(low=wire.TLS13), serial=True, check=_soon, **more)
    yield Scenario("preflight/one-for-many", "DESIGN 2: cached, one in flight per key", PASS,
                   ssl_client(low=wire.TLS13), ssl_server(low=wire.TLS13), repeat=8, check=_few_connections, **more)
    yield Scenario("preflight/bad-for-many", "DESIGN 2: cached, one in flight per key", BAD,
                   ssl_client(low=wire.TLS13, verify=False),
                   ssl_server(low=wire.TLS13, identity="expired", end=pki.NOW - pki.DAY), repeat=6, **more)


def _swallow(c):
    c.fill()


def _soon(_run, outcome):
    return f"took {outcome.seconds:.1f} s" if outcome.seconds > 4 else None


def _few_connections(run, _outcome):
    return f"{len(run.servers)} connections for 8 tunnels" if len(run.servers) > 9 else None


def scenarios():
    yield from tables()
    yield from mangled()
    yield from preflights()
