from typing import Any

import pytest

from footage.decoder_settings import DecoderSettings
from footage.errors import SettingsError
from footage.pipeline_settings import PipelineSettings
from pipelines.cluster_room import ClusterRoom, NodeGroup
from pipelines.sizing import Actors, card_line, decoder_actors, expected_spans, fitted, model_actors
from pipelines.stage import Pool, Stage, TimeLimit

FOUR = [{"Transcriber": 0.25}, {"Captioner": 0.5}, {"FrameEmbedder": 0.125}, {"TextEmbedder": 0.125}]
LAPTOP = ClusterRoom.of_machine(cpus=2)


class Worker:
    pass


class Other:
    pass


def pool(size: int, most: int | None, num_cpus: float, num_gpus: float = 0, actor: type = Worker) -> Pool:
    return Pool((Stage(actor, limit=TimeLimit(1, 0)),), size=size, most=most, num_cpus=num_cpus, num_gpus=num_gpus)


def room_of(*groups: NodeGroup, **limits: Any) -> ClusterRoom:
    return ClusterRoom.of_groups(groups, PipelineSettings(**limits), is_known=True)


def models(room: ClusterRoom, shares: list[dict[str, float]] | None = None, **settings: Any) -> list[Actors]:
    shares = FOUR if shares is None else shares
    return model_actors(shares, [True] * len(shares), PipelineSettings(**settings), room)


def test_spans_are_one_for_each_video_or_what_their_bytes_may_hold() -> None:
    decoder = DecoderSettings()
    assert expected_spans(3, 30_000_000, decoder) == 3
    assert expected_spans(2, 4 * 10**9, decoder) == 107  # nine hours at 1 Mbit/s, in spans of five minutes


def test_a_machine_without_a_cluster_keeps_its_sizes() -> None:
    assert models(LAPTOP, [{}]) == [Actors(1, None, 0.1)]
    assert decoder_actors(PipelineSettings(), LAPTOP) == Actors(2, 2, 0.1)
    small = room_of(NodeGroup("node", 2, 0, 1, 1))
    assert decoder_actors(PipelineSettings(), small) == Actors(2, 2, 0.1)


def test_decoders_of_a_machine_with_cards_grow_to_its_cores() -> None:
    assert decoder_actors(PipelineSettings(), ClusterRoom.of_machine(cpus=32, gpus=2)) == Actors(2, 16, 0.1)
    assert decoder_actors(PipelineSettings(), ClusterRoom.of_machine(cpus=8, gpus=2)) == Actors(2, 7, 0.1)
    assert decoder_actors(PipelineSettings(), ClusterRoom.of_machine(cpus=2, gpus=1)) == Actors(2, 2, 0.1)


def test_models_start_on_every_card_that_is_there_and_grow_onto_those_that_come() -> None:
    nodes = NodeGroup("gpu", 8, 4, 2, 5)
    assert models(room_of(nodes)) == [Actors(8, 20, 0.0)] * 4
    assert models(room_of(nodes), model_actors=2, shares=[{"Transcriber": 0.5}]) == [Actors(16, 40, 0.0)]
    assert models(room_of(nodes).grown()) == [Actors(20, None, 0.0)] * 4
    assert models(room_of(nodes).for_spans(9, per_card=4)) == [Actors(3, None, 0.0)] * 4


def test_a_pool_that_asks_a_server_needs_no_card() -> None:
    made = model_actors(
        [{"Transcriber": 0.25}, {}], [True, False], PipelineSettings(), room_of(NodeGroup("gpu", 8, 1, 3, 3))
    )
    assert made == [Actors(3, None, 0.0), Actors(3, None, 0.1)]


def test_models_without_a_card_take_a_cpu_each_on_a_cluster() -> None:
    (actors,) = models(room_of(NodeGroup("cpu", 16, 0, 1, 4)).for_spans(30, per_card=4), [{}])
    assert actors == Actors(1, 30, 1)


