"""A Ray that is kept between runs: one for those that follow each other, none after a while or after a failure."""

import pytest

from footage.settings import Settings
from pipelines.kept_ray import KeptRay


@pytest.mark.ray
@pytest.mark.timeout(300)
def test_ray_stays_up_between_runs_and_ends_when_it_is_idle(offline: Settings) -> None:
    import ray

    now_s = 0.0
    kept = KeptRay(keep_s=600, clock=lambda: now_s)
    nodes = []
    try:
        for _ in range(2):
            with kept.session(offline.pipeline):
                nodes.append(ray.nodes()[0]["NodeID"])
            kept.end_if_idle()
            assert ray.is_initialized()
            now_s += 599
        assert nodes[0] == nodes[1]

        now_s += 1
        kept.end_if_idle()
        assert not ray.is_initialized()

        with pytest.raises(RuntimeError), kept.session(offline.pipeline):
            raise RuntimeError
        assert not ray.is_initialized()  # it may be why
    finally:
        kept.close()
