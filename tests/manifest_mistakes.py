"""Deliberate mistakes in manifests: one place of a copy is changed."""

import json
from collections.abc import Sequence
from typing import Any

from cluster.manifests import Manifest, name_of

GONE = object()
"""As a value: the field is taken away."""


def mistaken(manifests: Sequence[Manifest], manifest: str, path: str, value: Any) -> list[Manifest]:
    """The manifests with one change.

    Args:
        manifests: which stay as they are.
        manifest: the one to change, such as `RayCluster footage-index`.
        path: where, such as `spec.workerGroupSpecs.0.maxReplicas`; `+` at its end appends to a list.
        value: what comes there, or GONE.
    """
    changed = json.loads(json.dumps(list(manifests)))  # what YAML's anchors share is then written out
    (place,) = (each for each in changed if name_of(each) == manifest)
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    if last == "+":
        place.append(value)
    elif value is GONE:
        del place[last]
    else:
        place[last] = value
    return changed
