"""The version of footage, as its package was built: pyproject.toml has the number."""

from importlib.metadata import version

VERSION = version("footage")
