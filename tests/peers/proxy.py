"""The proxy under test, and a relay that judges nothing to test the scenarios themselves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from conn import ready

# What each variant puts in its configuration file, and on the command line.
VARIANTS = {
    "default": ("", []),
    "hasty": ('[timeouts]\nhandshake = "2s"\n', []),
    "report": ("", ["--mode", "report"]),
    "report-hasty": ('[timeouts]\nhandshake = "2s"\n', ["--mode", "report"]),
    "strict": ('[tls]\nprofile = "strict"\n', []),
    "tls13": ('[tls]\nprofile = "tls13"\n', []),
    "fips": ('[tls]\nprofile = "fips"\n', []),
    "post-quantum": ('[tls]\nprofile = "post-quantum"\n', []),
    "preflight-off": ('[tls]\npreflight = "off"\n', []),
    "addresses": ("", []),
    "preflight-all": ('[tls]\npreflight = "all"\n', []),
}


class Outgate:
    """One `outgate serve`, with every scenario's name pointed at its own listener."""

    def __init__(self, binary: str, variant: str, directory: Path, roots: Path, targets,
                 intercept: bool = False):
        self.variant = variant
        self.authority: Path | None = None
        self.audit = directory / f"audit-{variant}.jsonl"
        home = directory / f"home-{variant}"
        home.mkdir()
        text, flags = VARIANTS[variant]
        config = directory / f"{variant}.toml"
        config.write_text(f'{text}[listen]\nadmin = ""\n')
        line = [binary, "serve", "--config", str(config), "--listen", "127.0.0.1:0", "--audit", str(self.audit),
                "--extra-root", str(roots), *flags]
        for host, port, listen_port in targets:
            line += ["--connect-to", f"{host}:{port}:127.0.0.1:{listen_port}"]
        if intercept:
            folder = directory / f"authority-{variant}"
            subprocess.run([binary, "ca", "init", "--intercept", "all", "--ca-dir", str(folder)], check=True,
                           stdout=subprocess.DEVNULL)
            line += ["--intercept", "all", "--ca-dir", str(folder)]
            self.authority = folder / "ca.pem"
        environment = {k: v for k, v in os.environ.items()
                       if not k.lower().endswith("_proxy") and not k.startswith("OUTGATE_")}
        environment |= {"HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_CONFIG_HOME": str(home),
                        "XDG_DATA_HOME": str(home)}
        self.child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, env=environment)
        self.errors: list[str] = []
        self.address = None
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(20) or self.address is None:
            self.child.kill()
            self.child.wait()
            raise RuntimeError(f"outgate ({variant}) did not say that it listens:\n" + "\n".join(self.errors[-20:]))

    def _read(self) -> None:
        marker = "listening on http://"
        for raw in self.child.stderr:
            text = raw.decode(errors="replace").rstrip()
            self.errors.append(text)
            if self.address is None and marker in text:
                host, port = text.split(marker, 1)[1].split()[0].rstrip("/.,;)").rsplit(":", 1)
                self.address = host, int(port)
                self.ready.set()
        self.ready.set()

    def alive(self) -> bool:
        return self.child.poll() is None

    def descriptors(self) -> int | None:
        try:
            return len(os.listdir(f"/proc/{self.child.pid}/fd"))
        except OSError:
            return None

    def stop(self) -> str | None:
        """Asks for a clean end; says what was wrong with it."""
        if not self.alive():
            return f"it had ended by itself with {self.child.returncode}"
        self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            return "SIGTERM did not end it within 40 s"
        self.reader.join(5)
        return None if code == 0 else f"it ended with {code} after SIGTERM"

    def records(self) -> tuple[list[dict], list[str]]:
        found, faults = [], []
        try:
            lines = self.audit.read_bytes().splitlines()
        except OSError as error:
            return [], [str(error)]
        for number, line in enumerate(lines, 1):
            try:
                found.append(json.loads(line))
            except ValueError as error:
                faults.append(f"line {number} of the record is no JSON: {error}")
        return found, faults


class Relay:
    """CONNECT and copy, nothing else: with it every scenario's payload must get through."""

    def __init__(self, targets):
        self.targets = {(host.lower(), port): listen_port for host, port, listen_port in targets}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = self.listener.getsockname()
        self.authority = None
        self.errors: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(sock,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client:
            client.settimeout(30)
            data = b""
            try:
                while b"\r\n\r\n" not in data:
                    more = client.recv(65536)
                    if not more:
                        return
                    data += more
                head, rest = data.split(b"\r\n\r\n", 1)
                host, port = head.split(b" ")[1].decode().rsplit(":", 1)
                target = self.targets.get((host.lower().rstrip("."), int(port)))
                with socket.create_connection(("127.0.0.1", target), timeout=5) as server:
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    server.sendall(rest)
                    self._copy(client, server)
            except (OSError, TypeError, ValueError):
                return

    @staticmethod
    def _copy(a: socket.socket, b: socket.socket) -> None:
        other = {a: b, b: a}
        until = time.monotonic() + 60
        open_sides = [a, b]
        for s in open_sides:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while open_sides and time.monotonic() < until:
            for s in ready(open_sides, timeout=1):
                data = s.recv(65536)
                if data:
                    other[s].sendall(data)
                else:
                    open_sides.remove(s)
                    try:
                        other[s].shutdown(socket.SHUT_WR)
                    except OSError:
                        return

    def alive(self) -> bool:
        return True

    def descriptors(self):
        return None

    def stop(self) -> None:
        self.listener.close()
