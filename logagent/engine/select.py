"""Which containers are wanted: include and exclude by name, image and label. Pure.

A container is wanted when no exclude selector matches it and, if there are include selectors, one of those does. Patterns
are shell globs that tell upper from lower case, and `*` crosses slashes; they come from the operator. Names, images and
labels come from anyone and are only ever matched against, never compiled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from logagent.model import Container, Image


@dataclass(frozen=True, slots=True)
class Selector:
    """Matches containers of which everything that is given here holds.

    `name` and `image` are globs; the image's is tried on the reference with and without its tag and digest. `label` is a
    key that must be there, or `key=glob` for its value. Raises ValueError when nothing is given.
    """

    name: str | None = None
    image: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        if self.name is None and self.image is None and self.label is None:
            raise ValueError("a selector needs a name, an image or a label")

    def __str__(self) -> str:
        given = (("name", self.name), ("image", self.image), ("label", self.label))
        return " and ".join(f"{word} {pattern!r}" for word, pattern in given if pattern is not None)

    def matches(self, container: Container) -> bool:
        """Tell whether everything that is given holds for `container`."""
        return (
            (self.name is None or fnmatchcase(container.name, self.name))
            and (self.image is None or any(fnmatchcase(text, self.image) for text in references(container.image)))
            and (self.label is None or _has_label(container, self.label))
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The operator's choice of containers: all, unless there are `include` selectors, but never the `exclude` ones."""

    include: tuple[Selector, ...] = ()
    exclude: tuple[Selector, ...] = ()

    def wants(self, container: Container) -> bool:
        """Tell whether `container` is to be collected."""
        return self.reason(container) is None

    def reason(self, container: Container) -> str | None:
        """Say why `container` is not wanted; None when it is."""
        for selector in self.exclude:
            if selector.matches(container):
                return f"excluded by {selector}"
        if self.include and not any(selector.matches(container) for selector in self.include):
            return "no include selector matches"
        return None


def references(image: Image) -> Iterator[str]:
    """Write out the ways to name `image`: bare, with its tag, with its digest, with both."""
    yield image.name
    tagged = f"{image.name}:{image.tag}" if image.tag else image.name
    if image.tag:
        yield tagged
    if image.digest and image.digest != image.name:
        yield f"{image.name}@{image.digest}"
        yield f"{tagged}@{image.digest}"


def _has_label(container: Container, label: str) -> bool:
    key, equals, pattern = label.partition("=")
    value = container.labels.get(key)
    return value is not None and (not equals or fnmatchcase(value, pattern))


def unreadable(container: Container) -> str | None:
    """Why a container's log cannot be read from files; None when it can."""
    if container.log_path is None:
        return f"its log driver {container.log_driver!r} keeps no file that can be read"
    return None
