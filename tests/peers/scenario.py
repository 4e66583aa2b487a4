"""What a scenario is, and what it expects of the proxy."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

import conn as connections
import real
import wire

# --- expectations ---------------------------------------------------------

HANDSHAKE_ALERTS = {40, 47, 70, 71, 80, 86}
CERTIFICATE_ALERTS = {42, 43, 44, 45, 46, 48}
NAME_ALERTS = {112, 47, 40}
DECODE_ALERTS = {10, 22, 40, 47, 50, 70, 71, 80, 109}


@dataclass(frozen=True)
class Expect:
    kind: str                               # "pass", "refuse", "either", "end"
    rules: frozenset | None = None          # None: any rule; on a pass: the rules that may be noted
    verdicts: frozenset = frozenset({"block"})
    alerts: frozenset | None = None         # None: an alert is not asked for
    would: str | None = None                # report mode
    version: str | None = None              # of tls.upstream in the record, where it is known

    def __str__(self) -> str:
        if self.kind in ("pass", "end"):
            return self.kind
        rules = "|".join(sorted(self.rules)) if self.rules else "any"
        return f"{self.kind}({rules})"


PASS = Expect("pass")
# The peers end it themselves; nothing may hang and no payload goes through.
END = Expect("end")


def refuse(*rules: str, alerts=None, verdicts=("block",)) -> Expect:
    return Expect("refuse", frozenset(rules) or None, frozenset(verdicts),
                  frozenset(alerts) if alerts is not None else None)


def either(*rules: str) -> Expect:
    """A matter of taste: passes whole, or is refused by one of the rules."""
    return Expect("either", frozenset(rules) or None, frozenset({"block", "error"}))


def noted(*rules: str) -> Expect:
    """Passes, and one of these rules may stand in the record as reported."""
    return Expect("pass", frozenset(rules))


def report(*rules: str) -> Expect:
    """Report mode: goes through untouched, and the record says what would have been."""
    return Expect("pass", frozenset(rules), would="block")


WEAK = refuse("weak-tls", alerts=HANDSHAKE_ALERTS | {10, 50, 110, 109})
WEAK_LATE = refuse("weak-tls", "not-tls")
BAD_CERTIFICATE = refuse("invalid-certificate", "weak-tls", alerts=CERTIFICATE_ALERTS | {40, 71})
NAME = refuse("sni-mismatch", alerts=NAME_ALERTS)
MALFORMED = refuse("not-tls", "weak-tls", "malformed-request", "sni-mismatch", "aws-plaintext")
NOT_TLS = refuse("not-tls")
NOT_TLS_AWS = refuse("aws-plaintext", "not-tls")
STALLED = Expect("refuse", None, frozenset({"block", "error"}))


# --- scenarios ------------------------------------------------------------

@dataclass
class Scenario:
    name: str
    why: str
    expect: Expect
    client: Callable
    server: Callable
    aws: bool = False                  # an AWS-class name: the proxy may preflight
    preflight: Callable | None = None  # serves the proxy's own connections; a good server if not given
    variant: str = "default"
    target: str | None = None          # the CONNECT host where it is not the scenario's own name
    port: int = 443                    # 0: the listener's own port, with no --connect-to
    spelled: Callable | None = None    # host -> how CONNECT spells it
    serial: bool = False               # the server serves one connection after the other
    unheard: bool = False              # a refusal that leaves the server without a byte of the client's
    limit: float = 20.0                # seconds; past them it hangs
    within: float | None = None        # a refusal must come within this many seconds
    joined: Callable | None = None     # run -> the first turn, or a list of turns, sent with the CONNECT head
    needs: str | None = None           # "tlslite", "curl"
    through: bool = True               # with no proxy in between, the payload would get through
    repeat: int = 1                    # client connections, side by side
    check: Callable | None = None      # (run, outcome) -> what else is wrong, or None
    # filled by the runner
    host: str = ""
    listen_port: int = 0
    direct: bool = False


@dataclass
class Outcome:
    scenario: Scenario
    status: int | None = None          # of the CONNECT
    reason: str = ""
    client_ended: str | None = None
    alert: int | None = None
    passed: bool = False
    leaked: bool = False
    altered: str | None = None
    seconds: float = 0.0
    notes: list = field(default_factory=list)
    records: list = field(default_factory=list)
    heard: int | None = None           # bytes of the client's that the server got, where it can be told
    told: int | None = None            # bytes of the server's
    tunnels: int = 0                   # that the client asked for, where it can be told
    answer: dict | None = None         # what an HTTPS client behind an interception was told
    left_open: bool = False            # the server's connection outlived the client's


class Run:
    """One scenario being played: a listener, the scripts, and what they saw."""

    def __init__(self, scenario: Scenario, listener: socket.socket, proxy_address, pki, pieces: int = 0,
                 authority=None):
        # The certificate to trust, where the proxy ends TLS itself.
        self.authority = authority
        self.hello_seen: bytes | None = None    # the session id of the proxy's own hello
        self.answer: dict | None = None
        self.scenario, self.listener, self.proxy, self.pki = scenario, listener, proxy_address, pki
        # For scripted ends; a real library's megabytes would take too long.
        self.pieces = pieces if getattr(scenario.client, "raw", False) else 0
        self.host = scenario.host
        self.random = scenario.name.encode()[-20:].ljust(20, b".") + os.urandom(12)
        self.turns = connections.Turns()
        self.clients: list[connections.Conn] = []
        self.servers: list[connections.Conn] = []
        self.preflights: list[connections.Conn] = []
        self.server_payload = self.client_payload = 0
        self.expected_payloads = 1
        self.status, self.reason = None, ""
        self.errors: list[str] = []
        self.lock = threading.Lock()
        self.deadline = 0.0
        self.made: dict = {}
        self.stopping = False
        self.threads: list[threading.Thread] = []
        self.server_threads: list[threading.Thread] = []

    # -- what scripts use --

    def hello(self, **bend) -> bytes:
        return wire.client_hello(bend.pop("host", self.host), bend.pop("random", self.random), **bend)

    def identity(self, label: str = "good", **bend):
        """A certificate for this scenario's host, made once."""
        with self.lock:
            if label not in self.made:
                maker = bend.pop("make", None)
                self.made[label] = maker(self.pki, self.host) if maker else self.pki.leaf(self.host, **bend)
            return self.made[label]

    def dial(self, joined: bytes = b"") -> connections.Conn:
        """A connection to the proxy with the tunnel asked for and the answer read."""
        sock = socket.create_connection(self.proxy, timeout=10)
        c = connections.Conn(sock, "client", self)
        self.clients.append(c)
        target = self.scenario.spelled(self.host) if self.scenario.spelled else self.host
        head = f"CONNECT {target}:{self.scenario.port} HTTP/1.1\r\nHost: {target}:{self.scenario.port}\r\n\r\n"
        c.send(head.encode() + joined)
        c.sent = bytearray(joined)
        while (end := c.received.find(b"\r\n\r\n")) < 0:
            c.fill()
        answer = bytes(c.received[:end]).decode("latin-1")
        del c.received[:end + 4]
        status = answer.split("\r\n")[0].split(" ", 2)
        self.status, self.reason = int(status[1]), (status[2] if len(status) > 2 else "")
        if self.status != 200:
            c.until_eof()
            raise connections.Ended("refused")
        return c

    def stuck(self) -> bool:
        """Whether a thread may still use the bells."""
        return any(t.is_alive() for t in self.threads)

    # -- the course of it --

    def _serve(self, sock: socket.socket) -> None:
        c = connections.Conn(sock, "server", self)
        end = self.scenario.server
        if getattr(end, "raw", False):
            if self.scenario.aws and not self.authority and self._is_preflight(sock):
                self.preflights.append(c)
                c.side = "preflight"
                end = self.scenario.preflight or real.ssl_server()
            elif self.servers:
                self.preflights.append(c)     # an unasked-for second connection
                c.close()
                return
            else:
                self.servers.append(c)
        else:
            self.servers.append(c)
        self._play(end, c)

    def _is_preflight(self, sock) -> bool:
        """A hello without this run's random is the proxy's own."""
        sock.setblocking(True)
        sock.settimeout(max(0.1, self.deadline - time.monotonic()))
        try:
            seen = sock.recv(2048, socket.MSG_PEEK)
        except OSError:
            return False
        finally:
            sock.setblocking(False)
        return len(seen) > 43 and seen[0] == 0x16 and seen[5] == 1 and seen[11:43] != self.random

    def _play(self, end, c) -> None:
        try:
            end(c)
        except connections.Ended:
            pass
        except Exception as error:  # a script of a real library may fail in many ways
            self.errors.append(f"{c.side}: {in_words(error)}")
        finally:
            if c.side != "client":
                c.close()

    def _accept(self) -> None:
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            t = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            t.start()
            self.threads.append(t)
            self.server_threads.append(t)
            if self.scenario.serial:
                t.join(max(0.1, self.deadline - time.monotonic()))

    def _client(self, into: list) -> None:
        s = self.scenario
        how = "done"
        c = None
        try:
            if getattr(s.client, "raw", False):
                if s.joined:
                    parts = s.joined(self)
                    parts, total = parts if isinstance(parts, list) else [parts], 0
                    for part in parts:
                        total += len(part)
                        self.turns.close_turn("client", total)
                    c = self.dial(b"".join(parts))
                else:
                    c = self.dial()
                s.client(c)
            else:
                s.client(self)
        except connections.Ended as ended:
            how = ended.how
        except Exception as error:
            how = "failed"
            self.errors.append(f"client: {in_words(error)}")
        if c is not None and how in ("eof", "reset", "failed"):
            c._drain()
        into.append(how)

    def play(self) -> Outcome:
        started = time.monotonic()
        self.deadline = started + self.scenario.limit
        # Whoever connected while nobody played (a late preflight) is of no interest.
        self.listener.settimeout(0.25)
        acceptor = threading.Thread(target=self._accept, daemon=True)
        acceptor.start()
        ends: list[str] = []
        workers = [threading.Thread(target=self._client, args=(ends,), daemon=True)
                   for _ in range(self.scenario.repeat)]
        self.threads += workers
        for w in workers:
            w.start()
        for w in workers:
            w.join(self.scenario.limit + 15)
        out = Outcome(self.scenario, seconds=time.monotonic() - started)
        out.status, out.reason, out.answer = self.status, self.reason, self.answer
        out.tunnels = len(self.clients)
        order = ["late", "failed", "reset", "refused", "eof", "done"]
        out.client_ended = min(ends, key=order.index) if ends else "late"
        for c in self.clients:
            found = wire.last_alert(bytes(c.received))
            if found is not None:
                out.alert = found
        self._compare(out)
        if self.scenario.check and (wrong := self.scenario.check(self, out)):
            out.altered = out.altered or wrong
        for c in self.clients:
            c.wake()
        patience = time.monotonic() + 3
        for t in list(self.server_threads):
            t.join(max(0.0, patience - time.monotonic()))
        out.left_open = any(t.is_alive() for t in self.server_threads) and not self.preflights
        self.stopping = True
        ends_of_all = self.clients + self.servers + self.preflights
        for c in ends_of_all:
            c.wake()
        acceptor.join(2)
        for t in self.threads:
            t.join(1)
        for c in ends_of_all:
            c.close()
        self.listener.close()
        out.notes = list(self.errors)
        return out

    def _compare(self, out: Outcome) -> None:
        raw = getattr(self.scenario.client, "raw", False)
        if raw:
            client = self.clients[0] if self.clients else None
            server = self.servers[0] if self.servers else None
            if client is None:
                return
            # The last bytes may still be on their way to the server's thread.
            waited = time.monotonic() + 2
            while out.client_ended == "done" and server and not server.ended and time.monotonic() < waited:
                connections.pause(0.01)
            heard = bytes(server.received) if server else b""
            told = bytes(server.sent) if server else b""
            out.heard, out.told = len(heard), len(told)
            up = connections.CLIENT_MARK in heard
            down = connections.SERVER_MARK in bytes(client.received)
            out.leaked = up or down
            out.passed = up and down and out.client_ended == "done"
            if out.passed and heard != bytes(client.sent):
                out.altered = difference("client to server", bytes(client.sent), heard)
            elif out.passed and told != bytes(client.received):
                out.altered = difference("server to client", told, bytes(client.received))
        else:
            out.leaked = bool(self.server_payload or self.client_payload)
            out.passed = self.client_payload >= self.expected_payloads * self.scenario.repeat
            for c in self.clients:
                best = max((s for s in self.servers), key=lambda s: common(s.received, c.sent), default=None)
                if out.passed and best is not None and not bytes(c.sent).startswith(bytes(best.received)):
                    out.altered = difference("client to server", bytes(c.sent), bytes(best.received))


def in_words(error: Exception) -> str:
    try:
        text = str(error)
    except TypeError:  # some of tlslite's cannot be printed
        text = repr(error.args)
    return f"{type(error).__name__}: {text}"[:200]


def common(a: bytes, b: bytes) -> int:
    n = 0
    for x, y in zip(a[:400], b[:400]):
        if x != y:
            break
        n += 1
    return n


def difference(way: str, sent: bytes, got: bytes) -> str:
    at = next((i for i, (x, y) in enumerate(zip(sent, got)) if x != y), min(len(sent), len(got)))
    return f"{way}: {len(sent)} bytes sent, {len(got)} arrived, they part at {at}"
