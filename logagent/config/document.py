"""The section `document` of the settings."""

from typing import Annotated

from pydantic import Field

from logagent.config.section import Section
from logagent.config.words import NO_BOOL, StreamTemplate, Text, Token


class Document(Section):
    """What the documents have beside the line itself."""

    label_dots: Token = "_"
    """What replaces the dots in the keys of labels."""
    labels_include: tuple[Text, ...] = ("*",)
    """Globs of the labels that are kept."""
    max_labels: Annotated[int, Field(ge=0, le=1000), NO_BOOL] = 64
    """How many labels a document has at most."""
    dataset: StreamTemplate = "docker.container_logs"
    """The data stream is logs-<dataset>-<namespace>; may have {service}, {project}, {container} and {image} (what is absent: other)."""
    namespace: StreamTemplate = "default"
    """The data stream is logs-<dataset>-<namespace>; may have the same fields."""
    stream_labels: bool = True
    """Whether a container's labels logagent.dataset and logagent.namespace choose its data stream."""
    max_streams: Annotated[int, Field(ge=0, le=10_000), NO_BOOL] = 64
    """How many data streams there are at most beside the default one, which containers beyond share."""
    log_offset: bool = True
    """Whether documents have log.offset."""
    file_path: bool = False
    """Whether documents have log.file.path."""
