"""Makes AWS calls with botocore, a client that knows nothing of the sandbox, and says how each ended.

Reads one JSON object from stdin:
{"endpoint": url, "calls": [{"service", "operation", "parameters", "region", "key": {...}, "assume"?: {...}}]}.
"assume" holds parameters of AssumeRole; the call is then made with the session that came of it.
Writes a JSON list of {"outcome", "message", "answer"}.
"""
import json
import sys

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

# Retries would hide a refusal behind seconds of waiting.
CONFIG = Config(retries={"total_max_attempts": 1, "mode": "standard"}, s3={"addressing_style": "path"}, inject_host_prefix=False)


def main():
    """Run all calls in order; a failed call is an outcome, anything else ends the program."""
    order = json.load(sys.stdin)
    session = botocore.session.get_session()

    def client(service, region, key):
        return session.create_client(
            service, region_name=region, endpoint_url=order["endpoint"], config=CONFIG,
            aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"], aws_session_token=key.get("sessionToken"),
        )

    json.dump([run(client, call) for call in order["calls"]], sys.stdout, default=str)


def run(client, call):
    """Make one call, in a session of its own when it asks for one."""
    region = call.get("region", "eu-west-1")
    key = call["key"]
    try:
        if "assume" in call:
            made = client("sts", region, key).assume_role(**call["assume"])["Credentials"]
            key = {"accessKeyId": made["AccessKeyId"], "secretAccessKey": made["SecretAccessKey"], "sessionToken": made["SessionToken"]}
        answer = getattr(client(call["service"], region, key), call["operation"])(**call.get("parameters", {}))
    except ClientError as error:
        return {"outcome": error.response["Error"]["Code"], "message": error.response["Error"].get("Message", ""), "answer": {}}
    body = answer.pop("Body", None)
    if body is not None:
        answer["Text"] = body.read().decode()
    answer.pop("ResponseMetadata", None)
    return {"outcome": "allowed", "message": "", "answer": answer}


main()
