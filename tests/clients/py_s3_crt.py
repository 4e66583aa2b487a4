"""boto3 with AWS's own transfer client (CRT), which brings its own HTTP and TLS."""
import hashlib, os, tempfile
import boto3
from boto3.s3.transfer import TransferConfig

session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region_name="eu-west-1")
s3 = session.client("s3")
with tempfile.TemporaryDirectory() as folder:
    there, back = os.path.join(folder, "there"), os.path.join(folder, "back")
    data = os.urandom(1 << 20) * 24
    with open(there, "wb") as file:
        file.write(data)
    config = TransferConfig(preferred_transfer_client="crt")
    s3.upload_file(there, "bucket-of-tests", "crt", Config=config)
    s3.download_file("bucket-of-tests", "crt", back, Config=config)
    with open(back, "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(data).digest()
print("ok")
