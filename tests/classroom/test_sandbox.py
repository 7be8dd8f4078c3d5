"""The sandbox: what a submission may not do to the machine, to the others and to its own honest cells."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from places import ROOT
from solved import solved

from course_utils.classroom import sandbox
from course_utils.classroom.marking import Mark, mark
from course_utils.classroom.sandbox import Limits, death, missing, run, watch

# in CI a Linux without bubblewrap fails; one that the machine does not let run is a reason to skip
EXPECTED = sys.platform == "linux" and "CI" in os.environ
ABSENT = missing() if shutil.which("bwrap") or not EXPECTED else ""
pytestmark = pytest.mark.slow
sandboxed = pytest.mark.skipif(bool(ABSENT), reason=ABSENT)
unix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no clocks of CPU time")

START = "import torch\nfrom course_utils.exercises import check\n"
KL = "def kl_as_sum(log_p, log_q):\n    return (log_p.exp() * (log_p - log_q)).sum()"
SPLIT = "def split_kl(log_p, log_q):\n    p = log_p.exp()\n    return (p * log_p).sum(), (p * log_q).sum()"


def submit(path: Path, *sources: str, heavy: bool = False) -> Path:
    cells = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(sources)]
    if heavy:
        cells[0].outputs = [new_output("stream", name="stdout", text="x" * 25_000_000)]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def marks_of(folder: Path, **settings) -> dict[str, Mark]:
    return {each.student: each for each in mark(folder, "21", **settings)}


# What an honest one may do wrong


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> dict[str, Mark]:
    """Right answers between lines that fail, outputs without end, a check that is gone; and one that dies."""
    folder = tmp_path_factory.mktemp("class")
    endless = "while True:\n    print('x' * 1000)"
    late = "def split_kl(log_p, log_q):\n    while True:\n        pass"
    first = "%matplotlib inline\n!pip install tqdm\n!ls\n" + START
    submit(folder / "odd.ipynb", first, endless, KL, "check(kl_as_sum)", "1 / 0", SPLIT, heavy=True)
    died = "import os\nos.write(2, b'first\\nno more memory, say\\n')\nos._exit(3)"
    submit(folder / "died.ipynb", START, KL, "check(kl_as_sum)", late, "check(split_kl)", died)
    (folder / "cells.ipynb").write_text('{"nbformat": 4, "cells": [' + "{}," * 6_600_000 + "{}]}")
    return marks_of(folder, limits=Limits(cell=2, total=120), trust=bool(ABSENT))


@unix
def test_magics_large_outputs_and_output_without_end_cost_no_marks_and_later_cells_run(honest):
    odd = honest["odd"]
    late, divided = "OutOfTime: not done after 2 s of CPU time", "ZeroDivisionError: division by zero"
    assert odd.outcomes["kl_as_sum"] == "right" and odd.errors == {"cell-1": late, "cell-4": divided}
    assert (odd.ended, odd.reason) == ("a cell out of time", "cell-1")


def test_an_answer_whose_check_is_gone_is_judged_and_said_to_be(honest):
    odd = honest["odd"]
    assert odd.outcomes["split_kl"] == "right" and odd.marks == 2
    assert odd.texts["split_kl"].startswith("No check of this ran in the notebook")
    assert "No check" not in odd.texts["kl_as_sum"]


@unix
def test_what_was_checked_before_the_end_counts_and_the_end_has_a_reason(honest):
    died = honest["died"]
    assert (died.ended, died.reason, died.marks) == ("died", "no more memory, say", 1)
    assert died.outcomes["split_kl"] == "wrong" and "not done after 2 s" in died.texts["split_kl"]


def test_a_file_of_millions_of_cells_is_read_inside(honest):
    cells = honest["cells"]
    assert (cells.ended, cells.marks) == ("not marked", 0)
    assert cells.reason in ("no notebook: KeyError: 'cell_type'", "no notebook: MemoryError: ")


def test_a_whole_notebook_with_every_answer_is_all_right(tmp_path):
    notebook, names = solved(nbformat.read(ROOT / "notebooks" / "21_homework.ipynb", as_version=4))
    notebook.cells[1:1] = [new_code_cell("%matplotlib inline\n!pip install tqdm")]
    nbformat.write(notebook, tmp_path / "ada.ipynb")
    (done,) = mark(tmp_path, "21", trust=bool(ABSENT))
    assert done.outcomes == dict.fromkeys(names, "right") and len(names) == 10
    assert (done.ended, done.errors, done.odd) == ("finished", {}, False) and 1 < done.seconds < 120


# What a hostile one may not


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> tuple[dict[str, str], Path]:
    """The errors of a notebook that tries all, a cell each, and a folder with what it must not reach."""
    folder, outside = tmp_path_factory.mktemp("class"), tmp_path_factory.mktemp("outside")
    (outside / "kept.txt").write_text("kept")
    (outside / "home" / ".ssh").mkdir(parents=True)
    (outside / "home" / ".ssh" / "id_rsa").write_text("secret")
    submit(folder / "other.ipynb", "pass")
    setup = [
        "import os, re, shutil, socket, subprocess, sys, time",
        "from pathlib import Path",
        f"OUTSIDE, CLASS, COURSE = map(Path, {[str(outside), str(folder), str(ROOT)]!r})",
        f"MARKER, DOOR = {os.getpid()}, {str(outside / 'door')!r}",
        "def say(*words): raise Exception(repr(words))",
        START,
    ]
    names = list(TRIED)
    path = submit(folder / "hostile.ipynb", "\n".join(setup), *(TRIED[name] for name in names))
    with socket.socket(socket.AF_UNIX) as door, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_TOKEN", "secret")
        patch.setenv("HOME", str(outside / "home"))
        door.bind(str(outside / "door"))
        door.listen()
        with path.open("rb") as file:
            came = run(file, ["kl_as_sum"], Limits(cell=5), trust=False, stop=Event())
    assert came.ended == "finished", came
    errors = {note["cell"]: note["error"] for note in came.notes if note.get("error")}
    assert "cell-0" not in errors and {"kl_as_sum", "right"} <= {*came.notes[-2].values()}
    return {name: errors.get(f"cell-{i + 1}", "") for i, name in enumerate(names)}, outside


TRIED = {
    "key": "raise Exception(open(os.path.expanduser('~/.ssh/id_rsa')).read())",
    "home": "say(Path.home(), os.listdir())",
    "true home": "(OUTSIDE / 'home' / '.ssh' / 'id_rsa').read_text()",
    "letters": "say(sys.flags.utf8_mode, sys.getfilesystemencoding())",
    "read": "(OUTSIDE / 'kept.txt').read_text()",
    "write": "(OUTSIDE / 'new.txt').write_text('x')",
    "others": "list(CLASS.iterdir())",
    "door": "socket.socket(socket.AF_UNIX).connect(DOOR)",
    "network": "socket.create_connection(('1.1.1.1', 53), timeout=5)",
    "interfaces": "say([name for _, name in socket.if_nameindex()])",
    "capabilities": "say(re.findall('CapEff:.*', Path('/proc/self/status').read_text()))",
    "course": "(COURSE / 'course_utils' / 'new.py').write_text('x')",
    "python": "Path(sys.prefix, 'new').write_text('x')",
    "repository": "say(*sorted(os.listdir(COURSE)))",
    "root": "Path('/new').write_text('x')",
    "devices": "say(*sorted(os.listdir('/dev')))",
    "device": "Path('/dev/new').write_text('x')",
    "marker": "os.kill(MARKER, 0)",
    "processes": "say([p for p in os.listdir('/proc') if p.isdigit()])",
    "token": "say(os.environ.get('SOME_TOKEN'), Path('/proc/1/environ').read_text().count('SOME_TOKEN'))",
    "mount": "subprocess.run(['unshare', '--user', '--mount', 'true'], check=True)",
    "notebook": "os.read(0, 10) or say('nothing')",
    "large": "open('large', 'wb').truncate(200 << 20)",
    "fill": "[open(f'part-{i}', 'wb').write(bytes(50 << 20)) for i in range(6)]",
    "own": "shutil.rmtree('.', ignore_errors=True), Path('mine').write_text('x'), subprocess.run(['true'])",
    "thread": "import threading\nthreading.Thread(target=time.sleep, args=(600,)).start()",
    "orphan": "subprocess.Popen(['setsid', 'sleep', '987.6'])",
    "answer": KL,
}
GONE, READ_ONLY = "No such file or directory", "Read-only"
ERRORS = dict.fromkeys(("key", "true home", "read", "write", "others", "door"), GONE)
ERRORS |= dict.fromkeys(("course", "python", "root", "device"), READ_ONLY)
ERRORS |= dict.fromkeys(("own", "thread", "orphan", "answer"), "")
ERRORS |= {"network": "Network is unreachable", "interfaces": "(['lo'],)", "capabilities": "0000000000000000"}
ERRORS |= {"marker": "No such process", "letters": "(1, 'utf-8')", "token": "(None, 0)"}
ERRORS |= {"mount": "CalledProcessError", "notebook": "('nothing',)"}
ERRORS |= {"large": "File too large", "fill": "No space left"}


@sandboxed
@pytest.mark.parametrize("name", ERRORS)
def test_a_submission_is_held_to_its_scratch_folder(name, hostile):
    said = hostile[0][name]
    assert ERRORS[name] in said and bool(said) == bool(ERRORS[name]), said


@sandboxed
def test_it_sees_the_course_python_and_nothing_else(hostile):
    said = hostile[0]
    assert re.fullmatch(r"Exception: \(PosixPath\('/tmp/work'\), \[('\.c\w+'(, )?)*\]\)", said["home"])
    assert "course_utils" in said["repository"] and "tests" not in said["repository"]
    assert str(os.getpid()) not in said["processes"]
    devices = "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert said["devices"] == f"Exception: {tuple(devices.split())}"


@sandboxed
def test_nothing_outside_is_touched_and_nothing_runs_on(hostile):
    assert sorted(path.name for path in hostile[1].iterdir()) == ["door", "home", "kept.txt"]
    assert not running("987.6")


def running(argument: str) -> list[psutil.Process]:
    every = psutil.process_iter(["cmdline", "status"])
    alive = (one for one in every if one.info["status"] != psutil.STATUS_ZOMBIE)
    return [one for one in alive if argument in (one.info["cmdline"] or [])]


@unix
def test_on_trust_too_the_environment_is_bare_and_the_home_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "secret")
    say = "import os\nraise Exception(os.environ.get('SOME_TOKEN'), os.listdir(os.path.expanduser('~')))"
    # a plain `while True: pass` would be outside of the try for Python itself
    deaf = """while True:
    try:
        while True:
            x = 1
    except BaseException:
        seen = seen + 1 if "seen" in globals() else 1
        if seen == 3:
            raise"""
    orphan = "import subprocess\nsubprocess.Popen(['sleep', '987.7'])"
    cells = (say, deaf, "raise KeyError(seen)", orphan, "os._exit(3)")
    with submit(tmp_path / "a.ipynb", *cells).open("rb") as file:
        came = run(file, [], Limits(cell=0.5), trust=True, stop=Event())
    errors = [note["error"] for note in came.notes]
    assert errors[0].replace("'.config'", "") == "Exception: (None, [])"
    assert errors[1:] == ["OutOfTime: not done after 0.5 s of CPU time", "KeyError: 3"]
    assert (came.ended, came.reason) == ("died", "ended with status 3")
    assert not running("987.7")


def test_a_death_has_a_reason_whatever_stands_around_it():
    assert death(139, "") == death(-signal.SIGSEGV, " \n") == ("died", "ended with SIGSEGV")
    assert death(1, "Traceback\nValueError: a\n\n") == ("died", "ValueError: a")


# Limits


def watched(code: str, limits: Limits, stop: Event | None = None) -> tuple[str, str, float]:
    process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        return watch(process, limits, stop or Event())
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_cpu_time_ends_a_run_and_so_does_a_long_wait(monkeypatch):
    monkeypatch.setattr(sandbox, "PATIENCE", 1e6)  # however few CPU seconds a busy machine gives
    assert watched("import time; time.sleep(1.5)", Limits(total=1))[0] == "finished"
    ended, reason, seconds = watched("import time\nwhile time.process_time() < 4: pass", Limits(total=1))
    assert ended == "out of time" and 1 < seconds and "of CPU time" in reason
    monkeypatch.setattr(sandbox, "PATIENCE", 0.5)
    ended, _, seconds = watched("import time; time.sleep(600)", Limits(total=2))
    assert ended == "out of time" and seconds < 1


def test_what_children_take_counts(monkeypatch):
    monkeypatch.setattr(sandbox, "PYTHON_MEGABYTES", 0)
    child = "import time; a = bytes(300 << 20).replace(b'\\0', b'1'); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    ended, reason, _ = watched(parent, Limits(memory=200))
    assert ended == "out of memory" and "MB in 2 processes" in reason
    monkeypatch.setattr(sandbox, "PROCESSES", 1)
    assert watched(parent.replace("300", "1"), Limits())[0] == "out of memory"


@unix
@pytest.mark.parametrize("act", ["while True: pass", "import time; time.sleep(600)"])
def test_a_cell_is_cut_by_a_clock_of_cpu_time_and_by_a_patient_one_on_the_wall(act):
    busy = "while" in act
    code = f"""from course_utils.classroom import submission
