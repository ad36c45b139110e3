"""Manifests of Kubernetes as they are checked: documents, the pods that they lead to, and what is in a container."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

_DRIVERS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True)
class Pods:
    """Pods of one template."""

    where: str
    """For people: kind, name, and group."""
    labels: dict[str, str]
    """Of the template, and those that KubeRay adds."""
    spec: dict[str, Any]
    least: int
    """How many there are at least."""

    @property
    def is_ray(self) -> bool:
        """Whether a node of Ray runs in them."""
        return "ray.io/node-type" in self.labels

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Those that come first, and those that stay."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def name_of(manifest: Manifest) -> str:
    """For people."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(manifests: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """Those of these kinds."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def ray_clusters(manifests: Iterable[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each specification of a cluster of Ray, and where it stands."""
    fields = {"RayCluster": "", "RayService": "rayClusterConfig", "RayJob": "rayClusterSpec"}
    for manifest in of_kind(manifests, *fields):
        field = fields[manifest["kind"]]
        spec = manifest["spec"].get(field) if field else manifest["spec"]
        if spec is not None:
            yield name_of(manifest), spec


def pods_of(manifests: Iterable[Manifest]) -> list[Pods]:
    """The pods of all templates."""
    manifests = list(manifests)
    found = []
    for manifest in of_kind(manifests, *_DRIVERS):
        found.append(_pods(name_of(manifest), manifest["spec"]["template"], {}, manifest["spec"].get("replicas", 1)))
    for manifest in of_kind(manifests, "RayJob"):
        if template := manifest["spec"].get("submitterPodTemplate"):
            found.append(_pods(f"{name_of(manifest)}, submitter", template, {}, 1))
    for where, cluster in ray_clusters(manifests):
        head = {"ray.io/node-type": "head", "ray.io/group": "headgroup"}
        found.append(_pods(f"{where}, head", cluster["headGroupSpec"]["template"], head, 1))
        for group in cluster.get("workerGroupSpecs", []):
            worker = {"ray.io/node-type": "worker", "ray.io/group": group["groupName"]}
            least = group.get("minReplicas", 0) * group.get("numOfHosts", 1)
            found.append(_pods(f"{where}, group {group['groupName']}", group["template"], worker, least))
    return found


def _pods(where: str, template: dict[str, Any], ray: dict[str, str], least: int) -> Pods:
    labels = dict(template.get("metadata", {}).get("labels", {}))
    if ray:
        labels.update({"ray.io/is-ray-node": "yes", **ray})
    return Pods(where, labels, template["spec"], least)


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a selector of labels takes these; an empty one takes all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", []):
        value = labels.get(expression["key"])
        taken = {
            "In": value in expression.get("values", []),
            "NotIn": value not in expression.get("values", []),
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not taken[expression["operator"]]:
            return False
    return True


def environment(container: dict[str, Any], manifests: Iterable[Manifest]) -> dict[str, str]:
    """The variables of a container whose values stand in the manifests, as Kubernetes would set them."""
    maps = {manifest["metadata"]["name"]: manifest.get("data", {}) for manifest in of_kind(manifests, "ConfigMap")}
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if reference := source.get("configMapRef"):
            found.update(maps.get(reference["name"], {}))
    for variable in container.get("env", []):
        if "value" in variable:
            found[variable["name"]] = variable["value"]
        else:
            found.pop(variable["name"], None)  # from a secret, whatever the ConfigMap says
    return found
