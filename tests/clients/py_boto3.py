"""boto3: identity, small objects, a multipart upload, a ranged download, a listing."""
import hashlib, os, sys, tempfile
import boto3
from boto3.s3.transfer import TransferConfig

session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region_name="eu-west-1")
assert session.client("sts").get_caller_identity()["Account"] == "123456789012"
s3 = session.client("s3")
s3.put_object(Bucket="bucket-of-tests", Key="small", Body=b"small object")
assert s3.get_object(Bucket="bucket-of-tests", Key="small")["Body"].read() == b"small object"
data = os.urandom(1 << 20) * 24
with tempfile.TemporaryDirectory() as folder:
    there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
    with open(there, "wb") as file:
        file.write(data)
    config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
    s3.upload_file(there, "bucket-of-tests", "large", Config=config)
    s3.download_file("bucket-of-tests", "large", back, Config=config)
    with open(back, "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bucket-of-tests")["Contents"]]
assert keys == ["large", "small"], keys
print("ok")
