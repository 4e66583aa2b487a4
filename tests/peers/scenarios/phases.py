"""The order of things: retries, second hellos, data before it is due, framing, silence, ends."""

from __future__ import annotations

import wire
from conn import (CLIENT_MARK, SERVER_MARK, client_tail, close, half_close, hear, pause, reset, say, say_in_pieces,
                  say_nothing, script, server_tail, until_eof)
from flows import (ENCRYPTED, SERVER_RANDOM, client12, client13, finish13, finished12, flight12, flight13, hello,
                   messages12, retry_pair, second_flight12, server12, server12_raw, server13, server13_early, server13_raw,
                   server_hello13)
from pki import identities
from scenario import END, PASS, STALLED, WEAK, WEAK_LATE, Scenario, either, refuse

TLS_OR_NOT = refuse("weak-tls", "not-tls")
MARKED = wire.app(CLIENT_MARK)


def retries():
    def case(name, why, expect, **bend):
        client, server = retry_pair(**bend)
        return Scenario(f"retry/{name}", why, expect, client, server)

    yield case("good", "RFC 8446 4.1.4", PASS)
    yield case("good-cookie", "RFC 8446 4.2.2", PASS,
               retry_bend={"cookie": wire.filler(70)}, second_bend={"add": [(wire.COOKIE, wire.vec16(wire.filler(70)))]})
    yield case("cookie-only", "RFC 8446 4.1.4: a cookie is reason enough", PASS,
               retry_bend={"cookie": wire.filler(32), "group": None},
               second_bend={"shares": ("x25519",), "add": [(wire.COOKIE, wire.vec16(wire.filler(32)))]},
               server_bend={"group": "x25519"})
    for group in ("secp384r1", "secp521r1", "x448", "X25519MLKEM768", "ffdhe2048", "ffdhe8192",
                  "SecP384r1MLKEM1024"):
        yield case(f"good-{group}", "RFC 8446 4.1.4", PASS, first_bend={"groups": ("x25519", group)},
                   retry_bend={"group": group}, second_bend={"shares": (group,)}, server_bend={"group": group})
    for group in ("secp192r1", "secp224r1", "secp256k1", "sect283k1", "MLKEM768", "X25519Kyber768Draft00"):
        yield case(f"weaker-group-{group}", "issue 2: a second hello that ends weaker", WEAK,
                   first_bend={"groups": ("x25519", group)}, retry_bend={"group": group},
                   second_bend={"shares": (group,)}, server_bend={"group": group})
    yield case("empty-first-shares", "RFC 8446 4.2.8: an empty list asks for a retry", PASS,
               first_bend={"shares": ()})
    yield case("group-never-offered", "RFC 8446 4.2.8", WEAK,
               retry_bend={"group": "secp521r1"}, second_bend={"shares": ("secp521r1",)},
               server_bend={"group": "secp521r1"})
    yield case("group-already-shared", "RFC 8446 4.2.8: the retry would change nothing", either("weak-tls", "not-tls"),
               retry_bend={"group": "x25519"}, second_bend={"shares": ("x25519",)}, server_bend={"group": "x25519"})
    yield case("then-another-group", "RFC 8446 4.2.8: the share must be of the retry's group", WEAK_LATE,
               first_bend={"groups": ("x25519", "secp256r1", "secp192r1")},
               second_bend={"shares": ("secp256r1", "secp192r1")}, server_bend={"group": "secp192r1"})
    yield case("then-no-share", "issue 2: judge the second ServerHello again", WEAK_LATE,
               first_bend={"modes": (0, 1), "add": [wire.pre_shared_key()]}, server_bend={"group": None, "add": [
                   (wire.PRE_SHARED_KEY, b"\0\0")]})
    yield case("then-another-suite", "RFC 8446 4.1.4: the suite must stay", WEAK_LATE, server_bend={"suite": 0x1302})
    yield case("then-integrity-only", "issue 2: the second ServerHello again", WEAK_LATE,
               first_bend={"suites": (0x1301, 0xC0B4)}, server_bend={"suite": 0xC0B4})
    yield case("then-draft-version", "RFC 8446 4.1.4: the version must stay", WEAK_LATE,
               first_bend={"versions": (0x7F1C, wire.TLS13)}, server_bend={"version": 0x7F1C})
    yield case("draft-version", "the retry's own version counts", WEAK, first_bend={"versions": (0x7F1C, wire.TLS13)},
               retry_bend={"version": 0x7F1C}, server_bend={"version": 0x7F1C})
    yield case("weak-suite", "the retry's own suite counts", WEAK, first_bend={"suites": (0x1301, 0xC0B5)},
               retry_bend={"suite": 0xC0B5}, server_bend={"suite": 0xC0B5})
    yield case("suite-never-offered", "RFC 8446 4.1.4", WEAK, first_bend={"suites": (0x1301,)},
               retry_bend={"suite": 0x1303}, server_bend={"suite": 0x1303})
    yield case("then-1.2", "RFC 8446 4.1.4: not lower after a retry", WEAK_LATE,
               second=flight12())
    yield case("twice", "RFC 8446 4.1.4: a second HelloRetryRequest is an error", TLS_OR_NOT,
               second=wire.records(wire.HANDSHAKE, wire.hello_retry(group="secp384r1")))
    yield case("then-other-name", "issue 2: judge the second ClientHello, its SNI too",
               refuse("sni-mismatch"), second_bend={"host": "other.peers.test"})
    yield case("then-no-name", "RFC 8446 4.1.2: the hello must stay the same",
               refuse("sni-mismatch", "weak-tls", "not-tls"), second_bend={"drop": (wire.SNI,)})
    yield case("then-two-names", "RFC 6066 3", refuse("sni-mismatch"), second_bend={
        "drop": (wire.SNI,), "first": (wire.sni_list("other.peers.test", "x.peers.test"),)})
    yield case("then-weak-offers", "issue 2: a second hello that ends weaker", WEAK_LATE,
               second_bend={"suites": (0xC0B4,), "groups": ("secp192r1",), "shares": ("secp192r1",)},
               server_bend={"group": "secp192r1", "suite": 0xC0B4})
    yield case("then-other-suites", "RFC 8446 4.1.2: nothing but the named changes", either("weak-tls", "not-tls"),
               second_bend={"suites": (0x1302, 0x1301)})
    yield case("then-client-of-1.2", "RFC 8446 4.1.2: the second hello falls back to 1.2",
               refuse("weak-tls", "not-tls"),
               second_bend={"versions": None, "shares": None}, second=flight12())
    yield case("early-data", "RFC 8446 4.2.10: early data is skipped after a retry", PASS,
               early=wire.app(wire.filler(900)),
               first_bend={"add": [(wire.EARLY_DATA, b""), wire.pre_shared_key()]},
               second_bend={"add": [wire.pre_shared_key()]})
    yield case("early-data-in-second", "RFC 8446 4.1.2: early_data must go", either("weak-tls", "not-tls"),
               early=wire.app(wire.filler(900)),
               first_bend={"add": [(wire.EARLY_DATA, b""), wire.pre_shared_key()]})
    yield case("data-before-second-hello", "application data where the second ClientHello is due", TLS_OR_NOT,
               between=wire.app(SERVER_MARK))
    client = script(say(hello()), hear(), say(wire.app(CLIENT_MARK)), hear(), finish13())
    server = script(hear(), say(wire.records(wire.HANDSHAKE, wire.hello_retry())), hear(), say(ENCRYPTED), server_tail())
    yield Scenario("retry/then-no-second-hello", "application data before it is due", TLS_OR_NOT, client, server)
    client, server = retry_pair(second_bend={"session_id": b"another-id"})
    yield Scenario("retry/then-other-session-id", "RFC 8446 4.1.2", either("weak-tls", "not-tls"), client, server)


