"""The other profiles, and report mode."""

from __future__ import annotations

import wire
from conn import CLIENT_MARK, SERVER_MARK, close, half_close, hear, pause, say, script, until_eof
from flows import client12, client13, client_any, retry_pair, server12, server13
from pki import DAY, NOW
from real import ssl_client, ssl_server
from scenario import PASS, WEAK, Scenario, either, report

WIDE = ("x25519", "x448", "secp256r1", "brainpoolP256r1tls13", "ffdhe2048", "X25519MLKEM768", "SecP256r1MLKEM768",
        "SecP384r1MLKEM1024")

# profile -> what of each kind it takes. DESIGN 6.
GROUPS13 = {
    "strict": {"x25519", "x448", "secp256r1", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"},
    "tls13": set(WIDE),
    "fips": {"secp256r1", "ffdhe2048", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"},
    "post-quantum": {"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"},
}
TASTE13 = {"strict": {"ffdhe2048"}, "tls13": set(), "fips": {"X25519MLKEM768"}, "post-quantum": set()}
SUITES12 = {0xC02F: ("ecdhe", "secp256r1"), 0xCCA8: ("ecdhe", "secp256r1"), 0xC013: ("ecdhe", "secp256r1"),
            0x009E: ("dhe", None), 0xC0AE: ("ecdhe", "secp256r1"), 0xC0AC: ("ecdhe", "secp256r1"),
            0xC060: ("ecdhe", "secp256r1")}
TAKES12 = {"strict": {0xC02F, 0xCCA8, 0xC0AC, 0xC060}, "tls13": set(), "fips": {0xC02F, 0x009E, 0xC0AE, 0xC0AC},
           "post-quantum": set()}
TASTE12 = {"strict": {0xC060}, "tls13": set(), "fips": {0xC0AE}, "post-quantum": set()}
SUITES13 = {"strict": {0x1301, 0x1302, 0x1303, 0x1304}, "tls13": {0x1301, 0x1302, 0x1303, 0x1304, 0x1305},
            "fips": {0x1301, 0x1302, 0x1304}, "post-quantum": {0x1301, 0x1302, 0x1303}}
TASTE_SUITES13 = {"strict": set(), "tls13": set(), "fips": {0x1305}, "post-quantum": {0x1304, 0x1305}}


def _expect(item, good, taste):
    return either("weak-tls") if item in taste else PASS if item in good else WEAK


def profiles():
    for profile, good in GROUPS13.items():
        sound = "SecP256r1MLKEM768"
        for group in WIDE:
            yield Scenario(f"profile/{profile}/1.3-{group}", "DESIGN 6", _expect(group, good, TASTE13[profile]),
                           client13(groups=WIDE, shares=(group,)), server13(group=group), variant=profile)
        for suite in (0x1301, 0x1303, 0x1304, 0x1305):
            yield Scenario(f"profile/{profile}/1.3-suite-{suite:04x}", "DESIGN 6",
                           _expect(suite, SUITES13[profile], TASTE_SUITES13[profile]),
                           client13(groups=WIDE, shares=(sound,), suites=(0x1301, 0x1303, 0x1304, 0x1305)),
                           server13(group=sound, suite=suite), variant=profile)
        for suite, (kx, group) in SUITES12.items():
            bend = {"group": group} if group else {}
            if suite in (0xC0AE, 0xC0AC):
                bend |= {"identity": "ec", "leaf": {"key": "p256"}, "sign": 0x0403}
            yield Scenario(f"profile/{profile}/1.2-{suite:04x}", "DESIGN 6",
                           _expect(suite, TAKES12[profile], TASTE12[profile]),
                           client_any(groups=("secp256r1", "SecP256r1MLKEM768"), shares=("SecP256r1MLKEM768",),
                                      suites=(0x1301, *SUITES12)),
                           server12(suite=suite, kx=kx, **bend), variant=profile)
    yield Scenario("profile/strict/1.2-brainpool", "DESIGN 6: without brainpool", WEAK,
                   client12(groups=("brainpoolP256r1", "x25519")), server12(group="brainpoolP256r1"), variant="strict")
    yield Scenario("profile/fips/1.2-x25519", "DESIGN 6: P-256/384/521", WEAK, client12(), server12(group="x25519"),
                   variant="fips")
    yield Scenario("profile/tls13/offers-1.2-only", "DESIGN 6: nothing within the profile", WEAK, client12(), server12(),
                   variant="tls13")
    yield Scenario("profile/post-quantum/offers-none", "DESIGN 6: nothing within the profile", WEAK, client13(),
                   server13(), variant="post-quantum")
    client, server = retry_pair(first_bend={"groups": ("x25519", "X25519MLKEM768")}, retry_bend={"group": "X25519MLKEM768"},
                                second_bend={"shares": ("X25519MLKEM768",)}, server_bend={"group": "X25519MLKEM768"})
    yield Scenario("profile/post-quantum/by-retry", "a retry to a post-quantum group", PASS, client, server,
                   variant="post-quantum")


def report_mode():
    more = {"variant": "report"}
    weak = report("weak-tls")
    for label, client, server in (
            ("static-rsa", client12(suites=(0xC02F, 0x002F)), server12(suite=0x002F, kx="rsa")),
            ("tls10", client12(suites=(0xC014,)), server12(version=wire.TLS10, suite=0xC014)),
            ("dh-1024", client12(suites=(0x009E,)), server12(suite=0x009E, kx="dhe", dh_prime=wire.modp(1024))),
            ("group", client13(groups=("secp192r1", "x25519"), shares=("secp192r1",)), server13(group="secp192r1")),
            ("offers", client12(suites=(0x002F,)), server12(suite=0x002F, kx="rsa")),
            ("integrity-only", client13(suites=(0x1301, 0xC0B4)), server13(suite=0xC0B4))):
        yield Scenario(f"report/weak-{label}", "DESIGN 5: report mode does not interfere", weak, client, server, **more)
    yield Scenario("report/sni-mismatch", "DESIGN 5", report("sni-mismatch"), client13(host="other.peers.test"),
                   server13(), **more)
    yield Scenario("report/expired-1.2", "DESIGN 5", report("invalid-certificate"),
                   client12(), server12(identity="expired", leaf={"end": NOW - DAY}), **more)
    yield Scenario("report/expired-1.3-aws", "DESIGN 5: the preflight runs beside the tunnel",
                   report("invalid-certificate"), ssl_client(low=wire.TLS13, verify=False),
                   ssl_server(low=wire.TLS13, identity="expired", end=NOW - DAY), aws=True, **more)
    http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + CLIENT_MARK
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + SERVER_MARK
    talk = script(say(http), hear(), half_close(), until_eof(), close())
    listen = script(hear(), say(answer), until_eof(), close())
    yield Scenario("report/http", "DESIGN 5", report("not-tls"), talk, listen, **more)
    yield Scenario("report/http-aws", "DESIGN 5", report("aws-plaintext", "not-tls"), talk, listen, aws=True, **more)
    yield Scenario("report/server-speaks-first", "DESIGN 5: a banner is not held", report("not-tls"),
                   script(hear(), say(CLIENT_MARK), hear(), half_close(), until_eof(), close()),
                   script(say(b"SSH-2.0-x\r\n"), hear(), say(SERVER_MARK), until_eof(), close()), **more)
    yield Scenario("report/server-speaks-first-slow-client", "DESIGN 5: nor does a limit close it", report(),
                   script(hear(), _idle(3.0), say(CLIENT_MARK), hear(), half_close(), until_eof(), close()),
                   script(say(b"SSH-2.0-x\r\n"), hear(), say(SERVER_MARK), until_eof(), close()),
                   variant="report-hasty")
    yield Scenario("report/malformed-hello", "DESIGN 5", report("not-tls", "weak-tls", "malformed-request"),
                   client13(lambda c: wire.records(wire.HANDSHAKE, c.run.hello()[:60] + bytes(20))), server13(), **more)
    yield Scenario("report/second-server-hello", "DESIGN 5", report("not-tls", "weak-tls"), client13(),
                   server13(after=wire.records(wire.HANDSHAKE, wire.server_hello(wire.filler(32))) + wire.ccs()
                            + wire.app(wire.filler(300))), **more)
    yield Scenario("report/good-1.3", "nothing to report", PASS, client13(), server13(), **more)
    yield Scenario("report/good-1.2", "nothing to report", PASS, client12(), server12(), **more)
    yield Scenario("report/good-real", "nothing to report", PASS, ssl_client(), ssl_server(), **more)


def _idle(seconds):
    return lambda _c: pause(seconds)


def scenarios():
    yield from profiles()
    yield from report_mode()
