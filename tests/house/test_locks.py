"""What is installed is what was chosen: every dependency is pinned with its hashes, in both languages."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

REQUIREMENT = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package; a package may have several, for different versions of Python."""
    found: dict[str, set[str]] = {}
    for package, version in REQUIREMENT.findall((ROOT / "requirements" / name).read_text()):
        found.setdefault(package, set()).add(version)
    return found


def direct(*extras: str) -> set[str]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    return {re.split(r"[<>=~! \[]", line, maxsplit=1)[0].lower() for line in lines}


@pytest.mark.parametrize("name", ["runtime.txt", "build.txt", "dev.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    assert blocks
    for block in blocks:
        assert REQUIREMENT.match(block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


@pytest.mark.parametrize(
    ("name", "extras"), [("runtime.txt", ()), ("build.txt", ("build",)), ("dev.txt", ("build", "dev"))]
)
def test_every_dependency_is_locked(name: str, extras: tuple[str, ...]) -> None:
    assert direct(*extras) <= pins(name).keys()


def test_what_is_tested_is_what_runs() -> None:
    runtime, build, dev = pins("runtime.txt"), pins("build.txt"), pins("dev.txt")
    assert {name: build[name] for name in runtime} == runtime
    assert {name: dev[name] for name in build} == build


def test_rust_lock_names_our_crates_at_the_one_version() -> None:
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    ours = {package["name"]: package["version"] for package in lock["package"] if "source" not in package}
    assert ours == {"venterom-wire": workspace["version"], "venterom-wire-python": workspace["version"]}
    for package in lock["package"]:
        assert "source" not in package or "checksum" in package, package["name"]
    assert PROJECT["dynamic"] == ["version"]


def test_web_lock_names_every_dependency() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    wanted = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert not package.get("dependencies"), "pages and SDK carry no third-party script"
    for name in wanted:
        assert "integrity" in lock["packages"][f"node_modules/{name}"]