def second_hellos():
    second = wire.records(wire.HANDSHAKE, server_hello13(group="secp256r1", random=wire.filler(32, 5)))
    both = {"groups": ("x25519", "secp256r1"), "shares": ("x25519", "secp256r1")}
    yield Scenario("order/second-server-hello", "issue 2: a second ServerHello is a refusal", TLS_OR_NOT,
                   client13(**both), server13_raw(flight13(after=second + wire.ccs() + ENCRYPTED)))
    one = server_hello13() + server_hello13(group="secp192r1")
    yield Scenario("order/second-server-hello-same-record", "issue 2", TLS_OR_NOT,
                   client13(groups=("x25519", "secp192r1"), shares=("x25519", "secp192r1")),
                   server13_raw(wire.record(wire.HANDSHAKE, one), wire.ccs(), ENCRYPTED))
    yield Scenario("order/second-server-hello-after-ccs", "issue 2", TLS_OR_NOT, client13(**both),
                   server13_raw(flight13(after=wire.ccs() + second + ENCRYPTED)))
    yield Scenario("order/second-server-hello-1.2", "issue 2", TLS_OR_NOT, client12(),
                   server12(after_hello=wire.server_hello(SERVER_RANDOM, suite=0xC030)))
    yield Scenario("order/server-hello-1.2-then-1.3", "issue 2", TLS_OR_NOT, client13(),
                   server13_raw(wire.record(wire.HANDSHAKE, wire.server_hello(SERVER_RANDOM) + server_hello13()),
                                ENCRYPTED))
    plain = wire.record(wire.HANDSHAKE, wire.handshake(8, wire.vec16(b"")))
    chain = lambda c: wire.records(wire.HANDSHAKE, wire.certificate13(c.run.identity().chain))  # noqa: E731
    yield Scenario("order/plaintext-certificate-1.3", "issue 2: a plaintext Certificate in 1.3 is a refusal",
                   TLS_OR_NOT, client13(), server13_raw(flight13(after=wire.ccs()), plain, chain, ENCRYPTED))
    yield Scenario("order/plaintext-encrypted-extensions", "RFC 8446 4.3: all after the ServerHello is encrypted",
                   TLS_OR_NOT, client13(), server13_raw(flight13(after=b""), plain, ENCRYPTED))
    yield Scenario("order/plaintext-certificate-same-record", "RFC 8446 5.1: keys change at a record's edge",
                   TLS_OR_NOT, client13(), server13_raw(
                       lambda c: wire.records(wire.HANDSHAKE, server_hello13() + wire.certificate13(c.run.identity().chain)),
                       ENCRYPTED))
    yield Scenario("order/plaintext-finished-1.3", "RFC 8446 4.4.4", TLS_OR_NOT, client13(),
                   server13_raw(flight13(after=wire.ccs()), wire.record(wire.HANDSHAKE, wire.handshake(20, bytes(32))),
                                ENCRYPTED))
    yield Scenario("order/application-data-before-hello", "issue 2: application data before it is due", TLS_OR_NOT,
                   client13(), server13_raw(wire.app(SERVER_MARK), flight13()))
    yield Scenario("order/application-data-in-1.2-flight", "RFC 5246: before ChangeCipherSpec", TLS_OR_NOT, client12(),
                   server12_raw(lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0]) + wire.app(SERVER_MARK)
                                + b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[1:])))
    yield Scenario("order/client-data-before-key-exchange-1.2", "RFC 5246: the client's turn, and no keys yet",
                   TLS_OR_NOT, script(say(hello(versions=None)), hear(), say(MARKED), hear(), client_tail()), server12())
    yield Scenario("order/client-data-after-hello-1.2", "RFC 5246: data right behind the hello, no early data",
                   refuse("weak-tls", "not-tls"),
                   script(say(hello(versions=None), MARKED), hear(), say(second_flight12()), hear(), client_tail()),
                   server12())
    yield Scenario("order/client-data-after-hello-1.3", "RFC 8446 4.2.10: without the early_data extension",
                   refuse("weak-tls", "not-tls"), script(say(hello(), MARKED), hear(), finish13()), server13())
    yield Scenario("order/server-data-before-finished-1.2", "RFC 5246: the server's data before its Finished",
                   either("weak-tls", "not-tls"), client12(),
                   script(hear(), say(flight12()), hear(), say(wire.app(SERVER_MARK)), server_tail()))
    for label, kind, expect in (("hello-request", 0, either("weak-tls", "not-tls")), ("client-hello", 1, TLS_OR_NOT),
                                ("finished", 20, TLS_OR_NOT), ("unknown-99", 99, TLS_OR_NOT)):
        message = wire.handshake(kind, b"" if kind in (0,) else wire.filler(40, 4))
        yield Scenario(f"order/{label}-instead-of-server-hello", "RFC 8446 4: the first message", expect, client13(),
                       server13_raw(wire.record(wire.HANDSHAKE, message), flight13()))
    cases = {
        "exchange-before-certificate": lambda m: [m[0], m[2], m[1], m[3]],
        "no-certificate": lambda m: [m[0], m[2], m[3]],
        "no-key-exchange": lambda m: [m[0], m[1], m[3]],
        "only-hello-and-done": lambda m: [m[0], m[3]],
        "certificate-twice": lambda m: [m[0], m[1], m[1], m[2], m[3]],
        "exchange-twice": lambda m: [m[0], m[1], m[2], m[2], m[3]],
        "unknown-message": lambda m: [m[0], m[1], wire.handshake(77, b"???"), m[2], m[3]],
        "finished-in-flight": lambda m: [m[0], m[1], wire.handshake(20, bytes(12)), m[2], m[3]],
        "certificate-first": lambda m: [m[1], m[0], m[2], m[3]],
        "done-with-a-body": lambda m: [m[0], m[1], m[2], wire.handshake(14, b"\0")],
    }
    for label, bend in cases.items():
        yield Scenario(f"order/1.2-{label}", "RFC 5246 7.3: the order of the flight",
                       refuse("weak-tls", "not-tls", "invalid-certificate")
                       if label not in ("done-with-a-body",) else either("weak-tls", "not-tls"), client12(),
                       server12_raw(lambda c, bend=bend: b"".join(wire.records(wire.HANDSHAKE, m)
                                                                  for m in bend(messages12(c)))))
    yield Scenario("order/1.2-second-exchange-weaker", "the last one would be believed", TLS_OR_NOT, client12(
        groups=("x25519", "secp192r1")), server12_raw(lambda c: b"".join(
            wire.records(wire.HANDSHAKE, m) for m in (
                messages12(c)[:3] + [messages12(c, group="secp192r1")[2]] + messages12(c)[3:]))))
    yield Scenario("order/1.2-resumption-never-asked-for", "CCS right after a hello that shows no session",
                   refuse("weak-tls", "not-tls", "invalid-certificate"),
                   script(say(hello(versions=None, session_id=b"", drop=(wire.SESSION_TICKET,))), hear(),
                          say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()),
                   script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(SERVER_RANDOM)), finished12()),
                          hear(), say_nothing(), server_tail()))
    yield Scenario("order/1.2-resumption-ticket-no-session-id", "RFC 5077 3.4: a client may send no session id", PASS,
                   script(say(hello(versions=None, session_id=b"", drop=(wire.SESSION_TICKET,),
                                    add=[(wire.SESSION_TICKET, wire.filler(180))])), hear(),
                          say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()),
                   script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(SERVER_RANDOM)), finished12()),
                          hear(), say_nothing(), server_tail()))
    for label, bend in (("session-id", {"drop": (wire.SESSION_TICKET,)}),
                        ("ticket", {"drop": (wire.SESSION_TICKET,), "add": [(wire.SESSION_TICKET, wire.filler(180))]})):
        yield Scenario(f"order/1.2-resumption-{label}", "issue 2: resumption shows no Certificate; no fault", PASS,
                       script(say(hello(versions=None, **bend)), hear(),
                              say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()),
                       script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(
                           SERVER_RANDOM, session_id=wire.SESSION_ID)), finished12()), hear(), say_nothing(),
                           server_tail()))
    yield Scenario("order/1.2-resumption-weak-suite", "suites are judged by what is agreed", WEAK,
                   script(say(hello(versions=None, suites=(0xC02F, 0x002F))), hear(),
                          say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()),
                   script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(
                       SERVER_RANDOM, session_id=wire.SESSION_ID, suite=0x002F)), finished12()), hear(), say_nothing(),
                       server_tail()))
    yield Scenario("order/1.2-resumption-new-ticket", "RFC 5077 3.3: a new ticket in a resumption", PASS,
                   script(say(hello(versions=None, drop=(wire.SESSION_TICKET,),
                                    add=[(wire.SESSION_TICKET, wire.filler(180))])), hear(),
                          say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()),
                   script(hear(), say(wire.records(wire.HANDSHAKE, wire.server_hello(
                       SERVER_RANDOM, session_id=wire.SESSION_ID, exts=[(wire.SESSION_TICKET, b"")])),
                       finished12(ticket=True)), hear(), say_nothing(), server_tail()))


