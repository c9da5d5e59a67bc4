"""Which data stream a container's documents go to: `logs-<dataset>-<namespace>`, by template or by label.

A template (`docker.{service}`) is the operator's; what is put into it, and the labels `logagent.dataset` and `logagent.namespace`, come
from whoever starts containers or builds images. Of those only lowercase ASCII letters, digits, `_` and `.` are ever left, and they
begin and end with a letter or digit: so no label can name an index of another form, or be more than a string in an action line. Each
stream costs the cluster shards: beyond a number of them containers share the default one.
"""

import re

from logagent.model import FIELDS, Container, Target

LABELS = ("logagent.dataset", "logagent.namespace")
ABSENT = "other"  # stands for a field that a container does not have; a template's default stream has it for all fields
LONGEST = 100  # bytes of a part of a data stream's name, as Elasticsearch has it

_FIELD = re.compile(r"\{(" + "|".join(FIELDS) + r")\}")
_OTHERS = re.compile(r"[^a-z0-9.]+")


def default(dataset: str, namespace: str) -> Target:
    """Where documents go whose container says nothing else; `dataset` and `namespace` may be templates."""
    return Target(_FIELD.sub(ABSENT, dataset), _FIELD.sub(ABSENT, namespace))


def clean(text: str) -> str:
    """What of `text` may stand in a data stream's name, at most `LONGEST` bytes; empty when nothing may."""
    return _OTHERS.sub("_", text[:LONGEST].lower()).strip("._")[:LONGEST].rstrip("._")


class Targets:
    """Gives each container its target. At most `most` streams beside the default one are given out; `labels` tells whether labels count.

    A stream that was given once stays given: it is there in the cluster, whatever becomes of the container.
    """

    def __init__(self, dataset: str, namespace: str, *, labels: bool = True, most: int = 64) -> None:
        self.default = default(dataset, namespace)
        self._templates, self._labels, self._most = (dataset, namespace), labels, most
        self._given: set[str] = set()
        self.refused = 0

    @property
    def streams(self) -> int:
        """How many data streams are in use beside the default one."""
        return len(self._given)

    def of(self, container: Container) -> Target:
        """Decide where the documents of `container` go, as it is described now."""
        dataset, namespace = (
            self._part(container, label, template) for label, template in zip(LABELS, self._templates, strict=True)
        )
        target = Target(dataset, namespace, own=True)
        if target.stream == self.default.stream:
            return self.default
        if target.stream not in self._given:
            if len(self._given) >= self._most:
                self.refused += 1
                return Target(self.default.dataset, self.default.namespace, wanted=target.stream)
            self._given.add(target.stream)
        return target

    def _part(self, container: Container, label: str, template: str) -> str:
        chosen = clean(container.labels.get(label, "")) if self._labels else ""
        return chosen or _cut(_FIELD.sub(lambda field: _field(container, field[1]), template))


def _field(container: Container, name: str) -> str:
    """The value of a field of `model.FIELDS`. The image's is the last part of its name, without registry, tag and digest."""
    image = "" if container.image.name.startswith("sha256:") else container.image.name.rpartition("/")[2]
    values = {
        "service": container.service,
        "project": container.project,
        "container": container.name,
        "image": image,
    }
    return clean(values[name] or "") or ABSENT


def _cut(part: str) -> str:
    return part.encode()[:LONGEST].decode("utf-8", "ignore")
