import os, sys

try:
    import awscrt, boto3
    from boto3.s3.transfer import TransferConfig
except ImportError:
    sys.exit(77)

print("version", awscrt.__version__, flush=True)
client = boto3.client("s3", region_name="us-doctor-1")
preferred = os.environ.get("OUTGATE_PROBE_CLIENT", "crt")
client.download_file(sys.argv[1], "object", sys.argv[2], Config=TransferConfig(preferred_transfer_client=preferred))