HTTP_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" + SERVER_MARK
HTTP_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + CLIENT_MARK
BANNERS = {
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n", "smtp": b"220 mail ESMTP\r\n", "ftp": b"220 ready\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "random": wire.filler(400, 77),
    "one-byte": b"\x16", "nul": bytes(64), "looks-like-a-record": b"\x16\x03\x03\x00\x05hello",
    "mysql": b"\x4a\0\0\0\x0a8.0.36\0" + wire.filler(60),
}


def other_protocols():
    for label, banner in BANNERS.items():
        talk = script(say(banner + SERVER_MARK), hear(), until_eof(), close())
        yield Scenario(f"speaks-first/{label}-then-silence", "issue 2: a server that speaks first hangs proxies", STALLED,
                       script(hear(), say(CLIENT_MARK), until_eof(), close()), talk, variant="hasty", limit=12,
                       within=6, through=False)
        yield Scenario(f"speaks-first/{label}-and-a-client-hello", "DESIGN 5 not-tls: TLS on both sides", TLS_OR_NOT,
                       script(say(hello()), hear(), finish13()),
                       script(say(banner + SERVER_MARK), hear(), say(SERVER_MARK), server_tail()))
        if label == "one-byte":
            yield Scenario("answers/one-byte", "a record's first byte, then silence", STALLED, client13(),
                           script(hear(), say(banner), until_eof(), close()), variant="hasty", limit=12, within=6,
                           through=False)
            continue
        yield Scenario(f"answers/{label}", "DESIGN 5 not-tls: the hello is answered in another protocol", TLS_OR_NOT,
                       client13(), script(hear(), say(banner + SERVER_MARK), server_tail()))
    yield Scenario("speaks-first/server-hello", "a ServerHello before any hello",
                   refuse("not-tls", "weak-tls", verdicts=("block", "error")),
                   script(hear(), say(hello()), hear(), finish13()),
                   script(say(flight13()), hear(), say_nothing(), server_tail()), variant="hasty", limit=12)
    yield Scenario("after-hellos/server-http-1.3", "issue 2: plain HTTP after a good pair of hellos", TLS_OR_NOT,
                   client13(), server13_raw(flight13(after=b""), HTTP_ANSWER))
    yield Scenario("after-hellos/server-http-1.3-after-ccs", "issue 2", TLS_OR_NOT,
                   client13(), server13_raw(flight13(after=wire.ccs()), HTTP_ANSWER))
    yield Scenario("after-hellos/server-http-1.3-later", "issue 2, once the hello has been passed on",
                   refuse("weak-tls", "not-tls"),
                   script(say(hello()), hear(), say(wire.ccs(), wire.app(wire.filler(53))), hear(), half_close(),
                          until_eof(), close()),
                   script(hear(), say(flight13(after=b"")), hear(), say(HTTP_ANSWER), until_eof(), close()))
    yield Scenario("after-hellos/client-http-1.3", "issue 2: plain HTTP after a good pair of hellos", TLS_OR_NOT,
                   script(say(hello()), hear(), say(HTTP_REQUEST), hear(), half_close(), until_eof(), close()), server13())
    yield Scenario("after-hellos/client-http-1.3-after-ccs", "issue 2", TLS_OR_NOT,
                   script(say(hello()), hear(), say(wire.ccs(), HTTP_REQUEST), hear(), half_close(),
                          until_eof(), close()), server13())
    yield Scenario("after-hellos/server-http-1.2", "issue 2", TLS_OR_NOT, client12(),
                   server12_raw(lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0]), HTTP_ANSWER))
    yield Scenario("after-hellos/server-http-1.2-after-done", "issue 2", TLS_OR_NOT, client12(),
                   server12_raw(flight12(), HTTP_ANSWER))
    yield Scenario("after-hellos/server-http-1.2-for-finished", "issue 2", TLS_OR_NOT, client12(),
                   script(hear(), say(flight12()), hear(), say(HTTP_ANSWER), server_tail()))
    yield Scenario("after-hellos/client-http-1.2", "issue 2", TLS_OR_NOT,
                   script(say(hello(versions=None)), hear(), say(HTTP_REQUEST), hear(), half_close(), until_eof(), close()),
                   server12())
    yield Scenario("after-hellos/both-http-1.3", "issue 2: a whole plaintext conversation behind two hellos", TLS_OR_NOT,
                   script(say(hello()), hear(), say(HTTP_REQUEST), hear(), half_close(), until_eof(), close()),
                   script(hear(), say(flight13(after=b"")), hear(), say(HTTP_ANSWER), until_eof(), close()))
    yield Scenario("after-hellos/both-http-1.2", "issue 2", TLS_OR_NOT,
                   script(say(hello(versions=None)), hear(), say(HTTP_REQUEST), hear(), half_close(), until_eof(), close()),
                   script(hear(), say(flight12()), hear(), say(HTTP_ANSWER), until_eof(), close()))
    yield Scenario("after-hellos/client-plain-handshake-1.3", "RFC 8446: encrypted from here on", TLS_OR_NOT,
                   script(say(hello()), hear(), say(wire.record(wire.HANDSHAKE, wire.handshake(20, bytes(32))), MARKED),
                          hear(), half_close(), until_eof(), close()), server13())
    yield Scenario("after-hellos/client-second-hello-1.3", "a ClientHello nobody asked for", TLS_OR_NOT,
                   script(say(hello()), hear(), say(hello(), MARKED), hear(), half_close(), until_eof(), close()),
                   server13())
    yield Scenario("after-hellos/client-second-hello-1.2", "a ClientHello in place of the key exchange", TLS_OR_NOT,
                   script(say(hello(versions=None)), hear(), say(hello(versions=None, suites=(0x002F,)), MARKED),
                          hear(), client_tail()), server12())
    yield Scenario("after-hellos/renegotiation-1.2", "RFC 5246: an encrypted HelloRequest and ClientHello", PASS,
                   script(say(hello(versions=None)), hear(), say(second_flight12()), hear(),
                          say(wire.record(wire.HANDSHAKE, wire.filler(300, 5)), MARKED), hear(), half_close(),
                          until_eof(), close()),
                   script(hear(), say(flight12()), hear(), say(finished12(), wire.record(wire.HANDSHAKE, wire.filler(28))),
                          server_tail()))


