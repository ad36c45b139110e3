"""The manifests for KubeRay as they are written, against schemas, against the program, and broken on purpose."""

import copy
import re
from typing import Any

import pytest
import yaml

from cluster.check_manifests import problems_of
from cluster.manifests import Manifest
from tests import kuberay_schemas, kubernetes_schemas
from tests.conftest import PROJECT
from tests.kustomize import KUBERAY, unbuilt_base, written
from tests.manifest_mistakes import GONE, mistaken

CLUSTER, SERVICE, JOB = "RayCluster footage-index", "RayService footage-search", "RayJob index-films"
CPU = "spec.workerGroupSpecs.0"
GPU = "spec.workerGroupSpecs.1"
SERVE = "spec.rayClusterConfig.workerGroupSpecs.0"


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    """The base, an index run, and an example of the secrets."""
    return [*unbuilt_base(), *written("index-run/ray-job.yaml"), *written("secrets.example.yaml")]


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return kuberay_schemas.copies()


def test_schemas_accept_what_is_written(manifests: list[Manifest], schemas: dict[str, Any]) -> None:
    assert kuberay_schemas.problems(manifests, schemas) == []
    assert kubernetes_schemas.problems([*manifests, *written("namespace.yaml")]) == []


def test_the_definitions_of_kuberay_accept_what_is_written(manifests: list[Manifest]) -> None:
    if not kuberay_schemas.FULL.is_dir():
        pytest.skip(f"KubeRay's definitions are not at {kuberay_schemas.FULL} (KUBERAY_CRDS); the copies were checked.")
    assert kuberay_schemas.problems(manifests, kuberay_schemas.full()) == []


def test_checks_find_nothing_in_what_is_written(manifests: list[Manifest]) -> None:
    assert problems_of(manifests) == []


def test_the_service_has_the_committed_configuration(manifests: list[Manifest]) -> None:
    (service,) = (manifest for manifest in manifests if manifest["kind"] == "RayService")
    committed = yaml.safe_load((PROJECT / "serve_apps" / "serve_config.yaml").read_text())
    assert yaml.safe_load(service["spec"]["serveConfigV2"]) == committed, "copy serve_config.yaml to serveConfigV2"


def test_qdrant_has_the_name_and_the_key_that_footage_uses(manifests: list[Manifest]) -> None:
    values = yaml.safe_load((KUBERAY / "qdrant-values.yaml").read_text())
    (settings,) = (manifest["data"] for manifest in manifests if manifest["kind"] == "ConfigMap")
    (service,) = (manifest for manifest in manifests if manifest["kind"] == "RayService")
    head = service["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    (key,) = (each for each in head["env"] if each["name"] == "FOOTAGE_QDRANT__API_KEY")
    assert settings["FOOTAGE_INDEX"] == f"http://{values['fullnameOverride']}:6334"
    assert values["apiKey"] == {"valueFrom": key["valueFrom"]}


def test_each_patch_has_a_target(manifests: list[Manifest]) -> None:
    """kustomize passes over a patch whose target names nothing."""
    folders = [*(KUBERAY / "overlays").iterdir(), *(KUBERAY / "components").iterdir()]
    targets = [
        (folder.name, patch["target"])
        for folder in folders
        for patch in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("patches", [])
        if "target" in patch
    ]
    assert len(targets) >= 10
    lost = [
        (folder, target)
        for folder, target in targets
        if not any(
            manifest["kind"] == target["kind"] and re.fullmatch(target["name"], manifest["metadata"]["name"])
            for manifest in manifests
        )
    ]
    assert lost == []


@pytest.mark.parametrize(
    ("manifest", "path", "value", "said"),
    [
        (CLUSTER, "spec.headGroupSpec", GONE, "'headGroupSpec' is a required property"),
        (CLUSTER, "spec.autoscalerOptions.version", "v3", "'v3' is not one of ['v1', 'v2']"),
        (CLUSTER, "spec.authOptions.mode", "tokens", "'tokens' is not one of"),
        (CLUSTER, f"{CPU}.maxReplica", 3, "'maxReplica' was unexpected"),
        (CLUSTER, f"{CPU}.maxReplicas", "3", "'3' is not of type 'integer'"),
        (CLUSTER, f"{CPU}.template.spec.containers.0.envFrom.0.configMapRef", {"nam": "x"}, "'nam' was unexpected"),
        (CLUSTER, f"{GPU}.template.spec.containers.0.resources.limits.memory", "24 GB", "does not match"),
        (SERVICE, "spec.rayClusterConfig", GONE, "'rayClusterConfig' is a required property"),
        (SERVICE, f"{SERVE}.template.spec.containers.0.readinessProbe.httpGet.port", GONE, "'port' is a required"),
        (JOB, "spec.entrypoint", ["footage", "index"], "is not of type 'string'"),
        (JOB, "spec.submitterPodTemplate.spec.containers.0.command", "sh", "was unexpected"),
    ],
)
def test_schemas_refuse_a_mistake(
    manifests: list[Manifest], schemas: dict[str, Any], manifest: str, path: str, value: Any, said: str
) -> None:
    (problem,) = kuberay_schemas.problems(mistaken(manifests, manifest, path, value), schemas)
    assert problem.startswith(manifest)
    assert said in problem


@pytest.mark.parametrize(
    ("manifest", "path", "value", "said"),
    [
        ("PodDisruptionBudget footage-search", "spec.minAvailabel", 1, "'minAvailabel' was unexpected"),
        ("NetworkPolicy footage-ray", "spec.policyTypes", "Ingress", "is not of type 'array'"),
        ("PersistentVolumeClaim footage-models", "spec.accessMode", ["ReadWriteMany"], "'accessMode' was unexpected"),
        ("ServiceAccount footage", "apiVersion", "v2", "find schema for kind ServiceAccount"),
        ("Secret footage-qdrant", "stringData.api-key", 5, "5 is not of type"),
    ],
)
def test_schemas_of_kubernetes_refuse_a_mistake(
    manifests: list[Manifest], manifest: str, path: str, value: Any, said: str
) -> None:
    (problem,) = kubernetes_schemas.problems(mistaken(manifests, manifest, path, value))
    assert problem.startswith(manifest)
    assert said in problem


def test_copies_have_what_their_source_says() -> None:
    """No copy is wider than the definition that it was made of."""
    if not kuberay_schemas.FULL.is_dir():
        pytest.skip(f"KubeRay's definitions are not at {kuberay_schemas.FULL} (KUBERAY_CRDS).")
    for kind, schema in kuberay_schemas.full().items():
        _within(kuberay_schemas.copies()[kind], schema, kind)


def _within(part: dict[str, Any], whole: dict[str, Any], where: str) -> None:
    for key in set(part) - {"properties", "items"}:
        assert part[key] == whole[key], f"{where}: {key}"
    assert part.get("required", []) == whole.get("required", []), where
    for name, field in part.get("properties", {}).items():
        _within(field, whole["properties"][name], f"{where}.{name}")
    if "items" in part:
        _within(part["items"], whole["items"], f"{where}[]")


def test_mistakes_are_made_in_copies(manifests: list[Manifest]) -> None:
    before = copy.deepcopy(manifests)
    assert mistaken(manifests, CLUSTER, f"{CPU}.maxReplicas", 3) != before
    assert manifests == before
