"""A store behind a line that throttles, resets, cuts, loses answers and goes away."""

import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from footage.errors import ObjectChanged, StoreUnavailable
from footage.s3_bucket import S3Bucket
from footage.s3_client import S3Client
from footage.s3_download import Download
from footage.s3_refusals import UploadMissing
from footage.s3_store import S3Store
from footage.s3_upload import upload_parts
from footage.storage_settings import S3Settings
from footage.transfers import TRANSFERS
from tests.ceph import CephMissing, running_ceph
from tests.fault_proxy import FaultProxy, Faults, fault_proxy
from tests.s3_servers import S3Server

PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["moto", pytest.param("ceph", marks=pytest.mark.services)])
def server(request: pytest.FixtureRequest) -> S3Server:
    return request.getfixturevalue(f"{request.param}_s3")


@pytest.fixture
def proxy(server: S3Server) -> Iterator[FaultProxy]:
    with fault_proxy(server.settings.endpoint, seed=4) as between:
        yield between


def settings_of(server: S3Server, proxy: FaultProxy, max_attempts: int = 8) -> S3Settings:
    return server.settings.model_copy(update={"endpoint": proxy.url, "max_attempts": max_attempts})


@pytest.mark.parametrize("kind", ["slow_down", "resets", "lost_answers", "cut_bodies", "trickle"])
def test_work_ends_right(server: S3Server, proxy: FaultProxy, kind: str, tmp_path: Path) -> None:
    name = server.new_bucket()
    store = S3Store(name, "footage", settings_of(server, proxy))
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom((5 << 20) + 1))
    proxy.faults = Faults(**{kind: 0.15, "trickle_s": 0.01})
    before = TRANSFERS.total()

    store.probe()
    for number in range(4):
        store.put(f"a/{number}", f"{number}".encode())
        assert store.create(f"b/{number}", b"first")
        assert not store.create(f"b/{number}", b"second")
        assert store.swap(f"a/{number}", f"{number}".encode(), f"{number}!".encode())
        assert not store.swap(f"a/{number}", b"?", b"never")
        assert store.read_range(f"a/{number}", 1, 9) == b"!"
        assert list(store.list("a/")) == [f"a/{written}" for written in range(number + 1)]
        assert list(store.folders("")) == ["a", "b"]
    store.upload("film", film)
    assert store.get("film") == film.read_bytes()
    store.delete_all([f"b/{number}" for number in range(1, 4)])
    assert not store.exists("b/1")

    injected, retries = proxy.injected(), TRANSFERS.total().retries - before.retries
    assert set(injected) == {kind}
    if kind == "trickle":
        assert retries == 0
    else:  # what broke off in the body of a refusal was understood anyway
        assert 0 < retries <= injected[kind]
    direct = S3Store(name, "footage", server.settings)
    held = {key: direct.get(key) for key in direct.list("")}
    assert held == {
        **{f"a/{number}": f"{number}!".encode() for number in range(4)},
        "b/0": b"first",
        "film": film.read_bytes(),
    }


def test_one_creates_and_one_swaps_though_answers_are_lost(server: S3Server, proxy: FaultProxy) -> None:
    store = S3Store(server.new_bucket(), "", settings_of(server, proxy))
    proxy.faults = Faults(lost_answers=0.25, methods=frozenset({"PUT"}))
    for turn in range(4):
        barrier = threading.Barrier(6)

        def contend(number: int, turn: int = turn, barrier: threading.Barrier = barrier) -> tuple[bool, bool]:
            barrier.wait()
            created = store.create(f"claims/{turn}", str(number).encode())
            barrier.wait()
            held = store.get(f"claims/{turn}")
            barrier.wait()
            return created, store.swap(f"claims/{turn}", held, f"taken over by {number}".encode())

        with ThreadPoolExecutor(6) as pool:
            created, swapped = zip(*pool.map(contend, range(6)), strict=True)
        assert created.count(True) == 1
        assert swapped.count(True) == 1
        assert store.get(f"claims/{turn}") == f"taken over by {swapped.index(True)}".encode()
    assert proxy.injected()["lost_answers"] > 5


class Watched(io.BytesIO):
    """A file that tells when its end is read, just before the upload of it is completed."""

    def __init__(self, content: bytes, at_end: Callable[[], object]) -> None:
        super().__init__(content)
        self._at_end = at_end

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            self._at_end()
        return data


@pytest.mark.parametrize("forgotten", [False, True])
def test_an_upload_is_complete_though_the_answer_is_lost(server: S3Server, proxy: FaultProxy, forgotten: bool) -> None:
    name, data = server.new_bucket(), os.urandom(6 << 20)

    def lose_an_answer() -> None:
        proxy.faults = Faults(lost_answers=1.0, first=1, forgets_uploads=forgotten)

    film = Watched(data, lose_an_answer)
    upload_parts(S3Client(settings_of(server, proxy)), name, "film.mp4", film, 5 << 20, {})
    assert proxy.injected() == {"lost_answers": 1} | ({"forgotten": 1} if forgotten else {})
    assert S3Bucket(name, server.settings).get("film.mp4")[0] == data


@pytest.mark.parametrize("is_another_there", [False, True])
def test_an_upload_that_is_gone_failed(server: S3Server, proxy: FaultProxy, is_another_there: bool) -> None:
    name, data = server.new_bucket(), bytes(6 << 20)
    if is_another_there:
        S3Bucket(name, server.settings).put("film.mp4", data)
    proxy.faults = Faults(first=0, forgets_uploads=True)
    with pytest.raises(UploadMissing, match=rf"The upload of s3://{name}/film\.mp4 is not under way any more"):
        upload_parts(S3Client(settings_of(server, proxy)), name, "film.mp4", io.BytesIO(data), 5 << 20, {})


