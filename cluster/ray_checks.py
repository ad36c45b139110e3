"""Checks of KubeRay's kinds: what its operator would refuse only when it is applied, and what nobody would refuse."""

import shlex
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

import typer
from typer.exceptions import TyperException

from cluster.manifests import Manifest, environment, name_of, of_kind, ray_clusters


def check_ray(manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each mistake in RayClusters, RayServices and RayJobs."""
    for where, cluster in ray_clusters(manifests):
        yield from _check_cluster(where, cluster, manifests)
    for cluster in of_kind(manifests, "RayCluster"):
        yield from _check_limits(name_of(cluster), cluster["spec"], manifests)
    for job in of_kind(manifests, "RayJob"):
        yield from _check_job(name_of(job), job["spec"], manifests)


def _check_cluster(where: str, cluster: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    head, groups = cluster["headGroupSpec"], cluster.get("workerGroupSpecs", [])
    if cluster.get("rayVersion") != version("ray"):
        yield f"{where}: rayVersion is {cluster.get('rayVersion')}, and footage is installed with Ray {version('ray')}."
    if head.get("rayStartParams", {}).get("num-cpus") != "0":
        yield f'{where}: the head takes actors; set its rayStartParams to num-cpus: "0".'
    names = [group["groupName"] for group in groups]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{where}: there are several groups {name}."
    for group in groups:
        least, most = group.get("minReplicas", 0), group["maxReplicas"]
        if not least <= group.get("replicas", 0) <= most:
            yield (
                f"{where}, group {group['groupName']}: replicas {group.get('replicas', 0)} is not between minReplicas"
                f" {least} and maxReplicas {most}."
            )
    for group, wanted in ((head, "ray-head"), *((group, "ray-worker") for group in groups)):
        container = group["template"]["spec"]["containers"][0]
        at = f"{where}, {'head' if group is head else 'group ' + group['groupName']}"
        if container["name"] != wanted:
            yield f"{at}: its first container is Ray's, and is called {container['name']} instead of {wanted}."
        if "resources" in group and {"num-cpus", "num-gpus", "memory", "resources"} & set(group["rayStartParams"]):
            yield f"{at}: resources stand in rayStartParams and in resources; KubeRay takes one of them."
    yield from _check_autoscaler(where, cluster)
    yield from _check_token(where, cluster, manifests)


def _check_autoscaler(where: str, cluster: Manifest) -> Iterator[str]:
    if not cluster.get("enableInTreeAutoscaling") or cluster.get("autoscalerOptions", {}).get("version") != "v2":
        yield f"{where}: set enableInTreeAutoscaling, and autoscalerOptions.version to v2."
    for group in (cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", [])):
        at = f"{where}, {group.get('groupName', 'head')}"
        spec = group["template"]["spec"]
        if spec.get("restartPolicy", "Never") != "Never":
            yield f"{at}: autoscaler v2 needs restartPolicy: Never, and it is {spec['restartPolicy']}."
        for container in spec["containers"]:
            if any(variable["name"] == "RAY_enable_autoscaler_v2" for variable in container.get("env", [])):
                yield f"{at}: RAY_enable_autoscaler_v2 is set besides autoscalerOptions.version; KubeRay refuses both."
    volumes = {volume["name"] for volume in cluster["headGroupSpec"]["template"]["spec"].get("volumes", [])}
    for mount in cluster.get("autoscalerOptions", {}).get("volumeMounts", []):
        if mount["name"] not in volumes:
            yield f"{where}: the autoscaler mounts {mount['name']}, which is no volume of the head."
    yield from _check_node_types(where, cluster)


def _check_node_types(where: str, cluster: Manifest) -> Iterator[str]:
    """What Ray's autoscaler itself would make of it."""
    types, refusal = _node_types(cluster)
    if refusal:
        yield f"{where}: Ray's autoscaler cannot read it: {refusal}"
    for name, kind in types.items():
        if kind["max_workers"] and not kind["resources"].get("CPU"):
            yield f"{where}, group {name}: it has no CPU for Ray, so nothing would ever run there."


def _node_types(cluster: Manifest) -> tuple[dict[str, Any], str]:
    """The node types that Ray's autoscaler reads in it, and why it reads none."""
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

    resource = {"metadata": {"name": "footage", "namespace": "footage"}, "spec": {"workerGroupSpecs": [], **cluster}}
    try:
        return _derive_autoscaling_config_from_ray_cr(resource)["available_node_types"], ""
    except Exception as error:  # noqa: BLE001 - whatever Ray says to it, the autoscaler would say when it runs
        return {}, str(error).splitlines()[0]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _check_limits(where: str, cluster: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    """KubeRay tells Ray nothing of how far a cluster grows: a run on one without machines has only its own limits."""
    types, _ = _node_types(cluster)
    head = environment(cluster["headGroupSpec"]["template"]["spec"]["containers"][0], manifests)
    for resource, variable in (("CPU", "FOOTAGE_PIPELINE__MAX_CPUS"), ("GPU", "FOOTAGE_PIPELINE__MAX_GPUS")):
        most = sum(kind["max_workers"] * kind["resources"].get(resource, 0) for kind in types.values())
        given = head.get(variable, "not set")
        if most and not (_is_number(given) and float(given) <= most):
            yield (
                f"{where}: its groups have {most} {resource}s at most, and {variable} is {given}. Runs size their pools"
                " by it: set it to that number, or to less."
            )


def _check_token(where: str, cluster: Manifest, manifests: Sequence[Manifest]) -> Iterator[str]:
    options = cluster.get("authOptions", {})
    if options.get("mode") != "token":
        yield f"{where}: whoever reaches Ray may run code; set authOptions.mode to token."
        return
    wanted = options.get("secretName")
    secrets = {secret["metadata"]["name"]: secret for secret in of_kind(manifests, "Secret")}
    if wanted not in secrets:
        yield f"{where}: there is no Secret {wanted} with the token of Ray."
    elif "auth_token" not in {**secrets[wanted].get("data", {}), **secrets[wanted].get("stringData", {})}:
        yield f"{where}: Secret {wanted} has no key auth_token."


def _check_job(where: str, job: dict[str, Any], manifests: Sequence[Manifest]) -> Iterator[str]:
    if refusal := _refused_command(job.get("entrypoint", "")):
        yield f"{where}: its entrypoint is not what footage takes: {refusal}"
    if job.get("ttlSecondsAfterFinished") and not job.get("shutdownAfterJobFinishes"):
        yield f"{where}: ttlSecondsAfterFinished needs shutdownAfterJobFinishes."
    selector = job.get("clusterSelector")
    if not selector:
        return
    if job.get("backoffLimit"):
        yield f"{where}: backoffLimit would delete the cluster that clusterSelector names before another try."
    wanted = selector.get("ray.io/cluster")
    clusters = {cluster["metadata"]["name"]: cluster for cluster in of_kind(manifests, "RayCluster")}
    if wanted not in clusters:
        yield f"{where}: there is no RayCluster {wanted}."
        return
    head = clusters[wanted]["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    for variable in ("FOOTAGE_STORE", "FOOTAGE_INDEX", "FOOTAGE_PROFILE"):
        if variable not in environment(head, manifests):
            yield f"{where}: the containers of {wanted} lack {variable}, which the run takes its place from."


def _refused_command(entrypoint: str) -> str | None:
    """Why a command line is none of footage; nothing is run."""
    from cluster.cli import app

    words = shlex.split(entrypoint)
    if words[:1] == ["exec"]:
        words = words[1:]
    if words[:1] != ["footage"] or "--help" in words:
        return "it is to begin with footage, and to do something."
    group: Any = typer.main.get_command(app)
    try:
        context = group.make_context("footage", words[1:])
        name, command, rest = group.resolve_command(context, words[1:])
        command.make_context(name, rest, parent=context)
    except TyperException as error:
        return str(error)
    return None