def framing():
    good13 = flight13()
    for size in (1, 2, 3, 4, 5, 7, 37, 100):
        yield Scenario(f"framing/server-records-of-{size}-1.3", "RFC 8446 5.1: a message may span records", PASS,
                       client13(), server13_raw(flight13(size=size)))
        yield Scenario(f"framing/server-records-of-{size}-1.2", "RFC 5246 6.2.1: a message may span records", PASS,
                       client12(), server12(size=size))
    yield Scenario("framing/server-one-record-1.2", "RFC 5246 6.2.1: several messages in a record", PASS, client12(),
                   server12(one_record=True))
    yield Scenario("framing/server-all-cut-across-1.2", "messages and records share no edge", PASS, client12(),
                   server12(one_record=True, size=101))
    yield Scenario("framing/server-byte-by-byte-1.3", "TCP has no edges", PASS, client13(),
                   script(hear(), say_in_pieces(1, good13), server_tail()))
    yield Scenario("framing/server-byte-by-byte-1.2", "TCP has no edges", PASS, client12(), server12(pieces=1))
    yield Scenario("framing/server-pieces-1.2", "TCP has no edges", PASS, client12(), server12(pieces=13))
    for size in (1, 2, 5, 6, 40):
        yield Scenario(f"framing/client-records-of-{size}", "RFC 8446 5.1", PASS, client13(hello(size=size)), server13())
    yield Scenario("framing/client-byte-by-byte", "TCP has no edges", PASS,
                   script(say_in_pieces(1, hello()), hear(), finish13()), server13())
    empty = wire.record(wire.HANDSHAKE, b"")
    yield Scenario("framing/empty-record-server", "RFC 8446 5.1: no empty handshake fragments",
                   either("weak-tls", "not-tls"), client13(), server13_raw(empty, flight13()))
    yield Scenario("framing/empty-records-server-flood", "the same, 20 000 times", refuse("weak-tls", "not-tls", "limits"),
                   client13(), server13_raw(empty * 20000, flight13()))
    yield Scenario("framing/empty-record-client", "RFC 8446 5.1", either("weak-tls", "not-tls"),
                   script(say(empty, hello()), hear(), finish13()), server13())
    yield Scenario("framing/empty-records-client-flood", "the same, 20 000 times",
                   refuse("weak-tls", "not-tls", "limits", "malformed-request"),
                   script(say(empty * 20000, hello()), hear(), finish13()), server13())
    yield Scenario("framing/empty-application-data", "RFC 5246 6.2.1: fine once encrypted (CBC countermeasure)", PASS,
                   client12(), script(hear(), say(flight12()), hear(), say(finished12(), wire.app(b"")), server_tail()))
    for kind in (0, 19, 25, 63, 80, 99, 255):
        body = wire.record(kind, b"\x01\x02\x03\x04")
        yield Scenario(f"framing/content-type-{kind}-server", "RFC 8446 5: an unknown type", TLS_OR_NOT,
                       client13(), server13_raw(body, flight13()))
    yield Scenario("framing/content-type-99-server-between-1.2", "RFC 5246 6", TLS_OR_NOT, client12(), server12_raw(
        lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0]) + wire.record(99, b"??")
        + b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[1:])))
    yield Scenario("framing/content-type-99-after-hello-1.3", "RFC 8446 5", TLS_OR_NOT, client13(),
                   server13_raw(flight13(after=wire.record(99, b"??")), ENCRYPTED))
    beat = wire.record(wire.HEARTBEAT, b"\x01\x00\x05hello" + bytes(16))
    yield Scenario("framing/heartbeat-in-handshake", "RFC 6520 4: not during the handshake", TLS_OR_NOT, client12(),
                   server12_raw(lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0]) + beat
                                + b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[1:])))
    yield Scenario("framing/heartbleed-request", "CVE-2014-0160: a heartbeat right behind the hello",
                   TLS_OR_NOT, script(say(hello(versions=None), wire.record(wire.HEARTBEAT, b"\x01\x40\x00")), hear(),
                                      say(second_flight12()), hear(), client_tail()), server12())
    for version in (0x0303, 0x0301, 0x0302, 0x0304, 0x0300):
        yield Scenario(f"framing/client-record-version-{version:04x}", "RFC 8446 5.1: ignored for all purposes",
                       PASS if version in (0x0301, 0x0303) else either("weak-tls", "not-tls"),
                       client13(hello(record_version=version)), server13())
    for version in (0x0000, 0x0200, 0x0403, 0x1603, 0xFEFF, 0x4854):
        yield Scenario(f"framing/client-record-version-{version:04x}", "the first byte pair of no TLS",
                       refuse("not-tls", "weak-tls", "malformed-request"), client13(hello(record_version=version)),
                       server13())
        yield Scenario(f"framing/server-record-version-{version:04x}", "the first byte pair of no TLS", TLS_OR_NOT,
                       client13(), server13_raw(wire.records(wire.HANDSHAKE, server_hello13(), version), ENCRYPTED))
    for version in (0x0301, 0x0304):
        yield Scenario(f"framing/server-record-version-{version:04x}", "RFC 8446 5.1: ignored for all purposes",
                       either("weak-tls", "not-tls"), client13(),
                       server13_raw(wire.records(wire.HANDSHAKE, server_hello13(), version), wire.ccs(), ENCRYPTED))
    yield Scenario("framing/server-record-too-long", "RFC 8446 5.1: 2^14 bytes of plaintext at most", TLS_OR_NOT,
                   client12(), server12(size=65535, one_record=True, chain=[wire.filler(20000)]))
    yield Scenario("framing/client-record-too-long", "RFC 8446 5.1: 2^14 bytes of plaintext at most",
                   refuse("not-tls", "weak-tls", "malformed-request", "limits"),
                   client13(hello(size=65535, add=[(wire.PADDING, bytes(30000))])), server13())
    big = wire.app(wire.filler(16384 + 256))
    yield Scenario("framing/largest-ciphertext-1.3", "RFC 8446 5.2: 2^14 + 256", PASS, client13(),
                   server13_raw(flight13(), big, wire.app(wire.filler(17))))
    yield Scenario("framing/largest-ciphertext-1.2", "RFC 5246 6.2.3: 2^14 + 2048", PASS, client12(),
                   script(hear(), say(flight12()), hear(), say(finished12(), wire.app(wire.filler(16384 + 2048))),
                          server_tail()))
    yield Scenario("framing/server-message-too-long", "a ServerHello that claims 16 MB",
                   refuse("weak-tls", "not-tls", "limits"), client13(), server13_raw(
                       wire.records(wire.HANDSHAKE, b"\x02\xff\xff\xff" + wire.filler(200000)), SERVER_MARK))
    yield Scenario("framing/certificate-too-long", "a Certificate that claims 16 MB, and keeps coming",
                   refuse("weak-tls", "not-tls", "limits", "invalid-certificate"), client12(), server12_raw(
                       lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0]),
                       wire.records(wire.HANDSHAKE, b"\x0b\xff\xff\xff" + wire.filler(3_000_000)), SERVER_MARK),
                   through=False)


