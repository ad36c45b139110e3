"""Checks manifests for KubeRay, as kustomize writes them, for what Kubernetes would take and what would then not work.

    kubectl kustomize cluster/kuberay/overlays/small > small.yaml
    python -m cluster.check_manifests small.yaml cluster/kuberay/secrets.example.yaml

Nothing is asked of a cluster. Secrets that are made by hand are told by an example of them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
import yaml

from cluster.manifests import Manifest, name_of
from cluster.options import EXIT_FAILED
from cluster.pod_checks import check_pods
from cluster.ray_checks import check_ray
from cluster.reach_checks import check_reach
from cluster.service_checks import check_services
from cluster.variable_checks import check_variables

# What the examples of this repository say and no cluster has.
_EXAMPLES = ("registry.example.com", "footage.example.com", "111122223333", "s3://footage-data/")


def problems_of(manifests: Sequence[Manifest]) -> list[str]:
    """A sentence for each mistake."""
    checks = (check_pods, check_variables, check_ray, check_services, check_reach)
    return [problem for check in checks for problem in check(manifests)]


def examples_in(manifests: Sequence[Manifest]) -> list[str]:
    """A sentence for each place where the value of an example is left."""
    return [
        f"{name_of(manifest)} still has {example} of the example."
        for manifest in manifests
        for example in _EXAMPLES
        if manifest["kind"] != "Secret" and example in yaml.safe_dump(manifest)
    ]


def read_manifests(files: Sequence[str]) -> list[Manifest]:
    """The documents of files; `-` is standard input."""
    texts = [sys.stdin.read() if file == "-" else Path(file).read_text() for file in files]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def main(files: Annotated[list[str], typer.Argument(help="Files of manifests; - is standard input.")]) -> None:
    """Say what is wrong in manifests. Exit code 0: nothing; 1: what stands on stdout."""
    manifests = read_manifests(files)
    problems = problems_of(manifests)
    for problem in problems:
        print(problem)
    for example in examples_in(manifests):
        print(f"To be set: {example}", file=sys.stderr)
    print(f"{len(manifests)} manifests, {len(problems)} problems", file=sys.stderr)
    if problems:
        raise typer.Exit(EXIT_FAILED)


if __name__ == "__main__":
    typer.run(main)
