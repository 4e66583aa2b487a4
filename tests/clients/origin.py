"""The origin behind the proxy: one HTTPS (or, with --plain, HTTP) server for all clients.

    origin.py FOLDER [CERTIFICATE KEY]

Prints its port. Serves bytes and checksums, a WebSocket echo, git's smart HTTP, a simple package
index, and enough of S3 and STS for an SDK's everyday calls. Standard library only.
"""

import base64
import hashlib
import hmac
import http.server
import os
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import urllib.parse
import zlib

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
        if first == "events":
            return events(self)
        if first == "more":
            MORE.set()
            return self.answer(200)
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


MORE = threading.Event()


def events(self):
    """Server-sent events: the second comes after somebody has asked for /more."""
    MORE.clear()
    self.send_response(200)
    self.send_header("Content-Type", "text/event-stream")
    self.send_header("Transfer-Encoding", "chunked")
    self.end_headers()
    for number in (1, 2):
        data = b"data: %d\n\n" % number
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if not MORE.wait(30):
            raise ConnectionError("nobody asked for more")
    self.wfile.write(b"0\r\n\r\n")


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
    try:
        Signature(self, url).check()
    except (AssertionError, KeyError) as error:
        self.whole()
        self.close_connection = True
        print(f"{self.command} {self.path}: {error!r}", file=sys.stderr, flush=True)
        return self.answer(403, f"<Error><Code>SignatureDoesNotMatch</Code><Message>{error}</Message></Error>".encode())
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


SECRET = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signature:
    """SigV4 of a request, checked over what arrived: one changed byte and it is wrong."""

    def __init__(self, request, url):
        self.request, self.url = request, url
        self.query = [
            tuple(urllib.parse.unquote(part) for part in pair.partition("=")[::2])
            for pair in url.query.split("&") if pair
        ]
        given = dict(self.query)
        if "X-Amz-Signature" in given:
            credential = given["X-Amz-Credential"]
            self.names, self.value = given["X-Amz-SignedHeaders"], given["X-Amz-Signature"]
            self.time, self.body = given["X-Amz-Date"], "UNSIGNED-PAYLOAD"
            self.query = [pair for pair in self.query if pair[0] != "X-Amz-Signature"]
        else:
            fields = request.headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ")
            fields = dict(field.strip().split("=", 1) for field in fields.split(","))
            credential = fields["Credential"]
            self.names, self.value = fields["SignedHeaders"], fields["Signature"]
            self.time, self.body = request.headers["X-Amz-Date"], request.headers["X-Amz-Content-SHA256"]
        self.scope = credential.split("/", 1)[1]
        self.key = b"AWS4" + SECRET
        for part in self.scope.split("/"):
            self.key = mac(self.key, part)

    def check(self):
        quote = lambda text: urllib.parse.quote(text, safe="-_.~")
        query = "&".join(sorted(f"{quote(name)}={quote(value)}" for name, value in self.query))
        headers = "".join(
            f"{name}:{','.join(' '.join(value.split()) for value in self.request.headers.get_all(name))}\n"
            for name in self.names.split(";")
        )
        asked = "\n".join([self.request.command, self.url.path, query, headers, self.names, self.body])
        text = "\n".join(["AWS4-HMAC-SHA256", self.time, self.scope, sha256(asked.encode())])
        assert hmac.compare_digest(mac(self.key, text).hex(), self.value), asked

    def check_chunk(self, before, data, value):
        text = "\n".join(
            ["AWS4-HMAC-SHA256-PAYLOAD", self.time, self.scope, before, sha256(b""), sha256(data)]
        )
        assert mac(self.key, text).hex() == value, "a chunk's signature"


def payload(self):
    """An object's bytes: `aws-chunked` is taken apart, signatures and checksums are checked."""
    data = self.whole()
    said = self.headers.get("X-Amz-Content-SHA256", "")
    if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
        assert not (len(said) == 64 and said != sha256(data)), "the body's hash"
        return data
    out = []
    signature = Signature(self, urllib.parse.urlsplit(self.path))
    before = signature.value
    while True:
        line, _, data = data.partition(b"\r\n")
        size, *extension = line.split(b";")
        size = int(size, 16)
        if said == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
            value = extension[0].removeprefix(b"chunk-signature=").decode()
            signature.check_chunk(before, data[:size], value)
            before = value
        if size == 0:
            break
        out.append(data[:size])
        assert data[size:size + 2] == b"\r\n"
        data = data[size + 2:]
    joined = b"".join(out)
    assert len(joined) == int(self.headers["X-Amz-Decoded-Content-Length"])
    if trailer := self.headers.get("X-Amz-Trailer"):
        name, _, value = data.split(b"\r\n")[0].decode().partition(":")
        assert name.strip().lower() == trailer.lower(), data
        known = {
            "x-amz-checksum-crc32": lambda: zlib.crc32(joined).to_bytes(4, "big"),
            "x-amz-checksum-sha256": lambda: hashlib.sha256(joined).digest(),
        }
        if trailer.lower() in known:
            assert base64.b64decode(value) == known[trailer.lower()](), "a trailer's checksum"
    return joined


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
