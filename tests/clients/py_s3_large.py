"""boto3: a large multipart upload and download, a presigned URL both ways, ranges, metadata."""
import hashlib, os, sys, tempfile
import boto3, requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

size = int(sys.argv[1])
session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region_name="eu-west-1")
signed = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
s3 = session.client("s3", config=signed)
bucket = "bucket-of-tests"


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


with tempfile.TemporaryDirectory() as folder:
    there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
    block = os.urandom(1 << 20)
    with open(there, "wb") as file:
        for number in range(size >> 20):
            file.write(number.to_bytes(8, "big") + block[8:])
    config = TransferConfig(multipart_threshold=16 << 20, multipart_chunksize=16 << 20, max_concurrency=4)
    s3.upload_file(there, bucket, "large", Config=config)
    s3.download_file(bucket, "large", back, Config=config)
    assert digest(there) == digest(back)
    with open(there, "rb") as file:
        file.seek(5_000_001)
        wanted = file.read(77_777)
    got = s3.get_object(Bucket=bucket, Key="large", Range="bytes=5000001-5077777")["Body"].read()
    assert got == wanted

# Names and values that are easily mended into others.
key = "a b+c/%41~'()*!/\u00e9"
s3.put_object(Bucket=bucket, Key=key, Body=b"odd", Metadata={"one": "a  b", "two": "x,y"})
assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"odd"

url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
body = os.urandom(300_000)
requests.put(url, data=body).raise_for_status()
url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
assert requests.get(url).content == body
print("ok")
