"""Ends that speak TLS in earnest: OpenSSL (through Python's ssl), tlslite-ng, and commands.

They run over a scripted connection, so that every byte on the wire is still seen.
The payload is a length and that many bytes; the server sends them back.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings

import wire
from conn import Conn, Ended, SocketLike, ready

warnings.filterwarnings("ignore", category=DeprecationWarning)

VERSIONS = {wire.TLS10: ssl.TLSVersion.TLSv1, wire.TLS11: ssl.TLSVersion.TLSv1_1,
            wire.TLS12: ssl.TLSVersion.TLSv1_2, wire.TLS13: ssl.TLSVersion.TLSv1_3}
ANY_CIPHER = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


class Bio:
    """An OpenSSL session over a Conn."""

    def __init__(self, conn: Conn, context: ssl.SSLContext, *, server: bool, name=None, session=None):
        self.conn = conn
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=server, server_hostname=name,
                                    session=session)

    def _flush(self) -> None:
        if self.outgoing.pending:
            self.conn.send(self.outgoing.read())

    def _drive(self, action, *args):
        while True:
            try:
                result = action(*args)
            except ssl.SSLWantReadError:
                self._flush()
                data = self.conn.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
                continue
            except ssl.SSLError:
                try:
                    self._flush()
                except Ended:
                    pass
                raise
            self._flush()
            return result

    def handshake(self) -> None:
        self._drive(self.tls.do_handshake)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            n = self._drive(self.tls.write, view[:65536])
            view = view[n:]

    def read(self, n: int) -> bytes:
        out = bytearray()
        while len(out) < n:
            try:
                data = self._drive(self.tls.read, min(65536, n - len(out)))
            except ssl.SSLZeroReturnError:
                data = b""
            if not data:
                raise EOFError(f"{len(out)} of {n} bytes")
            out += data
        return bytes(out)

    def close(self) -> None:
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        try:
            self._flush()
        except Ended:
            pass
        self.conn.half_close()


def payload(size: int) -> bytes:
    return size.to_bytes(8, "big") + wire.filler(min(size, 65536), 31).ljust(size, b"\x5c")


def exchange_client(session, run, size: int) -> None:
    body = payload(size)
    session.write(body)
    back = session.read(len(body))
    if hashlib.sha256(back).digest() != hashlib.sha256(body).digest():
        run.errors.append("client: the payload came back changed")
        return
    with run.lock:
        run.client_payload += 1


def exchange_server(session, run) -> None:
    """Sends back whatever comes, until the client has no more."""
    while True:
        try:
            head = session.read(8)
        except EOFError:
            return
        if head.startswith(b"GET "):
            answer_request(session, run, head)
            return
        body = session.read(int.from_bytes(head, "big"))
        with run.lock:
            run.server_payload += 1
        session.write(head + body)


def answer_request(session, run, head: bytes) -> None:
    """The echo servers' other tongue, for a client behind an interception."""
    while b"\r\n\r\n" not in head:
        head += session.read(1)
    with run.lock:
        run.server_payload += 1
    body = b"heard " + head.split(b" ")[1]
    session.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def https_client(run) -> None:
    """An HTTPS client that trusts the proxy's authority; what it is answered is `run.answer`."""
    ctx = ssl.create_default_context(cafile=str(run.authority))
    ctx.set_alpn_protocols(["http/1.1"])
    conn = run.dial()
    bio = Bio(conn, ctx, server=False, name=run.host)
    bio.handshake()
    bio.write(f"GET /a%20b HTTP/1.1\r\nHost: {run.host}\r\nConnection: close\r\n\r\n".encode())
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        head += bio.read(1)
    lines = bytes(head).decode("latin-1").split("\r\n")
    fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    body = bio.read(int(fields.get("content-length", 0)))
    status = int(lines[0].split(" ")[1])
    problem = json.loads(body) if fields.get("content-type") == "application/problem+json" else {}
    run.answer = {"status": status, "type": fields.get("content-type"), "rule": problem.get("rule"),
                  "detail": problem.get("detail", "")}
    if status == 200 and body.startswith(b"heard "):
        with run.lock:
            run.client_payload += 1
    bio.close()
    conn.until_eof()


