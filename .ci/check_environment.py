# /// script
# requires-python = ">=3.11"
# dependencies = ["jupyter-repo2docker==2026.4.0", "packaging==26.3", "py-rattler==0.28.0", "pyyaml==6.0.3"]
# ///
"""Check the files that set the course up, for every installer and platform, without installing it.

    uv run --script .ci/check_environment.py

Whether conda and Binder can read environment.yml, whether requirements.txt pins what is needed and nothing
else, and whether each pin has a wheel on Linux, Windows and Apple silicon, with each Python.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {  # as uv names them, with what the markers in requirements.txt ask for
    "x86_64-unknown-linux-gnu": ("linux", "posix", "x86_64"),
    "aarch64-unknown-linux-gnu": ("linux", "posix", "aarch64"),
    "x86_64-pc-windows-msvc": ("win32", "nt", "AMD64"),
    "aarch64-apple-darwin": ("darwin", "posix", "arm64"),
}
MACOS = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest that torch has wheels for
UV = os.environ.get("UV") or shutil.which("uv") or "uv"  # uv run names itself in $UV


def run(*line: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a command in the repository and keep what it says."""
    return subprocess.run(
        line, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def project() -> dict:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def conda() -> Iterator[str]:
    """environment.yml: read as conda reads it, with the course's pins as its pip section."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    if set(environment) != {"name", "channels", "dependencies"}:
        yield f"environment.yml: expected name, channels and dependencies, got {sorted(environment)}"
    specs = {}
    for spec in (d for d in environment["dependencies"] if isinstance(d, str)):
        try:
            match = MatchSpec(spec, strict=True)
        except Exception as error:
            yield f"environment.yml: conda cannot read {spec!r}: {error}"
        else:
            specs[match.name.normalized] = spec
    if set(specs) != {"python", "pip"}:
        yield f"environment.yml: expected conda to bring python and pip only, got {sorted(specs)}"
    python = re.fullmatch(r"python=(3\.\d+)", specs.get("python", ""))
    if not python or python[1] not in SpecifierSet(project()["project"]["requires-python"]):
        yield f"environment.yml: expected a Python that the project takes, got {specs.get('python')!r}"
    pip = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    if pip != [["-r requirements.txt", "-e ."]]:
        yield f"environment.yml: expected the pip section -r requirements.txt, -e ., got {pip}"


def binder() -> Iterator[str]:
    """Binder's builder takes the repository, as a conda environment with the Python named there."""
    told = run(sys.executable, "-m", "repo2docker", "--no-build", ".")
    wanted = re.search(r"python=3\.\d+", (ROOT / "environment.yml").read_text("utf-8"))[0]
    if told.returncode or f"conda environment for {wanted}" not in told.stderr:
        yield f"repo2docker --no-build: expected it to choose conda with {wanted}, got: {told.stderr[-500:]}"


def pins() -> Iterator[str]:
    """requirements.txt: plain pins only, one for each package on each platform, that cover the loose list."""
    pinned = []
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines():
        try:
            pinned.append(Requirement(line))
        except InvalidRequirement:
            yield f"requirements.txt: expected name==version, got {line!r}"
            continue
        one = pinned[-1]
        if one.url or one.extras or not re.fullmatch(r"==[\w.!]+", str(one.specifier)):
            yield f"requirements.txt: expected name==version, got {line!r}"
    loose = [Requirement(text) for text in project()["dependency-groups"]["loose"]]
    for python, (name, (sys_platform, os_name, machine)) in product(PYTHONS, PLATFORMS.items()):
        here = {
            "python_version": python,
            "python_full_version": f"{python}.9",
            "sys_platform": sys_platform,
            "os_name": os_name,
            "platform_machine": machine,
            "implementation_name": "cpython",
        }
        holding = [p for p in pinned if p.marker is None or p.marker.evaluate(here)]
        twice = [n for n, count in Counter(canonicalize_name(p.name) for p in holding).items() if count > 1]
        if twice:
            yield f"requirements.txt: pinned twice on {name} with Python {python}: {', '.join(twice)}"
        versions = {canonicalize_name(p.name): str(p.specifier)[2:] for p in holding}
        for need in loose:
            pin = versions.get(canonicalize_name(need.name))
            if pin is None or pin not in need.specifier:
                yield f"requirements.txt: expected a pin for {need} on {name} with Python {python}, got {pin}"


def complete() -> Iterator[str]:
    """Remaking the pins from the loose list, keeping the versions there are, changes nothing."""
    made = re.search(
        r"#\s+(uv pip compile .*-o requirements\.txt)", (ROOT / "pyproject.toml").read_text("utf-8")
    )
    if not made:
        yield "pyproject.toml: expected a comment with the command that makes requirements.txt"
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(ROOT / "requirements.txt", folder)
        words = [word for word in made[1].split() if word != "--upgrade"]
        told = run(UV, *words[1:-1], copy, "--quiet", "--python", sys.executable)
        if told.returncode:
            yield f"requirements.txt cannot be remade: {told.stderr[-500:]}"
        elif Path(copy).read_text("utf-8") != (ROOT / "requirements.txt").read_text("utf-8"):
            yield f"requirements.txt is not what this makes of the loose list: {made[1]}"


def wheels(platform: str, python: str) -> Iterator[str]:
    """Every pin has a wheel for this platform and Python, and nothing is needed that is not pinned."""
    told = run(
        UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:",
        "--python", sys.executable, "--python-version", python, "--python-platform", platform,
        "requirements.txt", **MACOS,
    )  # fmt: skip
    if told.returncode:
        yield f"{platform}, Python {python}: {told.stderr[-500:]}"
        return
    names = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()}
    more = {line.split("==")[0] for line in told.stdout.splitlines()} - names
    if more:
        yield f"{platform}, Python {python}: needed but not pinned: {', '.join(sorted(more))}"


def lock() -> Iterator[str]:
    """The files that name download hosts are not in the repository."""
    tracked = run("git", "ls-files", "uv.lock", "pylock.toml").stdout.split()
    if tracked:
        yield f"{', '.join(tracked)}: names download hosts; keep it out of git"


def main() -> int:
    """Run every check, several at a time; print what is wrong, or one line that all is well."""
    pairs = list(product(PLATFORMS, PYTHONS))
    checks = [lambda check=check: list(check()) for check in (conda, binder, pins, complete, lock)]
    checks += [lambda pair=pair: list(wheels(*pair)) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        wrong = [text for found in pool.map(lambda check: check(), checks) for text in found]
    for text in wrong:
        print(f"environment: {text}")
    if not wrong:
        print(
            f"environment: conda, Binder and pins are fine, wheels for {len(pairs)} platforms and Pythons too"
        )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
