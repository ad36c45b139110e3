"""A queue of SQS, into which a bucket tells what happens to its objects.

With footage.s3_client the only file that imports boto3: a queue is no store, and what it refuses means something else.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from footage.errors import SettingsError, StoreError, StoreRefused, StoreUnavailable
from footage.s3_client import DEFAULT_REGION
from footage.storage_settings import S3Settings

MOST_MESSAGES = 10  # of one request
LONGEST_POLL_S = 20
_AWS_HOST = re.compile(r"sqs(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_ABSENT = ("NonExistentQueue", "QueueDoesNotExist")
_REFUSED = ("AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "UnrecognizedClient")
_PERMISSIONS = "sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility"


class Message(NamedTuple):
    """One message that was received, and by what it is deleted."""

    body: str
    receipt: str


class SqsQueue:
    """Receives messages, hides them from others, and deletes them. For any number of threads.

    Methods raise StoreUnavailable where the queue does not answer, StoreRefused without permission, StoreError where
    there is no such queue.
    """

    def __init__(self, url: str, settings: S3Settings, visibility_s: int) -> None:
        """Connect to a queue.

        Args:
            url: of the queue, as SQS gives it.
            settings: of the sources' bucket: credentials, proxy and times are the same.
            visibility_s: for how long a received message is hidden from others.

        Raises:
            SettingsError: the URL is none, or the credentials' profile is not there.
        """
        self.url = url
        self._visibility_s = visibility_s
        self._api = _make_client(url, settings)

    def receive(self, wait_s: int) -> list[Message]:
        """Up to ten messages; waits so many seconds for the first one."""
        answer = self._call(
            "receive_message",
            MaxNumberOfMessages=MOST_MESSAGES,
            WaitTimeSeconds=min(wait_s, LONGEST_POLL_S),
            VisibilityTimeout=self._visibility_s,
        )
        return [Message(each["Body"], each["ReceiptHandle"]) for each in answer.get("Messages", [])]

    def delete(self, messages: Iterable[Message]) -> None:
        """Remove messages. One whose time was over is left: it comes again, and tells nothing new."""
        for entries in _entries(messages):
            self._call("delete_message_batch", Entries=entries)

    def hide(self, messages: Iterable[Message]) -> None:
        """Hide messages from others for as long as when they were received, from now on."""
        for entries in _entries(messages):
            hidden = [{**entry, "VisibilityTimeout": self._visibility_s} for entry in entries]
            self._call("change_message_visibility_batch", Entries=hidden)

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._api, operation)(QueueUrl=self.url, **parameters)
        except ClientError as error:
            raise self._refusal(error.response.get("Error", {})) from error
        except BotoCoreError as error:
            raise StoreUnavailable(f"The queue {self.url} does not answer: {str(error).rstrip('.')}.") from error
        return answer

    def _refusal(self, error: dict[str, Any]) -> StoreError:
        code, said = str(error.get("Code", "")), str(error.get("Message", "no message")).rstrip(".")
        if any(word in code for word in _ABSENT):
            return StoreError(f"There is no queue {self.url}: see that --events has its URL (`aws sqs list-queues`).")
        if any(word in code for word in _REFUSED):
            return StoreRefused(
                f"The credentials may not use the queue {self.url} ({code}): {_PERMISSIONS} are needed."
            )
        return StoreUnavailable(f"The queue {self.url} refuses requests: {code}: {said}.")


def _entries(messages: Iterable[Message]) -> Iterator[list[dict[str, str]]]:
    left = iter(messages)
    while batch := list(islice(left, MOST_MESSAGES)):
        yield [{"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(batch)]


def _make_client(url: str, settings: S3Settings) -> Any:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise SettingsError(
            f"--events {url} is no URL of a queue: that is like https://sqs.REGION.amazonaws.com/1234/name."
        )
    at_aws = _AWS_HOST.fullmatch(parts.hostname)
    try:
        session = boto3.session.Session(profile_name=settings.aws_profile or None)
        proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
        return session.client(
            "sqs",
            endpoint_url=f"{parts.scheme}://{parts.netloc}",
            region_name=at_aws[1] if at_aws else settings.region or session.region_name or DEFAULT_REGION,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 3},
                connect_timeout=settings.connect_timeout_s,
                read_timeout=max(settings.read_timeout_s, LONGEST_POLL_S + 10),
                proxies=proxies,
                user_agent_extra="footage",
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(f"The queue {url} cannot be used: {str(error).rstrip('.')}.") from error
