"""The origin behind the proxy: one HTTPS (or, with --plain, HTTP) server for all clients.

    origin.py FOLDER [CERTIFICATE KEY]

Prints its port. Serves bytes and checksums, a WebSocket echo, git's smart HTTP, a simple package
index, and enough of S3 and STS for an SDK's everyday calls. Standard library only.
"""

import base64
import hashlib
import http.server
import os
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse

BLOCK = bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(65521))
OBJECTS, UPLOADS = {}, {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    # What came.

    def body(self):
        """Yields the body in pieces, whatever its framing."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return
                yield self.rfile.read(size)
                self.rfile.readline()
        else:
            left = int(self.headers.get("Content-Length", 0))
            while left:
                piece = self.rfile.read(min(left, 1 << 18))
                if not piece:
                    raise ConnectionError("the body was cut")
                left -= len(piece)
                yield piece

    def whole(self):
        return b"".join(self.body())

    def answer(self, status, body=b"", kind="application/octet-stream", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self):
        host = self.headers.get("Host", "").split(":")[0]
        url = urllib.parse.urlsplit(self.path)
        if host.endswith(".amazonaws.com"):
            return sts(self) if host.startswith("sts.") else s3(self, host, url)
        first = url.path.split("/")[1]
        if first == "bytes":
            return self.send_bytes(int(url.path.split("/")[2]))
        if first == "sum":
            length, digest = 0, hashlib.sha256()
            for piece in self.body():
                length += len(piece)
                digest.update(piece)
            return self.answer(200, f"{length} {digest.hexdigest()}\n".encode())
        if first == "echo":
            return self.answer(200, self.whole())
        if first == "ws":
            return websocket(self)
        if first == "git":
            return git(self, url)
        return self.send_file(url.path)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    def send_bytes(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        while length > 0:
            piece = BLOCK[:length]
            self.wfile.write(piece)
            length -= len(piece)

    def send_file(self, path):
        place = os.path.join(FOLDER, path.strip("/"))
        if os.path.isdir(place):
            names = "".join(f'<a href="{name}">{name}</a>\n' for name in sorted(os.listdir(place)))
            return self.answer(200, names.encode(), "text/html")
        if os.path.isfile(place):
            with open(place, "rb") as file:
                return self.answer(200, file.read())
        return self.answer(404)


def git(self, url):
    """`git http-backend` as CGI."""
    body = self.whole()
    env = dict(
        os.environ,
        GIT_PROJECT_ROOT=os.path.join(FOLDER, "git"),
        GIT_HTTP_EXPORT_ALL="1",
        PATH_INFO=url.path[len("/git"):],
        QUERY_STRING=url.query,
        REQUEST_METHOD=self.command,
        CONTENT_TYPE=self.headers.get("Content-Type", ""),
        CONTENT_LENGTH=str(len(body)),
        HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding", ""),
        GIT_PROTOCOL=self.headers.get("Git-Protocol", ""),
        REMOTE_USER="tester",
    )
    out = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True).stdout
    head, _, body = out.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    status = int(headers.pop("Status", "200").split()[0])
    kind = headers.pop("Content-Type", "text/plain")
    self.answer(status, body, kind, **headers)


def websocket(self):
    """Echoes frames until a close frame (RFC 6455)."""
    key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    self.send_response(101)
    self.send_header("Upgrade", "websocket")
    self.send_header("Connection", "Upgrade")
    self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    self.end_headers()
    self.close_connection = True
    while True:
        first, second = self.rfile.read(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", self.rfile.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.rfile.read(8))
        mask = self.rfile.read(4)
        long_mask = (mask * (length // 4 + 1))[:length]
        data = self.rfile.read(length)
        data = (int.from_bytes(data, "big") ^ int.from_bytes(long_mask, "big")).to_bytes(length, "big")
        if length < 126:
            size = bytes([length])
        elif length < 1 << 16:
            size = b"\x7e" + struct.pack(">H", length)
        else:
            size = b"\x7f" + struct.pack(">Q", length)
        self.wfile.write(bytes([first]) + size + data)
        if first & 15 == 8:
            return


def sts(self):
    self.whole()
    self.answer(
        200,
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        b"<Arn>arn:aws:iam::123456789012:user/tester</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
        b"</GetCallerIdentityResult></GetCallerIdentityResponse>",
        "text/xml",
    )


def s3(self, host, url):
    """Objects in memory, by bucket and key; multipart uploads; ranges."""
    query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    path = urllib.parse.unquote(url.path).lstrip("/")
    label = host[: -len(".s3.eu-west-1.amazonaws.com")] if not host.startswith("s3.") else ""
    bucket, _, key = (label, "", path) if label else path.partition("/")
    name = (bucket, key)
    if self.command == "POST" and "uploads" in query:
        upload = f"upload{len(UPLOADS)}"
        UPLOADS[upload] = {}
        return xml(self, "InitiateMultipartUploadResult", f"<UploadId>{upload}</UploadId>")
    if self.command == "PUT" and "uploadId" in query:
        data = payload(self)
        UPLOADS[query["uploadId"]][int(query["partNumber"])] = data
        return self.answer(200, ETag=etag(data))
    if self.command == "POST" and "uploadId" in query:
        self.whole()
        parts = UPLOADS.pop(query["uploadId"])
        OBJECTS[name] = b"".join(parts[number] for number in sorted(parts))
        return xml(self, "CompleteMultipartUploadResult", f"<ETag>{etag(OBJECTS[name])}</ETag>")
    if self.command == "PUT":
        OBJECTS[name] = payload(self)
        return self.answer(200, ETag=etag(OBJECTS[name]))
    if self.command == "GET" and not key:
        rows = "".join(
            f"<Contents><Key>{k}</Key><Size>{len(v)}</Size><ETag>{etag(v)}</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for (b, k), v in sorted(OBJECTS.items()) if b == bucket
        )
        return xml(self, "ListBucketResult", f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated>{rows}")
    data = OBJECTS.get(name)
    if data is None:
        return self.answer(404)
    extra = {"ETag": etag(data), "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "Accept_Ranges": "bytes"}
    if self.headers.get("Range"):
        first, _, last = self.headers["Range"][len("bytes="):].partition("-")
        first, last = int(first), min(int(last or len(data) - 1), len(data) - 1)
        extra["Content_Range"] = f"bytes {first}-{last}/{len(data)}"
        return self.answer(206, data[first:last + 1], **extra)
    if self.command == "HEAD":
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        for header, value in extra.items():
            self.send_header(header.replace("_", "-"), value)
        return self.end_headers()
    return self.answer(200, data, **extra)


def payload(self):
    """An object's bytes: `aws-chunked` is taken apart."""
    data = self.whole()
    if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
        return data
    out = []
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if size == 0:
            joined = b"".join(out)
            assert len(joined) == int(self.headers["X-Amz-Decoded-Content-Length"])
            return joined
        out.append(data[:size])
        data = data[size + 2:]


def etag(data):
    return f'"{hashlib.md5(data).hexdigest()}"'


def xml(self, name, inside):
    text = f'<?xml version="1.0"?><{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</{name}>'
    self.answer(200, text.encode(), "application/xml")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128
    context = None

    def finish_request(self, request, client_address):
        if self.context:
            request.settimeout(60)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except OSError:
                return
        try:
            super().finish_request(request, client_address)
        finally:
            if self.context:
                try:
                    request.unwrap()
                except OSError:
                    pass
                request.close()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


FOLDER = sys.argv[1]
server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.context.set_alpn_protocols(["http/1.1"])
print(f"port {server.server_port}", flush=True)
# Ends with the one who started it.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
