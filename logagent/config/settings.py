"""The settings as frozen values, one class to a section; the names of the fields are the keys of the file.

Each key knows its default, its bounds and its meaning; the file, the JSON Schema and the report of problems come from here.
Null means the default, for every key. Checks between keys belong to the later of the two fields, so that they are told
together with everything else that is wrong, and not only after it was put right.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator as After
from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from logagent.config import output as together
from logagent.config.document import Document
from logagent.config.secret import Secret
from logagent.config.section import Section
from logagent.config.units import (
    MAX_DURATION,
    MAX_SIZE,
    Duration,
    Size,
    at_least,
    between,
    render_duration,
    render_size,
)
from logagent.config.words import (
    ANY_CASE,
    NO_BOOL,
    Absolute,
    CloudId,
    Fingerprint,
    IndexName,
    Label,
    Name,
    Socket,
    Text,
    Url,
)

KIB, MIB, GIB = 1024, 1024**2, 1024**3
DOCKER_SOCKET = "unix:///var/run/docker.sock"


class Engine(Section):
    """How the Docker engine is asked."""

    socket: Socket = DOCKER_SOCKET
    """Where the engine answers; null: DOCKER_HOST of the environment, else unix:///var/run/docker.sock."""
    timeout: Annotated[Duration, between(0.1, 300, render_duration)] = 5.0
    """How long one answer of the engine may take."""
    enabled: Annotated[Literal["auto", "off"], ANY_CASE] = "auto"
    """auto: ask the engine where its socket answers; off: read its files only."""


class Selector(Section):
    """Containers to be included or excluded: all the parts that are given must match."""

    name: Text | None = None
    """Glob of the container's name."""
    image: Text | None = None
    """Glob of the image's reference."""
    label: Label | None = None
    """A label's key, or key=glob of its value."""

    @model_validator(mode="after")
    def _some_part(self) -> Self:
        if self.name is None and self.image is None and self.label is None:
            raise ValueError("needs one of name, image, label")
        return self


