"""One question at a time to an OpenAI-compatible server, with patience."""

import asyncio
import contextlib
import logging
import threading
import time
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from footage.backoff import pause_s, retry_after_s
from footage.endpoint_url import base_url
from footage.errors import ModelUnavailable, SettingsError
from footage.model_settings import EndpointSettings

LOG = logging.getLogger(__name__)

RETRIED = frozenset({408, 409, 425, 429})  # and 5xx: what clients of the OpenAI API try again
REFUSALS = frozenset({400, 413, 422})  # of this one request: too long, too large, not understood
LONGEST_PAUSE_S = 60.0  # whatever Retry-After says: the watchdog of the stage waits too
LONGEST_ANSWER_BYTES = 8 * 2**20  # a thousand times a caption; more is no chat completion
SHOWN_CHARS = 300  # of what a server says about an error
GLANCE_S = 0.5  # how often a thread that waits for an answer looks whether it is still wanted


def patience_s(endpoint: EndpointSettings) -> float:
    """How long one question may take at most, with every try and pause: a watchdog must not end that."""
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

    Requests run in the event loop of a thread of its own, where a request can be ended at any moment of it: looking
    up the name, connecting, sending, or waiting for the next byte.

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
        self.url = f"{base_url('endpoint.url', endpoint.url)}/chat/completions"
        self._key = endpoint.api_key.get_secret_value() if endpoint.api_key else ""
        if self._key and not (self._key.isascii() and self._key.isprintable() and " " not in self._key):
            raise SettingsError("The api_key of the model server holds a character that no HTTP header may hold.")
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line for each request
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=None,  # _post limits the request as a whole
            limits=httpx2.Limits(max_connections=endpoint.concurrency),
            follow_redirects=False,
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="captions-requests", daemon=True)
        self._thread.start()

    def ask(self, content: list[dict[str, Any]], stopped: threading.Event, ends: float) -> Answer:
        """The model's answer to one message.

        Args:
            content: parts of text and pictures as the API wants them.
            stopped: set by another thread when the answer is not wanted any more; then this ends within GLANCE_S.
            ends: when the question's patience is used up, by time.monotonic(); no try and no pause goes beyond.

        Raises:
            RequestRefused: the server answers others, but not this.
            ModelUnavailable: an outage: no answer after all tries or in all that time, a wrong key, an unknown model.
        """
        payload = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": self._max_new_tokens,
            "temperature": 0,
        }
        tries = self._endpoint.retries + 1
        for number in range(tries):
            within_s = max(0.0, min(self._endpoint.timeout_s, ends - time.monotonic()))
            trouble, wanted_s = self._try(payload, within_s, stopped)
            if isinstance(trouble, Answer):
                return trouble
            wait_s = pause_s(number + 1, self._endpoint.backoff_s, LONGEST_PAUSE_S, wanted_s=wanted_s)
            wait_s = min(wait_s, LONGEST_PAUSE_S)
            if number == tries - 1 or time.monotonic() + wait_s >= ends or stopped.wait(wait_s):
                break
        raise ModelUnavailable(
            f"The model server {self.url} failed {number + 1} times in a row, at last it {trouble}. See that it runs "
            "and keeps up, then index again; what is done stays. Fewer requests at once (endpoint.concurrency), more "
            "endpoint.retries or a longer endpoint.timeout_s may help."
        )

    def close(self) -> None:
        """Give up what is under way, close the connections and end the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()

    def _try(self, payload: dict[str, Any], within_s: float, stopped: threading.Event) -> tuple[Answer | str, float]:
        """The answer, or what happened that may pass, and how long the server wants to be left alone."""
        import httpx2

        # Made here, so that the loop does not stand still while pictures become JSON.
        request = self._client.build_request("POST", self.url, json=payload)
        asked = asyncio.run_coroutine_threadsafe(self._post(request, within_s), self._loop)
        while not wait([asked], GLANCE_S).done:
            if stopped.is_set():
                asked.cancel()
        try:
            status, headers, body = asked.result()
        except CancelledError:
            return "was not waited for any longer", 0.0
        except TimeoutError:
            return f"did not answer within {within_s:.3g} s", 0.0
        except httpx2.RequestError as error:
            return f"did not answer ({type(error).__name__}: {self._without_key(str(error))})", 0.0
        if status == 200:
            try:
                choice = _Completion.model_validate_json(body).choices[0]
            except ValidationError:
                return f"answered what is no chat completion: {self._said(body)!r}", 0.0
            return Answer(choice.message.content or "", choice.finish_reason == "length"), 0.0
        said = self._said(body)
        if status in REFUSALS:
            raise RequestRefused(status, said)
        if status in RETRIED or status >= 500:
            return f"answered {status}: {said}", retry_after_s(headers.get("retry-after", ""))
        raise ModelUnavailable(
            f"The model server {self.url} answered {status} ({said}); {_way_out(status, self._model)}."
        )

    async def _post(self, request: Any, within_s: float) -> tuple[int, Any, bytes]:
        """One request within that time as a whole: httpx2's own limits are for each read, and a slow drip keeps them.

        Raises:
            TimeoutError: it took longer.
            httpx2.RequestError: no connection, or it was lost.
        """
        body = bytearray()
        async with (
            asyncio.timeout(within_s),
            contextlib.aclosing(await self._client.send(request, stream=True)) as response,
        ):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > LONGEST_ANSWER_BYTES:
                    break
        return response.status_code, response.headers, bytes(body)

    def _said(self, body: bytes) -> str:
        """What a server says about an error, without the key: some repeat a wrong one."""
        return self._without_key(" ".join(body[: 4 * SHOWN_CHARS].decode("utf-8", "replace").split()))[:SHOWN_CHARS]

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _way_out(status: int, model: str) -> str:
    if status in (401, 403):
        return "set endpoint.api_key to a key that it accepts"
    if status == 404:
        return f"see that endpoint.url ends with the API's version (such as /v1) and that it serves the model {model}"
    if 300 <= status < 400:
        return "redirects are not followed, so set endpoint.url to where it leads"
    return "see that endpoint.url is that of an OpenAI-compatible API"
