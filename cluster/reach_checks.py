"""Checks of what leads to pods: services, ingresses, budgets, monitors, and who may reach Ray's ports."""

from collections.abc import Iterator, Sequence
from typing import Any

from cluster.manifests import Manifest, Pods, matches, name_of, of_kind, pods_of

_RAY_PORTS = {6379: "GCS", 8265: "the dashboard", 10001: "Ray's client", 52365: "the dashboard's agent"}


def check_reach(manifests: Sequence[Manifest]) -> Iterator[str]:
    """A sentence for each mistake in what selects pods or leads to them."""
    pods = pods_of(manifests)
    yield from _check_names(manifests)
    yield from _check_ingresses(manifests)
    yield from _check_budgets(manifests, pods)
    yield from _check_monitors(manifests, pods)
    yield from _check_policies(manifests, pods)


def _service_names(manifests: Sequence[Manifest]) -> list[str]:
    """Of all Services: those that are written, and those that KubeRay makes."""
    names = [service["metadata"]["name"] for service in of_kind(manifests, "Service")]
    names += [f"{ray['metadata']['name']}-head-svc" for ray in of_kind(manifests, "RayCluster", "RayService")]
    return names + [f"{ray['metadata']['name']}-serve-svc" for ray in of_kind(manifests, "RayService")]


def _check_names(manifests: Sequence[Manifest]) -> Iterator[str]:
    names = _service_names(manifests)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Two Services would be called {name}: KubeRay makes one for each RayCluster and RayService; rename one."


def _check_ingresses(manifests: Sequence[Manifest]) -> Iterator[str]:
    for ingress in of_kind(manifests, "Ingress"):
        if not ingress["spec"].get("tls"):
            yield f"{name_of(ingress)}: keys would go over the wire in the clear; set tls."
        for rule in ingress["spec"].get("rules", []):
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]["name"]
                if service not in _service_names(manifests):
                    yield f"{name_of(ingress)}: there is no Service {service}."


def _check_budgets(manifests: Sequence[Manifest], pods: list[Pods]) -> Iterator[str]:
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        where, spec = name_of(budget), budget["spec"]
        taken = [each for each in pods if matches(spec["selector"], each.labels)]
        if not taken:
            yield f"{where}: its selector takes no pod."
        if any(each.is_ray for each in taken) and type(spec.get("minAvailable")) is not int:
            yield f"{where}: for pods of KubeRay Kubernetes counts minAvailable only, and only as a number."
        elif taken and spec.get("minAvailable", 0) >= sum(each.least for each in taken):
            yield f"{where}: with so few pods none could ever be moved; lower minAvailable, or start with more."


def _check_monitors(manifests: Sequence[Manifest], pods: list[Pods]) -> Iterator[str]:
    for monitor in of_kind(manifests, "PodMonitor"):
        taken = [each for each in pods if matches(monitor["spec"]["selector"], each.labels)]
        if not taken:
            yield f"{name_of(monitor)}: its selector takes no pod."
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            for each in taken:
                if endpoint["port"] not in {port.get("name") for port in each.spec["containers"][0].get("ports", [])}:
                    yield f"{name_of(monitor)}: {each.where} has no port {endpoint['port']}."


def _check_policies(manifests: Sequence[Manifest], pods: list[Pods]) -> Iterator[str]:
    policies = of_kind(manifests, "NetworkPolicy")
    for policy in policies:
        if not any(matches(policy["spec"]["podSelector"], each.labels) for each in pods):
            yield f"{name_of(policy)}: its selector takes no pod."
    for each in pods:
        rules = [
            (policy, rule)
            for policy in policies
            if matches(policy["spec"]["podSelector"], each.labels)
            for rule in policy["spec"].get("ingress", [])
        ]
        if each.is_ray and not rules:
            yield f"{each.where}: no NetworkPolicy keeps anybody from Ray's ports, and who reaches them may run code."
        for policy, rule in rules:
            if each.is_ray and not rule.get("from"):
                for port in sorted(_opened(rule) & set(_RAY_PORTS)):
                    yield f"{name_of(policy)}: {each.where}: {_RAY_PORTS[port]} ({port}) is open to everybody."
    yield from _check_submitters(manifests, pods)


def _opened(rule: dict[str, Any]) -> set[int]:
    ports = [port["port"] for port in rule.get("ports", []) if isinstance(port.get("port"), int)]
    return set(ports) if rule.get("ports") else set(_RAY_PORTS)


def _check_submitters(manifests: Sequence[Manifest], pods: list[Pods]) -> Iterator[str]:
    heads = [each for each in pods if each.labels.get("ray.io/node-type") == "head"]
    policies = [
        policy
        for policy in of_kind(manifests, "NetworkPolicy")
        if any(matches(policy["spec"]["podSelector"], head.labels) for head in heads)
    ]
    if not policies:
        return
    for each in pods:
        if each.where.endswith(", submitter") and not any(
            8265 in _opened(rule) and matches(peer["podSelector"], each.labels)
            for policy in policies
            for rule in policy["spec"].get("ingress", [])
            for peer in rule.get("from", [])
            if "podSelector" in peer and "namespaceSelector" not in peer
        ):
            yield f"{each.where}: no NetworkPolicy lets it reach the dashboard, which it submits to."
