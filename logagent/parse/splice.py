r"""The fast way: a block of whole plain records becomes documents without any of them being decoded.

A json-file record is `{"log":"…\n","stream":"stdout","time":"…Z"}`, and its `log` is already an escaped JSON string. So the
block is split between records and joined with the documents' constant parts, and what lies between text and time is renamed.
That is right only if each record has exactly that shape, which is proven by counting:
- a quote inside of a text is always escaped, so `{"log":"` and `n","stream":"` can only stand where a record begins or its text ends;
- as many record borders as lines, and as many text ends as lines, leave no room for a torn, glued or differing record.
`\\n"` is a backslash and the letter n at a text's end, not a newline: such a block goes the other way, as does one that holds a
NUL byte (never written by dockerd) or bytes that are not UTF-8.
"""

from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

OPEN = b'{"log":"'
CLOSE = b'Z"}\n'
BORDER = CLOSE + OPEN
OFFSET = b'"offset":%d'


@dataclass(frozen=True, slots=True)
class Shape:
    r"""What is constant in the records of one source: how lines end (`\n` or a TTY's `\r\n`), and the attrs object, if any."""

    ending: bytes = b"\\n"
    attrs: bytes = b""

    def between(self, stream: bytes) -> bytes:
        """Give what stands between a record's text and its time."""
        attrs = b'"attrs":' + self.attrs + b"," if self.attrs else b""
        return self.ending + b'","stream":"' + stream + b'",' + attrs + b'"time":"'


@dataclass(frozen=True, slots=True)
class Spliced:
    """Documents of a block: `_bulk` lines, how many, and the text of the first and last time, without its `Z`."""

    documents: bytes
    events: int
    first_time: bytes
    last_time: bytes


STDOUT = b'","stream":"stdout","@timestamp":"'
STDERR = b'","stream":"stderr","@timestamp":"'


def splice(
    block: bytes, offset: int, id_prefix: bytes, constant: bytes, shape: Shape, *, log: bytes = OFFSET
) -> Spliced | None:
    """Turn `block`, whole lines that begin at `offset`, into documents; None when a record in it is not plain.

    `id_prefix` is the document id without its offset; `constant` what `document.Constant.at` gives, `log` its template.
    """
    lines = block.count(b"\n")
    if not block.startswith(OPEN) or not block.endswith(CLOSE) or block.count(OPEN) != lines:
        return None
    out, err = shape.between(b"stdout"), shape.between(b"stderr")
    if (
        block.count(out) + block.count(err) != lines
        or b"\\" + shape.ending + b'","stream":"std' in block
        or b"\0" in block
    ):
        return None
    if not block.isascii() and not _is_utf8(block):
        return None
    parts = block[len(OPEN) : -len(CLOSE)].replace(out, STDOUT).replace(err, STDERR).split(BORDER)
    if len(parts) != lines:
        return None
    step = len(BORDER) - len(STDOUT) + len(out)
    offsets = accumulate(map(len, parts[:-1]), lambda at, length: at + length + step, initial=offset)
    documents = _join(parts, list(offsets), opening(id_prefix), closing(constant, shape.attrs, log))
    return Spliced(documents, lines, parts[0][parts[0].rindex(b'"') + 1 :], parts[-1][parts[-1].rindex(b'"') + 1 :])


def opening(id_prefix: bytes) -> bytes:
    """Give the template of what stands before a document's text; it takes the offset."""
    return b'{"create":{"_id":"' + _literal(id_prefix) + b'%x"}}\n{"message":"'


def closing(constant: bytes, attrs: bytes, log: bytes) -> bytes:
    """Give the template of what stands behind a document's time; it takes the offset when `log` does."""
    place = b'"log":{' + log + b"}," if log else b""
    docker = b'"docker":{"attrs":' + _literal(attrs) + b"}," if attrs else b""
    return b'Z",' + place + docker + _literal(constant) + b"}\n"


def _join(parts: list[bytes], places: list[int], before: bytes, behind: bytes) -> bytes:
    numbered = OFFSET in behind
    glues = map((behind + before).__mod__, pairwise(places) if numbered else places[1:])
    last = behind % (places[-1] if numbered else ())
    return b"".join((before % places[0], *chain.from_iterable(zip(parts, glues, strict=False)), parts[-1], last))


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