def cipher_changes():
    yield Scenario("ccs/server-before-hello-1.3", "RFC 8446 5: from the first ClientHello on it is dropped",
                   either("weak-tls", "not-tls"), client13(), server13_raw(wire.ccs(), flight13()))
    yield Scenario("ccs/server-before-hello-1.2", "RFC 5246: out of order", TLS_OR_NOT, client12(), server12_raw(
        wire.ccs(), flight12()))
    yield Scenario("ccs/server-within-flight-1.2", "CVE-2014-0224: an early ChangeCipherSpec", TLS_OR_NOT, client12(),
                   server12_raw(lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0])
                                + wire.records(wire.HANDSHAKE, messages12(c)[1]) + wire.ccs()
                                + b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[2:])))
    yield Scenario("ccs/server-before-done-1.2", "CVE-2014-0224", TLS_OR_NOT, client12(), server12_raw(
        lambda c: b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[:3]) + wire.ccs()
        + wire.records(wire.HANDSHAKE, messages12(c)[3])))
    yield Scenario("ccs/server-inside-a-message-1.3", "RFC 8446 5.1: nothing between the parts of a message",
                   TLS_OR_NOT, client13(), server13_raw(
                       wire.record(wire.HANDSHAKE, server_hello13()[:40]), wire.ccs(),
                       wire.record(wire.HANDSHAKE, server_hello13()[40:]), ENCRYPTED))
    yield Scenario("ccs/client-inside-a-hello", "RFC 8446 5.1", refuse("weak-tls", "not-tls", "malformed-request"),
                   client13(lambda c: wire.record(wire.HANDSHAKE, c.run.hello()[:50]) + wire.ccs()
                            + wire.record(wire.HANDSHAKE, c.run.hello()[50:])), server13())
    yield Scenario("ccs/server-twice-1.3", "RFC 8446 5: dropped, each of them", either("weak-tls", "not-tls"),
                   client13(), server13_raw(flight13(after=wire.ccs() * 2 + ENCRYPTED)))
    yield Scenario("ccs/server-flood-1.3", "5 000 of them", either("weak-tls", "not-tls", "limits"), client13(),
                   server13_raw(flight13(after=wire.ccs() * 5000 + ENCRYPTED)))
    yield Scenario("ccs/server-value-2", "RFC 8446 5: a single byte 1", TLS_OR_NOT, client13(),
                   server13_raw(flight13(after=wire.ccs(body=b"\x02") + ENCRYPTED)))
    yield Scenario("ccs/server-two-bytes", "RFC 8446 5: a single byte 1", TLS_OR_NOT, client13(),
                   server13_raw(flight13(after=wire.ccs(body=b"\x01\x01") + ENCRYPTED)))
    yield Scenario("ccs/server-none-1.3", "RFC 8446 D.4: compatibility mode is optional", PASS, client13(),
                   server13(after=ENCRYPTED))
    yield Scenario("ccs/client-none-1.3", "RFC 8446 D.4", PASS,
                   script(say(hello()), hear(), say(wire.app(wire.filler(58)), MARKED), hear(), half_close(),
                          until_eof(), close()), server13())
    yield Scenario("ccs/client-right-behind-hello", "RFC 8446 D.4: with early data, CCS comes first", PASS,
                   script(say(hello(add=[(wire.EARLY_DATA, b""), wire.pre_shared_key()])),
                          say(wire.ccs(), wire.app(wire.filler(700))), hear(), say(wire.app(wire.filler(90)), MARKED),
                          hear(), half_close(), until_eof(), close()),
                   server13_early(add=[(wire.PRE_SHARED_KEY, b"\0\0")]))
    yield Scenario("ccs/client-behind-hello-no-early-data", "RFC 8446 5: dropped", either("weak-tls", "not-tls"),
                   script(say(hello()), say(wire.ccs()), hear(), say(wire.app(wire.filler(53)), MARKED), hear(),
                          half_close(), until_eof(), close()), server13_early())


