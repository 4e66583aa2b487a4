"""Good clients and servers of the real world: nothing of theirs may break."""

from __future__ import annotations

from dataclasses import replace

import wire
from real import (command, https_server, lite_client, lite_server, piped_server, ssl_client, ssl_server)
from scenario import PASS, Scenario


def openssl():
    agreed = {"1.2": replace(PASS, version="1.2"), "1.3": replace(PASS, version="1.3"),
              "both": replace(PASS, version="1.3")}
    for low, high, label in ((wire.TLS12, wire.TLS12, "1.2"), (wire.TLS13, wire.TLS13, "1.3"),
                             (wire.TLS12, wire.TLS13, "both")):
        yield Scenario(f"good/python-{label}", "Python's ssl", agreed[label], ssl_client(low=low, high=high),
                       ssl_server(low=low, high=high))
        yield Scenario(f"good/python-{label}-aws", "an AWS-class name", agreed[label], ssl_client(low=low, high=high),
                       ssl_server(low=low, high=high), aws=True)
        yield Scenario(f"good/python-{label}-client-certificate", "issue 2: mutual TLS", PASS,
                       ssl_client(low=low, high=high, certificate=True),
                       ssl_server(low=low, high=high, client_certificate=True))
        yield Scenario(f"good/python-{label}-resumption", "issue 2: resumption", agreed[label],
                       ssl_client(low=low, high=high, connections=3, resumed=True), ssl_server(low=low, high=high))
        yield Scenario(f"good/python-{label}-alpn", "RFC 7301", PASS,
                       ssl_client(low=low, high=high, protocols=("h2", "http/1.1")),
                       ssl_server(low=low, high=high, protocols=("h2",)))
        yield Scenario(f"good/python-{label}-8mb", "a large body both ways", PASS,
                       ssl_client(low=low, high=high, size=8 << 20), ssl_server(low=low, high=high), limit=40)
        yield Scenario(f"good/python-{label}-many-messages", "back and forth", PASS,
                       ssl_client(low=low, high=high, size=300, messages=20), ssl_server(low=low, high=high))
    yield Scenario("good/python-1.2-session-id", "issue 2: resumption by session id", PASS,
                   ssl_client(high=wire.TLS12, connections=3, resumed=True), ssl_server(high=wire.TLS12, tickets=False))
    yield Scenario("good/python-resumption-aws", "resumption on an AWS-class name", PASS,
                   ssl_client(connections=3, resumed=True), ssl_server(), aws=True)
    for group in ("X25519", "X448", "prime256v1", "secp384r1", "secp521r1"):
        for low, high, label in ((wire.TLS12, wire.TLS12, "1.2"), (wire.TLS13, wire.TLS13, "1.3")):
            yield Scenario(f"good/group-{label}-{group}", "DESIGN 6", PASS, ssl_client(low=low, high=high, group=group),
                           ssl_server(low=low, high=high, group=group))
    for group in ("prime256v1", "secp521r1"):
        yield Scenario(f"good/retry-{group}", "a HelloRetryRequest in earnest", PASS, ssl_client(low=wire.TLS13),
                       ssl_server(low=wire.TLS13, group=group))
        yield Scenario(f"good/retry-{group}-aws", "a HelloRetryRequest in earnest, and a preflight", PASS,
                       ssl_client(low=wire.TLS13), ssl_server(low=wire.TLS13, group=group), aws=True)
    for group in ("ffdhe2048", "ffdhe4096"):
        yield Scenario(f"good/group-1.3-{group}", "DESIGN 6", PASS, ssl_client(low=wire.TLS13, group=group),
                       ssl_server(low=wire.TLS13, group=group))
    yield Scenario("good/group-1.2-brainpoolP256r1", "DESIGN 6", PASS, ssl_client(high=wire.TLS12, group="brainpoolP256r1"),
                   ssl_server(high=wire.TLS12, group="brainpoolP256r1"))
    for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
                   "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "ECDHE-ARIA128-GCM-SHA256",
                   "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES256-CCM"):
        yield Scenario(f"good/cipher-{cipher}", "DESIGN 6", PASS, ssl_client(high=wire.TLS12),
                       ssl_server(high=wire.TLS12, ciphers=cipher + ":@SECLEVEL=0"))
    for key in ("p256", "p384", "ed25519"):
        for low, high, label in ((wire.TLS12, wire.TLS12, "1.2"), (wire.TLS13, wire.TLS13, "1.3")):
            yield Scenario(f"good/certificate-{label}-{key}", "DESIGN 6", PASS, ssl_client(low=low, high=high),
                           ssl_server(low=low, high=high, identity="keyed", key=key))
    yield Scenario("good/parallel-1.3", "many at once", PASS, ssl_client(), ssl_server(), repeat=30, limit=40)
    yield Scenario("good/parallel-1.2", "many at once", PASS, ssl_client(high=wire.TLS12), ssl_server(high=wire.TLS12),
                   repeat=30, limit=40)
    yield Scenario("good/parallel-1mb", "many at once, with bodies", PASS, ssl_client(size=1 << 20), ssl_server(),
                   repeat=8, limit=40)


