"""Where the dashboard of the Ray that a run works on shows it."""

import logging

from footage.page_links import job_page
from footage.pipeline_settings import PipelineSettings
from pipelines.stopping import sigterm_handler_kept


def dashboard_page(settings: PipelineSettings, job: str) -> str:
    """The address of the job's page on Ray's dashboard; empty where Ray has none, as our own on one machine.

    Within ray_session().

    Args:
        settings: say how people reach the dashboard; else it is the address that Ray has within the cluster.
        job: that was submitted; empty for a driver that was started by hand, which Ray has an id of.
    """
    import ray

    with sigterm_handler_kept():
        # The Ray of the session tells where its dashboard is. The level stays: a call without it would set another.
        there = ray.init(ignore_reinit_error=True, logging_level=logging.getLogger("ray").level)
    address = settings.dashboard_url or there.address_info["webui_url"] or ""
    if address and "://" not in address:
        address = f"http://{address}"
    return job_page(address, job or ray.get_runtime_context().get_job_id())
