"""MNIST and its fixed binarisation: read from files that are verified first, and never left half-done."""

import hashlib
import io
import tokenize
import zlib

import numpy as np
import pytest
import torch
from small_mnist import TEST, TRAIN, VALID, everything, fetch, lay, mnist_module, small

from course_utils.datasets import DatasetUnavailable, binarized_mnist, mnist
from course_utils.datasets.digits import split_mix
from course_utils.datasets.images import KINDS

__all__ = ["small"]


def test_files_and_mirrors_are_those_of_torchvision():
    from torchvision.datasets import MNIST  # slow to import

    assert fetch.FILES == dict(MNIST.resources) and fetch.MIRRORS == MNIST.mirrors


@pytest.mark.parametrize("kind", KINDS)
def test_mnist_reads_a_local_root_without_touching_it(small, monkeypatch, tmp_path, kind):
    files, grey, label = small
    lay(tmp_path / "local", files)
    before = everything(tmp_path / "local")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "local"))
    data = mnist(kind, root=tmp_path / "cache")
    assert everything(tmp_path / "local") == before
    assert [len(part) for part in data] == [TRAIN, VALID, TEST]
    slices = [("train", slice(0, TRAIN)), ("train", slice(TRAIN, None)), ("t10k", slice(None))]
    for (x, y), (part, rows) in zip(data, slices, strict=True):
        v = torch.from_numpy(grey[part][rows]).unsqueeze(1)
        assert x.dtype == torch.float32 and y.tolist() == label[part][rows].tolist()
        expected = {"binary": (v >= 128).float(), "levels": v.float() / 255}.get(kind)
        if expected is not None:
            assert torch.equal(x, expected)
        elif kind == "unit":
            assert torch.equal((x.double() * 256).floor(), v.double()) and not torch.equal(x * 256 % 1, x * 0)
        else:
            assert not x[v == 0].any() and x[v == 255].all()
            assert abs((x - v / 255).mean()) < 4 * 0.5 / x.numel() ** 0.5


def test_a_verified_cache_is_used_as_it_is(small, monkeypatch, tmp_path):
    lay(tmp_path, small[0])
    mnist(root=tmp_path)
    assert len(everything(tmp_path)) == 4
    monkeypatch.setattr(fetch, "write_bytes", None)
    mnist(root=str(tmp_path))


@pytest.mark.parametrize("spoil", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + b"?", lambda b: b""])
def test_a_damaged_local_file_is_named_before_use(small, monkeypatch, tmp_path, spoil):
    files = dict(small[0])
    name = "train-labels-idx1-ubyte.gz"
    expected, files[name] = hashlib.md5(files[name]).hexdigest(), spoil(files[name])
    raw = lay(tmp_path / "local", files)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "local"))
    with pytest.raises(DatasetUnavailable) as caught:
        mnist(root=tmp_path / "cache")
    said = str(caught.value)
    for word in (str(raw / name), expected, hashlib.md5(files[name]).hexdigest(), "COURSE_DATA", "digits()"):
        assert word in said
    assert said.count("corrupt") == 1
    assert not (tmp_path / "cache").exists()


def test_a_damaged_cache_is_named_and_healed_from_a_local_root(small, monkeypatch, tmp_path):
    files = small[0]
    raw = lay(tmp_path / "cache", {name: content[:-9] for name, content in files.items()})
    with pytest.raises(DatasetUnavailable) as caught:
        mnist(root=tmp_path / "cache")
    for name, content in files.items():
        checksums = (hashlib.md5(each).hexdigest() for each in (content, content[:-9]))
        assert all(word in str(caught.value) for word in (str(raw / name), *checksums, fetch.MIRRORS[0]))
    lay(tmp_path / "local", files)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "local"))
    mnist(root=tmp_path / "cache")
    assert {name: (raw / name).read_bytes() for name in files} == files


