"""The page of a saved search for its owner, without a log-in: what it told, and the button that ends it.

Mail programs post `List-Unsubscribe=One-Click` (RFC 8058) to it, without cookies; the signed link is the permission.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core.errors import NotFound
from messaging.views import ACTOR, sealed
from tenders.actions.searches import begin_again, end_search
from tenders.alerts.links import search_of
from tenders.alerts.wording import by_tender, in_words, rhythm, tenders_of
from tenders.finding import Criteria
from tenders.models import AlertMatch, SavedSearch

#: What was told lately: so many changes.
MOST_SHOWN = 1_000


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class SearchView(View):
    """One saved search."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show it; change nothing, for mail scanners open every link."""
        return page(request, found_by(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """End it, or begin it anew; again changes nothing."""
        search = found_by(token)
        if request.POST.get("action") == "begin":
            begin_again(search, actor=ACTOR)
        else:
            end_search(search, actor=ACTOR)
        return page(request, search)


def found_by(token: str) -> SavedSearch:
    try:
        return search_of(token)
    except NotFound:
        raise Http404 from None


def page(request: HttpRequest, search: SavedSearch) -> HttpResponse:
    told = AlertMatch.objects.filter(search=search).exclude(digest=None).order_by("-pk")
    matches = told.select_related("event")[:MOST_SHOWN]
    context = {
        "search": search,
        "criteria": in_words(Criteria.from_json(search.criteria)),
        "rhythm": rhythm(search),
        "is_over": search.status == search.Status.ENDED,
        "tenders": tenders_of(by_tender(matches), zone=search.zone),
    }
    return sealed(render(request, "tenders/search_page.html", context))
