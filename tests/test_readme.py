"""What the README says is so: its commands, its links, its map, its pins."""

import re
import subprocess
import sys

import pytest
from places import ROOT

from course_utils.pretrained import table

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
START = "python -m pip install uv && python -m uv run "
TESTS = START + "--extra test pytest"


def test_two_commands_that_bring_uv_along():
    commands = [block.strip() for block in BLOCKS if block.startswith(START)]
    assert len(commands) == 2 and all("\n" not in command for command in commands)
    assert commands[0].startswith(START + "jupyter lab ")
    assert commands[1] == TESTS
    assert (ROOT / commands[0].split()[-1]).is_file()


def test_ci_finds_the_command_of_the_tests():
    pattern = re.search(r"grep -E '(.*)' README.md", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert re.findall(pattern[1], README, re.MULTILINE) == [TESTS]


def test_only_the_second_command_brings_what_tests_use():
    students, testers = (
        {line.split("==")[0] for line in (ROOT / file).read_text("utf-8").splitlines()}
        for file in ("requirements.txt", "requirements-test.txt")
    )
    assert {"torch", "jupyterlab"} <= students - testers
    assert {"nbval", "playwright", "pycocotools", "pytest", "pytest-xdist"} <= testers - students


def test_nothing_wants_triton():
    files = [*(ROOT / "course_utils").rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb")]
    pattern = re.compile(r"torch\.compile|import triton")
    assert [file.name for file in files if pattern.search(file.read_text("utf-8"))] == []


def test_a_notebook_does_not_hear_that_triton_is_missing():
    code = "import sys; sys.modules['triton'] = None; import course_utils, torch.utils.flop_counter"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("page", ["README.md", "data/README.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)", text, re.M)
    }
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif not link.startswith("https://"):
            assert (ROOT / page).parent.joinpath(link).exists(), link


def test_map_names_every_notebook_once_and_links_those_that_exist():
    rows = re.findall(r"^\| (?:\d|after).*\|$", README, re.MULTILINE)
    titles = [re.search(r"(\d\d) · ", row)[1] for row in rows]
    assert titles == [f"{n:02}" for n in range(22)]
    linked = {link for row in rows for link in re.findall(r"\]\((notebooks/.*?)\)", row)}
    assert linked == {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    for row, number in zip(rows, titles, strict=True):
        assert all(f"notebooks/{number}_" in link for link in re.findall(r"\]\((notebooks/.*?)\)", row))


def test_two_screens_before_the_map():
    assert len(README.split("## The map")[0].splitlines()) <= 60


def test_versions_it_names_are_the_pins():
    pins = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    named = re.findall(r"[a-z]+==[\d.]+\d", README)
    assert named
    assert set(named) <= set(pins)


def test_commands_of_the_package_exist():
    named = set(re.findall(r"python -m course_utils( [a-z]+)?", README))
    told = subprocess.run(
        [sys.executable, "-m", "course_utils", "--help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    names = ["mark", "nbgrader", "picture", "refresh", "scoreboard", "train"]
    assert sorted(name.strip() for name in named if name) == names
    assert all(re.search(rf"^    {name.strip()}\b", told, re.MULTILINE) for name in named if name)


def test_the_table_of_what_ships_is_that_of_the_cards():
    assert table() in README, f"put this into README, How far they come:\n{table()}"