# --- OpenSSL through Python -----------------------------------------------

def bounds(context, low, high) -> None:
    context.minimum_version = VERSIONS[low]
    context.maximum_version = VERSIONS[high]


def server_context(run, *, identity="good", low=wire.TLS12, high=wire.TLS13, ciphers=ANY_CIPHER, group=None,
                   protocols=(), client_certificate=False, tickets=True, make=None, **leaf) -> ssl.SSLContext:
    who = run.identity(identity, **({"make": make} if make else leaf))
    with run.lock:
        if "server" in run.made:
            return run.made["server"]
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.set_ciphers(ciphers)
        bounds(ctx, low, high)
        ctx.load_cert_chain(_write(run, who), str(who.key.path))
        if group:
            ctx.set_ecdh_curve(group)
        if protocols:
            ctx.set_alpn_protocols(list(protocols))
        if not tickets:
            ctx.options |= ssl.OP_NO_TICKET
        if client_certificate:
            ctx.verify_mode = ssl.CERT_REQUIRED
            ctx.load_verify_locations(str(run.pki.roots_path))
        if ("DHE-" in ciphers or "ADH" in ciphers) and "ECDHE" not in ciphers:
            ctx.load_dh_params(_dh_file(run, 2048))
        run.made["server"] = ctx
        return ctx


def ssl_server(**options):
    """An echo server; any number of connections. The options are those of `server_context`."""
    def end(conn: Conn):
        session = Bio(conn, server_context(conn.run, **options), server=True)
        session.handshake()
        exchange_server(session, conn.run)
        session.close()  # without it OpenSSL forgets the session
        conn.until_eof()
    return end


def _write(run, identity) -> str:
    path = run.pki.directory / f"{run.host}.pem"
    if not path.exists():
        import pki
        path.write_text("".join(pki.pem("CERTIFICATE", c) for c in identity.chain))
    return str(path)


def _dh_file(run, bits: int) -> str:
    import pki
    path = run.pki.directory / f"dh{bits}.pem"
    with run.pki.lock:
        if not path.exists():
            prime = wire.modp(bits)
            path.write_text(pki.pem("DH PARAMETERS", pki.seq(pki.integer(prime), pki.integer(2))))
    return str(path)


def ssl_client(*, low=wire.TLS12, high=wire.TLS13, ciphers=ANY_CIPHER, group=None, protocols=(), verify=True,
               name: str | None | bool = True, size=2000, certificate=False, connections=1, resumed=None,
               messages=1):
    """An echo client. `name` is the server name to send: True for the host, None for no extension."""
    def end(run):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ctx.set_ciphers(ciphers)
        bounds(ctx, low, high)
        if group:
            ctx.set_ecdh_curve(group)
        if protocols:
            ctx.set_alpn_protocols(list(protocols))
        shown = run.host if name is True else name
        if verify and shown:
            ctx.load_verify_locations(str(run.pki.roots_path))
        else:
            ctx.check_hostname = False
            ctx.verify_mode = ssl.CERT_NONE
        if certificate:
            who = run.pki.client_identity
            path = run.pki.directory / f"{run.host}-client.pem"
            import pki
            path.write_text("".join(pki.pem("CERTIFICATE", c) for c in who.chain))
            ctx.load_cert_chain(str(path), str(who.key.path))
        session = None
        run.expected_payloads = connections * messages
        for n in range(connections):
            conn = run.dial()
            bio = Bio(conn, ctx, server=False, name=shown, session=session)
            bio.handshake()
            for _ in range(messages):
                exchange_client(bio, run, size)
            if resumed is not None and n > 0 and bio.tls.session_reused != resumed:
                run.errors.append(f"client: resumed is {bio.tls.session_reused}")
                run.client_payload -= 1
            session = bio.tls.session
            bio.close()
            conn.until_eof()
    return end