def early_data():
    psk = [(wire.EARLY_DATA, b""), wire.pre_shared_key()]
    answer = {"add": [(wire.PRE_SHARED_KEY, b"\0\0")]}
    for size in (18, 16000, 200_000, 3_000_000):
        data = b"".join(wire.app(wire.filler(min(16000, size - at), at % 97)) for at in range(0, size, 16000))
        yield Scenario(f"early-data/{size}", "issue 2: early data is good traffic; DESIGN 2: a bounded buffer", PASS,
                       script(say(hello(add=psk)), say(data), hear(), finish13()), server13_early(**answer))
    yield Scenario("early-data/declined", "RFC 8446 4.2.10: the server may take the full handshake", PASS,
                   script(say(hello(add=psk)), say(wire.app(wire.filler(500))), hear(), finish13()), server13_early())
    yield Scenario("early-data/to-a-1.2-server", "RFC 8446 4.2.10: a server that answers 1.2 never sees it accepted",
                   either("weak-tls", "not-tls"),
                   script(say(hello(add=psk)), say(wire.app(wire.filler(500))), hear(), say(second_flight12()), hear(),
                          client_tail()),
                   script(hear(), say(flight12()), hear(), hear(), say(finished12()), server_tail()))
    yield Scenario("early-data/psk-not-last", "RFC 8446 4.2.11: pre_shared_key is last", either("weak-tls", "not-tls"),
                   client13(add=[wire.pre_shared_key(), (wire.PADDING, bytes(30))]), server13())
    yield Scenario("early-data/handshake-record-instead", "RFC 8446: only application data may follow",
                   TLS_OR_NOT, script(say(hello(add=psk), wire.record(wire.HANDSHAKE, wire.handshake(24, b"\0")), MARKED),
                                      hear(), finish13()), server13(**answer))


def much_at_once():
    blob = b"".join(wire.app(wire.filler(16000, n)) for n in range(200))
    yield Scenario("much/server-half-rtt-1.3", "RFC 8446 2: a server may send data before the client's Finished", PASS,
                   client13(), server13(after=wire.ccs() + ENCRYPTED + blob))
    yield Scenario("much/client-with-finished-1.3", "3 MB right behind the Finished", PASS,
                   script(say(hello()), hear(), say(wire.ccs(), wire.app(wire.filler(53)), blob, MARKED), hear(),
                          half_close(), until_eof(), close()), server13())
    yield Scenario("much/client-with-finished-1.2", "RFC 7918: false start", PASS,
                   script(say(hello(versions=None)), hear(), say(second_flight12()), say(blob, MARKED), hear(), hear(),
                          half_close(), until_eof(), close()), server12())
    yield Scenario("much/certificate-90k-in-small-records", "fragments of 64 bytes", PASS, client12(),
                   server12(size=64, identity="long", leaf={"make": _long}))
    yield Scenario("much/certificate-90k-in-one-byte-records", "fragments of one byte: six times the size",
                   either("limits", "weak-tls", "not-tls"), client12(),
                   server12(size=1, identity="long", leaf={"make": _long}))


def _long(p, h):
    return identities()["chain-90k"][0](p, h)


LAZY_SHARES = {"secp256r1": 32, "X25519MLKEM768": 32, "ffdhe2048": 32, "x25519": 65}