submission.PATIENCE = {1e6 if busy else 1}
runner = submission.Runner(0.3, 1)
def act():
    {act}
runner.run("a", act)
runner.run("b", lambda: None)"""
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, timeout=300)
    (note,) = sandbox.parse(ran.stdout)
    assert note == {"cell": "a", "error": "OutOfTime: not done after 0.3 s of CPU time", "late": True}


def test_one_who_stops_the_marking_stops_the_runs():
    stop = Event()
    stop.set()
    assert watched("import time; time.sleep(600)", Limits(), stop)[0] == "interrupted"


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("while True: pass", ("out of time", "ended with SIGXCPU")),
        ("a = bytes(900 << 20)", ("died", "MemoryError")),
        ("open('a', 'wb').truncate(101 << 20)", ("died", "OSError: [Errno 27] File too large")),
    ],
)
def test_the_system_holds_the_limits_too(code, how, tmp_path):
    limited = f"from course_utils.classroom.submission import limit\nlimit(600, 0.5)\n{code}"
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", limited]
    ran = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=False)
    assert death(ran.returncode, ran.stderr) == how


# Whatever ends the marker


@sandboxed
@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGINT])
def test_submissions_end_with_the_marker_and_marks_that_have_come_stay(ends, tmp_path):
    submit(tmp_path / "class" / "slow.ipynb", "import time\ntime.sleep(600)")
    (tmp_path / "class" / "all.zip").touch()
    command = [sys.executable, "-m", "course_utils", "mark", str(tmp_path / "class"), "--out", "out"]
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    # where the tests run in the background of a script, SIGINT is ignored, and children inherit that
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    marker = subprocess.Popen(command, cwd=tmp_path, env=settings, stdout=subprocess.DEVNULL, **heard)
    try:
        family = psutil.Process(marker.pid).children
        inside = until(lambda: [each for each in family(recursive=True) if runs_cells(each)])
        until((tmp_path / "out" / "all.zip.md").exists)
        marker.send_signal(ends)
        assert marker.wait(300) == (-signal.SIGKILL if ends == signal.SIGKILL else 1)
    finally:
        marker.kill()
    until(lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in inside))
    table = (tmp_path / "out" / "marks.csv").read_text("utf-8-sig")
    assert "all.zip,0,10,not marked" in table and "slow" not in table


def runs_cells(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.cmdline()[1:3] == ["-m", "course_utils.classroom.submission"]
    return False


def until(true, seconds: float = 120):
    """Wait for it; a busy machine may take its time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    pytest.fail(f"not so after {seconds} s")
