"""Queues of SQS at moto's server, into which its buckets send their notifications."""

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

from tests.ceph import USERS
from tests.s3_servers import S3Server


class BucketQueue:
    """A queue, seen without footage's own code."""

    def __init__(self, server: S3Server) -> None:
        import boto3

        key, secret = USERS["footage"]
        self.client: Any = boto3.client(
            "sqs",
            endpoint_url=server.settings.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )
        made = self.client.create_queue(QueueName=f"footage-{uuid.uuid4().hex}")["QueueUrl"]
        self.url = f"{server.settings.endpoint}{urlsplit(made).path}"
        asked = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn = asked["Attributes"]["QueueArn"]
        self._server = server

    def is_told_by(self, bucket: str) -> None:
        """Have a bucket send what happens to its objects."""
        told = {"QueueArn": self.arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self._server.client().put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [told]}
        )

    def send(self, message: object) -> None:
        body = message if isinstance(message, str) else json.dumps(message)
        self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def counts(self) -> tuple[int, int]:
        """Messages that wait, and messages that somebody has in hand."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(said[names[0]]), int(said[names[1]])
