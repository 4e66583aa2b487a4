"""AWS-class names: the preflight beside everything else that can go wrong."""

from __future__ import annotations

import wire
from conn import CLIENT_MARK, SERVER_MARK, client_tail, close, half_close, hear, say, say_nothing, script, until_eof
from flows import (SERVER_RANDOM, client12, client13, client_any, finish13, finished12, flight13, hello, retry_pair,
                   server12, server13, server13_early, server13_raw)
from pki import DAY, NOW
from real import ssl_client, ssl_server
from scenario import PASS, STALLED, WEAK, WEAK_LATE, Scenario, either, refuse

NOT_TLS = refuse("aws-plaintext", "not-tls", "weak-tls")
BAD = refuse("invalid-certificate", alerts={42, 43, 44, 45, 46, 48})
HTTP = b"HTTP/1.1 200 OK\r\n\r\n" + SERVER_MARK


def expired(**more):
    return ssl_server(identity="expired", end=NOW - DAY, **more)


def _swallow(c):
    c.fill()


def closed():
    return script(_swallow, close())


def silent():
    return script(until_eof(), close())


def weak():
    retry, retry_server = retry_pair(first_bend={"groups": ("x25519", "secp192r1")}, retry_bend={"group": "secp192r1"},
                                     second_bend={"shares": ("secp192r1",)}, server_bend={"group": "secp192r1"})
    late, late_server = retry_pair(server_bend={"suite": 0x1302})
    cases = {
        "static-rsa": (client12(suites=(0x002F, 0xC02F)), server12(suite=0x002F, kx="rsa"), WEAK),
        "tls10": (client12(suites=(0xC014,)), server12(version=wire.TLS10, suite=0xC014), WEAK),
        "tls11": (client_any(), server12(version=wire.TLS11, suite=0xC014), WEAK),
        "dh-1024": (client12(suites=(0x009E,)), server12(suite=0x009E, kx="dhe", dh_prime=wire.modp(1024)), WEAK),
        "group13": (client13(groups=("secp192r1", "x25519"), shares=("secp192r1",)), server13(group="secp192r1"), WEAK),
        "integrity-only": (client13(suites=(0x1301, 0xC0B4)), server13(suite=0xC0B4), WEAK),
        "draft": (client13(versions=(0x7F1C, wire.TLS13)), server13(version=0x7F1C), WEAK),
        "no-key-share": (client13(add=[wire.pre_shared_key()], modes=(0, 1)),
                         server13(group=None, add=[(wire.PRE_SHARED_KEY, b"\0\0")]), WEAK),
        "retry-to-weaker": (retry, retry_server, WEAK),
        "retry-to-another-suite": (late, late_server, WEAK_LATE),
        "sentinel": (client_any(), server12(random=SERVER_RANDOM[:24] + wire.DOWNGRADE_12), WEAK),
    }
    for label, (client, server, expect) in cases.items():
        for kind, preflight in (("good", None), ("alert", script(_swallow, say(wire.alert(40)), close())),
                                ("closed", closed())):
            yield Scenario(f"aws/weak-{label}/preflight-{kind}", "DESIGN 2, 6: the preflight excuses nothing", expect, client,
                           server, aws=True, preflight=preflight)


def good():
    retry, retry_server = retry_pair()
    psk = [(wire.EARLY_DATA, b""), wire.pre_shared_key()]
    resumed = script(say(hello(versions=None)), hear(), say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))),
                     hear(), client_tail())
    resumption = script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(
        SERVER_RANDOM, session_id=wire.SESSION_ID)), finished12()), hear(), say_nothing(), hear(),
        say(wire.app(SERVER_MARK)), until_eof(), close())
    early = script(say(hello(add=psk)), say(wire.app(wire.filler(9000))), hear(), finish13())
    early_server = server13_early(add=[(wire.PRE_SHARED_KEY, b"\0\0")])
    cases = {"1.3": (client13(), server13()), "1.2": (client12(), server12()), "1.3-retry": (retry, retry_server),
             "1.2-resumption": (resumed, resumption), "1.3-early-data": (early, early_server)}
    for label, (client, server) in cases.items():
        for kind, preflight in (("good", None), ("closed", closed()),
                                ("client-certificate", ssl_server(client_certificate=True, low=wire.TLS12))):
            yield Scenario(f"aws/good-{label}/preflight-{kind}", "DESIGN 2: only a certificate fault refuses", PASS, client,
                           server, aws=True, preflight=preflight)
        if label != "1.2":
            yield Scenario(f"aws/hidden-{label}/preflight-bad", "DESIGN 2: where the certificate is not seen, the "
                           "preflight's word counts", BAD, client, server, aws=True, preflight=expired())
    yield Scenario("aws/hasty/preflight-never-answers", "DESIGN 2: a timeout of the preflight is inconclusive", PASS,
                   client13(), server13(), aws=True, preflight=silent(), variant="hasty", limit=12)
    yield Scenario("aws/hasty/nobody-answers", "issue 2", STALLED, script(say(hello()), until_eof(), close()), silent(),
                   aws=True, preflight=silent(), variant="hasty", limit=12, within=6, through=False)
    yield Scenario("aws/1.2-visible-good/preflight-bad", "another server behind the same name",
                   either("invalid-certificate"), client12(), server12(), aws=True, preflight=expired())
    yield Scenario("aws/resumed-in-earnest-1.2", "OpenSSL's resumption, and a preflight", PASS,
                   ssl_client(high=wire.TLS12, connections=3, resumed=True), ssl_server(high=wire.TLS12), aws=True)
    yield Scenario("aws/parallel", "thirty tunnels, one preflight", PASS, ssl_client(), ssl_server(), aws=True, repeat=30,
                   limit=40)


def plain():
    yield Scenario("aws/answers-http", "DESIGN 5 aws-plaintext: non-TLS bytes in a tunnel", NOT_TLS, client13(),
                   script(hear(), say(HTTP), hear(), say_nothing(), until_eof(), close()), aws=True)
    yield Scenario("aws/speaks-first", "DESIGN 5", NOT_TLS, script(say(hello()), hear(), finish13()),
                   script(say(HTTP), hear(), say_nothing(), hear(), say_nothing(), until_eof(), close()), aws=True)
    yield Scenario("aws/http-behind-hellos", "issue 2: plain HTTP after a good pair of hellos", NOT_TLS, client13(),
                   server13_raw(flight13(after=b""), HTTP), aws=True)
    yield Scenario("aws/client-http-behind-hellos", "issue 2", NOT_TLS,
                   script(say(hello()), hear(), say(b"GET / HTTP/1.1\r\n\r\n" + CLIENT_MARK), hear(), half_close(),
                          until_eof(), close()), server13(), aws=True)
    yield Scenario("aws/client-http-behind-hellos-1.2", "issue 2", NOT_TLS,
                   script(say(hello(versions=None)), hear(), say(b"GET / HTTP/1.1\r\n\r\n" + CLIENT_MARK), hear(),
                          half_close(), until_eof(), close()), server12(), aws=True)


def scenarios():
    yield from weak()
    yield from good()
    yield from plain()
