"""Makes each call of a JSON list on stdin, ``[[service, operation, parameters], …]``.

Prints what came of each: "ok" or the error's code. A parameter ``{"base64": text}`` stands for bytes.
"""

import base64
import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(inject_host_prefix=False, retries={"total_max_attempts": 1}, parameter_validation=True, s3={"addressing_style": "path"})
THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException")
clients = {}


def plain(value):
    return base64.b64decode(value["base64"]) if isinstance(value, dict) and "base64" in value else value


def outcome(service, operation, parameters):
    parameters = {name: plain(value) for name, value in parameters.items()}
    client = clients.setdefault(service, boto3.client(service, config=CONFIG))
    for _ in range(50):
        try:
            answer = client._make_api_call(operation, parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in THROTTLED:
                time.sleep(0.2)
                continue
            status = error.response.get("RestApiStatusCode")
            return "%s %s" % (code, status) if status else code
        # DeleteObjects answers 200, and what was refused in its body.
        errors = answer.get("Errors") or []
        return errors[0]["Code"] if errors else "ok"
    return "throttled for too long"


print(json.dumps([outcome(*call) for call in json.load(sys.stdin)]))
