"""Finds the room of a run before there is a run: of this machine, or of a cluster that is up."""

from footage.errors import SettingsError
from footage.settings import Settings
from pipelines.cluster_room import ClusterRoom, groups_of_nodes, room_of_ray
from pipelines.ray_session import ray_session

_MOST_NODES = 10_000  # Ray's own limit of such a list


def room_for_index(settings: Settings, ray_address: str | None) -> ClusterRoom:
    """The room of `footage index`: this machine's, or that of the cluster at RAY_ADDRESS. Starts no actor.

    Raises:
        SettingsError: no cluster answers there.
    """
    if ray_address is None:
        from ray._private.accelerators import get_accelerator_manager_for_resource

        cards = get_accelerator_manager_for_resource("GPU").get_current_node_num_accelerators()
        return ClusterRoom.of_machine(gpus=cards).limited(settings.pipeline)
    with ray_session(settings.pipeline, ray_address):
        return room_of_ray(settings.pipeline, own_machine=False)


def room_for_submit(settings: Settings, dashboard: str) -> ClusterRoom:
    """The room of a job, asked from the dashboard that it would be submitted to. RAY_AUTH_TOKEN is sent, if it is set.

    What nodes may come the dashboard does not say: that is pipeline.max_cpus and max_gpus.

    Raises:
        SettingsError: no dashboard answers at the address.
    """
    from ray.util.state import list_nodes
    from ray.util.state.exception import RayStateApiException

    try:
        nodes = list_nodes(address=dashboard, detail=True, limit=_MOST_NODES)
    except (RayStateApiException, ConnectionError, OSError) as error:
        raise SettingsError(f"No Ray dashboard answers at {dashboard}: {str(error).splitlines()[0]}") from error
    wanted = settings.pipeline.node_labels.items()
    alive = [
        {"Resources": node.resources_total, "Labels": node.labels}
        for node in nodes
        if node.state == "ALIVE" and wanted <= (node.labels or {}).items()
    ]
    return ClusterRoom.of_groups(groups_of_nodes(alive), settings.pipeline, is_known=False)
