"""The migration bucket seen from inside an environment. Every request names the bucket's owner: a stranger's bucket gets nothing."""
import hashlib
import json
import logging
import os
import zlib

import boto3
from botocore.config import Config
from botocore.exceptions import InvalidRetryConfigurationError

from _parts.checksums import RowSums
from _parts.failures import Refusal

# S3 takes parts of 5 MiB to 5 GiB, 10,000 of them: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
UPLOAD_BYTES = 8 * 1024 * 1024
#: Compressed size at which a table's gzip member ends. A reader holds one member in memory.
PART_BYTES = 16 * 1024 * 1024
#: Rows are compressed together up to this size: one call per row would cost more than the compression.
BATCH_BYTES = 64 * 1024


def aws_client(service, region):
    """boto3 before 1.28 does not know AWS_ENDPOINT_URL, so it is passed on."""
    for name in ("botocore", "urllib3"):  # At DEBUG, a level that an environment may log tasks at, botocore quotes bodies: KMS's plain data key, rows.
        logging.getLogger(name).setLevel(logging.INFO)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_" + service.upper()) or os.environ.get("AWS_ENDPOINT_URL")
    try:
        config = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=20, read_timeout=120)
    except InvalidRetryConfigurationError:  # botocore before 1.15, as in the constraints of Airflow 1.10.15, knows one mode only
        config = Config(retries={"max_attempts": 8}, connect_timeout=20, read_timeout=120)
    return boto3.client(service, region_name=region, endpoint_url=endpoint or None, config=config)


def name_owner(client, owner):
    """The parameter by which each request to S3 names the bucket's owner; botocore before 1.18 has none, so its requests get the header."""
    if "ExpectedBucketOwner" in client.meta.service_model.operation_model("PutObject").input_shape.members:
        return {"ExpectedBucketOwner": owner}
    client.meta.events.register("before-call.s3", lambda params, **_: params["headers"].update({"x-amz-expected-bucket-owner": owner}))
    return {}


def sha256_of(data):
    return hashlib.sha256(data).hexdigest()


class Storage(object):
    """One bucket through the environment's execution role."""

    def __init__(self, bucket, owner, region):
        self.client = aws_client("s3", region)
        self.here = dict(name_owner(self.client, owner), Bucket=bucket)

    def read(self, key, version=None):
        """The bytes of an object, None when there is none."""
        try:
            extra = {"VersionId": version} if version else {}
            return self.client.get_object(Key=key, **self._with(extra))["Body"].read()
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchVersion", "404"):
                return None
            raise

    def read_if_there(self, key):
        """As `read`, for an object that may rightly be missing: under a policy that limits listing to a prefix, S3 answers 403 for it, not 404."""
        listed = self.client.list_objects_v2(Prefix=key, MaxKeys=1, **self.here).get("Contents", [])
        return self.read(key) if listed and listed[0]["Key"] == key else None

    def read_checked(self, ref, what):
        """The bytes of one version, refused unless their SHA-256 is the expected one."""
        data = self.read(ref["key"], ref.get("versionId"))
        if data is None or sha256_of(data) != ref["sha256"]:
            raise damaged(what, ref["key"])
        return data

    def read_range(self, key, version, offset, length):
        span = "bytes={}-{}".format(offset, offset + length - 1)
        return self.client.get_object(Key=key, VersionId=version, Range=span, **self.here)["Body"].read()

    def write(self, key, data, content_type="application/json"):
        """Write an object and return its reference (protocol.ts ObjectRef)."""
        answer = self.client.put_object(Key=key, Body=data, ContentType=content_type, **self.here)
        return {"key": key, "versionId": version_of(answer), "sha256": sha256_of(data), "bytes": len(data)}

    def write_json(self, key, value):
        return self.write(key, json.dumps(value, sort_keys=True, indent=1).encode("utf-8"))

    def remove(self, key):
        self.client.delete_object(Key=key, **self.here)

    def abort_uploads(self, prefix):
        """End multipart uploads that a killed try left behind: their parts cost money and hold data for ever. Returns how many."""
        ended = 0
        markers = {}
        while True:
            answer = self.client.list_multipart_uploads(Prefix=prefix, **self._with(markers))
            for upload in answer.get("Uploads", []):
                self.client.abort_multipart_upload(Key=upload["Key"], UploadId=upload["UploadId"], **self.here)
                ended += 1
            if not answer.get("IsTruncated"):
                return ended
            markers = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def _with(self, extra):
        return dict(self.here, **extra)


def version_of(answer):
    version = answer.get("VersionId")
    if not version or version == "null":
        raise Refusal("bucket-not-versioned", "The migration bucket keeps no versions.",
                      "what was approved and checked is named by its version; without one it could be replaced unseen.",
                      "switch versioning on for the bucket and run the phase again.")
    return version


