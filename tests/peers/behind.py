"""The scripted servers again, behind an interception.

The client is an ordinary HTTPS client that trusts the proxy's authority. Whatever the server does,
the client's handshake is completed and an HTTP answer comes: the server's own, or one that says in
plain words why there is none. Scripted servers never get as far as a request, because they know no
key; their faults are met by outgate's own TLS in earnest, and each must end in such an answer.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import replace

from judge import Result, describe, final
from real import https_client
from scenario import PASS, Scenario, refuse

# Modules whose scenarios are about the client, or about what only a tunnel has.
FAMILIES = ("server/", "certificate/", "good/", "aws/weak", "aws/good", "retry/", "framing/", "ends/", "real-old/",
            "speaks-first/", "client-certificate/", "silence/server", "silence/retry-then-server", "answers/",
            "not-tls/", "ccs/", "order/", "after-hellos/", "much/")
# About the client after all, or in need of more than one request.
SKIPPED = ("*client*", "good/*resumption*", "good/*session*", "good/*8mb", "good/*many-messages", "good/*alpn",
           "good/parallel*", "good/curl*", "good/s_client*")

# What OpenSSL speaks and outgate's TLS does not: (scenarios, words that the answer must have).
NOTHING = "accepts nothing that outgate's own TLS offers"
LONG = "longer than 64 KiB"
CANNOT = (
    ("certificate/*-chain-90k", LONG),
    ("good/group-*-X448", NOTHING),
    ("good/group-*-secp521r1", NOTHING),
    ("good/retry-secp521r1*", NOTHING),
    ("good/group-1.3-ffdhe*", NOTHING),
    ("good/group-1.2-brainpool*", NOTHING),
    ("good/cipher-ECDHE-RSA-AES128-SHA", NOTHING),      # CBC
    ("good/cipher-ECDHE-RSA-AES256-SHA384", NOTHING),       # CBC
    ("good/cipher-ECDHE-ARIA*", NOTHING),
    ("good/cipher-DHE-*", NOTHING),
    ("real-old/tls12-dhe-2048", NOTHING),
    ("certificate/1.3-aws-ed448", NOTHING),
)

PROBLEM = "application/problem+json"
# What a debugger prints is no sentence. The names of TLS's own messages are.
CODE = re.compile(r"\b(?:[A-Z][a-z]+){3,}\b|[{}]|::|\bErr\b|\bSome\(|\w\(\"|\(0x")
MESSAGES = re.compile(r"\b(ChangeCipherSpec|ClientHello|ServerHello|ServerHelloDone|ServerKeyExchange|HelloRetryRequest|"
                      r"HelloRequest|CertificateRequest|CertificateVerify|NewSessionTicket|EncryptedExtensions)\b")
CERTIFICATE = refuse("invalid-certificate", "weak-tls")


def choose(everything) -> list[Scenario]:
    chosen = []
    for s in everything:
        if not s.name.startswith(FAMILIES) or any(fnmatch.fnmatchcase(s.name, glob) for glob in SKIPPED):
            continue
        if s.variant.startswith("report") or s.port == 0 or s.target or s.spelled:
            continue
        chosen.append(replace(s, client=https_client, joined=None, repeat=1, check=None, preflight=None, serial=False,
                              unheard=False, through=True, within=None, limit=max(s.limit, 20.0),
                              expect=expectation(s)))
    return chosen


def expectation(s: Scenario):
    if getattr(s.server, "raw", False):
        # No key, no session: at best it is refused for its own fault, at worst for this.
        return s.expect if s.expect.kind == "refuse" else refuse()
    if s.name.startswith("certificate/") and s.expect.kind == "pass":
        # A tunnel does not see them; here every certificate is verified.
        return CERTIFICATE if is_bad_certificate(s.name) else PASS
    return s.expect


def is_bad_certificate(name: str) -> bool:
    import pki
    return any(verdict is False and name.endswith("-" + label) for label, (_, verdict, *_) in pki.identities().items())


def verdict(o) -> Result:
    e, faults = o.scenario.expect, []
    if o.client_ended == "late":
        faults.append(f"hangs ({o.seconds:.1f} s)")
    elif o.status != 200:
        faults.append(f"CONNECT is answered {o.status}")
    elif o.answer is None:
        faults.append("no answer inside" + (f" ({o.notes[0]})" if o.notes else ""))
    elif o.passed:
        if e.kind == "refuse":
            faults.append("the payload went through")
        faults += [f"{glob} is no longer out of reach" for glob, _ in cannot(o)]
    else:
        faults += told(o, e)
    if not any((r.get("request") or {}).get("method") == "GET" for r in o.records):
        faults.append("the request is not on record")
    return Result(o, faults, got(o))


def told(o, e) -> list[str]:
    """What is wrong with an answer of the proxy's own."""
    faults, answer = [], o.answer
    if not 400 <= answer["status"] <= 599 or answer["type"] != PROBLEM:
        return [f"the answer is {answer['status']} {answer['type']}"]
    detail = answer["detail"]
    if len(detail) < 30 or CODE.search(MESSAGES.sub("", detail)):
        faults.append(f"not in plain words: {detail!r}")
    is_broken = "not well-formed" in detail     # no rule's: there is no certificate to judge
    if (o.scenario.name.startswith("certificate/") and e.kind == "refuse" and e.rules
            and answer["rule"] not in e.rules and not is_broken):
        faults.append(f"the rule is {answer['rule']}: {detail!r}")
    if e.kind == "pass":
        known = cannot(o)
        if not known:
            faults.append(f"does not pass: {detail!r}")
        faults += [f"says {detail!r}, without {words!r}" for _, words in known if words not in detail]
    return faults


def cannot(o) -> list[tuple[str, str]]:
    return [row for row in CANNOT if fnmatch.fnmatchcase(o.scenario.name, row[0])]


def got(o) -> str:
    if o.answer is None:
        return describe(o)
    last = final(o.records)
    rule = o.answer["rule"] or "no rule"
    return f"{o.answer['status']} {rule}, record {last.get('verdict')}/{last.get('rule')}: {o.answer['detail']}"
