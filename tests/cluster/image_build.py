"""Follows a Dockerfile step by step in a folder, as far as that needs no docker."""

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import PROJECT

# Whatever changes the machine itself: Debian's packages, users, owners.
_OF_THE_MACHINE = re.compile(r"\b(apt-get|useradd|install --directory --owner)\b")
_OF_THE_IMAGE = re.compile(r"(?<![\w.])/(?=(?:app|build|models|opt/venv|tmp/ray)\b)")


@dataclass(frozen=True)
class Step:
    """One instruction."""

    word: str
    rest: str

    @property
    def copied(self) -> tuple[list[str], str, str | None]:
        """Of a COPY: what, whither, and from which stage."""
        *sources, target = [part for part in shlex.split(self.rest) if not part.startswith("--")]
        stage = re.match(r"--from=(\S+)", self.rest)
        return sources, target, stage.group(1) if stage else None


def read_steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, in order."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n", "", "\n".join(lines))
    split = [line.strip().partition(" ") for line in whole.splitlines() if line.strip()]
    return [Step(word.upper(), rest.strip()) for word, _, rest in split]


def stages_of(steps: list[Step], arguments: Mapping[str, str]) -> dict[str, list[Step]]:
    """The steps of each stage that the last one needs, in order; a stage that begins with another one includes it."""
    given = {**_defaults(steps), **arguments}
    stages: dict[str, list[Step]] = {}
    name = ""
    for step in steps:
        if step.word == "FROM":
            base, _, name = _filled(step.rest, given).partition(" AS ")
            stages[name] = list(stages.get(base, []))
        elif name:
            stages[name].append(step)
    needed = [step.copied[2] for step in stages[name] if step.word == "COPY"]
    return {stage: steps for stage, steps in stages.items() if stage in needed or stage == name}


def sent_files(context: Path) -> list[str]:
    """Which files of a folder .dockerignore lets docker have."""
    rules = [line for line in (context / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=context,
        capture_output=True,
        text=True,
        check=True,
    )
    return [file for file in tracked.stdout.splitlines() if _is_sent(file, rules) and (context / file).is_file()]


def _is_sent(file: str, rules: list[str]) -> bool:
    """The last rule that fits counts; one for a folder fits what is in it."""
    sent = True
    for rule in rules:
        pattern = re.escape(rule.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{pattern}(/.*)?", file):
            sent = rule.startswith("!")
    return sent


@dataclass
class Build:
    """A build in `folder`, which stands for `/` of each stage."""

    folder: Path
    steps: list[Step]
    arguments: Mapping[str, str]
    install: bool  # footage, into an environment that has its packages already; those are not installed here: 8 GB
    ran: list[str] = field(default_factory=list)

    def run(self) -> "Built":
        """Follow every step.

        Raises:
            subprocess.CalledProcessError: a step failed.
        """
        given = {**_defaults(self.steps), **self.arguments}
        built = None
        for name, steps in stages_of(self.steps, self.arguments).items():
            built = Built(self.folder / name, dict(given))
            for step in steps:
                self._follow(step, built)
        assert built is not None
        return built

    def _follow(self, step: Step, built: "Built") -> None:
        match step.word:
            case "ENV":
                for name, value in (pair.split("=", 1) for pair in shlex.split(step.rest)):
                    built.environment[name] = _filled(value, {**os.environ, **built.environment})
            case "ARG" if "=" in step.rest:
                name, _, value = step.rest.partition("=")
                built.environment.setdefault(name, value.strip('"'))
            case "WORKDIR":
                built.work = step.rest
                built.path(step.rest).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(step, built)
            case "RUN" if self._is_run(step.rest):
                self.ran.append(step.rest)
                built.shell(step.rest)

    def _is_run(self, command: str) -> bool:
        if "pip install" in command:
            return self.install and "--editable ." in command
        return not _OF_THE_MACHINE.search(command)

    def _copy(self, step: Step, built: "Built") -> None:
        sources, target, stage = step.copied
        whither = built.path(target)
        if stage is not None:
            shutil.copytree(self.folder / stage / sources[0].lstrip("/"), whither, symlinks=True)
            _let_see_packages(whither)
            return
        files = sent_files(PROJECT)
        for source in sources:
            found = [file for file in files if file == source or file.startswith(f"{source}/")]
            assert found, f"COPY {source}: .dockerignore keeps it from docker, or it is not there"
            for file in found:
                inner = file.removeprefix(source).lstrip("/") or Path(file).name
                (whither / inner).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / file, whither / inner)


@dataclass
class Built:
    """A stage."""

    root: Path
    environment: dict[str, str]
    work: str = "/"

    def path(self, inside: str) -> Path:
        """Where a path of the image is."""
        return self.root / os.path.join(self.work, inside).lstrip("/")

    def shell(self, command: str) -> str:
        """What a command prints, run as a RUN step is."""
        environment = {name: self._outside(value) for name, value in self.environment.items()}
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        ran = subprocess.run(
            ["/bin/sh", "-c", self._outside(command)],
            cwd=self.path("."),
            env={"PATH": os.environ["PATH"], **environment, "HOME": str(self.root), **pip},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
        return ran.stdout

    def _outside(self, text: str) -> str:
        return _OF_THE_IMAGE.sub(f"{self.root}/", text)


def _let_see_packages(venv: Path) -> None:
    """Give an environment in which pip installed nothing what this one has, except for footage itself.

    A folder that a .pth names is searched, and its own .pth files, such as that of an editable footage, are not read.
    """
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (venv / "bin" / "footage").write_text('#!/bin/sh\nexec python -m cluster.cli "$@"\n')
    (venv / "bin" / "footage").chmod(0o755)


def _defaults(steps: list[Step]) -> dict[str, str]:
    """Of the arguments before the first stage."""
    before = steps[: next(place for place, step in enumerate(steps) if step.word == "FROM")]
    return dict(step.rest.split("=", 1) for step in before if step.word == "ARG")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found.group(1), ""), text)