@pytest.mark.parametrize("call", [mnist, binarized_mnist])
@pytest.mark.parametrize(
    "kind, came",
    [("nowhere", "no such folder"), ("file", "a file"), ("empty", "without"), ("other", "without")],
)
def test_a_course_data_without_data_says_so_and_nothing_is_fetched(
    small, monkeypatch, tmp_path, kind, came, call
):
    place = tmp_path / kind
    if kind == "file":
        place.write_text("no folder")
    elif kind != "nowhere":
        (place / "MNIST" / "raw" if kind == "other" else place).mkdir(parents=True)
    monkeypatch.setenv("COURSE_DATA", str(place))
    monkeypatch.setattr(fetch, "download", None)
    with pytest.raises(DatasetUnavailable) as caught:
        call(root=tmp_path / "cache")
    said = str(caught.value)
    assert came in said and f"COURSE_DATA names {place}" in said and "\n" not in said
    assert not (tmp_path / "cache").exists()


def test_a_tilde_in_course_data_is_the_home(small, monkeypatch, tmp_path):
    lay(tmp_path / "local", small[0])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA", "~/local")
    assert len(mnist(root=tmp_path / "cache")) == TRAIN + VALID + TEST


def test_a_cache_that_cannot_be_written_is_one_error(small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetUnavailable, match="cannot read or write"):
        mnist(root=tmp_path / "file")


# The fixed binarisation


@pytest.fixture
def packed(monkeypatch):
    sizes = {"train": TRAIN, "valid": VALID, "test": TEST}
    monkeypatch.setattr(mnist_module, "BINARIZED_SIZES", sizes)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    rng = np.random.default_rng(1)
    return {name: rng.integers(0, 2, (n, 1, 28, 28), dtype=np.uint8) for name, n in sizes.items()}


def save(folder, bits, **more):
    (folder / "BinarizedMNIST").mkdir(parents=True)
    path = folder / "BinarizedMNIST" / "binarized_mnist.npz"
    np.savez(path, **{name: np.packbits(x.reshape(len(x), -1), axis=1) for name, x in bits.items()}, **more)
    return path


@pytest.mark.parametrize("labelled", [True, False])
def test_binarized_mnist_unpacks_the_bits(packed, monkeypatch, tmp_path, labelled):
    labels = {f"{name}_labels": np.arange(len(x), dtype=np.uint8) for name, x in packed.items()}
    save(tmp_path, packed, **(labels if labelled else {}))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    data = binarized_mnist(root=tmp_path / "nothing")
    assert data.levels == 2 and data.kind == "binary"
    for name, (x, y) in zip(packed, data, strict=True):
        rows = np.argsort(split_mix(TEST)) if name == "test" else np.arange(len(x))
        assert torch.equal(x, torch.from_numpy(packed[name][rows]).float())
        assert y.dtype == torch.int64 and y.tolist() == (rows.tolist() if labelled else [-1] * len(x))


def test_binarized_mnist_that_is_not_here_is_one_error(packed, monkeypatch, tmp_path):
    lay(tmp_path / "local", {name: b"" for name in fetch.FILES})
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "local"))
    with pytest.raises(DatasetUnavailable, match="no download") as caught:
        binarized_mnist(root=tmp_path / "cache")
    for word in ("local", "cache", "COURSE_DATA", "stochastic"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "missing split", "wrong shape", "wrong labels", "objects"]
)
def test_a_damaged_binarized_mnist_is_one_error(packed, tmp_path, damage):
    bits = {**packed, "valid": packed["valid"][1:]} if damage == "wrong shape" else dict(packed)
    if damage == "missing split":
        del bits["valid"]
    more = {"test_labels": np.zeros(3)} if damage == "wrong labels" else {}
    more = {"train_labels": np.array([{}] * TRAIN)} if damage == "objects" else more
    path = save(tmp_path, bits, **more)
    if damage in ("cut", "empty"):
        path.write_bytes(path.read_bytes()[: 200 if damage == "cut" else 0])
    with pytest.raises(DatasetUnavailable, match="is damaged: ") as caught:
        binarized_mnist(root=tmp_path)
    assert str(path) in str(caught.value)


def load_or_refuse(path, whole):
    """Either one clear error, or the very images: nothing else may come out of a damaged file."""
    try:
        data = binarized_mnist(root=path.parents[1])
    except DatasetUnavailable as error:
        assert str(path) in str(error) and len(str(error)) < 1000
        return False
    assert all(torch.equal(a, b) for a, b in zip(tensors(data), tensors(whole), strict=True))
    return True


