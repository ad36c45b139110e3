"""Settings of `footage index --watch`."""

from pydantic import Field

from footage.setting_section import Section


class WatchSettings(Section):
    """How a source is watched for what arrives in it."""

    every_s: float = Field(default=60, gt=0)
    """How often the source is listed; `--every` says otherwise. What arrives in between is one run, and each run loads
    its models: with large ones a longer time costs less."""
    settle_s: float = Field(default=5, ge=0)
    """A file of a folder is taken at the first look at which nothing was written to it for so long. Objects of a bucket
    are whole as soon as they are there."""
    whole_look_s: float = Field(default=86_400, gt=0)
    """How often what is known is read anew from the store; with `--events` the source is listed only then, in case that
    messages were lost."""
    keep_ray_s: float = Field(default=300, ge=0)
    """How long Ray stays up after a run, for the next one; 0 ends it at once. On a machine of its own it takes about
    1 GB while it is idle."""
    gather_s: int = Field(default=3, ge=1, le=20)
    """With `--events`: a run starts when no more messages came for so long."""
    visibility_s: int = Field(default=300, ge=30, le=43_200)
    """With `--events`: for how long a message that was taken is hidden from others; renewed while its object is worked
    on. So long after a watch was killed, another one gets its messages."""
