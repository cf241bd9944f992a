"""What an answer holds: releases, whatever they are wrapped in, and the address of the next page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tenders.bodies import BadBody

#: Members by which answers with status 200 say that something went wrong.
COMPLAINTS = ("error", "errors", "message", "Message", "detail", "fault", "exception")
#: Members that only a package has.
ENVELOPE = {"version", "publishedDate", "publisher"}


@dataclass(frozen=True, slots=True)
class Package:
    """The releases of one answer, as they stand in it, and where its next page is."""

    releases: list[Any]
    next_url: str = ""


def unwrap(data: Any, *, or_none: bool = False) -> Package:
    """Return the releases of a release package, a record package, an array of either, or of a bare release.

    Raises BadBody where an answer says that it failed, or is something else. An empty object, by which sources say
    that they do not know an ocid, is a package only with `or_none`.
    """
    packages = data if isinstance(data, list) else [data]
    releases: list[Any] = []
    next_url = ""
    for package in packages:
        if not isinstance(package, dict):
            raise BadBody(f"The answer holds {type(package).__name__} in place of a package.")
        if package or not or_none:
            releases += _releases_of(package)
        next_url = next_url or _next_of(package)
    return Package(releases, next_url)


def _releases_of(package: Mapping[str, Any]) -> list[Any]:
    if isinstance(package.get("releases"), list):
        return list(package["releases"])
    if isinstance(package.get("records"), list):
        return [release for record in package["records"] for release in _of_record(record)]
    if "ocid" in package:
        return [package]
    for name in COMPLAINTS:
        if package.get(name):
            raise BadBody(f"The answer says: {str(package[name])[:200]}")
    if ENVELOPE & set(package):  # some leave the list out where it would be empty
        return []
    members = ", ".join(sorted(package))[:200]
    raise BadBody(f"The answer has no releases; it has {members or 'nothing'}.")


def _of_record(record: Any) -> Iterator[Any]:
    """Yield the releases that a record holds itself; those it only links to are never fetched."""
    if not isinstance(record, dict):
        yield record
        return
    embedded = [r for r in record.get("releases") or [] if isinstance(r, dict) and "ocid" in r]
    if embedded:
        yield from embedded
    elif isinstance(record.get("compiledRelease"), dict):
        yield record["compiledRelease"]


def _next_of(package: Mapping[str, Any]) -> str:
    links = package.get("links")
    if isinstance(links, list):  # one of several, each an object
        links = next((link for link in links if isinstance(link, dict) and "next" in link), None)
    found = links.get("next") if isinstance(links, dict) else None
    if isinstance(found, dict):
        found = found.get("href")
    return found if isinstance(found, str) else ""
