"""A guarded GET reaches only what it may, and ends in time, whatever the other side does."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.fetching import Fetched, FetchError, fetch, is_public
from tests.fakes.content_api import (
    ContentApi,
    answers,
    breaks_off,
    drips,
    hangs,
    redirects,
)


@pytest.fixture
def server() -> Iterator[ContentApi]:
    with ContentApi() as running:
        yield running


def get(server: ContentApi, *, seconds: float = 2.0, max_bytes: int = 1_000) -> Fetched:
    return fetch(
        f"{server.url}/news",
        seconds=seconds,
        max_bytes=max_bytes,
        headers={"Authorization": "Bearer secret"},
        private_hosts=[server.host],
    )


def test_an_answer_is_returned_whatever_its_status(server: ContentApi) -> None:
    server.behaviour = answers(404, b"no", kind="text/plain; charset=utf-8")

    assert get(server) == Fetched(404, "text/plain", b"no")
    assert server.asked == [("/blocks/news", "Bearer secret")]


@pytest.mark.parametrize("behaviour", [hangs, drips])
def test_who_does_not_answer_in_time_is_cut_off(server: ContentApi, behaviour) -> None:
    server.behaviour = behaviour
    start = time.monotonic()

    with pytest.raises(FetchError, match="does not answer in time"):
        get(server, seconds=0.3)

    assert time.monotonic() - start < 2


def test_an_answer_that_is_too_large_is_not_read(server: ContentApi) -> None:
    server.behaviour = answers(200, b"x" * 1_001)

    with pytest.raises(FetchError, match="more than 1,000 bytes"):
        get(server)


def test_half_an_answer_is_none(server: ContentApi) -> None:
    server.behaviour = breaks_off

    with pytest.raises(FetchError, match="breaks off"):
        get(server)


def test_an_answer_whose_length_is_no_number_is_none(server: ContentApi) -> None:
    server.behaviour = answers(200, b"x", Content_Length="many")

    with pytest.raises(FetchError, match="cannot be reached: ValueError"):
        get(server)


def test_a_compressed_answer_is_refused(server: ContentApi) -> None:
    server.behaviour = answers(200, b"x", Content_Encoding="gzip")

    with pytest.raises(FetchError, match="compressed"):
        get(server)


def test_a_redirect_within_the_origin_keeps_the_key(server: ContentApi) -> None:
    server.behaviour = lambda handler: (
        redirects("/there")(handler) if handler.path != "/there" else answers(200, b"ok")(handler)
    )

    assert get(server).body == b"ok"
    assert server.asked == [("/blocks/news", "Bearer secret"), ("/there", "Bearer secret")]


def test_a_redirect_to_another_origin_takes_no_key_along(server: ContentApi) -> None:
    with ContentApi() as other:
        server.behaviour = redirects(f"{other.url}/x")
        answer = fetch(
            f"{server.url}/news",
            seconds=2,
            max_bytes=1_000,
            headers={"Authorization": "Bearer secret"},
            private_hosts=[server.host, other.host],
        )

    assert answer.status == 200
    assert other.asked == [("/blocks/x", "")]


def test_a_redirect_to_a_private_address_is_refused_and_not_asked(server: ContentApi) -> None:
    with ContentApi() as other:
        server.behaviour = redirects(f"https://localhost:{other.server_port}/x")

        with pytest.raises(FetchError, match="localhost stands at a private address"):
            get(server)

    assert other.asked == []


def test_redirects_come_to_an_end(server: ContentApi) -> None:
    server.behaviour = redirects("/again")

    with pytest.raises(FetchError, match="more than 3 times"):
        get(server)
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "without TLS"),
        ("ftp://example.com/", "Only http"),
        ("file:///etc/passwd", "Only http"),
        ("https://", "Only http"),
        ("https://user:pw@example.com/", "Only http"),
        ("https://example.com:99999/", "no address"),
        ("https://example.com/a b", "must be encoded"),
        ("https://127.0.0.1/", "private address"),
        ("https://[::1]/", "private address"),
        ("https://[::ffff:10.0.0.1]/", "private address"),
        ("https://169.254.169.254/latest/meta-data", "private address"),
        ("https://0x7f000001/", "private address"),
        ("https://2130706433/", "private address"),
        ("https://localhost/", "private address"),
    ],
)
def test_what_may_not_be_asked_is_refused_before_any_connection(
    url: str, words: str, monkeypatch
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "create_connection", connect)

    with pytest.raises(FetchError, match=words):
        fetch(url, seconds=1, max_bytes=10)


def test_one_private_address_among_several_is_enough_to_refuse(monkeypatch) -> None:
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443))
        for ip in ("93.184.215.14", "10.0.0.7")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)

    with pytest.raises(FetchError, match="mixed.example stands at a private address"):
        fetch("https://mixed.example/", seconds=1, max_bytes=10)


def test_the_connection_goes_to_the_address_that_was_checked(
    server: ContentApi, monkeypatch
) -> None:
    """A name server that answers differently the second time changes nothing: there is no second time."""
    lookups = []

    def resolve(host: str, port: int, *_: object, **__: object) -> list[object]:
        lookups.append(host)
        ip = "127.0.0.1" if len(lookups) == 1 else "10.0.0.7"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = f"http://content.test:{server.server_port}/blocks/news"
    connect = socket.create_connection

    def connect_once(address: tuple[str, int], timeout: float) -> socket.socket:
        assert address == ("127.0.0.1", server.server_port)
        monkeypatch.undo()
        return connect(address, timeout)

    monkeypatch.setattr(socket, "create_connection", connect_once)
    fetch(url, seconds=2, max_bytes=1_000, private_hosts=["content.test"])

    assert lookups == ["content.test"]
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:1", False),
        ("2002:0a00:0001::1", False),
        ("2001:0:4136:e378::1", False),
    ],
)
def test_public_is_what_the_whole_world_can_reach(address: str, expected: bool) -> None:
    assert is_public(address) is expected


class TestTls:
    """The certificate is checked against the name in the address, on the connection to the checked address."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """A certificate for content.test with its key, signed by itself."""
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl")
        both = tmp_path / "both.pem"
        words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=content.test -addext"
        command = [
            *words.split(),
            "subjectAltName=DNS:content.test",
            "-keyout",
            "key",
            "-out",
            "crt",
        ]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        both.write_text((tmp_path / "key").read_text() + (tmp_path / "crt").read_text())
        return both

    @pytest.fixture
    def secure(self, server: ContentApi, certificate: Path, monkeypatch) -> ContentApi:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.server_port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        return server

    def ask(self, server: ContentApi, host: str) -> Fetched:
        url = f"https://{host}:{server.server_port}/blocks/news"
        return fetch(url, seconds=3, max_bytes=1_000, private_hosts=[host])

    def test_a_trusted_name_is_answered(self, secure, certificate, monkeypatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

        assert self.ask(secure, "content.test").status == 200

    def test_another_name_is_not(self, secure, certificate, monkeypatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

        with pytest.raises(FetchError, match="SSLCertVerificationError"):
            self.ask(secure, "other.test")
        assert secure.asked == []

    def test_a_certificate_that_nobody_vouches_for_is_not(self, secure) -> None:
        with pytest.raises(FetchError, match="SSLCertVerificationError"):
            self.ask(secure, "content.test")
        assert secure.asked == []

    def test_a_handshake_that_hangs_is_cut_off(self, monkeypatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            url = f"https://127.0.0.1:{port}/"
            start = time.monotonic()

            with pytest.raises(FetchError, match="does not answer in time"):
                fetch(url, seconds=0.3, max_bytes=10, private_hosts=["127.0.0.1"])

        assert time.monotonic() - start < 2
