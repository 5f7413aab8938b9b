"""Put the bundled sample into the S3-protocol store that compose.yaml starts. Usage: put_sample.py URL BUCKET."""

import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from session_calc.sample import SAMPLE_PATH

_, url, bucket = sys.argv
store = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
store.create_bucket(Bucket=bucket)
# the cluster has no credentials, and reads what everybody may read
store.upload_file(str(SAMPLE_PATH), bucket, SAMPLE_PATH.name, ExtraArgs={"ACL": "public-read"})
