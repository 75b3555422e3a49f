"""Suggestions of similar petitions: from the real classifier, and nobody's data in them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from heed.classifier.v1 import classifier_service_pb2 as classifier_pb
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as resources

from heed_intake.domain.suggestions import shown_terms, title_of
from heed_intake.settings import IntakeSettings
from heed_local.authority import Authority
from heed_shared.errors import reason_of
from heed_shared.settings import load_settings
from tests.classifier.builders import petition
from tests.classifier.serving import Serving, serving
from tests.classifier.test_incident_store import stream
from tests.classifier.test_incidents import CONCRETE
from tests.database_templates import DatabaseTemplates
from tests.intake.conftest import (
    COUNTY,
    Office,
    refusal,
    running_office,
    wrong_fields,
)
from tests.intake.organisation import write_table
from tests.intake.test_sealed_lane import SECRET

ASKED = {"request": "桃源丽都门口搅拌站粉尘大", "facts": "搅拌站噪音粉尘，住户王建国也投诉过"}
CITY = stream()


@dataclass
class Neighbours:
    """Intake and the classifier, side by side."""

    office: Office
    classifier: Serving

    async def suggest(
        self, identity: str = "clerk", **fields: str
    ) -> list[resources.SimilarSuggestion]:
        """What is suggested for a text."""
        return await suggest(self.office, identity, **fields)


async def suggest(
    office: Office, identity: str = "clerk", **fields: str
) -> list[resources.SimilarSuggestion]:
    """What is suggested for a text."""
    request = pb.SuggestSimilarPetitionsRequest(**({"region_code": COUNTY} | ASKED | fields))
    return list((await office.stub(identity).SuggestSimilarPetitions(request)).suggestions)


NAMED = petition("桃源丽都搅拌站粉尘找王建国", "搅拌站噪音粉尘，业主王建国电话13800138000每天投诉")
BESIDE = petition(*CONCRETE[0], region="110101")
ACCUSING = petition(f"{SECRET}，桃源丽都搅拌站", "桃源丽都搅拌站粉尘")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def neighbours(
    authority: Authority,
    database_templates: DatabaseTemplates,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Neighbours]:
    """Both services, and a city's petitions in the classifier."""
    made = {name: database_templates.copy(name) for name in ("classifier", "intake")}
    async with AsyncExitStack() as stack:
        classifier = await stack.enter_async_context(serving(made["classifier"], authority))
        environ = authority.environment("intake") | {
            "HEED_LISTEN": "127.0.0.1:0",
            "HEED_DATABASE_URL": made["intake"]["url"],
            "HEED_SEALED_DATABASE_URL": made["intake"]["sealed_url"],
            "HEED_CLASSIFIER_TARGET": f"localhost:{classifier.service.port}",
            "HEED_ORGANISATION": str(write_table(tmp_path_factory.mktemp("table") / "o.csv")),
            "HEED_SHUTDOWN_GRACE_S": "2",
        }
        settings = load_settings(IntakeSettings, environ)
        office = await stack.enter_async_context(
            running_office(settings, authority, made["intake"])
        )
        await classifier.feed.register(*CITY, NAMED, BESIDE, ACCUSING)
        yield Neighbours(office, classifier)
    for database in made.values():
        database_templates.drop(database)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_may_be_the_same_matter_is_suggested_without_a_word_of_it(
    neighbours: Neighbours,
) -> None:
    found = await neighbours.suggest()
    assert 3 <= len(found) <= 5
    assert [item.similarity for item in found] == sorted(
        (item.similarity for item in found), reverse=True
    )
    assert found[0].incident.startswith("incidents/110100-")
    assert any("搅拌站" in term for term in found[0].shared_terms)
    assert found[0].received_on.startswith("2026-03-")
    asking = "\n".join(ASKED.values())
    strangers = {text for item in (*CITY, NAMED) for text in (item.text.request, item.text.facts)}
    for item in found:
        assert all(term in asking for term in item.shared_terms)
        assert item.title.split("(")[0].split("、")[0] in asking
        assert not any(text and text in item.title for text in strangers)
        assert "王建国" not in str(item)
        assert "petitions/" not in str(item)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_name_that_both_texts_hold_is_shared_and_not_shown(neighbours: Neighbours) -> None:
    request = classifier_pb.FindSimilarPetitionsRequest(
        region_code=COUNTY, limit=50, request=ASKED["request"], facts=ASKED["facts"]
    )
    stub = neighbours.classifier.stub("service/intake")
    shared = {
        term
        for item in (await stub.FindSimilarPetitions(request)).petitions
        for term in item.shared_terms
    }
    assert "王建国" in shared


