"""Each check of manifests finds the mistake that it is for: in copies of those of KubeRay, changed in one place."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cluster.check_manifests import examples_in, main, problems_of
from cluster.manifests import Manifest
from tests.kustomize import unbuilt_base, written
from tests.manifest_mistakes import GONE, mistaken

CLUSTER, SERVICE, JOB = "RayCluster footage-index", "RayService footage-search", "RayJob index-films"
HEAD = "spec.headGroupSpec.template.spec"
CPU = "spec.workerGroupSpecs.0"
GPU = "spec.workerGroupSpecs.1"
SERVE = "spec.rayClusterConfig.workerGroupSpecs.0"
SUBMITTER = "spec.submitterPodTemplate"
POD = "template.spec.containers.0"


@pytest.fixture(scope="module")
def manifests() -> list[Manifest]:
    """The base with all that leads to it, an index run, and an example of the secrets."""
    files = ("index-run/ray-job.yaml", "secrets.example.yaml", "components/ingress/ingress.yaml")
    monitoring = ("components/monitoring/pod-monitor.yaml", "components/monitoring/network-policy.yaml")
    return [*unbuilt_base(), *(each for name in (*files, *monitoring) for each in written(name))]


def test_nothing_is_found_without_a_mistake(manifests: list[Manifest]) -> None:
    assert problems_of(manifests) == []


@pytest.mark.parametrize(
    ("manifest", "path", "value", "said"),
    [
        # Pods
        (CLUSTER, f"{CPU}.{POD}.volumeMounts.0.name", "scrach", "mounts scrach, which is no volume"),
        ("PersistentVolumeClaim footage-models", "metadata.name", "models", "claims footage-models, and there is no"),
        (CLUSTER, f"{CPU}.template.spec.serviceAccountName", "worker", "there is no ServiceAccount worker"),
        (CLUSTER, f"{CPU}.{POD}.envFrom.0.configMapRef.name", "settings", "there is no ConfigMap settings"),
        (CLUSTER, f"{CPU}.{POD}.env.0.valueFrom.secretKeyRef.name", "qdrant", "there is no Secret qdrant"),
        (CLUSTER, f"{CPU}.{POD}.env.0.valueFrom.secretKeyRef.key", "key", "Secret footage-qdrant has no key key"),
        (CLUSTER, f"{CPU}.template.spec.securityContext.runAsNonRoot", GONE, "the pod may run as root"),
        (CLUSTER, f"{CPU}.template.spec.securityContext.seccompProfile", GONE, "any system call"),
        (CLUSTER, f"{CPU}.{POD}.securityContext.allowPrivilegeEscalation", True, "may gain privileges"),
        (CLUSTER, f"{CPU}.{POD}.securityContext.capabilities", GONE, "keeps capabilities"),
        (CLUSTER, f"{CPU}.{POD}.securityContext.readOnlyRootFilesystem", False, "may write to its image"),
        (CLUSTER, f"{CPU}.{POD}.volumeMounts.0.mountPath", "/scratch", "has nowhere to write"),
        (CLUSTER, f"{CPU}.{POD}.resources.requests.memory", "4Gi", "memory that is requested and its limit differ"),
        (CLUSTER, f"{CPU}.{POD}.resources.requests.cpu", GONE, "requests no CPU"),
        (
            CLUSTER,
            f"{GPU}.{POD}.resources.requests",
            {"cpu": "6", "memory": "24Gi"},
            "the limit 1 and the request None",
        ),
        (CLUSTER, f"{GPU}.template.spec.tolerations", GONE, "does not tolerate the taint nvidia.com/gpu"),
        (CLUSTER, f"{CPU}.template.spec.terminationGracePeriodSeconds", 30, "takes up to 30 s to give back"),
        # Variables
        ("ConfigMap footage-settings", "data.FOOTAGE_SERVE__REPLICA", "2", "FOOTAGE_SERVE__REPLICA sets nothing"),
        ("ConfigMap footage-settings", "data.FOOTAGE_SERVER__REPLICAS", "2", "there is no section server"),
        ("ConfigMap footage-settings", "data.FOOTAGE_SERVE__REPLICAS", "two", "FOOTAGE_SERVE__REPLICAS is 'two'"),
        (
            "ConfigMap footage-settings",
            "data.FOOTAGE_SERVE__CORS_ORIGINS",
            "films.org",
            "FOOTAGE_SERVE__CORS_ORIGINS is",
        ),
        ("ConfigMap footage-settings", "data.FOOTAGE_STORES", "s3://b/p", "the variable FOOTAGE_STORES sets nothing"),
        (CLUSTER, f"{CPU}.template.spec.enableServiceLinks", GONE, "set enableServiceLinks to false"),
        # Ray
        (CLUSTER, f"{CPU}.maxReplicas", 2, "FOOTAGE_PIPELINE__MAX_CPUS is 220"),
        ("ConfigMap footage-settings", "data.FOOTAGE_PIPELINE__MAX_GPUS", GONE, "have 10 GPUs at most, and"),
        (CLUSTER, "spec.rayVersion", "2.9.0", "rayVersion is 2.9.0"),
        (CLUSTER, "spec.headGroupSpec.rayStartParams.num-cpus", "4", "the head takes actors"),
        (CLUSTER, f"{CPU}.groupName", "gpu-24g", "there are several groups gpu-24g"),
        (CLUSTER, f"{CPU}.replicas", 50, "replicas 50 is not between minReplicas 0 and maxReplicas 20"),
        (CLUSTER, f"{CPU}.minReplicas", 50, "is not between minReplicas 50"),
        (CLUSTER, f"{CPU}.{POD}.name", "worker", "is called worker instead of ray-worker"),
        (CLUSTER, f"{CPU}.rayStartParams", {"num-cpus": "0"}, "it has no CPU for Ray"),
        (CLUSTER, f"{CPU}.rayStartParams", {"resources": "{}"}, "Ray's autoscaler cannot read it"),
        (CLUSTER, "spec.autoscalerOptions.version", "v1", "autoscalerOptions.version to v2"),
        (CLUSTER, "spec.autoscalerOptions.volumeMounts.0.name", "tmp", "the autoscaler mounts tmp"),
        (CLUSTER, f"{CPU}.template.spec.restartPolicy", "Always", "autoscaler v2 needs restartPolicy: Never"),
        (CLUSTER, f"{HEAD}.containers.0.env.+", {"name": "RAY_enable_autoscaler_v2", "value": "1"}, "refuses both"),
        (CLUSTER, "spec.authOptions.mode", "disabled", "set authOptions.mode to token"),
        (CLUSTER, "spec.authOptions.secretName", "token", "there is no Secret token with the token of Ray"),
        ("Secret footage-ray-token", "stringData", {"token": "x"}, "has no key auth_token"),
        # Jobs
        (JOB, "spec.entrypoint", "footage index s3://a/b --datasets films", "No such option: --datasets"),
        (JOB, "spec.entrypoint", "footage idnex s3://a/b", "No such command 'idnex'"),
        (JOB, "spec.entrypoint", "footage index", "Missing"),
        (JOB, "spec.entrypoint", "python -m footage index s3://a/b", "it is to begin with footage"),
        (JOB, "spec.backoffLimit", 2, "backoffLimit would delete the cluster"),
        (JOB, "spec.ttlSecondsAfterFinished", 60, "needs shutdownAfterJobFinishes"),
        (JOB, "spec.clusterSelector", {"ray.io/cluster": "footage"}, "there is no RayCluster footage."),
        ("ConfigMap footage-settings", "data.FOOTAGE_INDEX", GONE, "lack FOOTAGE_INDEX"),
        (JOB, f"{SUBMITTER}.metadata.labels", {}, "no NetworkPolicy lets it reach the dashboard"),
        # The service
        (SERVICE, "spec.upgradeStrategy.type", "Rolling", "is Rolling; KubeRay knows"),
        (SERVICE, "spec.serveConfigV2", "applications: {}", "Ray Serve cannot read serveConfigV2"),
        (SERVICE, "spec.serveConfigV2", "a: [", "Ray Serve cannot read serveConfigV2"),
        (SERVICE, f"{SERVE}.{POD}.ports.0.containerPort", 8001, "its port `serve` is 8001"),
        (
            SERVICE,
            f"{SERVE}.{POD}.env.+",
            {"name": "RAY_worker_niceness", "value": "15"},
            "set RAY_worker_niceness to 0",
        ),
        ("ConfigMap footage-settings", "data.FOOTAGE_STORE", "s3://other/x", "searches use store s3://footage-data/"),
        ("ConfigMap footage-settings", "data.FOOTAGE_PROFILE", "gpu", "searches use profile cpu"),
        # What leads to pods
        (SERVICE, "metadata.name", "footage-index", "Two Services would be called footage-index-head-svc"),
        ("Ingress footage-search", "spec.tls", GONE, "in the clear"),
        (SERVICE, "metadata.name", "search", "there is no Service footage-search-serve-svc"),
        ("PodDisruptionBudget footage-search", "spec.selector.matchLabels", {"app": "x"}, "its selector takes no pod"),
        (
            "PodDisruptionBudget footage-search",
            "spec",
            {"selector": {}, "maxUnavailable": 1},
            "counts minAvailable only",
        ),
        ("PodDisruptionBudget footage-search", "spec.minAvailable", 2, "none could ever be moved"),
        ("PodMonitor footage-ray", "spec.selector.matchLabels", {"app": "x"}, "its selector takes no pod"),
        ("PodMonitor footage-ray", "spec.podMetricsEndpoints.0.port", "http", "has no port http"),
        ("NetworkPolicy footage-search", "spec.podSelector.matchLabels", {"a": "b"}, "its selector takes no pod"),
        ("NetworkPolicy footage-ray", "spec.ingress.0.from", GONE, "GCS (6379) is open to everybody"),
        ("NetworkPolicy footage-ray", "spec.ingress.2.from", [], "the dashboard (8265) is open to everybody"),
    ],
)
def test_a_mistake_is_found(manifests: list[Manifest], manifest: str, path: str, value: Any, said: str) -> None:
    problems = problems_of(mistaken(manifests, manifest, path, value))
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("port: 9000", "port: 8000", "serveConfigV2 listens on 9000"),
        ("host: 127.0.0.1", "host: 0.0.0.0", "where no other pod reaches it"),
        ("search_app:build", "search_app:build_app", "has no build, which the import_path"),
        ("serve_app.search_app", "serve_apps.search_app", "cannot be imported"),
        ("stores: s3", "store: s3", "the args of footage are wrong: store: Field required."),
        ("profile: cpu\n      workspace: default", "profile: cpu", "open the workspace default to all"),
    ],
)
def test_a_mistake_in_the_configuration_of_serve_is_found(
    manifests: list[Manifest], wrong: str, right: str, said: str
) -> None:
    (service,) = (manifest for manifest in manifests if manifest["kind"] == "RayService")
    config = service["spec"]["serveConfigV2"]
    assert right in config
    problems = problems_of(mistaken(manifests, SERVICE, "spec.serveConfigV2", config.replace(right, wrong)))
    assert any(said in problem for problem in problems), problems


def test_open_ports_of_ray_are_found(manifests: list[Manifest]) -> None:
    problems = problems_of([each for each in manifests if each["kind"] != "NetworkPolicy"])
    assert len(problems) == 6
    assert all("no NetworkPolicy keeps anybody from Ray's ports" in problem for problem in problems)


def test_an_optional_secret_may_be_missing(manifests: list[Manifest]) -> None:
    assert problems_of([each for each in manifests if each["metadata"]["name"] != "footage-hub"]) == []


def test_what_is_left_of_the_example_is_told(manifests: list[Manifest]) -> None:
    assert examples_in(manifests) == [
        "RayService footage-search still has s3://footage-data/ of the example.",
        "ConfigMap footage-settings still has s3://footage-data/ of the example.",
        "Ingress footage-search still has footage.example.com of the example.",
    ]


def test_the_command_tells_mistakes_and_its_exit_code_does(manifests: list[Manifest], tmp_path: Path) -> None:
    import typer

    command = typer.Typer()
    command.command()(main)
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(yaml.safe_dump_all(manifests))
    wrong.write_text(yaml.safe_dump_all(mistaken(manifests, CLUSTER, f"{CPU}.replicas", 50)))
    told = CliRunner().invoke(command, [str(right)])
    assert (told.exit_code, told.stdout) == (0, "")
    told = CliRunner().invoke(command, [str(wrong)])
    assert told.exit_code == 1
    assert told.stdout == (
        "RayCluster footage-index, group cpu: replicas 50 is not between minReplicas 0 and maxReplicas 20.\n"
    )
