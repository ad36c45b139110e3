"""Jobs as they are put together, refused and listed, without a cluster."""

import json
import shlex
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.job_client import RayJob, is_loopback
from cluster.job_list import job_of_store, jobs_of_store
from cluster.job_options import resources_of
from cluster.job_package import package
from cluster.job_submission import JobRequest, placed, submission
from footage.catalog import Catalog
from footage.errors import SettingsError
from footage.leases import RunLease
from footage.parts import Part
from footage.settings import Settings, load_settings
from tests.conftest import PROJECT
from tests.footage.test_catalog import report_of
from tests.memory_folder import memory_folder
from tests.memory_store import MemoryStore

HEAD = "http://head:8265"
REQUEST = JobRequest("s3://films/it's here", "s3://store/footage", "http://qdrant:6334", "gpu")


def ray_job(job: str, status: str, message: str = "", store: str = "memory") -> RayJob:
    return RayJob.model_validate(
        {
            "job": job,
            "status": status,
            "message": message,
            "started_at": "2026-01-01T00:00:00.000+00:00",
            "wall_s": 3,
            "metadata": {"store": store, "workspace": "default", "source": "s3://films"},
        }
    )


def test_a_job_says_what_it_is_and_sends_settings_but_no_secret() -> None:
    environ = {
        "AWS_SECRET_ACCESS_KEY": "no",
        "RAY_AUTH_TOKEN": "no",
        "FOOTAGE_STORE": "s3://other",
        "FOOTAGE_S3__ENDPOINT": "http://ceph:7480",
        "FOOTAGE_QDRANT__API_KEY": "no",
        "FOOTAGE_CAPTIONS__ENDPOINT__API_KEY": "no",
        "FOOTAGE_QDRANT": '{"api_key": "no"}',
        "FOOTAGE_DECODER": '{"span_s": 60}',
    }
    request = JobRequest(
        **{**vars(REQUEST), "dataset": "pilots", "only": (Part.SPEECH,), "options": ("--watch", "--every", "5m")}
    )

    sent = submission(request, "job-1", Settings(), environ, {"head": 0.1}, in_image=True)

    assert shlex.split(sent.entrypoint) == [
        *("exec", "python", "-m", "cluster.cli", "index", "--store", "s3://store/footage", "--profile", "gpu"),
        *("--workspace", "default", "--index", "http://qdrant:6334", "--dataset", "pilots", "--only", "speech"),
        *("--watch", "--every", "5m", "--", "s3://films/it's here"),
    ]
    assert sent.environment == {
        "FOOTAGE_DECODER": '{"span_s": 60}',
        "FOOTAGE_S3__ENDPOINT": "http://ceph:7480",
        "FOOTAGE_JOB": "job-1",
        "RAY_JOB_STOP_WAIT_TIME_S": "60",
    }
    assert sent.withheld == ("FOOTAGE_CAPTIONS__ENDPOINT__API_KEY", "FOOTAGE_QDRANT", "FOOTAGE_QDRANT__API_KEY")
    assert (sent.metadata["source"], sent.metadata["dataset"]) == ("s3://films/it's here", "pilots")
    assert (sent.resources, sent.package) == ({"head": 0.1}, None)