def test_a_download_goes_on_where_it_broke(server: S3Server, proxy: FaultProxy) -> None:
    name, data = server.new_bucket(), os.urandom(8 << 20)
    S3Bucket(name, server.settings).put("film.mp4", data)
    proxy.faults = Faults(cut_bodies=1.0, first=5)
    before = TRANSFERS.total()
    assert b"".join(Download(S3Client(settings_of(server, proxy)), name, "film.mp4")) == data
    assert TRANSFERS.total() == (before.retries + 5, before.bytes_read + len(data))
    starts = [int(re.sub(r"bytes=(\d+)-.*", r"\1", each.range or "bytes=0-")) for each in proxy.seen]
    assert len(starts) == 6
    assert starts == sorted(starts)
    assert starts[-1] > 0


def test_a_download_of_two_contents_is_none(server: S3Server, proxy: FaultProxy) -> None:
    name = server.new_bucket()
    direct = S3Bucket(name, server.settings)
    direct.put("film.mp4", bytes(8 << 20))
    proxy.faults = Faults(cut_bodies=1.0, first=1, cut_at=4 << 20)
    blocks = iter(Download(S3Client(settings_of(server, proxy)), name, "film.mp4"))
    next(blocks)
    direct.put("film.mp4", b"\1" * (8 << 20))
    with pytest.raises(ObjectChanged, match=r"film\.mp4 is not the object that it was when it was listed"):
        list(blocks)


def test_a_listing_that_breaks_off_is_not_an_empty_one(server: S3Server, proxy: FaultProxy) -> None:
    name = server.new_bucket()
    S3Bucket(name, server.settings).put("a", b"")
    bucket = S3Bucket(name, settings_of(server, proxy))
    for cut_at, by_reset in ((0, False), (0, True), (1, False), (60, False), (60, True)):
        proxy.faults = Faults(cut_bodies=1.0, first=1, cut_at=cut_at, cut_by_reset=by_reset)
        assert [each.key for page in bucket.pages() for each in page.objects] == ["a"]
    assert proxy.injected() == {"cut_bodies": 5}


def test_a_store_that_stays_away_ends_in_one_sentence(server: S3Server, proxy: FaultProxy) -> None:
    store = S3Store(server.new_bucket(), "", settings_of(server, proxy, max_attempts=3))
    store.put("a", b"1")
    proxy.seen.clear()
    proxy.faults = Faults(outage=True)
    said = rf"^The object store at {proxy.url} does not answer \(tried 3 times over \d+ s\): connections break off\.$"
    for use in (store.probe, lambda: store.get("a"), lambda: list(store.list("")), lambda: store.put("a", b"2")):
        with pytest.raises(StoreUnavailable, match=said):
            use()
    assert proxy.injected() == {"outage": 12}  # four times three: nobody waits twice
    proxy.faults = Faults()
    assert store.get("a") == b"1"


def test_a_store_that_always_throttles_ends_in_one_sentence(server: S3Server, proxy: FaultProxy) -> None:
    store = S3Store(server.new_bucket(), "", settings_of(server, proxy, max_attempts=2))
    proxy.faults = Faults(slow_down=1.0)
    with pytest.raises(
        StoreUnavailable,
        match=rf"^The object store at {proxy.url} refuses requests \(tried 2 times over \d+ s\): SlowDown: Please"
        r" reduce your request rate\.$",
    ):
        store.get("a")


def test_a_store_that_is_silent_ends_in_one_sentence(server: S3Server, proxy: FaultProxy) -> None:
    quick = settings_of(server, proxy, max_attempts=2).model_copy(update={"read_timeout_s": 0.3})
    store = S3Store(server.new_bucket(), "", quick)
    S3Bucket(store.address.removeprefix("s3://"), server.settings).put("a", bytes(1000))
    proxy.faults = Faults(trickle=1.0, trickle_s=2)
    with pytest.raises(StoreUnavailable, match=r"breaks off in s3://.*/a \(tried 2 times .*\): ReadTimeoutError\.$"):
        store.get("a")


def test_an_outage_within_a_download_ends_it(server: S3Server, proxy: FaultProxy) -> None:
    name = server.new_bucket()
    S3Bucket(name, server.settings).put("film.mp4", bytes(32 << 20))
    blocks = iter(Download(S3Client(settings_of(server, proxy, max_attempts=2)), name, "film.mp4"))
    next(blocks)
    proxy.faults.outage = True
    with pytest.raises(StoreUnavailable, match=r"does not answer \(tried 2 times over \d+ s\)"):
        list(blocks)


def test_without_ceph_its_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        CephMissing, match="apt-get install --no-install-recommends ceph-common ceph-mon ceph-osd radosgw"
    ):
        running_ceph().__enter__()


def test_the_proxy_as_a_program(moto_s3: S3Server) -> None:
    command = [sys.executable, "-m", "tests.fault_proxy", "--target", moto_s3.settings.endpoint, "--slow-down", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        assert _status(url) == 503
        program.send_signal(signal.SIGUSR1)
        answers = itertools.takewhile(lambda status: status == 503, (_status(url) for _ in itertools.count()))
        slowed = 1 + len(list(answers))
        program.terminate()
        counts = json.loads(program.stdout.readline())
    assert counts == {"requests": slowed + 1, "slow_down": slowed, "outage": 1}


def _status(url: str) -> int:
    """Of an answer; 0 if there is none."""
    try:
        return httpx2.get(url).status_code
    except httpx2.NetworkError:
        return 0