def lazy_scripts():
    """Filler where only the peers could tell: a proxy that looks this closely may break somebody's test bed."""
    for group, size in LAZY_SHARES.items():
        share = (wire.KEY_SHARE, wire.u16(wire.group_id(group)) + wire.vec16(wire.filler(size)))
        yield Scenario(f"lazy/server-share-{group}", "a share of the wrong size; the peers would notice",
                       either("weak-tls", "not-tls"), client13(groups=(group, "secp384r1"), shares=(group, "secp384r1")),
                       server13(group=None, add=[share]))
        offered = (wire.KEY_SHARE, wire.vec16(wire.u16(wire.group_id(group)) + wire.vec16(wire.filler(size))))
        yield Scenario(f"lazy/client-share-{group}", "a share of the wrong size; the peers would notice",
                       either("weak-tls", "not-tls"), client13(groups=(group,), shares=None, add=[offered]),
                       server13(group=group))
    for label, body in (("empty", b""), ("filler", wire.filler(33)), ("short", wire.vec8(b"\x04"))):
        yield Scenario(f"lazy/client-key-exchange-{label}", "the server would notice", either("weak-tls", "not-tls"),
                       script(say(hello(versions=None)), hear(),
                              say(wire.record(wire.HANDSHAKE, wire.handshake(16, body)), wire.ccs(),
                                  wire.record(wire.HANDSHAKE, wire.filler(40))), hear(), client_tail()), server12())
    for size in (1, 5, 8, 15):
        yield Scenario(f"lazy/encrypted-record-of-{size}-1.3", "RFC 8446 5.2: a tag has 8 bytes at least",
                       either("weak-tls", "not-tls"), client13(),
                       server13(after=wire.ccs() + wire.app(wire.filler(size)) + ENCRYPTED))
        yield Scenario(f"lazy/finished-of-{size}-1.2", "RFC 5246 6.2.3", either("weak-tls", "not-tls"), client12(),
                       script(hear(), say(flight12()), hear(),
                              say(wire.ccs(), wire.record(wire.HANDSHAKE, wire.filler(size))), server_tail()))
    yield Scenario("lazy/finished-in-the-clear-1.2", "RFC 5246 7.4.9: encrypted", either("weak-tls", "not-tls"),
                   client12(), script(hear(), say(flight12()), hear(), say(
                       wire.ccs(), wire.record(wire.HANDSHAKE, wire.handshake(20, wire.filler(12)))), server_tail()))


def client_certificates():
    yield Scenario("client-certificate/1.2-raw", "RFC 5246 7.4.4: mutual TLS", PASS, client12(certificate=True),
                   server12(request=True))
    yield Scenario("client-certificate/1.2-raw-empty", "RFC 5246 7.4.6: none to show", PASS,
                   client12(certificate="empty"), server12(request=True))
    yield Scenario("client-certificate/1.2-status", "RFC 6066 8: a stapled OCSP answer", PASS, client12(),
                   server12(status=True))


def silences():
    def stall(name, why, client, server, **more):
        more.setdefault("within", 6)
        return Scenario(f"silence/{name}", why, more.pop("expect", STALLED), client, server, variant="hasty", limit=12,
                        through=False, **more)

    wait = [until_eof(), close()]
    accept = script(wait)
    yield stall("client-says-nothing", "issue 2: a client that sends nothing hangs them all", script(wait), accept)
    yield stall("client-half-a-hello", "issue 2: half a hello", script(say(lambda c: hello()(c)[:90]), wait), accept)
    yield stall("client-record-header", "five bytes and no more", script(say(b"\x16\x03\x01\x02\x00"), wait), accept)
    yield stall("client-one-byte", "one byte and no more", script(say(b"\x16"), wait), accept)
    yield stall("client-all-but-one", "all but the last byte", script(say(lambda c: hello()(c)[:-1]), wait), accept)
    yield stall("client-byte-each-half-second", "issue 2: one byte every half second",
                script(say_in_pieces(1, hello(), pause=0.5), wait), accept)
    yield stall("client-empty-records", "a record header a half second", script(
        say_in_pieces(5, wire.record(wire.HANDSHAKE, b"") * 40, pause=0.5), wait), accept)
    yield stall("server-says-nothing", "the hello is never answered", script(say(hello()), wait),
                script(hear(), wait))
    yield stall("server-half-a-hello", "issue 2: half a ServerHello then silence", script(say(hello()), wait),
                script(hear(), say(flight13()[:40]), wait))
    yield stall("server-record-header", "five bytes and no more", script(say(hello()), wait),
                script(hear(), say(b"\x16\x03\x03\x00\x7a"), wait))
    yield stall("server-byte-each-half-second", "issue 2", script(say(hello()), wait),
                script(hear(), say_in_pieces(1, flight13(), pause=0.5), wait))
    yield stall("server-flight-without-done", "1.2 without ServerHelloDone", script(say(hello(versions=None)), wait),
                script(hear(), say(lambda c: b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[:-1])),
                       wait))
    yield stall("server-hello-only-1.2", "1.2: the hello, then silence", script(say(hello(versions=None)), wait),
                script(hear(), say(lambda c: wire.records(wire.HANDSHAKE, messages12(c)[0])), wait))
    yield stall("retry-then-client-silence", "the second ClientHello never comes", script(say(hello()), hear(), wait),
                script(hear(), say(wire.records(wire.HANDSHAKE, wire.hello_retry())), wait))
    yield stall("retry-then-server-silence", "the second ServerHello never comes",
                script(say(hello()), hear(), say(hello(shares=("secp256r1",))), wait),
                script(hear(), say(wire.records(wire.HANDSHAKE, wire.hello_retry())), hear(), wait))
    flood = wire.app(wire.filler(16000)) * 4000
    yield stall("early-data-flood", "DESIGN 2: a bounded buffer that then stops reading",
                script(say(hello(add=[(wire.EARLY_DATA, b""), wire.pre_shared_key()])), say(flood), wait),
                script(_listen_to_little, wait), check=_little_was_taken)
    yield Scenario("silence/slow-but-in-time", "40 ms a piece is a slow line, not a fault", PASS,
                   script(say_in_pieces(20, hello(), pause=0.04), hear(), finish13()),
                   script(hear(), say_in_pieces(100, flight13(), pause=0.02), server_tail()))
    yield Scenario("silence/after-the-handshake", "the handshake's limit ends with the handshake", PASS,
                   script(say(hello()), hear(), _pause(3.0), finish13()), server13(), variant="hasty")