def test_the_query_of_a_signed_source_is_not_in_what_the_job_says_of_itself() -> None:
    request = JobRequest(**{**vars(REQUEST), "source": "https://host/film.mp4?signature=x"})
    assert submission(request, "j", Settings(), {}, {}, in_image=True).metadata["source"] == "https://host/film.mp4"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "films"}, "The source films is a path of this machine, and the cluster at http://head:8265 has"),
        ({"store": "store"}, "The store store is a path of this machine"),
        ({"index": "/scenes"}, "The index /scenes is a folder, which one machine alone can use"),
        ({"index": "http://127.0.0.1:6334"}, "is this machine to each machine of the cluster"),
        ({"index": "http://localhost:6334"}, "is this machine to each machine of the cluster"),
        ({"index": None}, "is a bucket, and an index cannot lie in one"),
        ({"profile": "auto"}, "The profile auto asks the machine that it runs on"),
    ],
)
def test_what_a_cluster_does_not_see_is_refused(changes: dict[str, str | None], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        placed(JobRequest(**{**vars(REQUEST), **changes}), HEAD, same_machine=False, shared_files=False)
    assert said in str(refused.value)


def test_places_that_a_cluster_sees_pass() -> None:
    assert placed(REQUEST, HEAD, same_machine=False, shared_files=False) == REQUEST
    shared = JobRequest(**{**vars(REQUEST), "source": "/nfs/films", "store": "/nfs/store"})
    assert placed(shared, HEAD, same_machine=False, shared_files=True) == shared
    here = placed(JobRequest("films", "store", "scenes", "auto"), HEAD, same_machine=True, shared_files=False)
    whole = (str(Path(name).absolute()) for name in ("films", "store", "scenes"))
    assert here == JobRequest(*whole, "auto", python=here.python)
    assert subprocess.check_output(["sh", "-c", f"echo {here.python}"], text=True).strip() == sys.executable


def test_addresses_of_this_machine_are_known() -> None:
    named = ["http://127.0.0.1:8265", "http://localhost:8265", "http://[::1]:8265", HEAD, "http://10.0.0.1:8265"]
    assert [is_loopback(address) for address in named] == [True, True, True, False, False]


def test_resources_are_read() -> None:
    assert resources_of(["head=0.01", "a=b=2"]) == {"head": 0.01, "a=b": 2.0}
    for wrong in ("head", "head=", "=1", "head=-1", "head=x"):
        with pytest.raises(SettingsError, match="is no resource of a machine"):
            resources_of([wrong])


def test_only_footage_and_the_models_of_the_profile_are_sent(tmp_path: Path) -> None:
    kept = {"footage/a.py": 3, "cluster/b.py": 4, "samples/models/toy/m.bin": 100}
    left = ("samples/clips/c.mp4", "tests/t.py", ".git/x", ".venv/y", "footage/__pycache__/a.pyc", "docs/d.md")
    for name, size in {**kept, **dict.fromkeys(left, 50)}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)

    offline = package(load_settings("offline"), tmp_path)
    assert offline.excludes == ["/.git", "/.venv", "/docs", "/tests", "/samples/clips", "__pycache__/"]
    assert offline.size_bytes == 107
    gpu = package(load_settings("gpu"), tmp_path)
    assert gpu.excludes == ["/.git", "/.venv", "/docs", "/tests", "/samples", "__pycache__/"]
    assert gpu.size_bytes == 7


def test_ray_packs_just_that() -> None:
    """Of the project itself, by the function that Ray's client packs with."""
    from ray._private.runtime_env.packaging import create_package

    sent = package(load_settings("offline"))
    with memory_folder() as folder:
        create_package(str(sent.root), folder / "sent.zip", include_gitignore=True, excludes=sent.excludes)
        names = zipfile.ZipFile(folder / "sent.zip").namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"footage", "actors", "pipelines", "serve_apps", "cluster", "samples"}
    assert {name.split("/")[1] for name in names if name.startswith("samples/")} - {""} == {"models"}
    assert not [name for name in names if "__pycache__" in name]
    assert {"footage/profiles/gpu.yaml", "cluster/cli.py", "samples/models/toy-siglip/vocabulary.yaml"} <= set(names)
    assert sent.size_bytes < 30 * 2**20
    assert sent.root == PROJECT


def test_a_job_that_failed_before_its_run_shows_what_ray_says() -> None:
    store = MemoryStore()
    failed = ray_job("job-20260101T000000-aaaaaa", "FAILED", "runtime_env setup failed: no such package")
    pending = ray_job("job-20260101T000001-bbbbbb", "PENDING")
    elsewhere = ray_job("job-20260101T000002-cccccc", "RUNNING", store="s3://another")

    listed = jobs_of_store(store, [failed, pending, elsewhere], most=20)

    assert {job.name: (job.state, job.error) for job in listed} == {
        failed.job: ("failed", "runtime_env setup failed: no such package"),
        pending.job: ("pending", ""),
    }
    assert job_of_store(store, failed.job, [failed]).error == failed.message
    with pytest.raises(SettingsError, match="knows no job or run 'x'"):
        job_of_store(store, "x", [failed])
    with pytest.raises(SettingsError, match="Nothing was ever indexed into memory"):
        job_of_store(store, None, [])


