"""`among` finds what `in` finds."""

from __future__ import annotations

import pytest

from messaging.models import ContactList


@pytest.mark.django_db
def test_among_many_values_is_as_in() -> None:
    news, offers, _ = (ContactList.objects.create(name=name) for name in ("News", "Offers", "x"))

    def found(**wanted: object) -> set[object]:
        return set(ContactList.objects.filter(**wanted).values_list("pk", flat=True))

    assert found(name__among=["News", "Offers", "Nobody's", "it's 100 %"]) == {news.pk, offers.pk}
    assert found(pk__among={news.pk: 1, offers.pk: 2}.keys()) == {news.pk, offers.pk}
    assert found(name__among=[]) == set()
    assert ContactList.objects.exclude(pk__among=[news.pk, offers.pk]).get().name == "x"