@pytest.mark.asyncio(loop_scope="module")
async def test_a_text_on_nothing_known_gets_no_suggestion(neighbours: Neighbours) -> None:
    asked = {"request": "请在青龙湾码头增设救生圈", "facts": "青龙湾码头游人很多。"}
    assert await neighbours.suggest(**asked) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_only_petitions_of_the_callers_region_are_suggested(neighbours: Neighbours) -> None:
    # The very words of a petition of the next county.
    texts = {"request": BESIDE.text.request, "facts": BESIDE.text.facts}
    text = pb.SuggestSimilarPetitionsRequest(region_code=COUNTY, **texts)
    county = neighbours.office.caller(["ROLE_INTAKE_CLERK"], COUNTY)
    inside = (await county.SuggestSimilarPetitions(text)).suggestions
    everywhere = await neighbours.suggest(**texts)
    same = sum(item.similarity > 0.95 for item in inside)
    assert sum(item.similarity > 0.95 for item in everywhere) == same + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_text_that_accuses_goes_nowhere(neighbours: Neighbours) -> None:
    assert await neighbours.suggest(request=ACCUSING.text.request) == []


async def test_the_classifier_being_away_hinders_no_registration(office: Office) -> None:
    error = await refusal(suggest(office))
    assert reason_of(error) == "DEPENDENCY_DOWN"
    settings = replace(office.service.settings, classifier_target="localhost:1")
    async with running_office(settings, office.authority, office.database) as other:  # type: ignore[arg-type]
        assert reason_of(await refusal(suggest(other))) == "DEPENDENCY_DOWN"
        assert (await other.register()).petition.receipt_number


async def test_a_wrong_question_is_refused_by_field(office: Office) -> None:
    wrong: list[tuple[dict[str, str], set[str], str]] = [
        ({"request": " ", "facts": ""}, {"request"}, "INVALID_FIELD"),
        ({"facts": "停水\0"}, {"facts"}, "INVALID_FIELD"),
        ({"region_code": "999999"}, {"region_code"}, "UNKNOWN_REGION"),
        ({"region_code": "x"}, {"region_code"}, "INVALID_FIELD"),
    ]
    for fields, field, reason in wrong:
        error = await refusal(suggest(office, **fields))
        assert (reason_of(error), wrong_fields(error)) == (reason, field)
    elsewhere = office.caller(["ROLE_INTAKE_CLERK"], "310000")
    text = pb.SuggestSimilarPetitionsRequest(region_code=COUNTY, **ASKED)
    error = await refusal(elsewhere.SuggestSimilarPetitions(text))
    assert reason_of(error) == "REGION_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("桃源丽都小区", ["桃源丽都小区"]),
        ("城东供水公司", ["城东供水公司"]),
        ("建设北路", ["建设北路"]),
        ("拖欠工资", ["拖欠工资"]),
        ("王建国", []),
        ("李小路", []),
        ("王建国欠薪", ["欠薪"]),
        ("找王建国", []),
        ("欧阳明月", []),
        ("司马丽都", []),
        ("桃源丽都", ["桃源丽都"]),
        ("张三的物业费", ["物业费"]),
        ("区", []),
    ],
)
def test_things_and_problems_are_shown_and_no_person(term: str, shown: list[str]) -> None:
    assert list(shown_terms([term], f"前文{term}后文")) == shown
    assert shown_terms([term], "别的文字") == ()


def test_a_title_names_the_terms_and_the_kind_of_matter() -> None:
    assert (
        title_of(["丽发新城", "扬尘", "噪音", "停水"], "环境保护")
        == "丽发新城、扬尘、噪音(环境保护)"
    )
    assert title_of([], "环境保护") == "环境保护类事项"
    assert title_of(["扬尘"], "") == "扬尘"
    assert title_of([], "") == "相似事项"
