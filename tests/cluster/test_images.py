"""The image, as far as it can be had without docker: its steps are followed in a folder, and footage runs there."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from serve_apps.serve_environment import SERVE_ENVIRONMENT
from tests.cluster.image_build import Build, Built, read_steps, sent_files, stages_of
from tests.conftest import PROJECT
from tests.ray_head import PROGRAMS

DOCKERFILE = (PROJECT / "cluster" / "Dockerfile").read_text()
# pip takes seconds to install itself, and is not asked for anything here.
QUICK = DOCKERFILE.replace("python -m venv", "python -m venv --without-pip")
EVERYTHING = """
import actors.model_preparation, pipelines.index_run, serve_apps.search_app
from footage.settings import load_settings
from footage.vocabulary import load_vocabulary
from serve_apps.page import WEB
for profile in ("offline", "cpu", "gpu"):
    load_vocabulary(load_settings(profile).tags.vocabulary)
assert (WEB / "index.html").is_file()
for part in (actors, pipelines, serve_apps):
    assert part.__path__[0].startswith("/app/"), part.__path__
"""


def problems(text: str) -> list[str]:
    """What is wrong with a Dockerfile: what hadolint says, and what it cannot know."""
    ran = subprocess.run(
        [PROGRAMS / "hadolint", "--no-color", "-"], input=text, capture_output=True, text=True, check=False
    )
    found = ran.stdout.splitlines()
    steps = read_steps(text)
    (final,) = list(stages_of(steps, {}).values())[-1:]
    users = [step.rest for step in final if step.word == "USER"]
    if not users or not re.match(r"[1-9]\d*:[1-9]\d*$", users[-1]):
        found.append("the last USER is no number but 0, so Kubernetes cannot see that it is not root")
    base = next(step.rest for step in steps if step.rest.startswith("PYTHON_IMAGE="))
    if not re.fullmatch(r"PYTHON_IMAGE=python:3\.11\.\d+-slim-\w+(@sha256:\w{64})?", base):
        found.append(f"{base}: not a release of Python 3.11 and of Debian")
    for step in steps:
        for command in step.rest.split("&&"):
            found.extend(_loose(command) if "pip install" in command else [])
    environment = " ".join(step.rest for step in final if step.word == "ENV").split()
    missing = {f"{name}={value}" for name, value in SERVE_ENVIRONMENT.items()} - set(environment)
    return found + [f"{pair} is not in ENV, and the service reads it" for pair in sorted(missing)]


def _loose(command: str) -> list[str]:
    """What a command of pip would take any version of."""
    if "--editable ." in command:
        return []
    if "--constraint constraints.txt" not in command:
        return [f"{command.strip()}: not by constraints.txt"]
    constrained = re.findall(r"^([\w.-]+)==", (PROJECT / "constraints.txt").read_text(), re.MULTILINE)
    words = re.sub(r'"[^"]*"|\S*\.txt|--[\w-]+', "", command.partition("pip install")[2]).split()
    return [
        f"{word}: neither pinned nor in constraints.txt"
        for word in words
        if word not in constrained and "==" not in word
    ]


def build(text: str, folder: Path, install: bool = False, **arguments: str) -> tuple[Build, Built]:
    followed = Build(folder, read_steps(text), arguments, install)
    return followed, followed.run()


def python(built: Built, script: str) -> str:
    (built.root / "script.py").write_text(script.replace('"/app/', f'"{built.root}/app/'))
    return built.shell(f"python {built.root}/script.py")


def everything_works(text: str, folder: Path) -> Build:
    followed, built = build(text, folder)
    python(built, EVERYTHING)
    assert "Find any moment" in built.shell("footage --help")
    report = json.loads(built.shell("footage models --profile offline --json"))
    assert {model["missing"] for model in report["models"]} == {""}
    return followed


def test_the_image_is_as_it_should_be():
    assert problems(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("what", "instead", "said"),
    [
        ("USER 1000:1000\n", "", "no number but 0"),
        ("USER 1000:1000\n", "USER root\n", "DL3002"),
        ("python:3.11.15-slim-bookworm\nARG", "python:latest\nARG", "not a release"),
        ("--constraint constraints.txt --requirement", "--requirement", "not by constraints.txt"),
        ("nvidia-cublas-cu12==12.9.1.4", "nvidia-cublas-cu12", "neither pinned nor"),
        ("--no-install-recommends", "", "DL3015"),
        ('ENTRYPOINT ["tini", "--"]', "ENTRYPOINT tini --", "DL3025"),
        ("RAY_SERVE_USE_GRPC_BY_DEFAULT=1 \\\n", "LANG=C \\\n", "RAY_SERVE_USE_GRPC_BY_DEFAULT=1 is not in ENV"),
        ("WORKDIR /app", "WORKDIR app", "DL3000"),
        ("HEALTHCHECK NONE", "HEALTHCHEK NONE", "unexpected"),
    ],
)
def test_a_mistake_is_found(what: str, instead: str, said: str):
    assert what in DOCKERFILE
    found = problems(DOCKERFILE.replace(what, instead))
    assert any(said in line for line in found), found


def test_footage_runs_with_the_files_that_the_image_has_and_no_others(tmp_path: Path):
    followed = everything_works(QUICK, tmp_path)
    assert len(followed.ran) == 3  # the environment, its requirements, and no models
    requirements = (tmp_path / "packages" / "build" / "requirements.txt").read_text().splitlines()
    assert {"ray[data,serve]", "torch"} < set(requirements)


@pytest.mark.parametrize("folder", ["samples/models", "footage", "actors", "pipelines", "serve_apps", "cluster"])
def test_a_folder_that_is_not_copied_is_missed(folder: str, tmp_path: Path):
    (line,) = re.findall(rf"^COPY {folder} .*\n", QUICK, re.MULTILINE)
    with pytest.raises(AssertionError, match=r"ModuleNotFoundError|No such file|is not there|Can't list"):
        everything_works(QUICK.replace(line, ""), tmp_path)


def test_a_folder_that_docker_does_not_get_is_missed(tmp_path: Path):
    with pytest.raises(AssertionError, match=r"COPY docs: \.dockerignore keeps it"):
        build(QUICK.replace("COPY actors actors", "COPY docs docs"), tmp_path)


def test_docker_gets_no_videos_stores_or_secrets(tmp_path: Path):
    ignored = (PROJECT / ".dockerignore").read_text()
    (tmp_path / ".dockerignore").write_text(ignored)
    kept = ["footage/settings.py", "footage/profiles/gpu.yaml", "samples/models/toy-siglip/config.json", "README.md"]
    left = ["cluster/compose/.env", "footage/__pycache__/a.pyc", "samples/clips/a.mp4", "footage-store/x", "notes.txt"]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for name in kept + left:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(sent_files(tmp_path)) == sorted(kept)


def test_either_device_takes_its_wheels():
    steps = read_steps(DOCKERFILE)
    cpu = "\n".join(step.rest for step in stages_of(steps, {"DEVICE": "cpu"})["packages"])
    cuda = "\n".join(step.rest for step in stages_of(steps, {"DEVICE": "cuda"})["packages"])
    assert ("TORCH_CPU_INDEX" in cpu, "nvidia" in cpu) == (True, False)
    assert ("TORCH_CPU_INDEX" in cuda, "nvidia" in cuda) == (False, True)


def test_what_is_installed_is_pinned(tmp_path: Path):
    build(QUICK, tmp_path)
    wanted = (tmp_path / "packages" / "build" / "requirements.txt").read_text().splitlines()
    pinned = re.findall(r"^([\w.-]+)==", (PROJECT / "constraints.txt").read_text(), re.MULTILINE)
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= {*map(canonicalize_name, pinned)}


def test_all_files_name_the_images_of_this_release():
    release = re.search(r'^version = "(.*)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    tagged = {f"{release}-cpu", f"{release}-cuda"}
    for name in (
        "cluster/Dockerfile",
        "cluster/compose/compose.yaml",
        "cluster/compose/env.example",
        "ray-cluster.yaml",
    ):
        found = set(re.findall(r"\bfootage:([\w.-]+)", (PROJECT / name).read_text()))
        assert found, name
        assert found <= tagged, name
    kustomization = yaml.safe_load((PROJECT / "cluster" / "kuberay" / "base" / "kustomization.yaml").read_text())
    assert {image["newTag"] for image in kustomization["images"]} == tagged


@pytest.mark.services
@pytest.mark.timeout(600)
def test_footage_is_installed_where_it_lies(tmp_path: Path):
    _, built = build(DOCKERFILE, tmp_path, install=True)
    assert "cluster.cli" in built.path("/opt/venv/bin/footage").read_text()
    assert python(built, "import footage.version; print(footage.version.VERSION)").strip() == "0.1.0"


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_image_with_models_inside_indexes_and_searches(tmp_path: Path, clips: Path):
    _, built = build(QUICK, tmp_path, PULL_PROFILE="offline")
    # A user cannot change what was made as another one; the models are there and prepared.
    report = json.loads(built.shell("footage models --profile offline --json"))
    assert report["prepared"] is True
    store = "--store /models/store --profile offline"
    built.shell(f"FOOTAGE_CAPTIONS__ADAPTER=off FOOTAGE_SUMMARIES__ADAPTER=off footage index {clips}/coast.mp4 {store}")
    found = json.loads(built.shell(f'footage search "old lighthouse on a rock" {store} --json'))
    assert found["hits"][0]["source_uris"][0].endswith("coast.mp4")
