"""A queue at moto's server: messages are received, hidden, deleted; what is wrong is a sentence."""

import pytest

from footage.errors import SettingsError, StoreError, StoreUnavailable
from footage.sqs_queue import SqsQueue
from tests.bucket_queue import BucketQueue
from tests.s3_servers import S3Server


def test_messages_are_hidden_until_they_are_deleted(moto_s3: S3Server) -> None:
    there = BucketQueue(moto_s3)
    queue = SqsQueue(there.url, moto_s3.settings, visibility_s=300)
    for number in range(23):
        there.send(f"message {number}")

    taken = [message for _ in range(3) for message in queue.receive(wait_s=0)]

    assert sorted(message.body for message in taken) == sorted(f"message {number}" for number in range(23))
    assert (queue.receive(wait_s=0), there.counts()) == ([], (0, 23))
    queue.hide(taken)
    queue.delete(taken[:12])
    assert there.counts() == (0, 11)
    queue.delete([])


def test_hiding_lasts_as_long_as_it_is_said(moto_s3: S3Server) -> None:
    there = BucketQueue(moto_s3)
    there.send("x")
    taken = SqsQueue(there.url, moto_s3.settings, visibility_s=300).receive(wait_s=0)

    SqsQueue(there.url, moto_s3.settings, visibility_s=0).hide(taken)

    assert there.counts() == (1, 0)


def test_what_is_wrong_with_a_queue_is_a_sentence(moto_s3: S3Server) -> None:
    endpoint = moto_s3.settings.endpoint
    with pytest.raises(StoreError, match=r"There is no queue http.*/nowhere: see that --events has its URL"):
        SqsQueue(f"{endpoint}/123456789012/nowhere", moto_s3.settings, 300).receive(0)
    with pytest.raises(SettingsError, match="--events films is no URL of a queue"):
        SqsQueue("films", moto_s3.settings, 300)
    with pytest.raises(SettingsError, match="cannot be used: The config profile"):
        SqsQueue(f"{endpoint}/1/x", moto_s3.settings.model_copy(update={"aws_profile": "none"}), 300)
    with pytest.raises(StoreUnavailable, match=r"The queue http://127\.0\.0\.1:9/1/x does not answer"):
        SqsQueue("http://127.0.0.1:9/1/x", moto_s3.settings, 300).receive(0)
