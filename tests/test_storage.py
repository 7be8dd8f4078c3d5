"""Files are written whole or not at all, and damage never goes unseen."""

import stat

import pytest
import torch

from course_utils import storage

PAYLOAD = {
    "weights": {"w": torch.arange(40.0).view(8, 5), "mask": torch.tensor([True, False])},
    "seen": torch.tensor(7),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "numbers": [1, 2.5, True, None, float("inf")],
    "text": "entropy in nats: −Σ p log p",
    "betas": (0.9, 0.999),
    "steps": {0: 3, 1: b"\x00"},
    "empty": torch.zeros(0, 4),
}


def equal(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    return type(a) is type(b) and a == b


@pytest.fixture
def path(tmp_path):
    return storage.write(tmp_path / "file.pt", PAYLOAD)


def test_what_is_written_is_read_and_reading_needs_no_pickled_code(path):
    assert equal(storage.read(path), PAYLOAD) and equal(storage.read(str(path)), PAYLOAD)
    assert equal(torch.load(path, weights_only=True), PAYLOAD)


def test_a_view_does_not_bring_along_what_it_is_a_view_of(tmp_path):
    big = torch.zeros(1_000_000)
    path = storage.write(tmp_path / "view.pt", {"part": big[:3], "parameter": torch.nn.Parameter(big[:2])})
    assert path.stat().st_size < 10_000
    assert not storage.read(path)["parameter"].requires_grad


def test_folders_are_made_and_nothing_else_is_left(tmp_path):
    path = storage.write(tmp_path / "a" / "b" / "file.pt", PAYLOAD)
    storage.write(path, PAYLOAD)
    assert [entry.name for entry in path.parent.iterdir()] == ["file.pt"]


def test_others_may_read_it_as_any_new_file(tmp_path, path):
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize("failing", ["torch.save", "os.fsync", "os.replace"])
def test_a_failed_writing_leaves_the_old_file(failing, path, monkeypatch):
    before = path.read_bytes()

    def fail(*args):
        if failing == "torch.save":
            args[1].write(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(failing, fail)
    with pytest.raises(KeyboardInterrupt):
        storage.write(path, {"new": 1})
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["file.pt"]


def test_the_new_file_is_on_the_disk_before_it_has_the_name(path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(storage.os, name)
        monkeypatch.setattr(storage.os, name, lambda *a, n=name, r=real: (calls.append(n), r(*a)))
    storage.write(path, {"new": 1})
    assert calls == ["fsync", "replace"]


@pytest.mark.slow
def test_every_flipped_byte_of_a_record_is_found(path):
    """Either the file is named as damaged, or the byte carried no information."""
    data = path.read_bytes()
    harmless = 0
    for position in range(0, len(data), 5):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
        try:
            assert equal(storage.read(path), PAYLOAD), f"byte {position} of {len(data)}"
            harmless += 1
        except storage.CorruptFileError as error:
            assert "file.pt" in str(error) and "Delete" in str(error)
    assert harmless < len(data) / 5 / 2


def test_every_truncation_is_found(path):
    data = path.read_bytes()
    for length in [*range(0, len(data), 37), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(storage.CorruptFileError, match=r"file\.pt"):
            storage.read(path)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ([1], "expected a dict, got list"),
        ({"model": torch.nn.Linear(1, 1)}, r"got Linear at payload\['model'\]"),
        ({"a": {"b": [0, {1, 2}]}}, r"got set at payload\['a'\]\['b'\]\[1\]"),
        ({"f": print}, "got builtin_function_or_method"),
        ({(1, 2): 0}, "got dict"),
    ],
)
def test_only_plain_data_are_written(payload, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        storage.write(tmp_path / "file.pt", payload)
    assert not list(tmp_path.iterdir())


def test_wrong_places(tmp_path):
    with pytest.raises(ValueError, match="the folder"):
        storage.read(tmp_path)
    with pytest.raises(ValueError, match="the folder"):
        storage.write(tmp_path, {})
    with pytest.raises(FileNotFoundError):
        storage.read(tmp_path / "absent.pt")


def test_a_file_in_the_place_of_a_folder_is_named_with_what_was_to_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"give another path: .*weights\.pt'$"):
        storage.write(tmp_path / "file" / "below" / "weights.pt", {})


def test_files_made_by_others_are_refused(tmp_path):
    torch.save(torch.nn.Linear(1, 1), tmp_path / "model.pt")
    torch.save([1], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("weights")
    for name in ("model.pt", "list.pt", "text.pt"):
        with pytest.raises(storage.CorruptFileError, match=name):
            storage.read(tmp_path / name)


def test_a_full_disk_is_named_and_the_old_file_stays(path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # as a disk with no more room
    try:
        with pytest.raises(OSError, match=r"storage.write: .*room.*file\.pt"):
            storage.write(path, {"w": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert equal(storage.read(path), PAYLOAD) and list(path.parent.iterdir()) == [path]
