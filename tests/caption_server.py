"""An OpenAI-compatible server in a thread, which answers as it is told to and can be made to fail."""

import base64
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.native_captioner import NativeCaptioner
from actors.scene_pictures import Picture
from actors.vision_prompts import Question, VisionPrompts
from footage.model_settings import CaptionSettings, EndpointSettings
from footage.records import SceneToCaption

KEY = "key-that-nobody-may-see"


class TooLong(Exception):
    """The prompt is longer than the model's context."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: nothing, unless something is set."""

    delay_s: float = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # instead of an answer
    drop: bool = False  # the connection is lost half way through the answer
    drip_s: float = 0  # between any two characters of the answer
    cut_words: int | None = None  # the answer ends after so many words: finish_reason "length"


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    text: str
    pictures: tuple[bytes, ...]
    authorization: str | None
    payload: dict[str, Any]


Answerer = Callable[[Sequence[bytes], str, int], str]  # pictures, text, most tokens -> answer


class ServedModel:
    """A native captioner's model behind the server: what a client asks is asked of it, word for word."""

    def __init__(self, folder: Path, context_tokens: int = 4096) -> None:
        # With these the whole prompt is what the client sent.
        self._settings = CaptionSettings(
            adapter="native", model=str(folder), prompt="{said}", said="{transcript}", transcript_chars=1_000_000,
            frames_per_scene=16, max_prompt_tokens=100_000,
        )  # fmt: skip
        self._folder = folder
        self.context_tokens = context_tokens
        self._models: dict[int, NativeCaptioner] = {}
        self._lock = threading.Lock()

    def __call__(self, pictures: Sequence[bytes], text: str, max_tokens: int) -> str:
        with self._lock:
            if max_tokens not in self._models:
                settings = self._settings.model_copy(update={"max_new_tokens": max_tokens})
                self._models[max_tokens] = NativeCaptioner(settings, self._folder)
            model = self._models[max_tokens]
            if self._tokens(pictures, text) > self.context_tokens:
                raise TooLong
            return (
                model.caption([SceneToCaption("asked", tuple(pictures), text)])[0]
                if pictures
                else model.complete([text])[0] or ""
            )

    def _tokens(self, pictures: Sequence[bytes], text: str) -> int:
        import io

        from PIL import Image
        from transformers import AutoProcessor

        shown = tuple(Picture(frame, Image.open(io.BytesIO(frame)).convert("RGB")) for frame in pictures)
        prompts = VisionPrompts(self._settings, AutoProcessor.from_pretrained(str(self._folder)))
        return int(prompts.inputs([Question("asked", text, shown)])["input_ids"].shape[1])


class CaptionServer:
    """`faults` are for the next requests, in the order in which these come; `fault_of` is asked for all others."""

    def __init__(self, answer: Answerer, key: str = KEY) -> None:
        self.answer = answer
        self.key = key
        self.faults: deque[Fault] = deque()
        self.fault_of: Callable[[Asked], Fault] = lambda asked: Fault()
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self.url = ""
        self._under_way = 0
        self._lock = threading.Lock()

    def endpoint(self, **changes: Any) -> EndpointSettings:
        """Settings of a client that loses no time."""
        chosen = {"url": self.url, "api_key": self.key, "timeout_s": 20, "retries": 3, "backoff_s": 0.01}
        return EndpointSettings.model_validate(chosen | changes)

    def app(self) -> Any:
        from fastapi import FastAPI, Request, Response

        app = FastAPI()

        @app.post("/v1/chat/completions")
        async def complete(request: Request) -> Response:
            from starlette.concurrency import run_in_threadpool

            return await run_in_threadpool(self._respond, await request.json(), request.headers.get("authorization"))

        return app

    def _respond(self, payload: dict[str, Any], authorization: str | None) -> Any:
        from fastapi import Response
        from fastapi.responses import StreamingResponse

        asked = _asked(payload, authorization)
        with self._lock:
            self.asked.append(asked)
            fault = self.faults.popleft() if self.faults else self.fault_of(asked)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            time.sleep(fault.delay_s)
            if authorization != f"Bearer {self.key}":
                return _error(401, f"Incorrect API key provided: {authorization}", {})
            if fault.status != 200:
                return _error(fault.status, fault.body or "the server was told to fail", fault.headers)
            if fault.body is not None:
                return Response(fault.body, media_type="application/json")
            try:
                body = _completion(self.answer(asked.pictures, asked.text, payload["max_tokens"]), fault.cut_words)
            except TooLong:
                return _error(400, "This model's maximum context length is exceeded; shorten the prompt.", {})
        finally:
            with self._lock:
                self._under_way -= 1
        if fault.drop:
            return StreamingResponse(iter([body[:10]]), headers={"content-length": str(len(body))})
        if fault.drip_s:
            return StreamingResponse(_dripping(body, fault.drip_s), media_type="application/json")
        return Response(body, media_type="application/json")


@contextmanager
def serve(server: CaptionServer) -> Iterator[CaptionServer]:
    """The server on a free port of this machine, until the block ends."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    running = uvicorn.Server(uvicorn.Config(server.app(), log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join()


def _asked(payload: dict[str, Any], authorization: str | None) -> Asked:
    (message,) = payload["messages"]
    texts = [part["text"] for part in message["content"] if part["type"] == "text"]
    urls = [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]
    pictures = [base64.b64decode(url.removeprefix("data:image/jpeg;base64,"), validate=True) for url in urls]
    return Asked("\n".join(texts), tuple(pictures), authorization, payload)


def _completion(text: str, cut_words: int | None) -> str:
    if cut_words is not None:
        text = " ".join(text.split()[:cut_words])
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop" if cut_words is None else "length",
    }
    return json.dumps({"id": "chat-1", "object": "chat.completion", "choices": [choice]})


def _error(status: int, message: str, headers: dict[str, str]) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error": {"message": message, "code": status}}, status, headers)


def _dripping(body: str, pause_s: float) -> Iterator[str]:
    for character in body:
        yield character
        time.sleep(pause_s)
