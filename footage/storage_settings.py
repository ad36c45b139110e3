"""Settings of what lies outside this machine: S3-compatible stores, sources, and a Qdrant server."""

from typing import Literal

from pydantic import Field, SecretStr

from footage.setting_section import Section


class S3Settings(Section):
    """How an S3-compatible store is reached. Credentials come by the usual chain (environment, ~/.aws, instance)."""

    endpoint: str = ""
    """URL of the service, such as `http://ceph:7480`; empty means what the AWS configuration says, else AWS itself."""
    region: str = ""
    """Empty means what the AWS configuration says, else us-east-1."""
    aws_profile: str = ""
    """Named profile of the AWS configuration that has the credentials; empty means the usual chain."""
    addressing: Literal["auto", "path", "virtual"] = "auto"
    """Where the bucket's name stands in a URL. Most services other than AWS want `path`; `auto` takes it where an
    endpoint is set."""
    checksums: Literal["when_supported", "when_required"] = "when_supported"
    """When requests carry checksums and answers are checked; some older services refuse them."""
    proxy: str = ""
    """HTTP(S) proxy URL; empty means HTTP_PROXY and HTTPS_PROXY, as usual."""
    encryption: Literal["", "AES256", "aws:kms"] = ""
    """Server-side encryption of what is written; empty leaves it to the bucket."""
    kms_key: str = ""
    """Key for `aws:kms`; empty means the account's own."""
    create_bucket: bool = False
    """Make the bucket of the store if it is not there. Never one of sources."""
    max_attempts: int = Field(default=8, ge=1)
    """How often a request is sent before it counts as failed. Waits between grow from under 1 s to 20 s, with jitter,
    so that eight take about a minute."""
    connect_timeout_s: float = Field(default=10, gt=0)
    """How long a connection may take to open."""
    read_timeout_s: float = Field(default=60, gt=0)
    """How long a service may be silent within a request."""
    part_mib: int = Field(default=16, ge=5)
    """Objects larger than this are written in parts of this size; S3 takes 5 at least."""
    url_lifetime_s: int = Field(default=900, gt=0, le=604_800)
    """How long a presigned URL is good for; S3 allows a week."""


class SourceSettings(Section):
    """How videos that are not files of this machine are read."""

    http_allow: tuple[str, ...] = ()
    """Where http(s) sources may come from: hosts (`media.example.org`, `*.example.org`, `host:8080`), or URL prefixes
    (`https://media.example.org/archive/`). Empty: none. Redirects are followed to allowed places only."""
    http_max_gib: float = Field(default=50, gt=0)
    """Largest file that is fetched by http(s)."""
    scratch: str = ""
    """Folder for copies of remote sources while they are worked on; empty means one below the temporary folder."""
    scratch_gib: float = Field(default=20, gt=0)
    """Room that those copies may take. What was decoded goes first; planning waits while nothing can go."""
    delete_original: bool = False
    """Delete a source (file or object) once its video is searchable. Not while another run still needs it."""


class QdrantSettings(Section):
    """How a Qdrant server is used. Where it is, is the address of the index (`--index http://qdrant:6334`)."""

    api_key: SecretStr = SecretStr("")
    """Key of the server; empty for none."""
    collection: str = "footage"
    """Beginning of the names of collections and aliases: `footage-scenes`, `footage-videos`."""
    timeout_s: float = Field(default=60, gt=0)
    """How long one request may take."""
    patience_s: float = Field(default=120, ge=0)
    """How long requests are sent again, with back-off, to a server that does not answer."""
    batch_points: int = Field(default=128, ge=1, le=256)
    """Points in one upsert; 64 to 256 keep a server busy."""
    shard_number: int = Field(default=1, ge=1)
    """Shards of a collection that is made; about one for each node."""
    replication_factor: int = Field(default=1, ge=1)
    """Copies of each shard."""
    quantization: Literal["none", "scalar", "binary"] = "none"
    """How vectors are held in memory: as they are, as int8, or as bits. Hits are scored again with the originals."""
    vectors_on_disk: bool = False
    """Keep the original vectors on disk: memory then holds quantised ones and the graph."""
    payload_on_disk: bool = True
    """Keep payloads on disk; indexed fields are in memory anyway."""
    hnsw_m: int = Field(default=16, ge=0)
    """Edges for each vector in the graph; 0 builds none over the whole collection."""
    hnsw_payload_m: int = Field(default=16, ge=0)
    """Edges for each vector in the graph of its workspace. With hnsw_m 0, memory follows the active workspaces."""
    bulk_load: bool = False
    """Build graphs after a run and not during it; searches of new points are slow until then."""