def _listen_to_little(c):
    """Reads the hello and leaves it unanswered."""
    c.fill()


def _little_was_taken(run, _outcome):
    taken = len(run.clients[0].sent)
    return f"{taken >> 20} MB of early data were taken" if taken > 24 << 20 else None


def _pause(seconds):
    """An idle connection: longer than the handshake may take, which is what is tried."""
    return lambda _c: pause(seconds)


def ends():
    """Peers that end it themselves: the proxy adds nothing and hangs nobody."""
    wait = [until_eof(), close()]

    def ended(name, why, client, server, expect=END, **more):
        more.setdefault("within", 5)
        return Scenario(f"ends/{name}", why, expect, client, server, through=False, **more)

    def client_saw(*parts):
        return lambda run, _o: None if bytes(run.clients[0].received) == b"".join(parts) else (
            f"the client got {bytes(run.clients[0].received)[:40].hex()}")

    def server_saw_alert(run, _o):
        return None if run.servers and bytes(run.servers[0].received).endswith(wire.alert(48)) else (
            "the server did not get the client's alert")

    for code in (40, 70, 71, 112, 80, 0):
        sent = wire.alert(code, 1 if code == 0 else 2)
        yield ended(f"server-alert-{code}", "an alert instead of a hello reaches the client as it is",
                    script(say(hello()), wait), script(hear(), say(sent), close()), check=client_saw(sent))
    yield ended("server-alert-after-hello-1.3", "the server ends it by itself", script(say(hello()), wait),
                script(hear(), say(flight13(after=b""), wire.alert(40)), close()),
                check=client_saw(flight13(after=b""), wire.alert(40)))
    yield ended("server-alert-after-client-flight-1.2", "the server refuses the client's certificate",
                script(say(hello(versions=None)), hear(), say(second_flight12(certificate=True)), wait),
                script(hear(), say(flight12(request=True)), hear(), say(wire.alert(42)), close()),
                check=lambda run, _o: None if wire.last_alert(bytes(run.clients[0].received)) == 42 else "no alert 42")
    yield ended("server-warning-alert-then-hello", "RFC 6066 3: unrecognized_name may be a warning",
                client12(), script(hear(), say(wire.alert(112, 1), flight12()), hear(), say(finished12()), server_tail()),
                expect=either("weak-tls", "not-tls"))
    yield ended("server-malformed-alert", "an alert of five bytes", script(say(hello()), wait),
                script(hear(), say(wire.record(wire.ALERT, b"hello")), close()))
    yield ended("server-closes-at-once", "no hello at all", script(say(hello()), wait), script(close()))
    yield ended("server-closes-after-hello", "the hello is answered with a close", script(say(hello()), wait),
                script(hear(), close()))
    yield ended("server-resets", "the hello is answered with a reset", script(say(hello()), wait),
                script(hear(), reset()))
    yield ended("server-closes-mid-hello", "half a ServerHello", script(say(hello()), wait),
                script(hear(), say(flight13()[:50]), close()))
    yield ended("server-closes-mid-flight-1.2", "1.2 without the end of the flight", script(say(hello(versions=None)), wait),
                script(hear(), say(lambda c: b"".join(wire.records(wire.HANDSHAKE, m) for m in messages12(c)[:2])),
                       close()))
    yield ended("server-half-closes-after-hello", "a server that will not speak again", script(say(hello()), wait),
                script(hear(), half_close(), wait))
    yield ended("client-closes-at-once", "CONNECT, then gone", script(close()), script(wait))
    yield ended("client-half-closes-at-once", "CONNECT, then nothing more to say", script(half_close(), wait),
                script(wait))
    yield ended("client-closes-mid-hello", "half a hello, then gone", script(say(lambda c: hello()(c)[:60]), close()),
                script(wait))
    yield ended("client-half-closes-mid-hello", "half a hello and its end",
                script(say(lambda c: hello()(c)[:60]), half_close(), wait), script(wait))
    yield ended("client-half-closes-after-hello", "the hello was all", script(say(hello()), half_close(), wait),
                script(hear(), until_eof(), close()))
    yield ended("client-resets-mid-hello", "half a hello, then a reset", script(say(lambda c: hello()(c)[:60]), reset()),
                script(wait))
    yield ended("client-alert-after-server-flight", "the client refuses the certificate by itself",
                script(say(hello(versions=None)), hear(), say(wire.alert(48)), half_close(), wait),
                script(hear(), say(flight12()), wait), check=server_saw_alert)
    yield ended("client-alert-after-server-hello-1.3", "the client refuses the hello by itself",
                script(say(hello()), hear(), say(wire.alert(48)), half_close(), wait), script(hear(), say(flight13()), wait),
                check=server_saw_alert)
    yield ended("client-closes-after-server-flight", "gone after the certificate",
                script(say(hello(versions=None)), hear(), close()), script(hear(), say(flight12()), wait))


def half_closes():
    blob = b"".join(wire.app(wire.filler(16000, n)) for n in range(60))
    client = script(say(hello()), hear(), say(wire.ccs(), wire.app(wire.filler(53)), blob, MARKED), half_close(), hear(),
                    until_eof(), close())
    server = script(hear(), say(flight13()), hear(), until_eof(), say(blob, wire.app(SERVER_MARK)), close())
    yield Scenario("half-close/client-first", "issue 2: TCP half-close, then a megabyte back", PASS, client, server)
    client = script(say(hello()), hear(), say(wire.ccs(), wire.app(wire.filler(53))), hear(), until_eof(),
                    say(blob, MARKED), close())
    server = script(hear(), say(flight13()), hear(), say(blob, wire.app(SERVER_MARK)), half_close(), until_eof(), close())
    yield Scenario("half-close/server-first", "issue 2: the other way round", PASS, client, server)
    yield Scenario("half-close/client-right-after-finished", "a client that only reads", PASS,
                   script(say(hello()), hear(), say(wire.ccs(), wire.app(wire.filler(53)), MARKED), half_close(), hear(),
                          until_eof(), close()), server13())


def scenarios():
    yield from retries()
    yield from second_hellos()
    yield from other_protocols()
    yield from framing()
    yield from cipher_changes()
    yield from early_data()
    yield from much_at_once()
    yield from lazy_scripts()
    yield from client_certificates()
    yield from silences()
    yield from ends()
    yield from half_closes()
