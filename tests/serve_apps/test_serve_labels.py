"""Where a cluster may put the processes of the service."""

from pathlib import Path

import pytest
from ray.serve._private.build_app import build_app as deployments_of

from serve_apps.search_app import SearchAppArgs, build_app

pytestmark = pytest.mark.usefixtures("prepared")


def options(store: Path) -> dict[str, dict[str, object]]:
    app = build_app(SearchAppArgs(store=str(store), profile="offline", workspace="default"))
    built = deployments_of(app, name="footage")
    return {deployment.name: dict(deployment.ray_actor_options or {}) for deployment in built.deployments}


def test_every_process_stays_on_labelled_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTAGE_SERVE__NODE_LABELS", '{"ray-subcluster": "search"}')
    found = options(tmp_path)
    assert set(found) == {"Ingress", "TextEncoder", "PictureEncoder", "SceneIndex"}
    for of_deployment in found.values():
        assert of_deployment["label_selector"] == {"ray-subcluster": "search"}


def test_without_labels_it_may_be_anywhere(tmp_path: Path) -> None:
    assert not any("label_selector" in of_deployment for of_deployment in options(tmp_path).values())