# --- tlslite-ng -----------------------------------------------------------

def tlslite_available() -> bool:
    try:
        import tlslite  # noqa: F401
    except ImportError:
        return False
    return True


class Lite:
    """A tlslite-ng session with the same face as Bio."""

    def __init__(self, connection):
        self.connection = connection

    def write(self, data: bytes) -> None:
        self.connection.sendall(data)

    def read(self, n: int) -> bytes:
        data = self.connection.read(max=n, min=n)
        if len(data) < n:
            raise EOFError
        return bytes(data)


def _lite_settings(low, high, ciphers, macs, exchanges, curves, dh):
    from tlslite.api import HandshakeSettings
    s = HandshakeSettings()
    s.minKeySize = 512
    s.minVersion, s.maxVersion = (3, low & 0xFF), (3, high & 0xFF)
    s.versions = [(3, v) for v in range(low & 0xFF, (high & 0xFF) + 1)][::-1]
    if ciphers:
        s.cipherNames = list(ciphers)
    if macs:
        s.macNames = list(macs)
    if exchanges:
        s.keyExchangeNames = list(exchanges)
    if curves:
        s.eccCurves = list(curves)
        s.keyShares = [c for c in curves if c in ("x25519", "secp256r1", "x448", "secp384r1", "secp521r1")][:1]
    s.dhGroups = []
    if dh:
        s.dhParams = (2, dh)
    if low == wire.SSL3:
        s.useEncryptThenMAC = s.useExtendedMasterSecret = False
    return s


def lite_server(*, low=wire.SSL3, high=wire.TLS12, ciphers=(), macs=(), exchanges=(), curves=(), dh=None,
                anonymous=False, client_certificate=False, cache=False, srp=False):
    def end(conn: Conn):
        from tlslite.api import SessionCache, TLSConnection, X509, X509CertChain, parsePEMKey, VerifierDB
        run = conn.run
        settings = _lite_settings(low, high, ciphers, macs, exchanges, curves, wire.modp(dh) if dh else None)
        more = {}
        if run.authority:
            more["alpn"] = [bytearray(b"http/1.1")]     # it stumbles over an offer where it has none itself
        if anonymous:
            more["anon"] = True
        elif srp:
            db = VerifierDB()
            db.create()
            db[b"user"] = VerifierDB.makeVerifier(b"user", b"password", 2048)
            more["verifierDB"] = db
        else:
            who = run.identity("good")
            chain = []
            for der in who.chain:
                x = X509()
                x.parseBinary(bytearray(der))
                chain.append(x)
            key_pem = who.key.path.read_text()
            more["certChain"] = X509CertChain(chain)
            more["privateKey"] = parsePEMKey(key_pem, private=True)
        if cache:
            with run.lock:
                more["sessionCache"] = run.made.setdefault("cache", SessionCache())
        c = TLSConnection(SocketLike(conn))
        c.closeSocket = False
        c.ignoreAbruptClose = True
        c.handshakeServer(settings=settings, reqCert=client_certificate, **more)
        exchange_server(Lite(c), run)
        conn.until_eof()
    return end


def lite_client(*, low=wire.SSL3, high=wire.TLS12, ciphers=(), macs=(), exchanges=(), curves=(), anonymous=False,
                connections=1, resumed=None, size=2000, srp=False):
    def end(run):
        from tlslite.api import TLSConnection
        settings = _lite_settings(low, high, ciphers, macs, exchanges, curves, None)
        session = None
        run.expected_payloads = connections
        for n in range(connections):
            conn = run.dial()
            c = TLSConnection(SocketLike(conn))
            c.closeSocket = False
            c.ignoreAbruptClose = True
            if anonymous:
                c.handshakeClientAnonymous(settings=settings, serverName=run.host)
            elif srp:
                c.handshakeClientSRP(bytearray(b"user"), bytearray(b"password"), settings=settings, serverName=run.host)
            else:
                c.handshakeClientCert(settings=settings, serverName=run.host, session=session)
            exchange_client(Lite(c), run, size)
            if resumed is not None and n > 0 and c.resumed != resumed:
                run.errors.append(f"client: resumed is {c.resumed}")
                run.client_payload -= 1
            session = c.session
            conn.half_close()
            conn.until_eof()
    return end


