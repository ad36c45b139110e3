"""What kustomize makes of the manifests for KubeRay: each overlay is whole, and a broken one is refused."""

import shutil
from pathlib import Path

import pytest
import yaml

from cluster.check_manifests import problems_of
from cluster.manifests import Manifest, environment, of_kind, pods_of
from tests import kuberay_schemas, kubernetes_schemas
from tests.conftest import PROJECT
from tests.kustomize import KUBERAY, OVERLAYS, BuildError, build, component_on_base, written

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def secrets() -> list[Manifest]:
    return written("secrets.example.yaml")


@pytest.fixture(scope="module")
def index_run() -> list[Manifest]:
    return build(KUBERAY / "index-run")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_whole(overlay: str, secrets: list[Manifest], index_run: list[Manifest]) -> None:
    built = build(KUBERAY / "overlays" / overlay)
    assert kuberay_schemas.problems([*built, *index_run], kuberay_schemas.copies()) == []
    assert kubernetes_schemas.problems(built) == []
    assert problems_of([*built, *index_run, *secrets]) == []
    if kuberay_schemas.FULL.is_dir():
        assert kuberay_schemas.problems([*built, *index_run], kuberay_schemas.full()) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_names_its_images_and_its_settings(overlay: str) -> None:
    built = build(KUBERAY / "overlays" / overlay)
    images = {container["image"] for pods in pods_of(built) if pods.is_ray for container in pods.containers}
    assert images <= {"registry.example.com/footage:0.1.0-cpu", "registry.example.com/footage:0.1.0-cuda"}
    (settings,) = of_kind(built, "ConfigMap")
    assert settings["metadata"]["name"].startswith("footage-settings-")  # and the hash of its content
    assert {manifest["metadata"]["namespace"] for manifest in built} == {"footage"}


def test_overlays_differ_in_what_they_are_for() -> None:
    groups = {}
    for overlay in OVERLAYS:
        (cluster,) = of_kind(build(KUBERAY / "overlays" / overlay), "RayCluster")
        groups[overlay] = {group["groupName"]: group["maxReplicas"] for group in cluster["spec"]["workerGroupSpecs"]}
    assert groups == {
        "production": {"cpu": 20, "gpu-24g": 8, "gpu-80g": 2},
        "small": {"gpu": 1},
        "trial": {"cpu": 1},
    }


def test_spot_is_for_cpu_workers_only() -> None:
    built = build(KUBERAY / "overlays" / "production")
    keys = {pods.where: "karpenter.sh/capacity-type" in str(pods.spec.get("affinity")) for pods in pods_of(built)}
    assert [where for where, on_spot in keys.items() if on_spot] == ["RayCluster footage-index, group cpu"]


def test_the_profile_is_that_of_runs_and_searches() -> None:
    built = build(KUBERAY / "overlays" / "production")
    profiles = {
        environment(pods.spec["containers"][0], built)["FOOTAGE_PROFILE"] for pods in pods_of(built) if pods.is_ray
    }
    assert profiles == {"gpu"}


@pytest.mark.parametrize(("overlay", "profile"), [("production", "gpu"), ("small", "gpu"), ("trial", "offline")])
def test_the_service_has_the_committed_configuration_but_for_the_profile(overlay: str, profile: str) -> None:
    committed = yaml.safe_load((PROJECT / "serve_apps" / "serve_config.yaml").read_text())
    committed["applications"][0]["args"]["profile"] = profile
    (service,) = of_kind(build(KUBERAY / "overlays" / overlay), "RayService")
    assert yaml.safe_load(service["spec"]["serveConfigV2"]) == committed


def test_a_head_with_a_volume_is_whole(tmp_path: Path, secrets: list[Manifest]) -> None:
    built = component_on_base("head-recovery", tmp_path.resolve() / "overlay")
    assert kuberay_schemas.problems(built, kuberay_schemas.copies()) == []
    assert problems_of([*built, *secrets]) == []
    (cluster,) = of_kind(built, "RayCluster")
    assert cluster["spec"]["gcsFaultToleranceOptions"]["backend"] == "rocksdb"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("overlays/small/kustomization.yaml", "value: gpu-80g", "value: gpu-90g", "testing value"),
        ("overlays/small/kustomization.yaml", "template/spec/affinity", "template/spec/afinity", "afinity"),
        ("overlays/small/kustomization.yaml", "name: footage-search\n", "name: search\n", "no matches"),
        ("overlays/small/kustomization.yaml", "../../base", "../../bases", "bases"),
        ("components/gpu-profile/kustomization.yaml", "name: footage-settings", "name: settings", "merge"),
        ("base/kustomization.yaml", "model-cache.yaml", "models.yaml", "models.yaml"),
        ("base/kustomization.yaml", "resources:", "resourcse:", "resourcse"),
        ("base/ray-cluster.yaml", "securityContext: *nobody", "securityContext: *nobdy", "nobdy"),
    ],
)
def test_kustomize_refuses_a_mistake(tmp_path: Path, file: str, right: str, wrong: str, said: str) -> None:
    copied = shutil.copytree(KUBERAY, tmp_path.resolve() / "kuberay")
    text = (copied / file).read_text()
    assert right in text
    (copied / file).write_text(text.replace(right, wrong))
    with pytest.raises(BuildError, match=said):
        build(copied / "overlays" / "small")


def test_a_settings_name_that_kustomize_does_not_follow_is_found(tmp_path: Path, secrets: list[Manifest]) -> None:
    copied = shutil.copytree(KUBERAY, tmp_path.resolve() / "kuberay")
    names = copied / "base" / "name-references.yaml"
    names.write_text(names.read_text().replace("kind: RayService", "kind: RayServices"))
    problems = problems_of([*build(copied / "overlays" / "small"), *secrets])
    assert any(
        "RayService footage-search" in each and "there is no ConfigMap footage-settings" in each for each in problems
    )
