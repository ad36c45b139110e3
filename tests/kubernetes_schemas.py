"""What Kubernetes' own schemas say against manifests; the package kubernetes-validate carries them."""

from collections.abc import Iterable

import kubernetes_validate

from cluster.manifests import Manifest, name_of

VERSION = "1.34"  # of Kubernetes; a year old, so that most clusters have it
_OTHERS = ("ray.io/", "monitoring.coreos.com/", "kustomize.config.k8s.io/")


def problems(manifests: Iterable[Manifest]) -> list[str]:
    """A line for each manifest that a cluster would refuse, unknown fields included; other groups' are left out."""
    found = []
    for manifest in manifests:
        if manifest["apiVersion"].startswith(_OTHERS):
            continue
        try:
            kubernetes_validate.validate(manifest, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            found.append(f"{name_of(manifest)}: {error.message[:300]}")
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"{name_of(manifest)}: {error.message}")
    return found