class Collect(Section):
    """Which containers are read, and how."""

    start: Annotated[Literal["beginning", "end"], ANY_CASE] = Field(default="beginning", alias="from")
    """Where reading begins in a container that was never read before."""
    include: tuple[Selector, ...] = ()
    """Containers to read; empty: all."""
    exclude: tuple[Selector, ...] = ()
    """Containers not to read; stronger than include."""
    poll_min: Annotated[Duration, between(0.001, 10, render_duration)] = 0.05
    """How often an open file is looked at while it grows."""
    poll_max: Annotated[Duration, between(0.001, 60, render_duration)] = 1.0
    """How often an open file is looked at while nothing comes."""
    reconcile: Annotated[Duration, between(0.1, 3600, render_duration)] = 10.0
    """How often the whole data root is compared with what is being read, whatever was missed."""
    block_size: Annotated[Size, between(4 * KIB, 4 * MIB, render_size)] = 128 * KIB
    """How much of a file is read at a time."""
    max_event_size: Annotated[Size, between(KIB, 64 * MIB, render_size)] = MIB
    """The largest line; what is longer is cut, and says so."""
    partial_timeout: Annotated[Duration, between(0.1, 3600, render_duration)] = 5.0
    """How long the rest of a long line is waited for."""
    max_open_files: Annotated[int, Field(ge=1, le=1_000_000), NO_BOOL] = 4096
    """How many log files are open at the same time."""
    max_deleted_size: Annotated[Size, between(0, MAX_SIZE, render_size)] = GIB
    """How much disk the log files that Docker deleted may take until they are read; the largest are let go first, as counted gaps."""
    gap_events: bool = True
    """Whether a gap is an event in the store, too, so that it shows in the log where lines are missing."""

    @field_validator("poll_max")
    @classmethod
    def _not_below_poll_min(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("poll_min", 0):
            raise ValueError(f"must not be below collect.poll_min, which is {render_duration(info.data['poll_min'])}")
        return value


class Store(Section):
    """The copy on disk: how large, how old, how it is cut."""

    path: Absolute | None = None
    """Its folder; null: /var/lib/logagent for root, else logagent under $XDG_STATE_HOME or ~/.local/state."""
    max_size: Annotated[Size, at_least(MIB, render_size)] = GIB
    """How much room it takes at most."""
    max_age: Annotated[Duration, between(1, MAX_DURATION, render_duration)] | None = None
    """How long lines are kept at most; null: as long as there is room."""
    segment_size: Annotated[Size, between(64 * KIB, 4 * GIB, render_size)] = 64 * MIB
    """At what size a segment is closed; the unit in which room is made."""
    frame_size: Annotated[Size, between(4 * KIB, 64 * MIB, render_size)] = 4 * MIB
    """How much of documents (before compression) goes into one frame, which is one request to an output."""
    frame_time: Annotated[Duration, between(0.01, 60, render_duration)] = 1.0
    """How long a frame waits to be filled."""
    when_full: Annotated[Literal["block", "drop_oldest"], ANY_CASE] = "block"
    """When all that is kept is undelivered: block stops reading, drop_oldest loses the oldest."""
    min_free: Annotated[Size, between(0, MAX_SIZE, render_size)] = 500_000_000
    """The store counts as full when its filesystem has less room than this; 0 switches that off."""

    @field_validator("segment_size")
    @classmethod
    def _two_segments(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("max_size", MAX_SIZE) // 2:
            raise ValueError(f"must be at most half of store.max_size, which is {render_size(info.data['max_size'])}")
        return value

    @field_validator("frame_size")
    @classmethod
    def _inside_segment(cls, value: int, info: ValidationInfo) -> int:
        if value > info.data.get("segment_size", MAX_SIZE):
            raise ValueError(f"must be at most store.segment_size, which is {render_size(info.data['segment_size'])}")
        return value


class Output(Section):
    """One place that everything is shipped to: an Elasticsearch or OpenSearch, a file, or stdout."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": [key]} for key in ("type", *together.WHERE)]})

    type: Annotated[Literal["elasticsearch", "file", "stdout"], ANY_CASE] = "elasticsearch"
    """elasticsearch (OpenSearch as well), file: documents as lines of JSON into a file, stdout: the same, for pipes."""
    path: Annotated[Absolute | None, After(together.path_of_file)] = None
    """The file of an output of type file; appended to, and opened anew when it is renamed away."""
    urls: Annotated[tuple[Url, ...], After(together.one_cluster)] = ()
    """Several hosts of one cluster, instead of url: they take turns, and one that does not answer is left out until it does."""
    cloud_id: CloudId | None = None
    """A deployment of Elastic Cloud, instead of url."""
    url: Annotated[Url | None, After(together.one_address)] = None
    """http(s)://host:port, with the path prefix of a proxy; user:password@ in it is taken as username and password."""
    name: Annotated[Name, BeforeValidator(together.named)] = ""
    """Its name in metrics, cursors and dead letters; null: host-port of the url."""
    username: Secret | None = None
    """User of basic authentication."""
    username_file: Absolute | None = None
    """File that holds the username."""
    password: Annotated[Secret | None, After(together.pair)] = None
    """Password of basic authentication."""
    password_file: Absolute | None = None
    """File that holds the password."""
    api_key: Annotated[Secret | None, After(together.one_way_in)] = None
    """API key, in its encoded form or as id:key."""
    api_key_file: Absolute | None = None
    """File that holds the API key."""
    bearer_token: Annotated[Secret | None, After(together.one_way_in)] = None
    """Bearer token."""
    bearer_token_file: Absolute | None = None
    """File that holds the bearer token."""
    ca_file: Absolute | None = None
    """File of the certificate authorities to trust; null: the system's."""
    cert_file: Annotated[Absolute | None, After(together.over_tls)] = None
    """File of our own certificate, for servers that ask for one; its key may be in it."""
    key_file: Annotated[Absolute | None, After(together.key_of_certificate)] = None
    """File of our own certificate's key, without a passphrase; null: it is in cert_file."""
    verify_tls: bool = True
    """Whether the server's certificate is checked."""
    ca_fingerprint: Annotated[Fingerprint | None, After(together.over_tls), After(together.one_trust)] = None
    """SHA-256 of the one authority to trust, or of the server's own certificate, instead of ca_file."""
    setup: Annotated[Literal["auto", "off"], ANY_CASE] = "auto"
    """auto: make the index template, and what sees to the retention, where they are absent or older ones of ours (nothing for a plain index); off: leave the server as it is."""
    retention: Annotated[Duration, between(3600, MAX_DURATION, render_duration)] | None = None
    """How long the server keeps documents (setup tells it); null: for ever, or as it does by itself."""
    index: IndexName | None = None
    """Plain index, or alias of one, for clusters without data streams: everything goes there; null: to data streams."""
    pipeline: Text | None = None
    """Ingest pipeline that all documents go through; null: the one that the data stream or index has."""
    workers: Annotated[int, Field(ge=1, le=16), NO_BOOL] = 2
    """How many requests are on their way at the same time, at most: fewer while the server pushes back."""
    timeout: Annotated[Duration, between(0.1, 3600, render_duration)] = 60.0
    """How long one request may take."""
    backoff_min: Annotated[Duration, between(0.001, 3600, render_duration)] = 0.5
    """The wait after the first failure; it doubles with each more."""
    backoff_max: Annotated[Duration, between(0.001, 3600, render_duration)] = 60.0
    """The longest wait between two tries."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The addresses of the cluster; the first gives the name."""
        return together.hosts(self.url, self.urls, self.cloud_id)

    @field_validator("backoff_max")
    @classmethod
    def _not_below_backoff_min(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("backoff_min", 0):
            raise ValueError(f"must not be below backoff_min, which is {render_duration(info.data['backoff_min'])}")
        return value


class DeadLetters(Section):
    """The documents that an output refused for good."""

    max_size: Annotated[Size, at_least(64 * KIB, render_size)] = 100_000_000
    """How much room they take at most; the oldest go first."""


class Web(Section):
    """Metrics and health over HTTP."""

    enabled: bool = True
    """Whether there is an HTTP server."""
    host: Text = "127.0.0.1"
    """The address it listens on."""
    port: Annotated[int, Field(ge=1, le=65535), NO_BOOL] = 9480
    """The port it listens on."""


class Log(Section):
    """The agent's own log, on stderr."""

    level: Annotated[Literal["debug", "info", "warning", "error"], ANY_CASE] = "info"
    """How much is told."""
    format: Annotated[Literal["text", "json"], ANY_CASE] = "text"
    """Lines to read, or one JSON object a line."""


class Settings(Section):
    """Settings of logagent."""

    data_root: Absolute | None = None
    """Docker's data root; null: what the engine says, else /var/lib/docker."""
    host_name: Text | None = None
    """host.name of all documents; null: this machine's name."""
    engine: Engine = Engine()
    collect: Collect = Collect()
    document: Document = Document()
    store: Store = Store()
    outputs: tuple[Output, ...] = ()
    """Where documents are shipped to; empty: the store is all there is."""
    dead_letters: DeadLetters = DeadLetters()
    web: Web = Web()
    log: Log = Log()

    @property
    def clusters(self) -> tuple[Output, ...]:
        """The outputs that are servers: they can be asked and set up."""
        return tuple(output for output in self.outputs if output.type == "elasticsearch")

    @field_validator("outputs")
    @classmethod
    def _names_differ(cls, value: tuple[Output, ...]) -> tuple[Output, ...]:
        names = [output.name for output in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two are named {twice[0]}: give each a name of its own")
        return value
