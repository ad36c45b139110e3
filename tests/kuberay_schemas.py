"""The schemas of KubeRay's kinds, and copies of what of them footage's manifests use.

`python -m tests.kuberay_schemas` writes the copies anew, from the custom resource definitions of KubeRay v1.7.0 in the
folder that KUBERAY_CRDS names (helm-chart/kuberay-operator/crds of ray-project/kuberay, commit
59d663aeec13760646da3db9c1cf8cfe883e30b7, Apache License 2.0) and the builds of all overlays. A copy has the fields that
are used, with all that is required beside them. It is closed: any other field is refused, as by `kubectl apply`.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from cluster.manifests import Manifest, name_of
from tests.conftest import PROJECT
from tests.kustomize import KUBERAY, OVERLAYS, build, component_on_base

COPIES = PROJECT / "tests" / "fixtures" / "kuberay"
FULL = Path(os.environ.get("KUBERAY_CRDS") or PROJECT.parent / "shared" / "schemas" / "kuberay")
KINDS = {"RayCluster": "rayclusters", "RayJob": "rayjobs", "RayService": "rayservices"}

Schema = dict[str, Any]


def copies() -> dict[str, Schema]:
    """The committed schemas, by kind."""
    return {kind: json.loads((COPIES / f"{plural}.json").read_text()) for kind, plural in KINDS.items()}


def full() -> dict[str, Schema]:
    """Those of KubeRay, by kind, closed."""
    found = {}
    for kind, plural in KINDS.items():
        definition = yaml.load((FULL / f"ray.io_{plural}.yaml").read_bytes(), Loader=yaml.CSafeLoader)
        (served,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
        found[kind] = closed(served["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Schema) -> Schema:
    """The schema, refusing fields that it does not name."""
    result = dict(schema)
    if "properties" in schema:
        result["properties"] = {name: closed(field) for name, field in schema["properties"].items()}
        result["additionalProperties"] = False
    if "items" in schema:
        result["items"] = closed(schema["items"])
    return result


def trimmed(schema: Schema, values: Sequence[Any]) -> Schema:
    """What of a schema is used by these values, and all that it requires."""
    kept = {"type", "required", "enum", "pattern", "minimum", "anyOf", "additionalProperties", "nullable"}
    result = {key: schema[key] for key in schema if key in kept}
    if "properties" in schema:
        fields = {field for value in values for field in value} | set(schema.get("required", []))
        result["properties"] = {
            field: trimmed(schema["properties"][field], [value[field] for value in values if field in value])
            for field in sorted(fields)
        }
    if "items" in schema:
        result["items"] = trimmed(schema["items"], [item for value in values for item in value])
    return result


def problems(manifests: Iterable[Manifest], schemas: dict[str, Schema]) -> list[str]:
    """What a schema says against manifests of its kinds; other kinds are left to others."""
    found = []
    for manifest in manifests:
        if manifest["kind"] in schemas:
            validator = jsonschema.Draft202012Validator(schemas[manifest["kind"]])
            for error in validator.iter_errors(manifest):
                place = ".".join(str(part) for part in error.absolute_path)
                found.append(f"{name_of(manifest)}: {place}: {error.message[:300]}")
    return found


def all_builds() -> list[Manifest]:
    """Every manifest of KubeRay's kinds that footage has."""
    folders = [KUBERAY / "base", KUBERAY / "index-run", *(KUBERAY / "overlays" / name for name in OVERLAYS)]
    with tempfile.TemporaryDirectory() as folder:
        built = [build(each) for each in folders]
        built.append(component_on_base("head-recovery", Path(folder).resolve() / "overlay"))
    return [manifest for each in built for manifest in each]


def main() -> None:
    """Write the copies."""
    manifests = all_builds()
    COPIES.mkdir(parents=True, exist_ok=True)
    for kind, schema in full().items():
        used = [manifest for manifest in manifests if manifest["kind"] == kind]
        text = json.dumps(trimmed(schema, used), indent=1, sort_keys=True)
        (COPIES / f"{KINDS[kind]}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
