"""The reference for `export`: every table by psql's COPY through gzip -1 into boto3's own multipart upload.

Reads {psql, tables, bucket, prefix} as JSON from standard input, prints the seconds. What a task of Airflow has loaded already,
boto3 and its client, is loaded before the clock starts.
"""

import json
import subprocess
import sys
import time

import boto3

order = json.load(sys.stdin)
client = boto3.client("s3")
started = time.monotonic()
for table in order["tables"]:
    copy = subprocess.Popen(
        [order["psql"], "--no-psqlrc", "--quiet", "--command", "COPY {} TO STDOUT WITH (FORMAT csv, HEADER)".format(table)],
        stdout=subprocess.PIPE,
    )
    pack = subprocess.Popen(["gzip", "-1"], stdin=copy.stdout, stdout=subprocess.PIPE)
    copy.stdout.close()
    client.upload_fileobj(pack.stdout, order["bucket"], "{}{}.csv.gz".format(order["prefix"], table))
    if copy.wait() or pack.wait():
        sys.exit("COPY of {} failed".format(table))
print(time.monotonic() - started)
