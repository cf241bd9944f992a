"""Who lacks what a template needs is said before anybody is written to."""

from __future__ import annotations

import pytest

from campaigns.models import Campaign
from campaigns.readiness import count_gaps, list_gaps
from messaging.actions.templates import save_version
from messaging.gaps import Gap, needed_variables
from messaging.models import Contact, Template

CAMPAIGNS = "/admin/campaigns/campaign"
TOWN = "contact.attributes.town"


def write(template: Template, html: str) -> list[str]:
    version = save_version(template, actor="staff:alice", subject="Hello", html=html)
    return needed_variables(version)


@pytest.fixture
def in_need(campaign: Campaign, template: Template) -> Campaign:
    """A campaign whose template needs a town and a first name; of five, two have the one, one the other."""
    write(template, f"<p>{{{{ contact.first_name }}}} in {{{{ {TOWN} }}}}</p>")
    towns = {"person0": {"town": "Paarl"}, "person1": {"town": "George"}, "person2": {"town": ""}}
    for name, attributes in towns.items():
        Contact.objects.filter(email=f"{name}@example.com").update(attributes=attributes)
    Contact.objects.filter(email="person3@example.com").update(attributes={"town": None})
    Contact.objects.filter(email="person0@example.com").update(first_name="Thandi")
    return campaign


@pytest.mark.parametrize(
    ("html", "needed"),
    [
        (f"{{{{ {TOWN} }}}}", [TOWN]),
        (f"{{{{ {TOWN} | default: 'town' }}}}", []),
        (f"{{% if {TOWN} %}}{{{{ {TOWN} }}}}{{% endif %}}", []),
        (f"{{{{ {TOWN} | default: 'x' }}}} {{{{ {TOWN} }}}}", [TOWN]),
        ("{{ contact.first_name }}", ["contact.first_name"]),
        ("{{ contact.first_name | default: 'friend' }}", []),
        ("{{ contact.attributes.address.city }}", ["contact.attributes.address.city"]),
        ("{{ contact.attributes.gt }}", ["contact.attributes.gt"]),
        (f"{{{{ event.title }}}} {{{{ {TOWN} }}}} {{{{ event.at | local_time }}}}", [TOWN]),
        ("{{ sender.name }} {{ unsubscribe_url }} {{ campaign.name }}", []),
    ],
)
def test_needed_is_what_has_no_default_and_is_not_asked_for(
    template: Template, html: str, needed: list[str]
) -> None:
    assert write(template, html) == needed


def test_the_people_who_lack_something_are_counted(in_need: Campaign) -> None:
    assert count_gaps(in_need) == [Gap("contact.first_name", 4), Gap(TOWN, 3)]
    assert [gap.may_fail for gap in count_gaps(in_need)] == [False, True]


def test_only_people_whom_it_would_reach_count(in_need: Campaign) -> None:
    in_need.lists.clear()

    assert count_gaps(in_need) == []


def test_names_that_are_also_look_ups_are_counted(campaign: Campaign, template: Template) -> None:
    write(template, "{{ contact.attributes.gt }} {{ contact.attributes.address.city }}")
    Contact.objects.filter(email="person0@example.com").update(
        attributes={"gt": 5, "address": {"city": "Paarl"}}
    )

    assert count_gaps(campaign) == [
        Gap("contact.attributes.address.city", 4),
        Gap("contact.attributes.gt", 4),
    ]


def test_counting_costs_one_query(in_need: Campaign, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(3):  # the version, the lists, the count
        count_gaps(in_need)


def test_they_are_named(in_need: Campaign) -> None:
    found = {each.contact.email: each.variables for each in list_gaps(in_need, limit=10)}

    assert found == {
        "person1@example.com": ["contact.first_name"],
        "person2@example.com": [TOWN, "contact.first_name"],
        "person3@example.com": [TOWN, "contact.first_name"],
        "person4@example.com": [TOWN, "contact.first_name"],
    }
    assert len(list_gaps(in_need, limit=2)) == 2


def test_the_campaign_s_page_and_the_question_before_sending_say_it(
    in_need: Campaign, alice, client_of
) -> None:
    client = client_of(alice)
    words = f"3 people have no {TOWN}: they would not get it, or with a gap there."

    assert words in client.get(f"{CAMPAIGNS}/{in_need.pk}/change/").content.decode()
    assert words in client.get(f"{CAMPAIGNS}/{in_need.pk}/send/").content.decode()
    assert words in client.get(f"{CAMPAIGNS}/{in_need.pk}/schedule/").content.decode()
    page = client.get(f"{CAMPAIGNS}/{in_need.pk}/gaps/").content.decode()
    assert words in page
    assert "person2@example.com" in page
    assert "person0@example.com" not in page


def test_names_are_for_those_who_may_see_contacts(in_need: Campaign, staff_with, client_of) -> None:
    page = client_of(staff_with()).get(f"{CAMPAIGNS}/{in_need.pk}/gaps/")

    assert page.status_code == 403


def test_the_api_counts_them(in_need: Campaign, api) -> None:
    answer = api("campaigns:read").get(f"/api/v1/campaigns/{in_need.public_id}/audience").json()

    assert answer["gaps"] == [
        {"variable": "contact.first_name", "people": 4, "may_fail": False},
        {"variable": TOWN, "people": 3, "may_fail": True},
    ]
