"""Fetching weights from a server that breaks off, lies, or is not allowed."""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import gadet.localize.sam.download as module
from gadet.errors import ConfigurationError
from gadet.localize.sam import PUBLISHED, WeightsFile, fetch_weights

CONTENT = np.random.default_rng(0).bytes(300_000)
NAME = "weights.pth"


@dataclass
class Server:
    """What the next answers are, and what was asked."""

    url: str = ""
    break_after: list[int] = field(default_factory=list)
    body: bytes = CONTENT
    status: list[int] = field(default_factory=list)
    kind: str = "application/octet-stream"
    ranges: bool = True
    location: str | None = None
    encoding: str | None = None
    length: bool = True
    asked: list[str | None] = field(default_factory=list)

    def weights(self, content: bytes = CONTENT, path: str = NAME) -> WeightsFile:
        digest = hashlib.sha256(content).hexdigest()
        return WeightsFile(NAME, f"{self.url}/{path}", len(content), digest)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    told = Server()
    monkeypatch.setattr(module, "_PAUSES", (0, 0, 0, 0))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            told.asked.append(self.headers.get("range"))
            self.close_connection = True
            status = told.status.pop(0) if told.status else 200
            if told.location is not None:
                self.send_response(302)
                self.send_header("location", told.location)
                self.send_header("content-length", "0")
                self.end_headers()
                told.location = None
                return
            body = told.body
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
            if asked and told.ranges and status == 200:
                start = int(asked[1])
                status = 206 if start < len(body) else 416
            self.send_response(status)
            if status == 206:
                self.send_header("content-range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                body = body[start:]
            if told.length:
                self.send_header("content-length", str(len(body)))
            if told.encoding:
                self.send_header("content-encoding", told.encoding)
            self.send_header("content-type", told.kind)
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body[: told.break_after.pop(0)] if told.break_after else body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    http.shutdown()
    thread.join()
    http.server_close()


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    path = fetch_weights(server.weights(), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / NAME
    assert path.read_bytes() == CONTENT
    assert fetch_weights(server.weights(), path.parent) == path
    assert server.asked == [None]
    assert [file.name for file in path.parent.iterdir()] == [NAME]


def test_a_connection_that_breaks_is_continued(server: Server, tmp_path: Path) -> None:
    server.break_after = [100_000, 50_000]
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert server.asked[0] is None
    starts = [int(re.findall(r"\d+", asked or "0")[0]) for asked in server.asked]
    assert starts == [0, 100_000, 150_000]


def test_what_an_earlier_call_left_is_continued(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:123_456])
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=123456-"]


def test_a_download_that_only_lacks_its_name_is_not_asked_for(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert server.asked == []


def test_a_server_that_cannot_continue_begins_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * 1000)
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT


def test_a_part_larger_than_the_file_is_begun_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * (len(CONTENT) + 1))
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_server_that_gives_up_leaves_what_came(server: Server, tmp_path: Path) -> None:
    server.break_after = [1000] * 5
    with pytest.raises(ConfigurationError, match=r"in 5 tries .*5,000 of 300,000 bytes are here"):
        fetch_weights(server.weights(), tmp_path)
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:5000]
    assert not (tmp_path / NAME).exists()
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path, status: int) -> None:
    server.status = [status, status]
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_gone_is_told_at_once(server: Server, tmp_path: Path, status: int) -> None:
    server.status = [status]
    with pytest.raises(ConfigurationError, match=f"the status {status} "):
        fetch_weights(server.weights(), tmp_path)
    assert len(server.asked) == 1


def test_another_content_is_refused_and_thrown_away(server: Server, tmp_path: Path) -> None:
    server.body = CONTENT[::-1]
    with pytest.raises(ConfigurationError, match=r"should have the SHA-256 .*fetch it again"):
        fetch_weights(server.weights(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_instead_of_the_file_is_refused(server: Server, tmp_path: Path) -> None:
    server.body, server.kind = b"<html>sign in</html>", "text/html; charset=utf-8"
    with pytest.raises(ConfigurationError, match="a web page came: fetch the file yourself"):
        fetch_weights(server.weights(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_body_that_was_squeezed_is_refused(server: Server, tmp_path: Path) -> None:
    server.encoding = "gzip"
    with pytest.raises(ConfigurationError, match="a compressed body"):
        fetch_weights(server.weights(), tmp_path)


@pytest.mark.parametrize("length", [True, False])
def test_more_than_the_file_is_never_written(server: Server, tmp_path: Path, length: bool) -> None:
    server.body, server.length = CONTENT * 2, length
    with pytest.raises(ConfigurationError, match=r"600,000 bytes came|more than 300,000 bytes"):
        fetch_weights(server.weights(), tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= len(CONTENT)


def test_a_damaged_file_in_the_folder_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    with pytest.raises(ConfigurationError, match="damaged or another file; delete it"):
        fetch_weights(server.weights(), tmp_path)
    assert server.asked == []


def test_a_redirect_on_this_machine_is_followed(server: Server, tmp_path: Path) -> None:
    server.location = f"{server.url}/elsewhere"
    assert fetch_weights(server.weights(), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_redirect_into_the_network_is_not_followed(server: Server, tmp_path: Path) -> None:
    server.location = "https://example.com/weights.pth"
    with pytest.raises(ConfigurationError, match=r"GADET_ALLOW_NETWORK=0 says; 'example\.com'"):
        fetch_weights(server.weights(), tmp_path)


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_network_is_not_touched_where_it_is_not_allowed(name: str, tmp_path: Path) -> None:
    space = SimpleNamespace(free=1 << 40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: space)
        with pytest.raises(ConfigurationError, match="expected no network"):
            fetch_weights(name, tmp_path)


def test_an_address_without_tls_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GADET_ALLOW_NETWORK")
    weights = WeightsFile(NAME, "http://example.com/weights.pth", 10, "0" * 64)
    with pytest.raises(ConfigurationError, match=r"fetched over https; got http://example\.com"):
        fetch_weights(weights, tmp_path)


def test_nothing_secret_of_an_address_is_told(server: Server, tmp_path: Path) -> None:
    server.status = [404]
    with pytest.raises(ConfigurationError) as caught:
        fetch_weights(server.weights(path="w.pth?token=hidden"), tmp_path)
    assert "hidden" not in str(caught.value)


def test_a_full_disk_is_told_before_anything_comes(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ConfigurationError, match=r"needs 300,000 more bytes .*; 1,000 are free"):
        fetch_weights(server.weights(), tmp_path)
    assert server.asked == []


def test_a_folder_that_is_a_file_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        fetch_weights(server.weights(), tmp_path / "file")


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="one of vit_b, vit_l, vit_h, vit_t; got 'vit_x'"):
        fetch_weights("vit_x", tmp_path)


def test_a_bar_is_shown_on_stderr_when_asked_for(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:150_000])
    fetch_weights(server.weights(), tmp_path, progress=True)
    told = capsys.readouterr()
    assert "300k/300k" in told.err
    assert told.out == ""


def test_published_files_are_told_apart_by_full_hashes() -> None:
    for weights in PUBLISHED.values():
        assert re.fullmatch(r"[0-9a-f]{64}", weights.sha256)
        assert weights.url.startswith("https://")
        assert weights.url.endswith(f"/{weights.name}")
    assert len({weights.sha256 for weights in PUBLISHED.values()}) == len(PUBLISHED)
