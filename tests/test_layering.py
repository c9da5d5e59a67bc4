"""The architecture, checked on the imports: pure modules touch nothing outside, and no step of the lap knows a later one."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "logagent"
IMPURE = {
    "os",
    "socket",
    "time",
    "threading",
    "logging",
    "subprocess",
    "sqlite3",
    "random",
    "queue",
    "shutil",
    "requests",
}
PURE = [
    "model.py",
    "parse",
    "ship/bulk.py",
    "ship/backoff.py",
    "ship/window.py",
    "ship/body.py",
    "ship/limit.py",
    "ship/pace.py",
    "ship/parcel.py",
    "ship/template.py",
    "ship/target.py",
    "ship/flavor.py",
    "ship/lifecycle.py",
    "ship/found.py",
    "ship/changes.py",
    "store/retention.py",
    "store/records.py",
    "collect/logset.py",
    "collect/missed.py",
    "engine/options.py",
    "store/findings.py",
    "store/contents.py",
    "store/places.py",
    "engine/select.py",
    "engine/image.py",
    "config/units.py",
]
ALL = {"config", "engine", "parse", "collect", "store", "ship", "web", "metrics", "parts", "agent", "cli", "demo"}
LATER = {  # what each part may not know: whatever comes after it in the lap, and who puts it together
    "model": ALL,
    "errors": ALL,
    "engine": {"config", "parse", "collect", "store", "ship", "web", "metrics", "parts", "agent", "cli", "demo"},
    "parse": {"config", "engine", "collect", "store", "ship", "web", "metrics", "parts", "agent", "cli", "demo"},
    "collect": {"config", "ship", "web", "metrics", "parts", "agent", "cli", "demo"},
    "store": {"config", "engine", "parse", "collect", "ship", "web", "metrics", "parts", "agent", "cli", "demo"},
    "ship": {"config", "engine", "parse", "collect", "web", "metrics", "parts", "agent", "cli", "demo"},
    "web": {"config", "engine", "parse", "collect", "store", "ship", "metrics", "parts", "agent", "cli", "demo"},
    "config": {"parse", "collect", "store", "ship", "web", "metrics", "parts", "agent", "demo"},
    "metrics": {"config", "engine", "parse", "collect", "web", "parts", "agent", "cli", "demo"},
    "owners": {"config", "engine", "parse", "collect", "web", "metrics", "parts", "agent", "cli", "demo"},
    "parts": {"web", "metrics", "agent", "cli", "demo"},
    "agent": {"cli", "demo"},
    "demo": {"config", "engine", "parse", "collect", "store", "ship", "web", "metrics", "parts", "agent", "cli"},
}
VERB_ONLY = {
    "rich",
    "uvicorn",
    "starlette",
    "prometheus_client",
    "ruamel",
}  # what only a verb needs is imported inside of it
ALWAYS = ["agent.py", "parts.py", "model.py", "errors.py", "collect", "engine", "parse", "ship", "store", "config"]


def sources(*places: str) -> list[Path]:
    """The modules at these places of the package."""
    found = [p for place in places for p in sorted((PACKAGE / place).rglob("*.py"))]
    return found + [PACKAGE / place for place in places if place.endswith(".py")]


def imports(path: Path, *, top_only: bool = False) -> set[str]:
    """The full names of all that a module imports, anywhere in it or at its top only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else list(ast.walk(tree))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def name(path: Path) -> str:
    """A module's place below the project."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources(*PURE), ids=name)
def test_pure_modules_touch_nothing_outside(path):
    """Modules of the pure middle import no system, clock, thread, log or chance: those are given to them."""
    assert set() == {n.split(".")[0] for n in imports(path)} & IMPURE


@pytest.mark.parametrize(
    "path", sources(*LATER, *(f"{part}.py" for part in LATER if (PACKAGE / f"{part}.py").exists())), ids=name
)
def test_no_step_knows_a_later_one(path):
    """The lap has one direction: no module imports from a part that comes behind its own, or that puts the parts together."""
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    ours = {n.split(".")[1] for n in imports(path) if n.startswith("logagent.")}
    assert set() == ours & LATER[part]


@pytest.mark.parametrize("path", sources(*ALWAYS), ids=name)
def test_the_daemon_stays_small(path):
    """What the daemon always imports does not import, at its top, what only a verb or the web needs."""
    assert set() == {n.split(".")[0] for n in imports(path, top_only=True)} & VERB_ONLY


def test_everything_has_its_place():
    """Each part of the package is named above, so that a new one is given its place."""
    parts = {p.stem if p.suffix == ".py" else p.name for p in PACKAGE.iterdir() if not p.name.startswith("_")} - {
        "py.typed"
    }
    assert parts - LATER.keys() == {"cli"}


def test_modules_are_short():
    """No module of the package has more than 320 lines, and each says in its first lines what it owns."""
    texts = {name(p): p.read_text(encoding="utf-8") for p in sorted(PACKAGE.rglob("*.py"))}
    assert {} == {n: t.count("\n") for n, t in texts.items() if t.count("\n") > 320}
    assert [] == [n for n, t in texts.items() if not ast.get_docstring(ast.parse(t))]