def tlslite():
    for name, client, server in (
            ("1.3", {"low": wire.TLS12, "high": wire.TLS13}, {"low": wire.TLS12, "high": wire.TLS13}),
            ("1.2-ecdhe", {"low": wire.TLS12}, {"low": wire.TLS12}),
            ("1.2-cbc", {"low": wire.TLS12, "ciphers": ("aes128",), "exchanges": ("ecdhe_rsa",)}, {"low": wire.TLS12}),
            ("old-offers-along", {"low": wire.SSL3, "high": wire.TLS12}, {"low": wire.TLS12}),
            ("1.2-session-cache", {"low": wire.TLS12, "connections": 2, "resumed": True}, {"low": wire.TLS12, "cache": True})):
        yield Scenario(f"good/tlslite-{name}", "another library's habits", PASS, lite_client(**client),
                       lite_server(**server), needs="tlslite")
    yield Scenario("good/tlslite-client-openssl-server", "two libraries", PASS, lite_client(low=wire.TLS12, high=wire.TLS13),
                   ssl_server(), needs="tlslite")
    yield Scenario("good/openssl-client-tlslite-server", "two libraries", PASS, ssl_client(),
                   lite_server(low=wire.TLS12, high=wire.TLS13), needs="tlslite")


def commands():
    curl = ("curl", "-sS", "--max-time", "15", "--proxy", "http://{proxy}", "--cacert", "{roots}")
    for label, extra in (("1.2", ("--tlsv1.2", "--tls-max", "1.2")), ("1.3", ("--tlsv1.3",)), ("default", ())):
        yield Scenario(f"good/curl-{label}", "curl", PASS, command(*curl, *extra, "https://{host}/", expect=b"heard 0"),
                       https_server(), needs="curl")
    yield Scenario("good/curl-aws", "curl to an AWS-class name", PASS,
                   command(*curl, "https://{host}/", expect=b"heard 0"), https_server(), aws=True, needs="curl")
    yield Scenario("good/curl-upload", "curl, 2 MB up with 100-continue", PASS,
                   command(*curl, "-H", "Expect: 100-continue", "--data-binary", "@-", "https://{host}/",
                           expect=b"heard 2097152", stdin=bytes(2 << 20)), https_server(), needs="curl")
    yield Scenario("good/curl-download", "curl, 8 MB down", PASS,
                   command(*curl, "https://{host}/big", expect=b"\x5c" * 4096), https_server(), needs="curl", limit=40)
    yield Scenario("good/curl-parallel", "ten curls", PASS, command(*curl, "https://{host}/", expect=b"heard 0"),
                   https_server(), needs="curl", repeat=10, limit=40)
    s_client = ("openssl", "s_client", "-proxy", "{proxy}", "-connect", "{host}:443", "-servername", "{host}", "-CAfile",
                "{roots}", "-verify_return_error", "-quiet")
    get = b"GET / HTTP/1.0\r\n\r\n"
    for label, extra, server in (("1.2", ("-tls1_2",), ()), ("1.3", ("-tls1_3",), ()),
                                 ("no-ticket", ("-no_ticket", "-tls1_2"), ()),
                                 ("p521", ("-groups", "P-521"), ()), ("x448", ("-groups", "X448"), ()),
                                 ("retry", ("-groups", "X25519:P-256"), ("-groups", "P-256")),
                                 ("no-middlebox", ("-no_middlebox", "-tls1_3"), ("-no_middlebox",)),
                                 ("chacha", ("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "-tls1_3"), ()),
                                 ("ccm", ("-ciphersuites", "TLS_AES_128_CCM_SHA256", "-tls1_3"),
                                  ("-ciphersuites", "TLS_AES_128_CCM_SHA256")),
                                 ("ccm8", ("-ciphersuites", "TLS_AES_128_CCM_8_SHA256", "-tls1_3"),
                                  ("-ciphersuites", "TLS_AES_128_CCM_8_SHA256")),
                                 ("tiny-fragments", ("-max_send_frag", "512", "-tls1_2"), ("-max_send_frag", "512")),
                                 ("status", ("-status",), ())):
        yield Scenario(f"good/s_client-{label}", "openssl s_client", PASS,
                       command(*s_client, *extra, expect=b"s_server", stdin=get),
                       piped_server("-www", *server))


def scenarios():
    yield from openssl()
    yield from tlslite()
    yield from commands()