# --- commands -------------------------------------------------------------

def command(*args, expect: bytes = b"", stdin: bytes | None = b"", fails=False):
    """A program as the client. {proxy}, {host}, {roots} and {dir} are filled in."""
    def end(run):
        run.status = 200
        words = {"proxy": f"{run.proxy[0]}:{run.proxy[1]}", "host": run.host, "roots": str(run.pki.roots_path),
                 "dir": str(run.pki.directory)}
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        done = subprocess.run([a.format(**words) for a in args], input=stdin, capture_output=True, env=environment,
                              timeout=max(1.0, run.deadline - time.monotonic()))
        if done.returncode == 0 and expect in done.stdout:
            with run.lock:
                run.client_payload += 1
        elif not fails:
            text = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            run.errors.append(f"{args[0]} ended with {done.returncode}: {text[-1] if text else ''}"[:200])
    return end


def https_server(**options):
    """A small HTTP/1.1 server over TLS: GET / answers, POST counts the bytes, GET /big sends 8 MB."""
    def end(conn: Conn):
        run = conn.run
        bio = Bio(conn, server_context(run, **options), server=True)
        bio.handshake()
        head = bytearray()
        while b"\r\n\r\n" not in head:
            head += bio.read(1)
        lines = bytes(head).decode("latin-1").split("\r\n")
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        if fields.get("expect", "").lower() == "100-continue":
            bio.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bio.read(int(fields.get("content-length", 0)))
        with run.lock:
            run.server_payload += 1
        path = lines[0].split(" ")[1]
        answer = b"\x5c" * (8 << 20) if path == "/big" else f"heard {len(body)} bytes".encode()
        bio.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n".encode() + answer)
        bio.close()
        conn.until_eof()
    return end


def piped_server(*args, certificate=True):
    """`openssl s_server` with more arguments, on a port of its own, joined to each connection."""
    def end(conn: Conn):
        run = conn.run
        who = run.identity("good")
        line = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1"]
        if certificate:
            line += ["-cert", _write(run, who), "-key", str(who.key.path), "-cert_chain", _write(run, who)]
        line += [a.format(dir=str(run.pki.directory), roots=str(run.pki.roots_path)) for a in args]
        child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            port = None
            while port is None:
                text = child.stdout.readline().decode(errors="replace")
                if not text:
                    raise RuntimeError("s_server ended before it listened")
                if text.startswith("ACCEPT"):
                    port = int(text.rsplit(":", 1)[1])
            reader = threading.Thread(target=child.stdout.read, daemon=True)
            reader.start()
            with socket.create_connection(("127.0.0.1", port), timeout=5) as inner:
                _pipe(conn, inner)
        finally:
            child.kill()
            child.wait()
    return end


def _pipe(conn: Conn, inner: socket.socket) -> None:
    open_ways = {"up", "down"}
    inner.setblocking(True)
    while open_ways:
        readers = ([conn.sock] if "up" in open_ways else []) + ([inner] if "down" in open_ways else [])
        usable = ready(readers, timeout=conn.run.deadline - time.monotonic())
        if not usable:
            return
        if conn.sock in usable:
            before = len(conn.received)
            try:
                conn.fill()
                inner.sendall(bytes(conn.received[before:]))
            except Ended:
                open_ways.discard("up")
                try:
                    inner.shutdown(socket.SHUT_WR)
                except OSError:
                    return
            except OSError:
                return
        if inner in usable:
            try:
                data = inner.recv(65536)
            except OSError:
                return
            if data:
                conn.send(data)
            else:
                open_ways.discard("down")
                conn.half_close()
