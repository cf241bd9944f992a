"""A guarded GET of an address that somebody typed: no private network, no endless answer, no endless wait.

1. The name is resolved once, and every address it has must be public. 2. The connection goes to one of the
addresses that were checked, so that a second answer of the name server changes nothing; the certificate is checked
against the name. Proxies of the environment are not asked. 3. A redirect is a new address: checked again, https
stays https, and headers such as a key go to the first origin alone. 4. One clock runs over all connections, and cuts
the one it finds.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

MAX_REDIRECTS = 3
CONNECT_SECONDS = 5.0
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = {"https": 443, "http": 80}
#: Addresses in which another one is wrapped that nobody checked.
WRAPPING = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class FetchError(Exception):
    """There is no answer, or none that may be used; says why without the address's secrets."""


@dataclass(frozen=True)
class Fetched:
    """An answer, whatever its status; the names of its headers are in small letters."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


def fetch(
    url: str,
    *,
    seconds: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    private_hosts: Collection[str] = (),
) -> Fetched:
    """Return what an address answers within so many seconds and bytes; raise FetchError.

    Only https and public addresses are asked, except for `private_hosts`, given as `host` or `host:port`.
    """
    deadline = time.monotonic() + seconds
    first = target = _checked(url, private_hosts)
    for _ in range(MAX_REDIRECTS + 1):
        sent = headers if _origin(target) == _origin(first) else None
        answer, location = _ask(target, sent or {}, deadline, max_bytes, private_hosts)
        if answer.status not in REDIRECTS or not location:
            return answer
        target = _checked(urljoin(target.geturl(), location), private_hosts)
        if first.scheme == "https" and target.scheme != "https":
            raise FetchError("It redirects from https to http.")
    raise FetchError(f"It redirects more than {MAX_REDIRECTS} times.")


def _checked(url: str, private_hosts: Collection[str]) -> SplitResult:
    try:
        target = urlsplit(url)
        _port(target)
    except ValueError:
        raise FetchError("That is no address.") from None
    if target.scheme not in PORTS or not target.hostname or target.username:
        raise FetchError("Only http addresses of the form https://host/path are asked.")
    if target.scheme != "https" and not _is_private_host(target, private_hosts):
        raise FetchError(f"{target.hostname} is asked without TLS.")
    if not target.path.isascii() or any(letter <= " " for letter in target.path + target.query):
        raise FetchError("The address has letters that must be encoded.")
    return target


def _ask(
    target: SplitResult,
    headers: Mapping[str, str],
    deadline: float,
    max_bytes: int,
    private_hosts: Collection[str],
) -> tuple[Fetched, str]:
    """Ask once, at an address that was checked; return the answer and where it redirects to."""
    ip = _public_address(target, private_hosts)
    try:
        with _connected(target, ip, deadline) as connection:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            connection.request("GET", path, headers={"Accept-Encoding": "identity", **headers})
            response = connection.getresponse()
            body = response.read(max_bytes + 1)
            announced = int(response.getheader("Content-Length") or 0)
    except TimeoutError:
        raise FetchError("It does not answer in time.") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= deadline:
            raise FetchError("It does not answer in time.") from None
        raise FetchError(f"It cannot be reached: {type(error).__name__}.") from None
    if len(body) > max_bytes:
        raise FetchError(f"It answers with more than {max_bytes:,} bytes.")
    if time.monotonic() >= deadline:  # cut off by the clock, which looks like an end
        raise FetchError("It does not answer in time.")
    if len(body) < announced:
        raise FetchError("Its answer breaks off.")
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise FetchError("It answers compressed, which nobody asked for.")
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    told = {name.lower(): value for name, value in response.getheaders()}
    return Fetched(response.status, kind, body, told), response.getheader("Location", "")


@contextmanager
def _connected(
    target: SplitResult, ip: str, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """Give a connection to exactly this address; at the deadline it is cut, whatever it is doing."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock = socket.create_connection((ip, _port(target)), timeout=min(left, CONNECT_SECONDS))
    held: list[socket.socket] = [sock]
    clock = threading.Timer(left, lambda: _cut(held[0]))
    clock.daemon = True
    connection = http.client.HTTPConnection(str(target.hostname), _port(target))
    connection.default_port = PORTS[target.scheme]  # so that the Host header names no usual port
    try:
        clock.start()
        sock.settimeout(left)
        if target.scheme == "https":
            secured = held[0] = _secured(sock, str(target.hostname))
            secured.do_handshake()
        connection.sock = held[0]
        yield connection
    finally:
        clock.cancel()
        connection.close()
        held[0].close()


def _secured(sock: socket.socket, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    return context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)


def _cut(sock: socket.socket) -> None:
    """End a connection that another thread is waiting for."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # it ended by itself at the same moment


def _public_address(target: SplitResult, private_hosts: Collection[str]) -> str:
    """Return an address of the host; raise FetchError where any of its addresses is not public."""
    try:
        found = socket.getaddrinfo(target.hostname, _port(target), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"{target.hostname} has no address.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not _is_private_host(target, private_hosts):
        for address in addresses:
            if not is_public(address):
                raise FetchError(f"{target.hostname} stands at a private address.")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network; one that wraps another does not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in WRAPPING):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_private_host(target: SplitResult, private_hosts: Collection[str]) -> bool:
    host = str(target.hostname)
    return host in private_hosts or f"{host}:{_port(target)}" in private_hosts


def _origin(target: SplitResult) -> tuple[str, str, int]:
    return target.scheme, str(target.hostname), _port(target)


def _port(target: SplitResult) -> int:
    return target.port or PORTS.get(target.scheme, 0)
