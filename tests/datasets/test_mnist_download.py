"""Mirrors that are away, mute, slow or lying: one clear error, no hang, nothing half-done left behind."""

import hashlib
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from small_mnist import closed_port, everything, fetch, lay, small

from course_utils.datasets import DatasetUnavailable, mnist

__all__ = ["small"]


@contextmanager
def mirror(answer):
    """A mirror on this machine: ``answer(handler, name)`` serves GET; returns its address and the log."""
    log = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            log.append(self.path[1:])
            with suppress(ConnectionError):
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
    for word in (fetch.MIRRORS[0], "refused", "COURSE_DATA", str(tmp_path / "cache"), "digits()", *small[0]):
        assert word in said
    assert caught.value.__context__ is None
    assert not everything(tmp_path)


def test_an_unknown_host_is_the_same_error(small, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "MIRRORS", ["http://mirror.invalid/"])
    with pytest.raises(DatasetUnavailable, match="mirror.invalid"):
        mnist(root=tmp_path)


def test_a_mirror_that_never_answers_does_not_hang(small, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch, "PATIENCE", 0.2)
    files = small[0]
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        mirror(lambda handler, name: send(handler, files[name])) as (address, log),
    ):
        deaf = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        monkeypatch.setattr(fetch, "MIRRORS", [deaf])
        with pytest.raises(DatasetUnavailable, match="timed out|no answer within"):
            mnist(root=tmp_path)
        monkeypatch.setattr(fetch, "MIRRORS", [deaf, address])
        mnist(root=tmp_path)
    assert {*log} == {*files} and len(everything(tmp_path)) == 4


@pytest.mark.parametrize(
    "answer, named",
    [
        (lambda handler, name, files: send(handler, b"<html>"), hashlib.md5(b"<html>")),
        (lambda handler, name, files: send(handler, files[name][:50], len(files[name])), None),
        (lambda handler, name, files: handler.send_error(404), None),
    ],
    ids=["captive portal", "half a file", "not found"],
)
def test_a_bad_download_leaves_nothing(small, monkeypatch, tmp_path, answer, named):
    monkeypatch.setattr(fetch, "PATIENCE", 2.0)
    with mirror(lambda handler, name: answer(handler, name, small[0])) as (address, _):
        monkeypatch.setattr(fetch, "MIRRORS", [address])
        with pytest.raises(DatasetUnavailable, match=f"{address}train-images") as caught:
            mnist(root=tmp_path)
    assert named is None or named.hexdigest() in str(caught.value)
    assert not everything(tmp_path)


def test_a_download_that_stalls_is_given_up_and_what_is_whole_is_kept(small, monkeypatch, tmp_path):
    files, done = small[0], threading.Event()
    first = [*files][:2]

    def stall(handler, name):
        send(handler, files[name] if name in first else files[name][:50], len(files[name]))
        if name not in first:
            done.wait(10)

    monkeypatch.setattr(fetch, "PATIENCE", 0.3)
    with mirror(stall) as (address, _):
        monkeypatch.setattr(fetch, "MIRRORS", [address])
        with pytest.raises(DatasetUnavailable, match="t10k-images.*timed out"):
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
        monkeypatch.setattr(fetch, "MIRRORS", [closed_port(), address])
        data = mnist("levels", root=tmp_path)
    assert {*log} == {*files} - {*have}
    assert torch.equal(data.test.y, torch.from_numpy(small[2]["t10k"]))
    assert len(everything(tmp_path)) == 4


def trickle(handler, name, stop):
    """A byte now and then, each long before the patience with a silent mirror is over."""
    handler.send_response(200)
    handler.end_headers()
    while not stop.wait(0.05):
        handler.wfile.write(b"?")


def slow_head(handler, name, stop):
    """The same, before the body begins."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
    while not stop.wait(0.05):
        handler.wfile.write(b"?")


def endless(handler, name, stop):
    handler.send_response(200)
    handler.end_headers()
    while not stop.is_set():
        handler.wfile.write(bytes(2**16))


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer, said",
    [(trickle, "not done in 0.7 s"), (slow_head, "no answer within"), (endless, "more than 1048576 bytes")],
)
def test_a_mirror_slow_or_without_end_is_left_for_the_next(small, monkeypatch, tmp_path, answer, said):
    files, stop = small[0], threading.Event()
    monkeypatch.setattr(fetch, "PATIENCE", 0.4)
    monkeypatch.setattr(fetch, "SECONDS", 0.7)
    monkeypatch.setattr(fetch, "BYTES", 2**20)
    with (
        mirror(lambda handler, name: answer(handler, name, stop)) as (bad, log),
        mirror(lambda handler, name: send(handler, files[name])) as (good, _),
    ):
        monkeypatch.setattr(fetch, "MIRRORS", [bad])
        with pytest.raises(DatasetUnavailable, match=said):
            mnist(root=tmp_path)
        assert len(log) == 1 and not everything(tmp_path)  # asked once, not once a file
        still_reading = any(thread.name.startswith(bad) for thread in threading.enumerate())
        assert still_reading == (answer is slow_head)  # which nothing can stop
        monkeypatch.setattr(fetch, "MIRRORS", [bad, good])
        mnist(root=tmp_path)
        stop.set()
    assert {f"MNIST/raw/{name}": content for name, content in files.items()} == everything(tmp_path)


KILLED = """
import sys
from course_utils.datasets import fetch
fetch.MIRRORS = [sys.argv[1]]
fetch.fetch_mnist(fetch.Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_process_killed_while_it_downloads_leaves_nothing(small, tmp_path):
    begun, stop = threading.Event(), threading.Event()

    def hold(handler, name):
        send(handler, bytes(1000), 2000)
        begun.set()
        stop.wait(60)

    with mirror(hold) as (address, _):
        child = subprocess.Popen([sys.executable, "-c", KILLED, address, str(tmp_path)])
        assert begun.wait(60)
        child.kill()
        child.wait()
        stop.set()
    assert not everything(tmp_path)
