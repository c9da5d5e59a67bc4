r"""The fast way: a block of whole plain records becomes documents without any of them being decoded.

A json-file record is `{"log":"…\n","stream":"stdout","time":"…Z"}`, and its `log` is already an escaped JSON string. So the
block is split between records and joined with the documents' constant parts, and what lies between text and time is renamed.
That is right only if each record has exactly that shape, which is proven by counting:
- a quote inside of a text is always escaped, so `{"log":"` and `n","stream":"` can only stand where a record begins or its text ends;
- as many record borders as lines, as many text ends as lines, one of them in each, and a time behind it leave no room for a torn,
  glued or differing record. What is damaged inside of a text, or a time of digits that no clock shows, goes through as it is.
`\\n"` is a backslash and the letter n at a text's end, not a newline: such a block goes the other way, as does one that holds a
NUL byte (never written by dockerd) or bytes that are not UTF-8.
"""

from dataclasses import dataclass
from itertools import accumulate, chain

OPEN = b'{"log":"'
CLOSE = b'Z"}\n'
BORDER = CLOSE + OPEN
OFFSET = b'"offset":%d'
STAMP = b'"@timestamp":"'
ZEROS = bytes.maketrans(b"123456789", b"000000000")
LONGEST_END = len(STAMP + b"0000-00-00T00:00:00.000000000")


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


STDOUT = b'","stream":"stdout",' + STAMP
STDERR = b'","stream":"stderr",' + STAMP
ENDS = frozenset(  # how documents end before the `Z` of their time, all digits as zeros
    (end + b"0000-00-00T00:00:00" + fraction)[-LONGEST_END:]
    for end in (STDOUT, STDERR)
    for fraction in (b"", *(b"." + b"0" * digits for digits in range(1, 10)))
)


def splice(
    block: bytes,
    offset: int,
    id_prefix: bytes,
    constant: bytes,
    shape: Shape,
    *,
    log: bytes = OFFSET,
    index: bytes = b"",
) -> Spliced | None:
    """Turn `block`, whole lines that begin at `offset`, into documents; None when a record in it is not plain.

    `id_prefix` is the document id without its offset; `constant` what `document.Constant.at` gives, `log` its template, `index`
    what the action line has behind the id.
    """
    lines = block.count(b"\n")
    if not block.startswith(OPEN) or not block.endswith(CLOSE) or block.count(OPEN) != lines:
        return None
    if b"\\" + shape.ending + b'","stream":"std' in block or b"\0" in block or not (block.isascii() or _is_utf8(block)):
        return None
    out, err = shape.between(b"stdout"), shape.between(b"stderr")
    renamed = block[len(OPEN) : -len(CLOSE)].replace(out, STDOUT).replace(err, STDERR)
    gained = len(STDOUT) - len(out)  # never 0: so the length tells how many text ends there were
    parts = renamed.split(BORDER)
    if len(parts) != lines or len(renamed) + len(OPEN + CLOSE) - len(block) != lines * gained or not _timed(parts):
        return None
    step = len(BORDER) - gained
    places = list(accumulate([len(part) + step for part in parts[:-1]], initial=offset))
    documents = _join(parts, places, opening(id_prefix, index), closing(constant, shape.attrs, log))
    first, last = (part[part.rindex(b'"') + 1 :] for part in (parts[0], parts[-1]))
    return Spliced(documents, lines, first, last)


def opening(id_prefix: bytes, index: bytes = b"") -> bytes:
    """Give the template of what stands before a document's text; it takes the offset. `index` is `document.Constant.index`."""
    return b'{"create":{"_id":"' + _literal(id_prefix) + b'%x"' + _literal(index) + b'}}\n{"message":"'


def closing(constant: bytes, attrs: bytes, log: bytes) -> bytes:
    """Give the template of what stands behind a document's time; it takes the offset when `log` does."""
    place = b'"log":{' + log + b"}," if log else b""
    docker = b'"docker":{"attrs":' + _literal(attrs) + b"}," if attrs else b""
    return b'Z",' + place + docker + _literal(constant) + b"}\n"


def _timed(parts: list[bytes]) -> bool:
    """Tell whether each of `parts` ends as a text's end and a time do."""
    ends = b"Z".join([part[-LONGEST_END:] for part in parts])
    return ENDS.issuperset(ends.translate(ZEROS).split(b"Z"))


def _join(parts: list[bytes], places: list[int], before: bytes, behind: bytes) -> bytes:
    # One template for the whole block: one call instead of one for each line.
    columns = (places, parts, places) if OFFSET in behind else (places, parts)
    return (before + b"%b" + behind) * len(parts) % tuple(chain.from_iterable(zip(*columns, strict=True)))


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
