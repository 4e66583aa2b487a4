import sys

try:
    import boto3
except ImportError:
    sys.exit(77)

print("version", boto3.__version__, flush=True)
client = boto3.client("sts", endpoint_url=sys.argv[1], region_name="us-east-1")
print(client.get_caller_identity()["Account"])
