"""Mirrors that are away, mute, slow or lying: one clear error, no hang, nothing half-done left behind."""

import hashlib
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module

import pytest
import torch
from small_mnist import closed_port, everything, lay, small
from torchvision.datasets import MNIST

from course_utils.datasets import DatasetUnavailable, mnist

fetch = import_module("course_utils.datasets.fetch")
__all__ = ["small"]


@contextmanager
def mirror(answer):
    """A mirror on this machine: ``answer(handler, name)`` serves GET; returns its address and the log."""
    log = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def do_GET(self):
            log.append(self.path[1:])
            answer(self, self.path[1:])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", log
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler, content, announced=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if announced is None else announced))
    handler.end_headers()
    handler.wfile.write(content)


def test_no_network_is_one_error_with_the_ways_out(small, tmp_path):
    with pytest.raises(DatasetUnavailable) as caught:
        mnist(root=tmp_path / "cache")
    said = str(caught.value)
    for word in (MNIST.mirrors[0], "refused", "COURSE_DATA", str(tmp_path / "cache"), "digits()", *small[0]):
        assert word in said
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None
    assert not everything(tmp_path) and not [*(tmp_path / "cache").iterdir()]


def test_an_unknown_host_is_the_same_error(small, monkeypatch, tmp_path):
    monkeypatch.setattr(MNIST, "mirrors", ["http://mirror.invalid/"])
    with pytest.raises(DatasetUnavailable, match="mirror.invalid"):
        mnist(root=tmp_path)


def test_a_mirror_that_never_answers_does_not_hang(small, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{mute.getsockname()[1]}/"])
        with pytest.raises(DatasetUnavailable, match="timed out|no answer within"):
            mnist(root=tmp_path)


@pytest.mark.parametrize(
    "answer, named",
    [
        (
            lambda handler, name, files: send(handler, b"<html>Log in</html>"),
            hashlib.md5(b"<html>Log in</html>"),
        ),
        (lambda handler, name, files: send(handler, files[name][:50], len(files[name])), None),
        (lambda handler, name, files: handler.send_error(404), None),
    ],
    ids=["captive portal", "half a file", "not found"],
)
def test_a_bad_download_leaves_nothing(small, monkeypatch, tmp_path, answer, named):
    monkeypatch.setattr(fetch, "PATIENCE", 2.0)
    with mirror(lambda handler, name: answer(handler, name, small[0])) as (address, _):
        monkeypatch.setattr(MNIST, "mirrors", [address])
        with pytest.raises(DatasetUnavailable, match="download: ") as caught:
            mnist(root=tmp_path)
    assert named is None or named.hexdigest() in str(caught.value)
    assert not everything(tmp_path) and socket.getdefaulttimeout() is None


def test_a_download_that_stalls_is_given_up_and_what_is_whole_is_kept(small, monkeypatch, tmp_path):
    files, done = small[0], threading.Event()
    first = [*files][:2]

    def stall(handler, name):
        send(handler, files[name] if name in first else files[name][:50], len(files[name]))
        if name not in first:
            done.wait(10)

    monkeypatch.setattr(fetch, "PATIENCE", 0.3)
    with mirror(stall) as (address, _):
        monkeypatch.setattr(MNIST, "mirrors", [address])
        with pytest.raises(DatasetUnavailable, match="download: .*timed out"):
            mnist(root=tmp_path)
        done.set()
    kept = everything(tmp_path)
    assert {f"MNIST/raw/{name}": files[name] for name in first}.items() <= kept.items()
    assert not any("t10k" in name for name in kept)


def test_download_takes_only_what_is_missing_from_the_mirror_that_answers(small, monkeypatch, tmp_path):
    files = small[0]
    have = dict([*files.items()][:3])
    lay(tmp_path, have)
    with mirror(lambda handler, name: send(handler, files[name])) as (address, log):
        monkeypatch.setattr(MNIST, "mirrors", [closed_port(), address])
        data = mnist("levels", root=tmp_path)
    assert {*log} == {*files} - {*have}
    assert torch.equal(data.test.y, torch.from_numpy(small[2]["t10k"]))
    assert len(everything(tmp_path)) == 8


def test_a_mute_mirror_is_passed_over_for_one_that_answers(small, monkeypatch, tmp_path):
    files = small[0]
    monkeypatch.setattr(fetch, "PATIENCE", 0.3)
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        mirror(lambda handler, name: send(handler, files[name])) as (address, log),
    ):
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{mute.getsockname()[1]}/", address])
        mnist(root=tmp_path)
    assert {*log} == {*files} and len(everything(tmp_path)) == 8
