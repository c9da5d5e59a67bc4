"""Image references in their parts. Pure, and total: every string has an answer.

A reference is read from the right, as Docker's reference grammar wants it: `@digest` first, then the tag, which is what
follows the last colon unless a slash comes after that (then the colon belongs to a registry's port).
"""

import re

from logagent.model import Image

_FULL_ID = re.compile(r"sha256:[0-9a-f]{64}")


def parse_image(reference: str) -> Image:
    """Read `[registry[:port]/]name[:tag][@digest]`.

    A container that was started by image id names no repository: the id (`sha256:…`) is then the name, and, when it is
    whole, the digest too, so that the image can be found by it. The engine itself allows no repository named `sha256`.
    """
    if reference.startswith("sha256:"):
        return Image(reference, digest=reference if _FULL_ID.fullmatch(reference) else None)
    named, _, digest = reference.partition("@")
    name, tag = _split_tag(named)
    return Image(name, tag or None, digest or None) if name else Image(reference)


def _split_tag(named: str) -> tuple[str, str]:
    """Split `registry:5000/name:tag` at its last colon, unless that one is the port's."""
    name, colon, tag = named.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (named, "")
