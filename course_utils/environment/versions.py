"""Python and the packages installed, against those that the course pins."""

import re
from importlib import metadata
from pathlib import Path

from course_utils.environment.findings import MEND, Finding

PYTHONS = ((3, 11), (3, 15))  # from, and up to but not including
SHOWN = ("torch", "torchvision", "numpy", "matplotlib", "jupyterlab", "ipywidgets")
MOST = 4  # names in a line
GPU_LIBRARIES = ("nvidia-", "cuda-", "triton")  # all left out by a build for the CPU, the last one by uv


def python_version(version: tuple[int, int, int]) -> Finding:
    """Whether this Python is one that the pins are made for."""
    first, beyond = PYTHONS
    found = ".".join(map(str, version))
    if first <= version[:2] < beyond:
        return Finding("ok", "Python", found)
    found += f"; the course needs {first[0]}.{first[1]} to {beyond[0]}.{beyond[1] - 1}"
    return Finding("problem", "Python", found, f"{MEND} (uv finds or fetches a Python that fits)")


def packages(root: Path | None) -> list[Finding]:
    """The versions installed against the pins of the clone: a line for each shown, one for the rest."""
    here = installed()
    wanted = pins((root / "requirements.txt").read_text("utf-8")) if root else {}
    findings = [compare(name, here.get(name), wanted.get(name)) for name in SHOWN]
    rest = {name: pin for name, pin in wanted.items() if name not in SHOWN}
    needed = [name for name in rest if not name.startswith(GPU_LIBRARIES)]
    missing = [name for name in needed if name not in here]
    others = [name for name, pin in rest.items() if name in here and here[name].split("+")[0] != pin]
    if wrong := missing or others:
        what = "not installed" if missing else "not as pinned"
        more = f" and {len(wrong) - MOST} more" * (len(wrong) > MOST)
        found = f"{len(wrong)} of {len(rest)} {what}: {', '.join(wrong[:MOST])}{more}"
        findings.append(Finding("problem" if missing else "note", "other packages", found, MEND))
    elif rest:
        findings.append(Finding("ok", "other packages", f"{len(rest)} as pinned"))
    return findings


def compare(name: str, here: str | None, pin: str | None) -> Finding:
    """One package: the version installed against the version pinned; 2.15.0+cpu is 2.15.0."""
    if here is None:
        return Finding("problem", name, "not installed", MEND)
    if pin is not None and here.split("+")[0] != pin:
        return Finding("note", name, f"{here}; the course is tested with {pin}", MEND)
    return Finding("ok", name, here)


def installed() -> dict[str, str]:
    """The versions installed, by normalised names; of two on the path the first counts, as in imports."""
    every = [distribution.metadata for distribution in metadata.distributions()]
    return {normalised(m["Name"]): m["Version"] for m in reversed(every) if m["Name"] and m["Version"]}


def pins(requirements: str) -> dict[str, str]:
    """The versions that this text pins for this Python on this platform.

    >>> pins("Some_Name==1.2\\nother==3 ; python_version < '3'\\n# a comment")
    {'some-name': '1.2'}
    """
    try:
        from packaging.markers import Marker
    except ModuleNotFoundError:  # itself among the pins: it is reported as missing
        Marker = None
    found = {}
    for line in requirements.splitlines():
        pin = re.fullmatch(r"([\w.-]+)==([^\s;]+)\s*(?:;\s*(.+))?", line.strip())
        if pin and (not pin[3] or (Marker is not None and Marker(pin[3]).evaluate())):
            found[normalised(pin[1])] = pin[2]
    return found


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()
