"""One scripted end of a connection, and the steps that scripts are made of.

A script is a list of steps; a step is a function of the connection. The two ends
of a scenario take turns: `say` sends and closes one turn, `hear` reads until all
of the other end's next turn has come through. No step guesses by the clock.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time

import wire


def ready(readers, writers=(), timeout: float = 0.0) -> list:
    """The sockets or descriptors that can be used; `select` stops at 1024 descriptors, `poll` does not."""
    poller, named = select.poll(), {}
    for kind, items in ((select.POLLIN, readers), (select.POLLOUT, writers)):
        for item in items:
            fd = item if isinstance(item, int) else item.fileno()
            if fd >= 0:
                named[fd] = item
                poller.register(fd, kind)
    return [named[fd] for fd, _ in poller.poll(max(0.0, timeout) * 1000)]


def pause(seconds: float) -> None:
    """Lets time pass where the pace is what a scenario is about."""
    ready([], timeout=seconds)


class Ended(Exception):
    """The connection is over before the script is."""

    def __init__(self, how: str):
        super().__init__(how)
        self.how = how  # "eof", "reset", "late"


class Turns:
    """How many bytes each end has said, turn by turn, and a bell for who waits."""

    def __init__(self):
        self.lock = threading.Lock()
        self.said = {"client": [], "server": []}
        self.bells = {side: os.pipe() for side in self.said}

    def close_turn(self, side: str, total: int) -> None:
        if side not in self.said:
            return  # a preflight takes no turns
        with self.lock:
            self.said[side].append(total)
        other = "server" if side == "client" else "client"
        os.write(self.bells[other][1], b"!")

    def goal(self, side: str, number: int) -> int | None:
        with self.lock:
            turns = self.said[side]
            return turns[number - 1] if number <= len(turns) else None

    def close(self) -> None:
        for pair in self.bells.values():
            for fd in pair:
                os.close(fd)


class Conn:
    def __init__(self, sock: socket.socket, side: str, run):
        self.sock, self.side, self.run = sock, side, run
        self.sent, self.received = bytearray(), bytearray()
        self.taken = 0          # how much of `received` a real TLS library has read
        self.heard = 0
        self.ended: str | None = None
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- bytes --

    def _left(self) -> float:
        return self.run.deadline - time.monotonic()

    def _end(self, how: str):
        self.ended = how
        raise Ended(how)

    def _wait(self, readers, writers=()) -> list:
        usable = ready(readers, writers, self._left())
        if not usable:
            self._end("late")
        return usable

    def send(self, data: bytes) -> None:
        view = memoryview(bytes(data))
        small = self.run.pieces
        begun = len(self.sent)
        while view:
            try:
                # The first bytes of a turn in small writes, if so asked; the rest would take too long.
                n = self.sock.send(view[:small] if small and len(self.sent) - begun < 2048 else view)
            except BlockingIOError:
                self._wait([], [self.sock])
                continue
            except OSError:
                self._drain()
                self._end("reset")
            self.sent += view[:n]
            view = view[n:]

    def fill(self, bell: int | None = None) -> bool:
        """Reads what is there, waiting for it; False when only the bell rang."""
        usable = self._wait([self.sock] + ([bell] if bell is not None else []))
        if bell in usable:
            os.read(bell, 64)
            if self.sock not in usable:
                return False
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return False
        except OSError:
            self._end("reset")
        if not data:
            self._end("eof")
        self.received += data
        return True

    def _drain(self) -> None:
        try:
            while data := self.sock.recv(65536):
                self.received += data
        except OSError:
            pass

    def recv(self, n: int) -> bytes:
        """For TLS libraries: some bytes, or b'' at the end."""
        if self.taken == len(self.received):
            try:
                while not self.fill():
                    pass
            except Ended as end:
                if end.how == "eof":
                    return b""
                raise
        data = bytes(self.received[self.taken:self.taken + n])
        self.taken += len(data)
        return data

    def until_eof(self) -> None:
        try:
            while True:
                self.fill()
        except Ended as end:
            if end.how == "late":
                raise

    def half_close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def wake(self) -> None:
        """Ends whatever waits on this connection."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.sock.close()

    # -- turns --

    def say(self, data: bytes) -> None:
        if self.run.hello_seen is not None and self.side == "server":
            # Scripts echo the session id that scripted clients have.
            data = data.replace(wire.SESSION_ID, self.run.hello_seen.ljust(len(wire.SESSION_ID), b"\0"))
        self.run.turns.close_turn(self.side, len(self.sent) + len(data))
        self.send(data)

    def hear(self) -> None:
        if self.run.authority and self.side == "server":
            return self._hear_anything()
        self.heard += 1
        other = "server" if self.side == "client" else "client"
        bell = self.run.turns.bells[self.side][0]
        while True:
            goal = self.run.turns.goal(other, self.heard)
            if goal is not None and len(self.received) >= goal:
                return
            self.fill(bell)


    def _hear_anything(self) -> None:
        """A proxy that ends TLS itself takes no turns: whatever comes is the next flight."""
        while len(self.received) == self.heard:
            self.fill()
        self.heard = len(self.received)
        hello = bytes(self.received[5:])
        if self.run.hello_seen is None and hello[:1] == b"\x01" and len(hello) > 71:
            self.run.random = hello[6:38]
            self.run.hello_seen = hello[39:39 + hello[38]]


