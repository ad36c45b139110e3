"""The search service as a Ray Serve application.

`footage serve` runs it on this machine, `serve deploy serve_apps/serve_config.yaml` on a cluster, and KubeRay's
RayService with the same configuration.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve import Application

from actors.query_models import query_models
from footage.index_address import index_address
from footage.serve_settings import ServeSettings
from footage.settings import load_settings
from serve_apps.encoders import PictureEncoder, TextEncoder
from serve_apps.ingress import Ingress
from serve_apps.scene_index import SceneIndex

APP_NAME = "footage"
HEALTH_CHECK_PERIOD_S = 1.0
HEALTH_CHECK_TIMEOUT_S = 10.0
DRAIN_S = 30.0


class SearchAppArgs(BaseModel):
    """What to serve; the `args` of a Serve configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = Field(description="Folder or s3://bucket/prefix of sidecars, thumbnails and records")
    index: str | None = Field(
        default=None,
        description="Vector index: a folder, or a server such as http://qdrant:6334; null: in the store's folder",
    )
    profile: str = Field(default="auto", description="The profile that indexed")
    workspace: str | None = Field(
        default=None,
        description="Let everybody search this workspace without a key: only for a server on loopback. null: by keys",
    )


def build_app(args: SearchAppArgs) -> Application:
    """The application: an ingress, the encoders, and the owner of the index if it is embedded.

    Raises:
        SettingsError: an argument or a setting is wrong.
        ModelMissing: the models of the profile are not on this machine, or were not prepared.
    """
    settings = load_settings(args.profile)
    prepared = query_models(settings)
    address = index_address(args.store, args.index)
    spec = prepared.index_spec()
    of = settings.serve
    text = _deployment(TextEncoder, of, of.encoder_replicas, of.max_encoder_replicas).bind(prepared, of)
    pictures = _deployment(PictureEncoder, of, of.encoder_replicas, of.max_encoder_replicas).bind(prepared, of)
    index = None
    if address.path is not None:
        index = _deployment(SceneIndex, of, 1, 1).bind(address.path, spec, of.answer_within_s)
    ingress = _deployment(Ingress, of, of.replicas, of.max_replicas, max_queued_requests=of.requests_waiting)
    application: Application = ingress.bind(args.store, address, spec, settings, args.workspace, text, pictures, index)
    return application


def _deployment(actor: Any, settings: ServeSettings, least: int, most: int, **options: Any) -> Any:
    count: dict[str, Any] = {"num_replicas": least}
    if most > least:
        count = {
            "autoscaling_config": {
                "min_replicas": least,
                "max_replicas": most,
                "target_ongoing_requests": max(1, settings.requests_under_way // 4),
            }
        }
    return serve.deployment(
        actor,
        max_ongoing_requests=settings.requests_under_way,
        health_check_period_s=HEALTH_CHECK_PERIOD_S,
        health_check_timeout_s=HEALTH_CHECK_TIMEOUT_S,
        graceful_shutdown_timeout_s=DRAIN_S,
        graceful_shutdown_wait_loop_s=0.1,
        # The old processes answer until the new ones can.
        max_surge_percent=100,
        ray_actor_options={
            "num_cpus": settings.num_cpus,
            **({"label_selector": dict(settings.node_labels)} if settings.node_labels else {}),
        },
        **count,
        **options,
    )
