"""Calls every operation of MWAA with boto3, which serialises and parses by AWS's own service model. Prints one JSON object."""
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# The prefixes api. and env. would go in front of a loopback address, too; sandbox.env has the variable that leaves them out.
client = boto3.client("mwaa", config=Config(retries={"total_max_attempts": 1}))
creation = json.loads(sys.argv[1])
seen = {}


def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        response = error.response
        return [response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response.get("RestApiStatusCode")]
    return None


arn = client.create_environment(**creation)["Arn"]
seen["arn"] = arn
status = "CREATING"
while status == "CREATING":
    described = client.get_environment(Name=creation["Name"])["Environment"]
    status = described["Status"]
seen["described"] = {key: described[key] for key in ("Status", "AirflowVersion", "DagS3Path", "Tags", "NetworkConfiguration")}
seen["created-is-a-date"] = described["CreatedAt"].year > 2000
pages = client.get_paginator("list_environments").paginate(PaginationConfig={"PageSize": 1})
seen["listed"] = [name for page in pages for name in page["Environments"]]
client.tag_resource(ResourceArn=arn, Tags={"stage": "test"})
client.untag_resource(ResourceArn=arn, tagKeys=["team"])
seen["tags"] = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
answer = client.invoke_rest_api(Name=creation["Name"], Path="/dags", Method="GET", QueryParameters={"limit": 1})
seen["rest"] = [answer["RestApiStatusCode"], answer["RestApiResponse"]]
seen["rest-refused"] = refusal(client.invoke_rest_api, Name=creation["Name"], Path="/missing", Method="GET")
seen["cli-host"] = client.create_cli_token(Name=creation["Name"])["WebServerHostname"]
seen["web-identity"] = client.create_web_login_token(Name=creation["Name"])["AirflowIdentity"]
seen["unknown"] = refusal(client.get_environment, Name="nobody")
seen["version"] = refusal(client.create_environment, **{**creation, "Name": "old", "AirflowVersion": "2.6.3"})
client.update_environment(Name=creation["Name"], MaxWorkers=20)
while client.get_environment(Name=creation["Name"])["Environment"]["Status"] == "UPDATING":
    pass
seen["workers"] = client.get_environment(Name=creation["Name"])["Environment"]["MaxWorkers"]
client.delete_environment(Name=creation["Name"])
while refusal(client.get_environment, Name=creation["Name"]) is None:
    pass
seen["after"] = client.list_environments()["Environments"]
print(json.dumps(seen))