def damaged(what, key):
    return Refusal("damaged", "{} ({}) is missing, or not the bytes that were exported.".format(what, key),
                   "its SHA-256 does not match, so none of its rows was committed.",
                   "run export again and import its result; somebody else may be writing to the migration's prefix.")


class ObjectWriter(object):
    """One object written front to back with flat memory. `close` makes it visible; without it nothing appears."""

    def __init__(self, storage, key, content_type):
        self.storage = storage
        self.key = key
        self.content_type = content_type
        self.upload = None
        self.uploaded = []
        self.buffer = bytearray()
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data):
        self.digest.update(data)
        self.bytes += len(data)
        self.buffer += data
        if len(self.buffer) >= UPLOAD_BYTES:
            self._send()

    def close(self):
        client, here = self.storage.client, self.storage.here
        if self.upload is None:
            answer = client.put_object(Key=self.key, Body=bytes(self.buffer), ContentType=self.content_type, **here)
        else:
            if self.buffer:
                self._send()
            answer = client.complete_multipart_upload(Key=self.key, UploadId=self.upload, MultipartUpload={"Parts": self.uploaded}, **here)
        return {"key": self.key, "versionId": version_of(answer), "sha256": self.digest.hexdigest(), "bytes": self.bytes}

    def abort(self):
        if self.upload is not None:
            self.storage.client.abort_multipart_upload(Key=self.key, UploadId=self.upload, **self.storage.here)

    def _send(self):
        client, here = self.storage.client, self.storage.here
        if self.upload is None:
            self.upload = client.create_multipart_upload(Key=self.key, ContentType=self.content_type, **here)["UploadId"]
        number = len(self.uploaded) + 1
        answer = client.upload_part(Key=self.key, UploadId=self.upload, PartNumber=number, Body=bytes(self.buffer), **here)
        self.uploaded.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.buffer = bytearray()


class TableWriter(object):
    """File object for COPY … TO STDOUT: gzip members of about PART_BYTES, cut only between rows.

    psycopg2 calls `write` once per row, the header being a call of its own. The header stands once, at the start of the
    first member, so that the whole object is one gzip file with one CSV in it.

    `sums` are those of checksums.py. Made here and not by the server, where they take a second scan as long as COPY's own.
    """

    def __init__(self, writer, on_rows=None, is_grouped=False):
        """:param is_grouped: the first column is the DAG's."""
        self.writer = writer
        self.on_rows = on_rows
        self.sums = RowSums(is_grouped)
        self.parts = []
        self.rows = 0
        self.part = None
        self.header_seen = False
        self.batch = []
        self.batch_bytes = 0

    def write(self, data):
        if self.part is None:
            self._begin()
        if isinstance(data, str):
            data = data.encode("utf-8")
        self.batch.append(data)
        self.batch_bytes += len(data)
        if not self.header_seen:
            self.header_seen = True
            return
        self.sums.add(data)
        self.rows += 1
        self.part["rows"] += 1
        if self.on_rows is not None and self.rows % 1000 == 0:
            self.on_rows(self.rows)
        if self.batch_bytes >= BATCH_BYTES:
            self._compress()
            if self.part["length"] >= PART_BYTES:
                self._end()

    def close(self):
        if self.part is not None:
            self._end()
        return self.writer.close()

    def _begin(self):
        self.part = {"offset": self.writer.bytes, "length": 0, "rows": 0}
        self.digest = hashlib.sha256()
        # Level 1: the network is slower than PostgreSQL only until gzip becomes the slowest. 31 = gzip header, no time stamp.
        self.compressor = zlib.compressobj(1, zlib.DEFLATED, 31)

    def _add(self, data):
        if data:
            self.digest.update(data)
            self.part["length"] += len(data)
            self.writer.write(data)

    def _compress(self):
        self._add(self.compressor.compress(b"".join(self.batch)))
        self.batch, self.batch_bytes = [], 0

    def _end(self):
        self._compress()
        self._add(self.compressor.flush())
        self.part["sha256"] = self.digest.hexdigest()
        self.parts.append(self.part)
        self.part = None


class PartReader(object):
    """File object for COPY … FROM STDIN over one gzip member that is in memory, inflated as it is read."""

    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0
        self.inflater = zlib.decompressobj(31)

    def read(self, size=-1):
        wanted = size if size and size > 0 else 65536
        while True:
            out = self.inflater.decompress(self.inflater.unconsumed_tail or self._next(), wanted)
            if out or (self.at >= len(self.data) and not self.inflater.unconsumed_tail):
                return out

    def _next(self):
        chunk = self.data[self.at:self.at + 65536]
        self.at += len(chunk)
        return chunk