def test_a_cluster_without_cards_says_how_to_have_some() -> None:
    with pytest.raises(SettingsError, match=r"Ray has no card\..* pipeline\.max_gpus says how many"):
        models(room_of(NodeGroup("cpu", 16, 0, 1, 4)))
    with pytest.raises(SettingsError, match=r"= 1\.25 cards, and Ray has 1 card"):
        models(room_of(NodeGroup("gpu", 16, 1, 1, 1)), [*FOUR[1:], {"Transcriber": 0.5}])


def test_decoders_follow_the_cards() -> None:
    room = room_of(NodeGroup("cpu", 16, 0, 1, 4), NodeGroup("gpu", 8, 1, 4, 6))
    assert decoder_actors(PipelineSettings(), room) == Actors(4, 48, 1)
    assert decoder_actors(PipelineSettings(decoders_per_card=3), room) == Actors(4, 18, 1)
    assert decoder_actors(PipelineSettings(), room.for_spans(3, per_card=4)) == Actors(2, 3, 1)


def test_a_cpu_stays_for_ray_data_and_each_pool_gets_an_actor() -> None:
    """Two nodes of two CPUs: a tenth lies on each, so that two whole ones are left, and one of them is Ray Data's."""
    room = room_of(NodeGroup("node", 2, 1, 2, 2))
    made = fitted((pool(1, None, 0.1), pool(2, 16, 1), pool(2, None, 0, 0.5), pool(1, None, 0.1)), room)
    assert [(one.size, one.most) for one in made] == [(1, None), (1, None), (2, None), (1, None)]


def test_pools_that_grow_share_what_is_free() -> None:
    room = room_of(NodeGroup("node", 16, 0, 1, 4))
    made = fitted((pool(1, None, 0.1), pool(40, 10**6, 1), pool(1, 10**6, 1, actor=Other)), room)
    # 4 x 15 whole CPUs beside the tenth; one is Ray Data's and one each of the two pools', which leaves 57.
    assert [(one.size, one.most) for one in made] == [(1, None), (29, 58), (1, 58)]


def test_what_runs_on_nodes_that_come_is_not_limited_by_those_there() -> None:
    room = ClusterRoom.of_groups((), PipelineSettings(max_gpus=4), is_known=False)
    (made,) = fitted((pool(4, 32, 1),), room)
    assert (made.size, made.most) == (4, 32)


def test_shares_of_cpus_that_do_not_fit_show_the_sum() -> None:
    room = room_of(NodeGroup("node", 8, 0, 1, 1), max_cpus=4)
    with pytest.raises(SettingsError) as refused:
        fitted((pool(1, None, 0.5), pool(2, 5, 2), pool(1, None, 1, actor=Other)), room)
    assert str(refused.value) == (
        "The CPU shares do not fit: 1 x Worker 0.5 + 1 x Worker 2 + 1 x Other 1 + 1 for Ray Data's own tasks = 4.5"
        " CPUs, and the run may have 4. Lower pipeline.decoder_num_cpus, worker_num_cpus or model_num_cpus, add CPUs,"
        " or raise pipeline.max_cpus, which also says how far a cluster grows that starts nodes when they are needed."
    )


def test_the_pools_of_a_card_are_asked_for_together() -> None:
    room = room_of(NodeGroup("gpu", 8, 4, 2, 2))
    four = [pool(8, None, 0, share) for share in (0.25, 0.5, 0.125, 0.125)]
    line = card_line([*four, pool(4, None, 1)], room)
    assert (line.bundles, line.count, line.cards) == (({"GPU": 1.0},), 8, 8)
    twice = card_line([pool(16, None, 0, 0.25)], room)
    assert (twice.bundles, twice.count) == (({"GPU": 0.5},), 8)
    large = card_line([pool(1, None, 0, 2), pool(1, None, 0, 0.5)], room)
    assert (large.bundles, large.count, large.cards) == (({"GPU": 2}, {"GPU": 0.5}), 1, 2.5)
    assert card_line([pool(4, None, 1)], room).count == 0


def test_a_pool_cannot_start_with_more_than_its_most() -> None:
    with pytest.raises(ValueError, match="Worker starts with 3 actors and may have 2"):
        pool(3, 2, 1)
