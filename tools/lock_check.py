"""Check that the locks still hold what requirements*.in ask for, without asking any network.

The virtual environment was installed from the lock, with hashes. So the installed packages' own
metadata tell what each of them needs, and following it from the `.in` file must reach exactly the
packages of the lock:

1. what is asked for is locked, at a version the asking one accepts;
2. what is locked is asked for by somebody (an entry with a marker may belong to another platform);
3. what is locked is what is installed, and both locks agree.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ENTRY = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?P<marker> ;[^\\]*)?(?P<hashed> \\)?$")


@dataclass
class Lock:
    """One compiled list: versions by package, and the packages that only some platforms need."""

    path: Path
    versions: dict[str, str] = field(default_factory=dict)
    conditional: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Lock:
        lock = cls(path)
        for line in path.read_text().splitlines():
            if line and not line.startswith((" ", "#")):
                lock.add(line)
        return lock

    def add(self, line: str) -> None:
        match = ENTRY.match(line)
        if match is None or not match["hashed"]:
            self.problems.append(f"{self.path}: {line!r} is not pinned with a hash")
            return
        name = canonicalize_name(match["name"])
        self.versions[name] = match["version"]
        if match["marker"]:
            self.conditional.add(name)


def asked_for(path: Path) -> list[Requirement]:
    """Return what a `.in` file asks for, with the files it includes."""
    found = []
    for raw in path.read_text().splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith("-r "):
            found += asked_for(path.parent / line.removeprefix("-r ").strip())
        elif line:
            found.append(Requirement(line))
    return found


def needs_of(requirement: Requirement) -> list[Requirement]:
    """Return what an installed package needs on this machine, with the extras asked for."""
    extras = {"", *requirement.extras}
    needs = [Requirement(text) for text in metadata.requires(requirement.name) or []]
    return [need for need in needs if applies(need, extras)]


def applies(need: Requirement, extras: set[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras)


def check(source: Path, lock: Lock) -> list[str]:
    """Return every disagreement between a `.in` file and its lock; an empty list is agreement."""
    problems = list(lock.problems)
    reached: set[str] = set()
    seen: set[str] = set()
    queue = asked_for(source)
    while queue:
        requirement = queue.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        problem = objection(lock, requirement)
        if problem:
            problems.append(problem)
        else:
            reached.add(canonicalize_name(requirement.name))
            queue += needs_of(requirement)
    unused = sorted(lock.versions.keys() - reached - lock.conditional)
    return problems + [f"{lock.path}: {name} is locked and nobody needs it" for name in unused]


def objection(lock: Lock, requirement: Requirement) -> str:
    """Return what is wrong with one requirement's place in the lock; an empty string if nothing."""
    version = lock.versions.get(canonicalize_name(requirement.name))
    if version is None:
        return f"{lock.path}: {requirement} is needed and not locked"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{lock.path}: {requirement} is needed, but {version} is locked"
    if metadata.version(requirement.name) != version:
        return f"{lock.path}: {requirement.name}=={version} is locked, but another is installed"
    return ""


def differences(product: Lock, development: Lock) -> list[str]:
    """Return the packages that the two locks pin to different versions."""
    other = development.versions
    return [
        f"{name}: {product.path} has {version}, {development.path} has {other.get(name)}"
        for name, version in product.versions.items()
        if other.get(name) != version
    ]


def main() -> int:
    product, development = (
        Lock.read(Path("requirements.txt")),
        Lock.read(Path("requirements-dev.txt")),
    )
    problems = [
        *check(Path("requirements.in"), product),
        *check(Path("requirements-dev.in"), development),
        *differences(product, development),
    ]
    for problem in dict.fromkeys(problems):
        sys.stderr.write(f"{problem}\n")
    if problems:
        sys.stderr.write("Compile the locks again: make lock\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
