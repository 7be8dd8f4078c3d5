"""The environment check of the data sets: whole, damaged, missing, and where."""

import gzip

import pytest

from course_utils.datasets import fetch
from course_utils.environment import Finding, data


def fake_digits(folder, monkeypatch, content):
    (place := folder / "datasets" / "data").mkdir(parents=True, exist_ok=True)
    if content is not None:
        (place / "digits.csv.gz").write_bytes(content)

    class Spec:
        submodule_search_locations = [str(folder)]

    monkeypatch.setattr(data.util, "find_spec", lambda name: Spec)
    return data.digits()


def test_digits(tmp_path, monkeypatch):
    assert data.digits().state == "ok"
    whole = gzip.compress(b"\n".join([b",".join([b"0"] * 65)] * 1797))
    assert fake_digits(tmp_path, monkeypatch, None).state == "problem"
    assert fake_digits(tmp_path, monkeypatch, whole).state == "ok"
    line_short = gzip.compress(b"\n".join([b",".join([b"0"] * 65)] * 1796))
    spoilt = whole[:60] + b"xx" + whole[62:]
    for bad in (line_short, whole[:-9], spoilt, b"no gzip", gzip.compress(b"0,1\n" * 1797)):
        assert fake_digits(tmp_path, monkeypatch, bad).state == "problem"
    monkeypatch.setattr(data.util, "find_spec", lambda name: None)
    assert "not installed" in data.digits().found


def fill(raw, names, content=b"right"):
    raw.mkdir(parents=True, exist_ok=True)
    for name in names:
        (raw / name).write_bytes(content)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty cache and an empty COURSE_DATA, and files of five bytes that count as MNIST."""
    md5 = fetch.hashlib.md5(b"right", usedforsecurity=False).hexdigest()
    monkeypatch.setattr(fetch, "FILES", dict.fromkeys(fetch.FILES, md5))
    monkeypatch.setattr(fetch, "DATA", tmp_path / "data")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "own"))
    (tmp_path / "own" / fetch.BINARIZED.parent).mkdir(parents=True)
    (tmp_path / "own" / fetch.BINARIZED).touch()
    return tmp_path / "data" / fetch.RAW, tmp_path / "own" / fetch.RAW


def test_mnist_not_here(places, monkeypatch, tmp_path):
    found = data.mnist()
    assert found.state == "note" and "COURSE_DATA" in found.hint
    monkeypatch.delenv("COURSE_DATA")
    assert data.mnist().state == "note"
    for wrong in ("nowhere", "own/BinarizedMNIST"):
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / wrong))
        assert data.mnist().state == "problem" and wrong in data.mnist().found


def test_mnist_here_in_either_place_or_both(places):
    cache, own = places
    first, *others = fetch.FILES
    fill(own, others)
    assert data.mnist().state == "note"
    fill(cache, [first])
    assert data.mnist() == Finding("ok", "MNIST", "here, under COURSE_DATA")
    fill(cache, others)
    assert data.mnist() == Finding("ok", "MNIST", "here, in data/")


def test_mnist_damaged(places):
    cache, own = places
    first, *others = fetch.FILES
    fill(cache, others)
    fill(cache, [first], b"wrong")
    found = data.mnist()
    assert found.state == "note"  # what is damaged in the cache is replaced at the next use
    assert first in found.found
    fill(own, [first], b"half")
    found = data.mnist()
    assert found.state == "problem"  # what is damaged in a folder of the user's is never touched
    assert first in found.found
    fill(own, [first])
    assert data.mnist().state == "ok"
