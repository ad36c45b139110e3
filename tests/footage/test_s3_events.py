"""What a bucket's messages say, in all the wrappings in which they come."""

import json
from typing import Any

import pytest

from footage.s3_events import CreatedObject, created_objects


def record(name: str, key: str, bucket: str = "archive") -> dict[str, Any]:
    details = {"key": key, "size": 4, "eTag": "8d777f385d3dfec8815d20f7496026dc", "sequencer": "0055AED6DCD90281E5"}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "ownerIdentity": {}}, "object": details},
    }


def of_s3(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


def of_event_bridge(kind: str, key: str) -> str:
    detail = {"version": "0", "bucket": {"name": "archive"}, "object": {"key": key, "size": 4}, "reason": "PutObject"}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail})


def through_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x:1:y", "Message": body})


def test_every_created_object_of_a_message_is_told_by_its_key_as_it_is() -> None:
    body = of_s3(
        record("ObjectCreated:Put", "films/a+b%2Bc%20%E6%97%A5.mp4"),
        record("s3:ObjectCreated:CompleteMultipartUpload", "films/x.mp4"),
        record("ObjectRemoved:Delete", "films/gone.mp4"),
    )
    told = [CreatedObject("archive", "films/a b+c 日.mp4"), CreatedObject("archive", "films/x.mp4")]

    assert created_objects(body) == told
    assert created_objects(through_sns(body)) == told


def test_event_bridge_gives_keys_without_encoding() -> None:
    body = of_event_bridge("Object Created", "films/50%+ off.mp4")

    assert (
        created_objects(body) == created_objects(through_sns(body)) == [CreatedObject("archive", "films/50%+ off.mp4")]
    )
    assert created_objects(of_event_bridge("Object Deleted", "films/a.mp4")) == []


@pytest.mark.parametrize(
    "body",
    [
        of_s3(record("ObjectRemoved:DeleteMarkerCreated", "films/a.mp4")),
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "archive", "RequestId": "1"}),
    ],
)
def test_deletions_and_the_test_event_tell_of_no_object(body: str) -> None:
    assert created_objects(body) == []


@pytest.mark.parametrize(
    "body",
    ["", "hello", "[]", "null", '{"Records": []}', '{"Records": [{"eventName": 1}]}', '{"Records": "x"}', '{"a": 1}'],
)
def test_what_is_no_message_of_s3_is_not_taken_for_one(body: str) -> None:
    assert created_objects(body) is None
