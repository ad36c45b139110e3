from pathlib import Path

import yaml
from ray.serve.schema import ServeDeploySchema

import serve_apps.search_app
from serve_apps.search_app import APP_NAME, SearchAppArgs
from serve_apps.serve_environment import SERVE_ENVIRONMENT

CONFIG = Path(serve_apps.search_app.__file__).with_name("serve_config.yaml")


def test_the_committed_configuration_is_what_serve_deploys():
    config = ServeDeploySchema.model_validate(yaml.safe_load(CONFIG.read_text()))

    (application,) = config.applications
    module, _, function = application.import_path.partition(":")
    assert module == serve_apps.search_app.__name__
    assert function == serve_apps.search_app.build_app.__name__
    assert application.name == APP_NAME
    assert SearchAppArgs.model_validate(application.args).workspace is None  # no open mode on a cluster
    for name, value in application.runtime_env["env_vars"].items():
        assert SERVE_ENVIRONMENT.get(name, value) == value
