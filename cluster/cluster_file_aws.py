"""What is wrong with a cluster file for AWS: instance types, spot, roles, open ports."""

import re
from typing import Any, NamedTuple

from cluster.cluster_file_rules import Problem


class Instance(NamedTuple):
    """https://aws.amazon.com/ec2/instance-types/"""

    cpus: int
    memory_gib: int
    gpus: int = 0


_SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}
_GIB_PER_CPU = {"c7i": 2, "c6i": 2, "m7i": 4, "m6i": 4, "r7i": 8, "g5": 4, "g6": 4, "g6e": 8}
_CARDS = {"12xlarge": 4}  # of the families of one card, the sizes with more
INSTANCES = {
    f"{family}.{size}": Instance(cpus, cpus * gib, _CARDS.get(size, 1) if family[0] == "g" else 0)
    for family, gib in _GIB_PER_CPU.items()
    for size, cpus in _SIZES.items()
}
_STORE_SHARE = 0.3  # of the machine's memory: what Ray gives /dev/shm in a container, and 10 % more


def aws_problems(config: dict[str, Any]) -> list[Problem]:
    """Everything that is wrong, for the provider aws; nothing for others."""
    if config["provider"]["type"] != "aws":
        return []
    found = []
    store_bytes = _object_store_bytes(config)
    for name, node in config.get("available_node_types", {}).items():
        key = f"available_node_types.{name}"
        machine = node["node_config"]
        is_head = name == config["head_node_type"]
        found += _market(key, machine, is_head=is_head)
        if "IamInstanceProfile" not in machine:
            said = "lacks IamInstanceProfile: without a role such a machine reads no bucket."
            found.append(Problem(f"{key}.node_config", said))
        if "ImageId" not in machine:
            said = "lacks ImageId: Ray's default has a driver that is too old for CUDA 13 and for these cards."
            found.append(Problem(f"{key}.node_config", said))
        instance = INSTANCES.get(machine.get("InstanceType", ""))
        if instance is not None:
            found += _resources(key, machine["InstanceType"], instance, node["resources"])
            if not is_head and store_bytes > instance.memory_gib * 2**30 * _STORE_SHARE:
                said = f"takes more for objects than /dev/shm of {machine['InstanceType']} has ({name}); lower it."
                found.append(Problem("worker_start_ray_commands: --object-store-memory", said))
    return found + _open_ports(config["provider"])


def _market(key: str, machine: dict[str, Any], *, is_head: bool) -> list[Problem]:
    if "InstanceMarketOptions" not in machine:
        return []
    at = f"{key}.node_config.InstanceMarketOptions"
    if is_head:
        return [Problem(at, "puts the head on spot, whose end is the end of all jobs; take it out.")]
    market = machine["InstanceMarketOptions"].get("MarketType")
    if market != "spot":
        return [Problem(f"{at}.MarketType", f"is {market}; spot machines have `MarketType: spot`.")]
    return []


def _resources(key: str, name: str, instance: Instance, resources: dict[str, int]) -> list[Problem]:
    found = []
    if resources.get("CPU", 0) > instance.cpus:
        found.append(Problem(f"{key}.resources.CPU", f"is {resources['CPU']}, and {name} has {instance.cpus}."))
    if resources.get("GPU", 0) != instance.gpus:
        found.append(Problem(f"{key}.resources.GPU", f"is {resources.get('GPU', 0)}, and {name} has {instance.gpus}."))
    return found


def _object_store_bytes(config: dict[str, Any]) -> int:
    given = re.search(r"--object-store-memory=(\d+)", " ".join(config.get("worker_start_ray_commands", [])))
    return int(given[1]) if given else 0


def _open_ports(provider: dict[str, Any]) -> list[Problem]:
    found = []
    for rule in provider.get("security_group", {}).get("IpPermissions", []):
        ranges = [one.get("CidrIp") for one in rule.get("IpRanges", [])]
        ranges += [one.get("CidrIpv6") for one in rule.get("Ipv6Ranges", [])]
        if {"0.0.0.0/0", "::/0"} & set(ranges):
            said = (
                f"lets everybody reach port {rule.get('FromPort', '(all)')}; name your network, or use `ray dashboard`."
            )
            found.append(Problem("provider.security_group.IpPermissions", said))
    return found