def tensors(splits):
    return [tensor for part in splits for tensor in part]


@pytest.mark.parametrize("compressed", [False, True])
def test_no_fault_in_the_file_is_another_error_or_other_images(packed, tmp_path, compressed):
    path = save(tmp_path, packed, train_labels=np.arange(TRAIN, dtype=np.uint8))
    if compressed:
        with np.load(path) as arrays:
            content = dict(arrays)
        np.savez_compressed(path, **content)
    whole, good = binarized_mnist(root=tmp_path), path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for cut in rng.integers(0, len(good), 40):
        path.write_bytes(good[:cut])
        assert not load_or_refuse(path, whole)
    for place in [*rng.integers(0, len(good), 60), *range(0, 300, 5), *range(len(good) - 400, len(good), 5)]:
        spoilt = bytearray(good)
        spoilt[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoilt)
        refused += not load_or_refuse(path, whole)
    assert refused > 50


HEADERS = [
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 98), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-5, 98), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999999, 98), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (20, 98), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (20, 98)",
    "{" * 5000,
    "(" * 200 + "'",
    "\0" * 40,
    "[x for x in ().__class__.__base__.__subclasses__()]",
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_crafted_header_is_one_error(packed, tmp_path, header):
    path = save(tmp_path, {})
    text = header.encode().ljust(118)
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(TRAIN * 98)
    with mnist_module.ZipFile(path, "w") as archive:
        archive.writestr("train.npy", array)
    with pytest.raises(DatasetUnavailable, match="is damaged: "):
        binarized_mnist(root=tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(packed, monkeypatch, tmp_path):
    path = save(tmp_path, packed)
    with mnist_module.ZipFile(path, "w", 8) as archive:
        archive.writestr("train.npy", bytes(10**7))
    monkeypatch.setattr(mnist_module.ZipFile, "read", None)
    with pytest.raises(DatasetUnavailable, match="expected train of 20 rows, got 10000000 bytes"):
        binarized_mnist(root=tmp_path)


@pytest.mark.parametrize(
    "error", [zlib.error, tokenize.TokenError, MemoryError, OverflowError, RecursionError]
)
def test_whatever_its_reader_raises_is_the_one_error(packed, monkeypatch, tmp_path, error):
    save(tmp_path, packed)

    def broken(file: io.BytesIO, allow_pickle: bool) -> None:
        assert not allow_pickle
        raise error

    monkeypatch.setattr(np, "load", broken)
    with pytest.raises(DatasetUnavailable, match=f"is damaged: {error.__name__}"):
        binarized_mnist(root=tmp_path)


# The real files, where COURSE_DATA has them


@pytest.fixture(scope="module")
def local():
    folder = fetch.local_root()
    if folder is None or not (folder / "MNIST" / "raw").is_dir():
        pytest.skip("COURSE_DATA names no folder that holds MNIST/raw/*.gz")
    return folder


@pytest.mark.slow
def test_the_real_mnist(local, tmp_path):
    data = mnist("levels", root=tmp_path)
    assert [x.shape for x, _ in data] == [(n, 1, 28, 28) for n in (50_000, 10_000, 10_000)]
    zeros_and_ones = [torch.bincount(y).tolist()[:2] for _, y in data]
    assert zeros_and_ones == [[4932, 5678], [991, 1064], [980, 1135]]
    pixels = torch.cat([data.train.x, data.valid.x]).double()
    assert pixels.mean().item() == pytest.approx(0.1306604762738429, abs=1e-7)
    assert pixels.std().item() == pytest.approx(0.3081078, abs=1e-6)


def test_the_real_fixed_binarisation(local, tmp_path):
    if not (local / "BinarizedMNIST" / "binarized_mnist.npz").is_file():
        pytest.skip("COURSE_DATA names no folder that holds BinarizedMNIST/binarized_mnist.npz")
    data = binarized_mnist(root=tmp_path)
    assert [len(part) for part in data] == [50_000, 10_000, 10_000]
    rates = [x.mean().item() for x, _ in data]
    assert rates == pytest.approx([0.1305623, 0.1311270, 0.1325125], abs=1e-6)
    assert len(data.test.y[:100].unique()) == 10 or (data.test.y == -1).all()