class SocketLike:
    """What tlslite-ng expects of a socket, on top of a Conn."""

    def __init__(self, conn: Conn):
        self.conn = conn

    def send(self, data) -> int:
        self.conn.send(bytes(data))
        return len(data)

    def sendall(self, data) -> None:
        self.conn.send(bytes(data))

    def recv(self, n: int) -> bytes:
        return self.conn.recv(n)

    def close(self) -> None:
        pass

    def shutdown(self, _how) -> None:
        pass

    def settimeout(self, _value) -> None:
        pass

    def gettimeout(self):
        return None

    def getsockname(self):
        return self.conn.sock.getsockname()

    def getpeername(self):
        return self.conn.sock.getpeername()

    def fileno(self) -> int:
        return self.conn.sock.fileno()


# --- steps ----------------------------------------------------------------

def value(data, conn: Conn) -> bytes:
    return data(conn) if callable(data) else data


def say(*parts):
    """Sends the parts (bytes, or functions of the connection) as one turn, in one write."""
    return lambda c: c.say(b"".join(value(p, c) for p in parts))


def say_in_pieces(size: int, *parts, pause: float = 0.0):
    """The same, `size` bytes a write; each write is a segment of its own as far as TCP allows."""
    def step(c: Conn):
        data = b"".join(value(p, c) for p in parts)
        c.run.turns.close_turn(c.side, len(c.sent) + len(data))
        for at in range(0, len(data), size):
            c.send(data[at:at + size])
            if pause:
                # The pace is what the scenario is about; the closing peer ends it early.
                if ready([c.sock], timeout=pause) and c.side == "client":
                    c.fill()
    return step


def say_nothing():
    """An empty turn, so that the other end's `hear` goes on."""
    return lambda c: c.say(b"")


def hear():
    return lambda c: c.hear()


def half_close():
    return lambda c: c.half_close()


def until_eof():
    return lambda c: c.until_eof()


def close():
    return lambda c: c.close()


def reset():
    def step(c: Conn):
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
    return step


def script(*steps):
    """The steps, with nested lists flattened, as one end of a scenario."""
    def flat(items):
        for item in items:
            if isinstance(item, (list, tuple)):
                yield from flat(item)
            else:
                yield item

    def end(conn: Conn):
        for step in flat(steps):
            step(conn)
    end.raw = True
    return end


CLIENT_MARK = b"<<the-client's-secret>>" + wire.filler(64, 21)
SERVER_MARK = b"<<the-server's-answer>>" + wire.filler(64, 22)


def client_tail(version: int = wire.TLS12):
    """After the handshake: the client's payload, the server's, and an orderly end."""
    return [say(wire.app(CLIENT_MARK, version)), hear(), half_close(), until_eof(), close()]


def server_tail(version: int = wire.TLS12):
    return [hear(), say(wire.app(SERVER_MARK, version)), until_eof(), close()]
