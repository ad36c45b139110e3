"""Deploys the application over the one that runs in a Ray: python -m tests.serve_apps.update ADDRESS STORE."""

import sys
from pathlib import Path


def main() -> None:
    """Deploy and wait until the new processes answer."""
    address, store = sys.argv[1:]
    import ray
    from ray import serve

    from pipelines.ray_session import WORKER_ENVIRONMENT
    from serve_apps.search_app import APP_NAME, SearchAppArgs, build_app

    project = str(Path(__file__).parent.parent.parent)
    ray.init(
        address,
        runtime_env={"env_vars": {**WORKER_ENVIRONMENT, "PYTHONPATH": project}},
        logging_level="ERROR",
        log_to_driver=False,
    )
    serve.run(build_app(SearchAppArgs(store=store, profile="offline", workspace="default")), name=APP_NAME)


if __name__ == "__main__":
    main()
