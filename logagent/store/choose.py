"""Which containers the words of a command line mean: pure, by what the catalog knows, removed containers too.

A word is looked up as Docker does: a whole id, then a name, then the beginning of an id; a word with `*`, `?` or `[` is a glob of names.
Names and labels come from other people's containers: `printable` before they reach a terminal.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from logagent.errors import Exit, Failure
from logagent.store.lines import fixed
from logagent.store.records import Known

SHOWN_IDS, LONGEST_NAME = 5, 128


def choose(words: Sequence[str], known: Sequence[Known]) -> list[Known]:
    """The containers that `words` mean, in the order of the words, each once. Raises Failure(NO) for a word that means none, or several by an id."""
    chosen: dict[int, Known] = {}
    for word in words:
        found = find(word, known)
        if not found:
            raise Failure(_none(word, known), Exit.NO)
        if len(found) > 1 and not is_glob(word):
            raise Failure(_ambiguous(word, found), Exit.NO)
        chosen.update((one.key, one) for one in found)
    return list(chosen.values())


def find(word: str, known: Sequence[Known]) -> list[Known]:
    """The containers that one word means: none, one, or for a glob or the beginning of an id several."""
    if is_glob(word):
        return sorted((k for k in known if fnmatchcase(k.container.name, word)), key=lambda k: k.container.name)
    exact = [k for k in known if k.container.id == word]
    named = [k for k in known if k.container.name == word.removeprefix("/")]
    return exact or ([max(named, key=_newest)] if named else _by_id(word, known))


def is_glob(word: str) -> bool:
    """Tell whether `word` stands for any number of containers."""
    return any(c in word for c in "*?[")


def printable(name: str) -> str:
    """A name as it may be shown on a terminal: nothing in it moves the cursor, and it is no longer than 128 characters."""
    return "".join(c if c.isprintable() else "�" for c in name[:LONGEST_NAME])


def _newest(known: Known) -> tuple[bool, bytes, int]:
    return known.removed is None, fixed(known.container.created.encode()), known.key


def _by_id(word: str, known: Sequence[Known]) -> list[Known]:
    return [k for k in known if word and k.container.id.startswith(word)]


def _none(word: str, known: Sequence[Known]) -> str:
    if not known:
        return "the store knows no container yet: start the agent with `logagent run`"
    if word == "*":
        return "the store holds no lines yet"
    names = sorted({k.container.name for k in known})
    near = get_close_matches(word, names, n=3, cutoff=0.5) or [n for n in names if word and word in n][:3]
    advice = f"did you mean {' or '.join(map(printable, near))}?" if near else "`logagent status` lists what is stored"
    return f"no container {printable(word)!r} in the store; {advice}"


def _ambiguous(word: str, found: Sequence[Known]) -> str:
    shown = ", ".join(f"{k.container.id[:12]} ({printable(k.container.name)})" for k in found[:SHOWN_IDS])
    more = f" and {len(found) - SHOWN_IDS} more" if len(found) > SHOWN_IDS else ""
    return f"{printable(word)!r} begins the ids of {len(found)} containers: {shown}{more}; give more of the id"
