"""An upload whose chunks are signed one by one (STREAMING-AWS4-HMAC-SHA256-PAYLOAD)."""
import datetime, hashlib, hmac, os, http.client, ssl, urllib.parse

host, key = "bucket-of-tests.s3.eu-west-1.amazonaws.com", "/streamed"
secret, access = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIAIOSFODNN7EXAMPLE"
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
scope = f"{now[:8]}/eu-west-1/s3/aws4_request"
signing = b"AWS4" + secret
for part in scope.split("/"):
    signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()


def sha(data):
    return hashlib.sha256(data).hexdigest()


def sign(text):
    return hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()


data = os.urandom(1_000_003)
pieces = [data[at:at + 65536] for at in range(0, len(data), 65536)] + [b""]
framing = sum(len(f"{len(piece):x};chunk-signature=") + 64 + 4 for piece in pieces)
headers = {
    "content-encoding": "aws-chunked",
    "content-length": str(len(data) + framing),
    "host": host,
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "x-amz-date": now,
    "x-amz-decoded-content-length": str(len(data)),
}
names = ";".join(headers)
lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
asked = "\n".join(["PUT", key, "", lines, names, headers["x-amz-content-sha256"]])
seed = sign("\n".join(["AWS4-HMAC-SHA256", now, scope, sha(asked.encode())]))


def body():
    before = seed
    for piece in pieces:
        before = sign("\n".join(["AWS4-HMAC-SHA256-PAYLOAD", now, scope, before, sha(b""), sha(piece)]))
        yield f"{len(piece):x};chunk-signature={before}\r\n".encode() + piece + b"\r\n"


proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=trust, timeout=30)
connection.set_tunnel(host, 443)
credential = f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={seed}"
connection.request("PUT", key, body=body(), headers={**headers, "authorization": credential})
answer = connection.getresponse()
said = answer.read()
assert answer.status == 200, said
assert answer.headers["ETag"].strip('"') == hashlib.md5(data).hexdigest()
print("ok")
