"""Every S3 operation once, by boto3, against the server that AWS_ENDPOINT_URL names. Prints what each step came to as JSON.

Ids, dates and owners are left out of the answers, so that two servers can be compared.
"""

import hashlib
import io
import json
import sys
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
BUCKET, OTHER = "story-bucket", "story-other"
KEY = "dag_id=a/run_id=m__2020-01-01T00:00:00+00:00/it's (é) 1.log"
VOLATILE = {
    "ResponseMetadata",
    "VersionId",
    "LastModified",
    "Owner",
    "Initiator",
    "Initiated",
    "UploadId",
    "CopySourceVersionId",
    "CreationDate",
    "DeleteMarkerVersionId",
    "NextContinuationToken",
    "ContinuationToken",
    "NextVersionIdMarker",
    "VersionIdMarker",
    "BucketArn",
    "BucketRegion",
    "Location",
    "Body",
    "Date",
    "AbortDate",
    "RequestCharged",
}

client = boto3.client("s3", config=Config(signature_version="s3v4", retries={"max_attempts": 0}, s3={"addressing_style": "path"}))
story = {}


def plain(value):
    """The answer without what differs from run to run."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in sorted(value.items()) if name not in VOLATILE}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def step(name, call, *args, **kwargs):
    """Remember an answer, or an error as its code and status."""
    try:
        answer = call(*args, **kwargs)
        story[name] = plain(answer) if isinstance(answer, dict) else answer
        return answer
    except ClientError as error:
        story[name] = "{} {}".format(error.response["Error"].get("Code"), error.response["ResponseMetadata"]["HTTPStatusCode"])
        return {}


def buckets():
    here = {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    step("create without a location", client.create_bucket, Bucket=BUCKET)
    step("create in another region", client.create_bucket, Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    step("create with a bad name", client.create_bucket, Bucket="Bad_Name", **here)
    step("create", client.create_bucket, Bucket=BUCKET, **here)
    step("create again", client.create_bucket, Bucket=BUCKET, **here)
    step("create other", client.create_bucket, Bucket=OTHER, **here)
    step("head", client.head_bucket, Bucket=BUCKET)
    step("head of none", client.head_bucket, Bucket="story-none")
    step("location", client.get_bucket_location, Bucket=BUCKET)
    step("list", client.list_buckets)
    step("versioning of a new bucket", client.get_bucket_versioning, Bucket=BUCKET)
    step("encryption of a new bucket", client.get_bucket_encryption, Bucket=BUCKET)
    step("public access block of a new bucket", client.get_public_access_block, Bucket=BUCKET)
    step("policy of a new bucket", client.get_bucket_policy, Bucket=BUCKET)
    step("tags of a new bucket", client.get_bucket_tagging, Bucket=BUCKET)
    step("lifecycle of a new bucket", client.get_bucket_lifecycle_configuration, Bucket=BUCKET)
    step("policy status of a new bucket", client.get_bucket_policy_status, Bucket=BUCKET)
    step("ownership of a new bucket", client.get_bucket_ownership_controls, Bucket=BUCKET)
    step("put versioning", client.put_bucket_versioning, Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    step("versioning", client.get_bucket_versioning, Bucket=BUCKET)
    step("put tags", client.put_bucket_tagging, Bucket=BUCKET, Tagging={"TagSet": [{"Key": "a b", "Value": "c+d"}]})
    step("tags", client.get_bucket_tagging, Bucket=BUCKET)
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "data/"}, "Expiration": {"Days": 30}}
    step("put lifecycle", client.put_bucket_lifecycle_configuration, Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    step("lifecycle", client.get_bucket_lifecycle_configuration, Bucket=BUCKET)
    step(
        "put public access block",
        client.put_public_access_block,
        Bucket=BUCKET,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": False,
        },
    )
    step("public access block", client.get_public_access_block, Bucket=BUCKET)
    step("delete public access block", client.delete_public_access_block, Bucket=BUCKET)
    step("public access block after", client.get_public_access_block, Bucket=BUCKET)
    step(
        "put encryption",
        client.put_bucket_encryption,
        Bucket=OTHER,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
    )
    step("encryption", client.get_bucket_encryption, Bucket=OTHER)
    step("wrong owner", client.head_bucket, Bucket=BUCKET, ExpectedBucketOwner="444455556666")


def objects():
    put = step(
        "put",
        client.put_object,
        Bucket=BUCKET,
        Key=KEY,
        Body=b"hello",
        Metadata={"answer": "42"},
        ContentType="text/plain",
        CacheControl="no-store",
        Tagging="a=b&c=d%20e",
    )
    got = step("get", client.get_object, Bucket=BUCKET, Key=KEY)
    story["get body"] = got["Body"].read().decode()
    step("head object", client.head_object, Bucket=BUCKET, Key=KEY)
    step("object tags", client.get_object_tagging, Bucket=BUCKET, Key=KEY)
    step("put object tags", client.put_object_tagging, Bucket=BUCKET, Key=KEY, Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    step("object tags after", client.get_object_tagging, Bucket=BUCKET, Key=KEY)
    step("range", client.get_object, Bucket=BUCKET, Key=KEY, Range="bytes=1-2")
    step("suffix range", client.get_object, Bucket=BUCKET, Key=KEY, Range="bytes=-2")
    step("range behind the end", client.get_object, Bucket=BUCKET, Key=KEY, Range="bytes=5-")
    step("if-match", client.get_object, Bucket=BUCKET, Key=KEY, IfMatch=put["ETag"])
    step("if-match other", client.get_object, Bucket=BUCKET, Key=KEY, IfMatch='"other"')
    step("if-none-match", client.get_object, Bucket=BUCKET, Key=KEY, IfNoneMatch=put["ETag"])
    step("put if-none-match", client.put_object, Bucket=BUCKET, Key=KEY, Body=b"x", IfNoneMatch="*")
    step("put if-match other", client.put_object, Bucket=BUCKET, Key=KEY, Body=b"x", IfMatch='"other"')
    step(
        "put with sha256",
        client.put_object,
        Bucket=BUCKET,
        Key="sha",
        Body=b"hello",
        ChecksumSHA256="LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    )
    step(
        "put with a wrong sha256",
        client.put_object,
        Bucket=BUCKET,
        Key="sha",
        Body=b"other",
        ChecksumSHA256="LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    )
    step("checksum", client.head_object, Bucket=BUCKET, Key="sha", ChecksumMode="ENABLED")
    step("attributes", client.get_object_attributes, Bucket=BUCKET, Key="sha", ObjectAttributes=["ETag", "ObjectSize", "StorageClass"])
    step("copy", client.copy_object, Bucket=OTHER, Key="copy", CopySource={"Bucket": BUCKET, "Key": KEY})
    step("copied", client.head_object, Bucket=OTHER, Key="copy")
    step(
        "copy with new metadata",
        client.copy_object,
        Bucket=OTHER,
        Key="copy2",
        CopySource={"Bucket": BUCKET, "Key": KEY, "VersionId": put["VersionId"]},
        MetadataDirective="REPLACE",
        Metadata={"new": "1"},
    )
    step("copied with new metadata", client.head_object, Bucket=OTHER, Key="copy2")
    step("copy onto itself", client.copy_object, Bucket=OTHER, Key="copy", CopySource={"Bucket": OTHER, "Key": "copy"})
    step("copy of none", client.copy_object, Bucket=OTHER, Key="copy3", CopySource={"Bucket": BUCKET, "Key": "none"})
    step("get none", client.get_object, Bucket=BUCKET, Key="none")
    step("head none", client.head_object, Bucket=BUCKET, Key="none")
    step("delete", client.delete_object, Bucket=BUCKET, Key=KEY)
    step("get deleted", client.get_object, Bucket=BUCKET, Key=KEY)
    step("get its version", client.get_object, Bucket=BUCKET, Key=KEY, VersionId=put["VersionId"])
    step("versions", client.list_object_versions, Bucket=BUCKET, Prefix="dag_id=a/")
    address = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": KEY, "VersionId": put["VersionId"]})
    story["presigned"] = fetch(address)
    story["presigned and changed"] = fetch(address.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))


def fetch(address):
    try:
        with urllib.request.urlopen(address) as answer:
            return "{} {}".format(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.code


def listings():
    for index in range(25):
        client.put_object(Bucket=OTHER, Key="list/{:02d}=a+b é/{}".format(index, "x"), Body=b"")
    keys, pages = [], 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=OTHER, Prefix="list/", PaginationConfig={"PageSize": 10}):
        keys += [item["Key"] for item in page["Contents"]]
        pages += 1
    story["pages"] = [pages, len(keys), keys == sorted(keys), keys[3]]
    step("delimiter", client.list_objects_v2, Bucket=OTHER, Prefix="list/0", Delimiter="/")
    step("start after", client.list_objects_v2, Bucket=OTHER, StartAfter="list/23", MaxKeys=2)
    step("list of version 1", client.list_objects, Bucket=OTHER, Prefix="list/1", MaxKeys=2)
    step("delete objects", client.delete_objects, Bucket=OTHER, Delete={"Objects": [{"Key": key} for key in keys[:3]] + [{"Key": "none"}]})
    step(
        "delete objects quietly", client.delete_objects, Bucket=OTHER, Delete={"Objects": [{"Key": key} for key in keys[3:]], "Quiet": True}
    )
    step("list after", client.list_objects_v2, Bucket=OTHER, Prefix="list/")
    step("too many keys", client.delete_objects, Bucket=OTHER, Delete={"Objects": [{"Key": str(index)} for index in range(1001)]})


def multipart():
    content = bytes(range(256)) * (16 * MIB // 256)
    client.upload_fileobj(io.BytesIO(content), BUCKET, "big", Config=TransferConfig(multipart_chunksize=8 * MIB))
    target = io.BytesIO()
    client.download_fileobj(BUCKET, "big", target, Config=TransferConfig(multipart_chunksize=8 * MIB))
    story["16 MB"] = hashlib.sha256(target.getvalue()).hexdigest() == hashlib.sha256(content).hexdigest()
    step("big", client.head_object, Bucket=BUCKET, Key="big")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="parts", ChecksumAlgorithm="CRC32")
    here = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload["UploadId"]}
    first = step("part", client.upload_part, PartNumber=1, Body=b"x" * (5 * MIB), **here)
    second = step(
        "part copied",
        client.upload_part_copy,
        PartNumber=2,
        CopySource={"Bucket": BUCKET, "Key": "big"},
        CopySourceRange="bytes=0-9",
        **here,
    )["CopyPartResult"]
    step("parts", client.list_parts, **here)
    step("uploads", client.list_multipart_uploads, Bucket=BUCKET)

    def listed(*parts):
        names = ("ETag", "ChecksumCRC32")
        return {"Parts": [dict({name: part[name] for name in names if name in part}, PartNumber=number) for number, part in parts]}

    step("complete with a bad part", client.complete_multipart_upload, MultipartUpload=listed((1, dict(first, ETag='"bad"'))), **here)
    step("complete out of order", client.complete_multipart_upload, MultipartUpload=listed((2, second), (1, first)), **here)
    step("complete", client.complete_multipart_upload, MultipartUpload=listed((1, first), (2, second)), **here)
    step("completed", client.head_object, Bucket=BUCKET, Key="parts")
    other = client.create_multipart_upload(Bucket=BUCKET, Key="aborted")
    step("abort", client.abort_multipart_upload, Bucket=BUCKET, Key="aborted", UploadId=other["UploadId"])
    step("abort again", client.abort_multipart_upload, Bucket=BUCKET, Key="aborted", UploadId=other["UploadId"])


def goodbye():
    step("delete a full bucket", client.delete_bucket, Bucket=BUCKET)
    for bucket in (BUCKET, OTHER):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
                client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
    step("delete bucket", client.delete_bucket, Bucket=BUCKET)
    step("delete other", client.delete_bucket, Bucket=OTHER)
    step("list at the end", client.list_buckets)


for chapter in (buckets, objects, listings, multipart, goodbye):
    chapter()
json.dump(story, sys.stdout)
