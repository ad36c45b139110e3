"""What messages of a queue say about objects of S3: events of S3 itself, of EventBridge, and of both through SNS.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote_plus


class CreatedObject(NamedTuple):
    """An object that was written; by now it may be another one, or gone."""

    bucket: str
    key: str


def created_objects(body: str) -> list[CreatedObject] | None:
    """The objects whose creation a message tells; none where it tells of something else, such as a deletion.

    None if it is no message about S3 at all.
    """
    try:
        message = json.loads(body)
    except ValueError:
        return None
    match message:
        case {"Type": "Notification", "Message": str(wrapped)}:  # SNS, unless its delivery is raw
            return created_objects(wrapped)
        case {"Event": "s3:TestEvent"}:  # sent once, when notifications are set up
            return []
        case {"Records": [*records]} if records:
            return _of_records(records)
        case {
            "source": "aws.s3",
            "detail-type": str(kind),
            "detail": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}},
        }:  # EventBridge, where keys are as they are
            return [CreatedObject(bucket, key)] if kind == "Object Created" else []
    return None


def _of_records(records: list[Any]) -> list[CreatedObject] | None:
    created = []
    for record in records:
        match record:
            case {"eventName": str(name), "s3": {"bucket": {"name": str(bucket)}, "object": {"key": str(key)}}}:
                if name.removeprefix("s3:").startswith("ObjectCreated:"):
                    created.append(CreatedObject(bucket, unquote_plus(key)))
            case _:
                return None
    return created
