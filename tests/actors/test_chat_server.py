import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from actors.http_captioner import MOST_REFUSED, HttpCaptioner
from footage.errors import ModelUnavailable, SettingsError
from footage.model_settings import CaptionSettings
from footage.records import SceneToCaption
from tests.caption_server import KEY, CaptionServer, Fault, serve
from tests.pictures import jpeg


def number_of_bytes(pictures: Sequence[bytes], text: str, most_tokens: int) -> str:
    return f"{[len(picture) for picture in pictures]} {text}"


@pytest.fixture
def server() -> Iterator[CaptionServer]:
    with serve(CaptionServer(number_of_bytes)) as running:
        yield running


def captioner(server: CaptionServer, **endpoint: Any) -> HttpCaptioner:
    return HttpCaptioner(
        CaptionSettings(adapter="http", model="m", prompt="What?", endpoint=server.endpoint(**endpoint))
    )


def scenes(count: int) -> list[SceneToCaption]:
    return [SceneToCaption(f"s{number}", (jpeg("red", 16 + number, 16),), "") for number in range(count)]


def test_the_request_is_what_openai_documents(server: CaptionServer) -> None:
    captioner(server).caption([SceneToCaption("a", (jpeg("red"), jpeg("blue")), "")])
    (asked,) = server.asked
    content = asked.payload["messages"][0]["content"]
    assert asked.payload == {
        "model": "m",
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 120,
        "temperature": 0,
    }
    assert [part["type"] for part in content] == ["image_url", "image_url", "text"]
    assert content[0]["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")
    assert asked.pictures == (jpeg("red"), jpeg("blue"))
    assert asked.authorization == f"Bearer {KEY}"


def test_requests_are_under_way_at_once_up_to_the_limit(server: CaptionServer) -> None:
    server.fault_of = lambda asked: Fault(delay_s=0.2)
    found = captioner(server, concurrency=3).caption(scenes(9))
    assert found == [f"[{len(scene.key_frames[0])}] What?" for scene in scenes(9)]
    assert server.most_at_once == 3


