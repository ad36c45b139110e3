"""Checks of pods for what a schema lets through: names that lead nowhere, cards without a toleration, rights."""

from collections.abc import Iterator, Sequence
from typing import Any

from cluster.manifests import Manifest, Pods, environment, name_of, of_kind, pods_of

_DRAIN = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
_DRAIN_S = 30.0  # Ray's own


def check_pods(manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each mistake in the pods of manifests; secrets count as there if they are among them."""
    for pods in pods_of(manifests):
        yield from _check_volumes(pods, manifests)
        yield from _check_references(pods, manifests)
        yield from _check_rights(pods)
        yield from _check_resources(pods)
        yield from _check_end(pods, manifests)


def _names(manifests: Sequence[Manifest], kind: str) -> set[str]:
    return {manifest["metadata"]["name"] for manifest in of_kind(manifests, kind)}


def _check_volumes(pods: Pods, manifests: Sequence[Manifest]) -> Iterator[str]:
    volumes = {volume["name"]: volume for volume in pods.spec.get("volumes", [])}
    for container in pods.containers:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{pods.where}: {container['name']} mounts {mount['name']}, which is no volume of the pod."
    for volume in volumes.values():
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim is not None and claim not in _names(manifests, "PersistentVolumeClaim"):
            yield f"{pods.where}: volume {volume['name']} claims {claim}, and there is no such PersistentVolumeClaim."


def _check_references(pods: Pods, manifests: Sequence[Manifest]) -> Iterator[str]:
    account = pods.spec.get("serviceAccountName")
    if account is not None and account not in _names(manifests, "ServiceAccount"):
        yield f"{pods.where}: there is no ServiceAccount {account}."
    for container in pods.containers:
        of_variables = [variable["valueFrom"] for variable in container.get("env", []) if "valueFrom" in variable]
        for kind, suffixes in (
            ("ConfigMap", ("configMapRef", "configMapKeyRef")),
            ("Secret", ("secretRef", "secretKeyRef")),
        ):
            known = {manifest["metadata"]["name"]: manifest for manifest in of_kind(manifests, kind)}
            for source in [*container.get("envFrom", []), *of_variables]:
                for reference in (source[suffix] for suffix in suffixes if suffix in source):
                    yield from _check_reference(f"{pods.where}, container {container['name']}", kind, reference, known)


def _check_reference(where: str, kind: str, reference: dict[str, Any], known: dict[str, Manifest]) -> Iterator[str]:
    if reference.get("optional"):
        return
    there = known.get(reference["name"])
    if there is None:
        yield f"{where}: there is no {kind} {reference['name']}."
    elif (key := reference.get("key")) is not None and key not in {
        **there.get("data", {}),
        **there.get("stringData", {}),
    }:
        yield f"{where}: {name_of(there)} has no key {key}."


def _check_rights(pods: Pods) -> Iterator[str]:
    of_pod = pods.spec.get("securityContext", {})
    if not of_pod.get("runAsNonRoot"):
        yield f"{pods.where}: the pod may run as root; set securityContext.runAsNonRoot."
    if of_pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{pods.where}: the pod may make any system call; set securityContext.seccompProfile to RuntimeDefault."
    for container in pods.containers:
        rights = container.get("securityContext", {})
        at = f"{pods.where}: container {container['name']}"
        if rights.get("allowPrivilegeEscalation") is not False:
            yield f"{at} may gain privileges; set allowPrivilegeEscalation to false."
        if rights.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{at} keeps capabilities; drop ALL."
        if not rights.get("readOnlyRootFilesystem"):
            yield f"{at} may write to its image; set readOnlyRootFilesystem."
        elif "/tmp" not in {mount["mountPath"] for mount in container.get("volumeMounts", [])}:
            yield f"{at} has nowhere to write: mount a volume at /tmp."


def _check_resources(pods: Pods) -> Iterator[str]:
    tolerated = {toleration.get("key") for toleration in pods.spec.get("tolerations", [])}
    for container in pods.containers:
        at = f"{pods.where}: container {container['name']}"
        resources = container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        if requests.get("memory") is None or requests["memory"] != limits.get("memory"):
            yield f"{at}: memory that is requested and its limit differ; Ray counts with the limit, so request as much."
        if requests.get("cpu") is None:
            yield f"{at} requests no CPU."
        for card in sorted(key for key in {*requests, *limits} if key.endswith("/gpu")):
            if requests.get(card) != limits.get(card):
                yield (
                    f"{at}: {card} has the limit {limits.get(card)} and the request {requests.get(card)}; make them"
                    " equal."
                )
            if card not in tolerated and None not in tolerated:
                yield f"{at} wants {card}, and its pod does not tolerate the taint {card} of machines that have it."


def _check_end(pods: Pods, manifests: Sequence[Manifest]) -> Iterator[str]:
    if not pods.is_ray:
        return
    drain_s = float(environment(pods.spec["containers"][0], manifests).get(_DRAIN, _DRAIN_S))
    patience_s = pods.spec.get("terminationGracePeriodSeconds", 30)
    if patience_s <= drain_s:
        yield (
            f"{pods.where}: Ray takes up to {drain_s:g} s to give back what it has, and is killed after {patience_s} s;"
            f" raise terminationGracePeriodSeconds or lower {_DRAIN}."
        )
