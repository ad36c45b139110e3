"""One question at a time to an OpenAI-compatible server, with patience."""

import logging
import random
import threading
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from footage.errors import ModelUnavailable, SettingsError
from footage.model_settings import EndpointSettings

LOG = logging.getLogger(__name__)

RETRIED = frozenset({408, 409, 425, 429})  # and 5xx: what clients of the OpenAI API try again
REFUSALS = frozenset({400, 413, 422})  # of this one request: too long, too large, not understood
LONGEST_PAUSE_S = 60.0  # whatever Retry-After says: the watchdog of the stage waits too
LONGEST_ANSWER_BYTES = 8 * 2**20  # a thousand times a caption; more is no chat completion
SHOWN_CHARS = 300  # of what a server says about an error


def patience_s(endpoint: EndpointSettings) -> float:
    """How long one answer may be waited for, with every try and pause: a watchdog must not end that."""
    return (endpoint.retries + 1) * (endpoint.timeout_s + LONGEST_PAUSE_S)


class RequestRefused(Exception):
    """The server refuses this one request; the message is what it said."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        # vLLM, OpenAI and llama.cpp say it in these words; there is no common code for it.
        self.too_long = any(words in said.lower() for words in ("context length", "context_length", "context size"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model wrote; `cut_off` by its limit of tokens."""

    text: str
    cut_off: bool


class _Message(BaseModel):
    content: str | None = None  # None: it only thought


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    """The parts of a chat completion that are read: platform.openai.com/docs/api-reference/chat/object."""

    choices: list[_Choice] = Field(min_length=1)


class ChatServer:
    """A client of one model behind `POST {url}/chat/completions`. Safe to use from several threads.

    Redirects are not followed: the key would go with them. Proxies and certificates of the environment
    (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE) count.

    Args:
        endpoint: where it is and how patient to be.
        model: the name that the server knows.
        max_new_tokens: of an answer.

    Raises:
        SettingsError: the URL is missing or is none, or the key cannot be sent.
    """

    def __init__(self, endpoint: EndpointSettings, model: str, max_new_tokens: int) -> None:
        import httpx2

        self._endpoint = endpoint
        self._model = model
        self._max_new_tokens = max_new_tokens
        self.url = f"{_checked_url(endpoint.url)}/chat/completions"
        self._key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
        if self._key and not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
            raise SettingsError("The api_key of the model server holds a character that no HTTP header may hold.")
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for each request
        self._client = httpx2.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=endpoint.timeout_s,
            limits=httpx2.Limits(max_connections=endpoint.concurrency),
            follow_redirects=False,
        )

    def ask(self, content: list[dict[str, Any]], stopped: threading.Event) -> Answer:
        """The model's answer to one message.

        Args:
            content: parts of text and pictures as the API wants them.
            stopped: set by another thread when the answer is not wanted any more.

        Raises:
            RequestRefused: the server answers others, but not this.
            ModelUnavailable: an outage: no answer after all tries, a wrong key, an unknown model.
        """
        payload = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self._max_new_tokens,
            "temperature": 0,
        }
        tries = self._endpoint.retries + 1
        for number in range(tries):
            trouble, wanted_pause_s = self._try(payload)
            if isinstance(trouble, Answer):
                return trouble
            last = number == tries - 1
            if last or stopped.wait(self._pause_s(number) if wanted_pause_s is None else wanted_pause_s):
                break
        raise ModelUnavailable(
            f"The model server {self.url} failed {number + 1} times in a row, at last it {trouble}. See that it runs "
            "and keeps up, then index again; what is done stays. Fewer requests at once (endpoint.concurrency), more "
            "endpoint.retries or a longer endpoint.timeout_s may help."
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _try(self, payload: dict[str, Any]) -> tuple[Answer | str, float | None]:
        """The answer, or what happened that may pass, and how long the server wants to be left alone."""
        import httpx2

        try:
            status, headers, body = self._post(payload)
        except (httpx2.RequestError, TimeoutError) as error:
            return f"did not answer ({type(error).__name__}: {self._without_key(str(error))})", None
        if status == 200:
            try:
                choice = _Completion.model_validate_json(body).choices[0]
            except ValidationError:
                return f"answered what is no chat completion: {self._said(body)!r}", None
            return Answer(choice.message.content or "", choice.finish_reason == "length"), None
        said = self._said(body)
        if status in REFUSALS:
            raise RequestRefused(status, said)
        if status in RETRIED or status >= 500:
            return f"answered {status}: {said}", _retry_after_s(headers.get("retry-after"))
        raise ModelUnavailable(
            f"The model server {self.url} answered {status} ({said}); {_way_out(status, self._model)}."
        )

    def _post(self, payload: dict[str, Any]) -> tuple[int, Any, bytes]:
        """One request, within timeout_s as a whole: httpx's own limit is for each read, and a slow drip keeps it."""
        ends = time.monotonic() + self._endpoint.timeout_s
        body = bytearray()
        with self._client.stream("POST", self.url, json=payload) as response:
            for chunk in response.iter_bytes():
                body += chunk
                if time.monotonic() > ends:
                    raise TimeoutError(f"its answer took longer than {self._endpoint.timeout_s:g} s")
                if len(body) > LONGEST_ANSWER_BYTES:
                    break
            return response.status_code, response.headers, bytes(body)

    def _pause_s(self, number: int) -> float:
        """Half certain, half by chance ("equal jitter"), so that many actors do not come back at once.

        Brooker 2015, Exponential Backoff and Jitter, AWS Architecture Blog.
        """
        longest_s: float = min(LONGEST_PAUSE_S, self._endpoint.backoff_s * 2**number)
        return longest_s * random.uniform(0.5, 1)

    def _said(self, body: bytes) -> str:
        """What a server says about an error, without the key: some repeat a wrong one."""
        return self._without_key(" ".join(body[: 4 * SHOWN_CHARS].decode("utf-8", "replace").split()))[:SHOWN_CHARS]

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _checked_url(url: str | None) -> str:
    if not url:
        raise SettingsError("The model server has no URL; set endpoint.url, such as http://127.0.0.1:8000/v1.")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"endpoint.url {url!r} is no base URL; it looks like http://127.0.0.1:8000/v1.")
    if parts.username or parts.password:
        raise SettingsError("endpoint.url holds a user name or a password; put the key into endpoint.api_key instead.")
    return url.rstrip("/")


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, or a date: RFC 9110, section 10.2.3."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return None
    return min(LONGEST_PAUSE_S, max(0.0, seconds))


def _way_out(status: int, model: str) -> str:
    if status in (401, 403):
        return "set endpoint.api_key to a key that it accepts"
    if status == 404:
        return f"see that endpoint.url ends with the API's version (such as /v1) and that it serves the model {model}"
    if 300 <= status < 400:
        return "redirects are not followed, so set endpoint.url to where it leads"
    return "see that endpoint.url is that of an OpenAI-compatible API"
