"""Moves the threads and messages of an account from DynamoDB to MySQL with dlt, and prints how long the run took.

python dlt_move.py STORE DATABASE FOLDER ACCOUNT [incremental]
STORE and DATABASE are URLs. dlt keeps its state between runs in FOLDER. With `incremental` dlt asks the store only for
messages that are newer than the newest message of the run before.
"""
import json
import sys
import time

import boto3
import dlt
from boto3.dynamodb.types import TypeDeserializer

store, database, folder, account = sys.argv[1:5]
is_incremental = sys.argv[5:] == ["incremental"]
client = boto3.client(
    "dynamodb",
    endpoint_url=store,
    region_name="us-east-1",
    aws_access_key_id="demo",
    aws_secret_access_key="demo",
)
plain = TypeDeserializer().deserialize


def pages(table, newer_than=None):
    """Yields the items of a table in pages as large as the store returns them (1 MB)."""
    condition, values = "account_id = :account", {":account": {"S": account}}
    if newer_than:
        condition += " and #position > :newer"
        values[":newer"] = {"S": newer_than}
    question = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
    if newer_than:
        question["ExpressionAttributeNames"] = {"#position": "position"}
    while True:
        answer = client.query(**question)
        yield [{name: plain(value) for name, value in item.items()} for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return
        question["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def text(length):
    return {"data_type": "text", "precision": length, "nullable": False}


# MySQL can index these key columns only if their texts have a maximum length.
keys = {"account_id": text(64), "position": text(100), "id": text(64)}


@dlt.resource(
    write_disposition="merge",
    primary_key=("account_id", "id"),
    columns={name: keys[name] for name in ("account_id", "id")},
)
def threads():
    yield from pages("threads")


@dlt.resource(
    write_disposition="merge", primary_key=("account_id", "position"), columns=keys
)
def messages():
    yield from pages("messages")


@dlt.resource(
    name="messages", write_disposition="merge", primary_key=("account_id", "position"), columns=keys
)
def newer_messages(position=dlt.sources.incremental("position")):
    yield from pages("messages", position.last_value)


pipeline = dlt.pipeline(
    pipeline_name=f"move_{account}".replace("-", "_"),
    pipelines_dir=folder,
    destination=dlt.destinations.sqlalchemy(database, create_primary_keys=True),
    dataset_name=database.rsplit("/", 1)[1],
)
begun = time.perf_counter()
pipeline.run([threads(), newer_messages() if is_incremental else messages()])
run = (time.perf_counter() - begun) * 1000
with pipeline.sql_client() as sql_client:
    rows = sql_client.execute_sql("select count(*) from messages")[0][0]
print(json.dumps({"run": run, "rows": rows}))