def test_the_key_is_never_seen(server: CaptionServer, caplog: pytest.LogCaptureFixture) -> None:
    secret = "sk-that-is-wrong"
    wrong = captioner(server, api_key=secret)
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelUnavailable, match=r"Incorrect API key provided") as raised:
        wrong.caption(scenes(3))
    server.fault_of = lambda asked: Fault(status=500, body=f"no {secret}")
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelUnavailable) as failed:
        HttpCaptioner(vars(wrong)["_settings"]).complete(["a"])
    for text in (str(raised.value), str(failed.value), caplog.text, repr(wrong), repr(vars(wrong)["_settings"])):
        assert secret not in text


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"url": None}, "The setting endpoint.url is not set"),
        ({"url": "file:///etc/passwd"}, "is no address of a server"),
        ({"url": "127.0.0.1:8000/v1"}, "is no address of a server"),
        ({"url": "http:///v1"}, "is no address of a server"),
        ({"url": "http://h/v1?key=pw"}, "is no base URL"),
        ({"url": "http://me:pw@h/v1"}, "put the key into endpoint.api_key"),
        ({"url": "http://h/v1", "api_key": "one\ntwo"}, "holds a character that no HTTP header may hold"),
    ],
)
def test_settings_that_cannot_work(endpoint: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        HttpCaptioner(CaptionSettings.model_validate({"adapter": "http", "endpoint": endpoint}))
    assert "pw" not in str(raised.value)
    assert "two" not in str(raised.value)


def test_a_server_that_is_not_there(server: CaptionServer) -> None:
    with pytest.raises(ModelUnavailable, match=r"failed 2 times in a row, at last it did not answer \(ConnectError"):
        captioner(server, url="http://127.0.0.1:9/v1", retries=1).caption(scenes(2))


def test_a_redirect_is_not_followed(server: CaptionServer) -> None:
    server.fault_of = lambda asked: Fault(status=308, headers={"location": server.url + "/chat/completions"})
    with pytest.raises(ModelUnavailable, match=r"answered 308 .* redirects are not followed"):
        captioner(server).caption(scenes(1))
    assert len(server.asked) == 1


def test_retry_after_is_obeyed(server: CaptionServer) -> None:
    server.faults.append(Fault(status=429, headers={"retry-after": "1"}))
    started = time.monotonic()
    captioner(server, backoff_s=0).caption(scenes(1))
    assert time.monotonic() - started >= 1


def test_an_outage_ends_what_waits(server: CaptionServer) -> None:
    server.fault_of = lambda asked: Fault(status=403)
    asking = captioner(server, concurrency=2)
    with pytest.raises(ModelUnavailable):
        asking.caption(scenes(200))
    asking.close()
    assert len(server.asked) < 200


def test_an_outage_is_remembered_for_a_while(server: CaptionServer) -> None:
    server.faults.append(Fault(status=403))
    asking = captioner(server, concurrency=1)
    with pytest.raises(ModelUnavailable) as first:
        asking.caption(scenes(1))
    with pytest.raises(ModelUnavailable) as second:
        asking.complete(["a"])
    assert str(first.value) == str(second.value)
    assert len(server.asked) == 1
    assert asking.caption([]) == []

    server.faults.append(Fault(status=403))
    forgets = HttpCaptioner(vars(asking)["_settings"], outage_s=0)
    with pytest.raises(ModelUnavailable):
        forgets.caption(scenes(1))
    assert forgets.caption(scenes(1)) != [""]


def test_an_outage_gives_up_what_is_under_way(server: CaptionServer) -> None:
    """One of two questions is refused for its key while the other is being thought about."""
    over, thought_out = threading.Event(), []

    def think(pictures: Sequence[bytes], text: str, most_tokens: int) -> str:
        thought_out.append(over.wait(60))
        return text

    server.answer = think
    server.fault_of = lambda asked: Fault(status=403, delay_s=0.3) if asked.text == "b" else Fault()
    asking = captioner(server, concurrency=2, timeout_s=300)
    with pytest.raises(ModelUnavailable):
        asking.complete(["a", "b"])
    asking.close()
    asking.close()
    assert (len(server.asked), thought_out) == (2, [])
    over.set()


@contextmanager
def endless_head() -> Iterator[str]:
    """A server that sends a byte of its answer's headers now and then, for ever."""

    def drip() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
                while not over.wait(0.05):
                    connection.sendall(b"x")

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        over.set()
        thread.join()


def test_headers_that_never_end_are_a_time_out(server: CaptionServer) -> None:
    with endless_head() as url, pytest.raises(ModelUnavailable, match=r"failed 1 times .* not answer within 0\.5 s"):
        captioner(server, url=url, retries=0, timeout_s=0.5).caption(scenes(1))


def test_a_question_ends_with_its_patience_however_many_tries_are_left(server: CaptionServer) -> None:
    from actors.chat_server import ChatServer

    server.fault_of = lambda asked: Fault(status=503, headers={"retry-after": "60"})
    asking = ChatServer(server.endpoint(retries=1000), "m", 9)
    with pytest.raises(ModelUnavailable, match=r"failed 1 times in a row, at last it answered 503"):
        asking.ask([{"type": "text", "text": "a"}], threading.Event(), time.monotonic() + 30)
    with pytest.raises(ModelUnavailable, match=r"failed 1 times in a row, at last it did not answer within"):
        asking.ask([{"type": "text", "text": "a"}], threading.Event(), time.monotonic() - 1)
    asking.close()


def test_a_server_that_refuses_everything_is_an_outage(server: CaptionServer) -> None:
    server.fault_of = lambda asked: Fault(status=400, body="m is not a multimodal model")
    with pytest.raises(ModelUnavailable, match=rf"refused each of the first {MOST_REFUSED} requests.*not a multimodal"):
        captioner(server).caption(scenes(MOST_REFUSED + 5))


def test_refusals_after_an_answer_are_those_of_their_scenes(server: CaptionServer) -> None:
    asking = captioner(server)
    assert asking.caption(scenes(1)) != [""]
    server.fault_of = lambda asked: Fault(status=400)
    assert asking.caption(scenes(MOST_REFUSED + 5)) == [""] * (MOST_REFUSED + 5)


def test_nothing_is_left_running(server: CaptionServer) -> None:
    before = {thread for thread in threading.enumerate() if thread.name.startswith("captions")}
    asking = captioner(server)
    asking.caption(scenes(5))
    asking.close()
    assert {thread for thread in threading.enumerate() if thread.name.startswith("captions")} <= before