def test_a_job_with_many_runs_does_not_hide_the_others() -> None:
    store, job = MemoryStore(), "job-20260101T000000-aaaaaa"
    catalog = Catalog(store, "default")
    for number in range(5):
        watched = report_of(f"20260101T00000{number}-bbbbbb", "default").model_copy(update={"job": job})
        catalog.put_report(watched)
    for year in (2024, 2025):
        catalog.put_report(report_of(f"{year}0101T000000-cccccc", "default"))

    listed = jobs_of_store(store, [], most=2)

    assert {entry.name: len(entry.runs) for entry in listed} == {job: 5, "20250101T000000-cccccc": 1}
    assert jobs_of_store(store, [], most=2, workspace="other") == []


def test_a_run_whose_job_ray_saw_end_without_a_word_was_killed() -> None:
    store, job = MemoryStore(), "job-20260101T000000-aaaaaa"
    catalog = Catalog(store, "default")
    report = report_of("20260101T000001-bbbbbb", "default").model_copy(
        update={"job": job, "state": "running", "started_at": "2026-01-01T00:00:01.000+00:00"}
    )
    catalog.put_report(report)
    RunLease(catalog, report.run_id, "footage index", "s3://films", 60).take(datetime.now(UTC))

    assert job_of_store(store, job, [ray_job(job, "RUNNING")]).state == "running"
    assert job_of_store(store, job, []).state == "running"
    killed = job_of_store(store, job, [ray_job(job, "FAILED")])
    assert (killed.state, killed.has_ended, killed.runs[0].state) == ("lost", True, "lost")
    assert job_of_store(store, report.run_id, []).name == job


def cli(*words: str, exit_code: int) -> tuple[str, str]:
    done = CliRunner().invoke(app, list(words), env={"RAY_DASHBOARD_ADDRESS": "", "RAY_API_SERVER_ADDRESS": ""})
    assert done.exit_code == exit_code, done.output
    return done.stdout, done.stderr


def test_what_would_be_sent_is_shown() -> None:
    words = ["submit", "s3://films", "--store", "s3://store", "--index", "http://qdrant:6334", "--profile", "offline"]

    said, noted = cli(*words, "--address", "127.0.0.1:9", "--dry-run", exit_code=0)
    assert f'exec "$(command -v {sys.executable} || echo python)" -m cluster.cli index --store s3://store' in said
    assert "MiB before it is zipped" in said
    assert "How the run would be laid out cannot be told" in noted  # without the cluster
    gone = "http://127.0.0.1:9"
    shown = json.loads(cli(*words, "--address", gone, "--dry-run", "--json", "--in-image", exit_code=0)[0])
    assert (shown["address"], shown["upload_bytes"], shown["allocation"]) == (gone, 0, None)


def test_a_cluster_that_is_not_named_or_not_there_is_a_sentence(tmp_path: Path) -> None:
    words = ["submit", "s3://films", "--store", "s3://store", "--index", "http://qdrant:6334", "--profile", "offline"]
    assert "No cluster is named: say --address" in cli(*words, exit_code=1)[1]
    gone = "http://127.0.0.1:9"
    assert f"No cluster answers at {gone}" in cli(*words, "--address", gone, exit_code=1)[1]
    assert "is no address of a cluster" in cli(*words, "--address", "ray://127.0.0.1:9", exit_code=1)[1]
    stopped = cli("stop", "job-1", "--store", str(tmp_path), "--address", gone, exit_code=1)
    assert f"No cluster answers at {gone}" in stopped[1]
    listed, said = cli("jobs", "--store", str(tmp_path), "--address", gone, "--json", exit_code=0)
    assert (json.loads(listed), "This is what the store knows." in said) == ({"jobs": []}, True)
    assert "Nothing was ever indexed" in cli("status", "--store", str(tmp_path), exit_code=1)[1]
