"""The dependency rule: `control` > `signalling` > `sfu` > `sfu._wire`, each knows only what is to its right."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT = {
    "sfu": {"sfu"},
    "signalling": {"signalling", "sfu"},
    "control": {"control", "signalling", "sfu"},
}
OURS = {"benchmarks", "control", "sfu", "signalling", "tests"}
LAZY = {Path("control/cli.py"): {"benchmarks"}}
"""Who may import what nobody imports, inside a function only."""

COMPOSED = ("sfu.node", "sfu.plane", "signalling.rooms", "signalling.server")
"""What only control's composition root, `control/app.py`, puts together."""


def modules() -> list[Path]:
    return [
        path.relative_to(ROOT)
        for package in MAY_IMPORT
        for path in sorted((ROOT / package).rglob("*.py*"))
        if path.suffix in (".py", ".pyi")
    ]


def imports(source: str, path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names that a module imports, relative ones resolved, and whether that happens at its top level."""
    tree = ast.parse(source)
    package = list(path.parent.parts)
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, top
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{name}.{alias.name}".removeprefix("."), top
        elif isinstance(node, ast.Call):
            yield from ((name, False) for name in _by_name(node))


def _by_name(call: ast.Call) -> Iterator[str]:
    """`importlib.import_module("x")` and `__import__("x")`."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in ("import_module", "__import__") and call.args and isinstance(call.args[0], ast.Constant):
        yield str(call.args[0].value)


def faults(source: str, path: Path) -> list[str]:
    """What a module imports and must not."""
    owner = path.parts[0]
    found = []
    for name, top in imports(source, path):
        first = name.partition(".")[0]
        if first in OURS - MAY_IMPORT[owner] and (top or first not in LAZY.get(path, set())):
            found.append(f"{path} imports {name}")
        if name.startswith("sfu._wire") and path != Path("sfu/plane.py"):
            found.append(f"{path} imports {name}: only sfu/plane.py may")
        if owner == "control" and name.startswith(COMPOSED) and path != Path("control/app.py"):
            found.append(f"{path} imports {name}: only the composition root may")
    return found


@pytest.mark.parametrize("path", modules(), ids=str)
def test_each_module_keeps_the_rule(path: Path) -> None:
    assert faults((ROOT / path).read_text(), path) == []


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("import control.app", "sfu/node.py"),
        ("from signalling import room", "sfu/node.py"),
        ("from ..control import app", "sfu/node.py"),
        ("from ... import control", "sfu/sdp/types.py"),
        ("from .. import _wire", "sfu/sdp/types.py"),
        ("from . import _wire", "sfu/node.py"),
        ("from ._wire import Engine", "sfu/node.py"),
        ("import sfu._wire", "signalling/rooms.py"),
        ("def f():\n    from control import app", "signalling/rooms.py"),
        ("if True:\n    import control", "signalling/rooms.py"),
        ("import importlib\nimportlib.import_module('control.app')", "signalling/rooms.py"),
        ("import tests.bed", "control/cli.py"),
        ("import benchmarks.join", "control/cli.py"),
        ("def f():\n    import benchmarks.join", "control/app.py"),
        ("from signalling.server import SignallingServer", "control/pages.py"),
    ],
)
def test_a_breach_is_seen(source: str, path: str) -> None:
    assert faults(source, Path(path)) != []


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("from . import _wire", "sfu/plane.py"),
        ("from .errors import SdpError\nfrom ..commands import Codec", "sfu/sdp/types.py"),
        ("from sfu.node import Node", "signalling/rooms.py"),
        ("def f():\n    import benchmarks.join", "control/cli.py"),
        ("from signalling.server import SignallingServer", "control/app.py"),
    ],
)
def test_what_is_allowed_passes(source: str, path: str) -> None:
    assert faults(source, Path(path)) == []


def test_only_the_binding_knows_pyo3() -> None:
    manifests = [path for path in ROOT.glob("sfu/**/Cargo.toml") if "target" not in path.parts]
    assert manifests
    for path in manifests:
        manifest = tomllib.loads(path.read_text())
        known = {**manifest.get("dependencies", {}), **manifest.get("dev-dependencies", {})}
        named = {name for name in known if name.startswith("pyo3") or name == "numpy"}
        assert not named or path.parent.name == "wire-python", f"{path} depends on {named}"
    for path in ROOT.glob("sfu/wire/src/**/*.rs"):
        assert not re.search(r"\bpyo3\b", path.read_text()), f"{path} names pyo3"
