"""The version of footage, as its package was built: pyproject.toml has the number."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("footage")
except PackageNotFoundError:  # its folders came with a job to a machine where it is not installed
    VERSION = "unpacked"
