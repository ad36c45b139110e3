"""Requests to an S3-compatible service: the only file that imports boto3 and botocore.

A request is sent again, after a wait, while the service does not answer, breaks off or asks to slow down. That is done
here and not by botocore's retry modes: the "standard" one of botocore 1.44 waits about 3 s in all, in eight attempts,
for a service that refuses connections, and it stops early when a budget of retries that cannot be set is used up.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

import threading
import time
from typing import Any
from urllib.parse import urlsplit

from footage.backoff import pause_s
from footage.errors import InstallationError, StoreError, StoreRefused, StoreUnavailable
from footage.s3_refusals import Passing, refusal
from footage.storage_settings import S3Settings
from footage.transfers import TRANSFERS

DEFAULT_REGION = "us-east-1"
# Waits before a request is sent again: 0.25 s, three times as long each time, 20 s at most. Seven are 52 s on average.
FIRST_WAIT_S = 0.25
WAIT_GROWTH = 3.0
LONGEST_WAIT_S = 20.0
CONNECTIONS = 32  # kept open for the threads of one process


def pause(tried: int) -> None:
    """Wait before a request that failed `tried` times is sent again, and count that."""
    TRANSFERS.add(retries=1)
    time.sleep(pause_s(tried, FIRST_WAIT_S, LONGEST_WAIT_S, WAIT_GROWTH))


class S3Client:
    """Sends requests. For any number of threads; made again, from the settings, where it is unpickled."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._made: Any = None

    def __reduce__(self) -> tuple[type["S3Client"], tuple[S3Settings]]:
        return S3Client, (self.settings,)  # sockets and locks do not travel

    @property
    def endpoint(self) -> str:
        """Where the service is."""
        return str(self._api.meta.endpoint_url)

    @property
    def bucket_region(self) -> str | None:
        """Where to make a bucket; None where that is not to be said: outside of AWS, and where AWS began."""
        region = str(self._api.meta.region_name)
        return region if _is_aws(self.endpoint) and region != DEFAULT_REGION else None

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Send a request until it is answered, `max_attempts` times at most.

        Args:
            operation: as boto3 calls it, such as `get_object`; its parameters likewise.

        Raises:
            StoreUnavailable: no answer; says for how long it was tried.
            ObjectMissing, ConditionFailed, RangeMissing, StoreRefused, NotOffered, StoreError: what it was.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError
        from urllib3.exceptions import HTTPError

        send = getattr(self._api, operation)
        begun_at, tried = time.monotonic(), 0
        while True:
            try:
                answer: dict[str, Any] = send(**parameters)
                return answer
            except ClientError as error:
                failure, cause = refusal(self.endpoint, operation, parameters, error.response), error
            except (BotoCoreError, ResponseParserError, HTTPError) as error:  # the last is of a body: not wrapped
                failure, cause = self._trouble(error), error
            tried += 1
            if isinstance(failure, StoreError):
                raise failure from cause
            if tried >= self.settings.max_attempts:
                raise self.unavailable(failure.what, failure.why, tried, begun_at) from cause
            pause(tried)

    def broken(self) -> tuple[type[Exception], ...]:
        """What reading a body raises when the connection is lost, or when its checksum is another one."""
        from botocore.exceptions import FlexibleChecksumError, HTTPClientError, IncompleteReadError
        from urllib3.exceptions import HTTPError

        return (HTTPClientError, IncompleteReadError, FlexibleChecksumError, HTTPError, OSError)

    def unavailable(self, what: str, why: str, tried: int, begun_at: float) -> StoreUnavailable:
        """The error to raise after the last try; `begun_at` is of time.monotonic()."""
        times = "once" if tried == 1 else f"{tried} times over {time.monotonic() - begun_at:.0f} s"
        return StoreUnavailable(f"The object store at {self.endpoint} {what} (tried {times}): {why}.")

    def presigned(self, lifetime_s: int, **parameters: Any) -> str:
        """A URL that reads an object; made without asking the service.

        Raises:
            StoreError: there are no credentials to sign with.
        """
        from botocore.exceptions import BotoCoreError

        try:
            return str(self._api.generate_presigned_url("get_object", Params=parameters, ExpiresIn=lifetime_s))
        except BotoCoreError as error:
            failure = self._trouble(error)
            raise failure if isinstance(failure, StoreError) else StoreUnavailable(str(error)) from error

    @property
    def _api(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = _make_client(self.settings)
            return self._made

    def _trouble(self, error: Any) -> StoreError | Passing:
        """What it means that there was no answer, or none that can be read."""
        from botocore import exceptions

        match error:
            case exceptions.SSLError() if "CERTIFICATE" in str(error).upper():
                return StoreError(
                    f"The certificate of the object store at {self.endpoint} is not trusted: set AWS_CA_BUNDLE to a"
                    " file with the authority that signed it."
                )
            case exceptions.NoCredentialsError() | exceptions.PartialCredentialsError():
                return StoreRefused(
                    f"There are no credentials for the object store at {self.endpoint}: set AWS_ACCESS_KEY_ID and"
                    " AWS_SECRET_ACCESS_KEY, or s3.aws_profile."
                )
            case exceptions.ReadTimeoutError():
                return Passing("does not answer", f"silent for {self.settings.read_timeout_s:g} s")
            case exceptions.EndpointConnectionError() | exceptions.ConnectTimeoutError():
                return Passing("does not answer", "there is no connection")
            case exceptions.ProxyConnectionError():
                return Passing("does not answer", "the proxy of s3.proxy or HTTPS_PROXY cannot be reached")
            case exceptions.HTTPClientError() | exceptions.IncompleteReadError():
                return Passing("does not answer", "connections break off")
            case exceptions.BotoCoreError():  # credentials that cannot be fetched, parameters that cannot be sent
                return StoreError(f"The object store at {self.endpoint} cannot be used: {str(error).rstrip('.')}.")
        return Passing("gives answers that are not of S3, or broken off", type(error).__name__)


def _make_client(settings: S3Settings) -> Any:
    # Imported here: it takes 0.3 s, and a folder store needs none of it.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    if "@" in settings.endpoint:  # it is shown in errors
        raise InstallationError(
            "The setting s3.endpoint holds a user name or a password; set AWS_ACCESS_KEY_ID instead."
        )
    style = settings.addressing
    if style == "auto":
        # at AWS botocore's own "auto" signs URLs for the host of all regions, which redirects, and then they are not
        # valid; with "virtual" it still takes the path style for names that cannot be hosts
        style = "path" if settings.endpoint else "virtual"

    def make(style: str) -> Any:
        session = boto3.session.Session(profile_name=settings.aws_profile or None)
        proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
        return session.client(
            "s3",
            endpoint_url=settings.endpoint or None,
            region_name=settings.region or session.region_name or DEFAULT_REGION,
            config=Config(
                signature_version="s3v4",  # else URLs are signed in an older way, which newer services refuse
                s3={"addressing_style": style},
                retries={"mode": "standard", "total_max_attempts": 1},
                connect_timeout=settings.connect_timeout_s,
                read_timeout=settings.read_timeout_s,
                max_pool_connections=CONNECTIONS,
                request_checksum_calculation=settings.checksums,
                response_checksum_validation=settings.checksums,
                proxies=proxies,
                tcp_keepalive=True,
                user_agent_extra="footage",
            ),
        )

    try:
        made = make(style)
        # AWS_ENDPOINT_URL, or the AWS configuration
        if settings.addressing == "auto" and style != "path" and not _is_aws(made.meta.endpoint_url):
            made = make("path")
    except (BotoCoreError, ValueError) as error:  # ValueError: the endpoint is no URL
        raise InstallationError(
            f"The settings s3 (endpoint {settings.endpoint!r}, region {settings.region!r}, aws_profile"
            f" {settings.aws_profile!r}) cannot be used: {str(error).rstrip('.')}."
        ) from error
    made.meta.events.register("before-parse.s3", _check_length)
    return made


def _check_length(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Refuse an answer whose connection ended before its body did, which botocore does for streams only.

    Without this a listing that breaks off before its first byte would be that of an empty bucket.
    """
    from botocore.exceptions import IncompleteReadError

    announced = response_dict["headers"].get("Content-Length", "")
    streams = operation_model.has_streaming_output and response_dict["status_code"] < 300
    if not announced.isdecimal() or streams or operation_model.http["method"] == "HEAD":
        return
    got_bytes, expected_bytes = len(response_dict["body"]), int(announced)
    if got_bytes != expected_bytes:
        raise IncompleteReadError(actual_bytes=got_bytes, expected_bytes=expected_bytes)


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
