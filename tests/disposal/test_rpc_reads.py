"""Opening by hand and the lists: who sees what, in which order, page by page."""

from datetime import timedelta

import grpc
import pytest
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_shared.errors import reason_of
from tests.disposal.builders import MONDAY, at, petition
from tests.disposal.serving import (
    Serving,
    new_id,
    open_request,
    opinion_request,
    route_request,
)

Case = resources.Case


async def reason(attempt: object) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await attempt  # type: ignore[misc]
    return reason_of(caught.value)


async def test_opening_twice_keeps_one_case_for_a_matter(disposal: Serving) -> None:
    first = await disposal.opened(1)
    again = await disposal.opened(1)
    assert again.name == first.name
    listed = await disposal.stub().ListCases(pb.ListCasesRequest(petition=petition()))
    assert [case.name for case in listed.cases] == [first.name]


async def test_a_repeated_opening_gives_the_stored_answer_and_a_changed_one_is_refused(
    disposal: Serving,
) -> None:
    request = open_request()
    first = await disposal.stub().OpenCase(request)
    assert await disposal.stub().OpenCase(request) == first
    request.title = "另一件事"
    assert await reason(disposal.stub().OpenCase(request)) == "REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"category_code": "99"}, "UNKNOWN_CATEGORY"),
        ({"title": ""}, "INVALID_FIELD"),
        ({"matter": "petitions/1"}, "INVALID_FIELD"),
        ({"request_id": "1"}, "INVALID_FIELD"),
        ({"region": "119999"}, "UNKNOWN_REGION"),
        ({"received_at": MONDAY + timedelta(days=1)}, "INVALID_FIELD"),
        ({"received_at": MONDAY.replace(year=1811)}, "INVALID_FIELD"),
    ],
)
async def test_a_wrong_opening_is_refused_with_its_reason(
    disposal: Serving, changes: dict[str, object], expected: str
) -> None:
    request = open_request(**changes)  # type: ignore[arg-type]
    assert await reason(disposal.stub().OpenCase(request)) == expected


async def test_nobody_opens_a_case_of_another_region(disposal: Serving) -> None:
    assert await reason(disposal.stub(region="310000").OpenCase(open_request())) == (
        "REGION_NOT_ALLOWED"
    )


async def test_only_an_officer_opens_cases(disposal: Serving) -> None:
    for person in ("handler", "leader", "supervisor", "analyst"):
        assert await reason(disposal.stub(person).OpenCase(open_request())) == "ROLE_REQUIRED"


async def test_cases_are_listed_page_by_page_latest_first(disposal: Serving) -> None:
    names = []
    for number in range(1, 6):
        await disposal.advance(MONDAY + timedelta(minutes=number))
        names.append((await disposal.opened(number)).name)
    seen: list[str] = []
    token = ""
    while True:
        request = pb.ListCasesRequest(page_size=2, page_token=token)
        page = await disposal.stub().ListCases(request)
        seen += [case.name for case in page.cases]
        token = page.next_page_token
        if not token:
            break
    assert seen == names[::-1]


async def test_a_page_token_holds_for_its_filter_and_region_only(disposal: Serving) -> None:
    for number in (1, 2):
        await disposal.opened(number)
    first = await disposal.stub().ListCases(pb.ListCasesRequest(page_size=1))
    token = first.next_page_token
    other = pb.ListCasesRequest(page_size=1, page_token=token, category_code="01")
    assert await reason(disposal.stub().ListCases(other)) == "BAD_PAGE_TOKEN"
    same = pb.ListCasesRequest(page_size=1, page_token=token)
    assert await reason(disposal.stub(region="110000").ListCases(same)) == "BAD_PAGE_TOKEN"
    deadlines = pb.ListDeadlinesRequest(page_size=1, page_token=token)
    assert await reason(disposal.stub().ListDeadlines(deadlines)) == "BAD_PAGE_TOKEN"


async def test_a_list_shows_the_callers_region_and_no_other(disposal: Serving) -> None:
    beijing = await disposal.opened(1)
    shanghai = await disposal.opened(2, "310101")
    everyone = await disposal.stub().ListCases(pb.ListCasesRequest())
    assert {case.name for case in everyone.cases} == {beijing.name, shanghai.name}
    stub = disposal.stub("leader", "310000")
    own = await stub.ListCases(pb.ListCasesRequest())
    assert [case.name for case in own.cases] == [shanghai.name]
    narrowed = await stub.ListCases(pb.ListCasesRequest(region_prefix="31"))
    assert [case.name for case in narrowed.cases] == [shanghai.name]
    burning = await stub.ListDeadlines(pb.ListDeadlinesRequest())
    assert {item.case for item in burning.deadlines} == {shanghai.name}
    assert await reason(stub.ListCases(pb.ListCasesRequest(region_prefix="110000"))) == (
        "REGION_NOT_ALLOWED"
    )
    assert await reason(stub.GetCase(pb.GetCaseRequest(name=beijing.name))) == "NOT_FOUND"


async def test_filters_narrow_the_list_and_unknown_codes_are_named(disposal: Serving) -> None:
    routed = await disposal.routed()
    await disposal.opened(2)
    stub = disposal.stub()
    request = pb.ListCasesRequest(states=[Case.STATE_ROUTED], track=Case.TRACK_APPEAL)
    assert [case.name for case in (await stub.ListCases(request)).cases] == [routed.name]
    none = await stub.ListCases(pb.ListCasesRequest(track=Case.TRACK_WARNING))
    assert not none.cases
    assert await reason(stub.ListCases(pb.ListCasesRequest(category_code="99"))) == (
        "UNKNOWN_CATEGORY"
    )
    assert await reason(stub.ListCases(pb.ListCasesRequest(region_prefix="88"))) == (
        "UNKNOWN_REGION"
    )


async def test_deadlines_are_listed_by_what_burns_most_with_their_bands(
    disposal: Serving,
) -> None:
    old = await disposal.opened(1, received_at=at("2026-09-01"))
    middle = await disposal.opened(2, received_at=at("2026-09-09"))
    new = await disposal.opened(3)
    listed = await disposal.stub().ListDeadlines(pb.ListDeadlinesRequest(page_size=2))
    first = list(listed.deadlines)
    request = pb.ListDeadlinesRequest(page_size=2, page_token=listed.next_page_token)
    second = await disposal.stub().ListDeadlines(request)
    assert [item.case for item in first] == [old.name, middle.name]
    assert [item.case for item in second.deadlines] == [new.name]
    assert not second.next_page_token
    bands = [item.deadline.band for item in (*first, *second.deadlines)]
    assert bands == [
        resources.Deadline.BAND_OVERDUE,
        resources.Deadline.BAND_WARN,
        resources.Deadline.BAND_AMPLE,
    ]
    due = await disposal.stub().ListDeadlines(pb.ListDeadlinesRequest(due_by="2026-09-24"))
    assert [item.case for item in due.deadlines] == [old.name, middle.name]


async def test_a_day_that_does_not_exist_is_refused(disposal: Serving) -> None:
    request = pb.ListDeadlinesRequest(due_by="2026-02-30")
    assert await reason(disposal.stub().ListDeadlines(request)) == "INVALID_FIELD"


async def test_playbooks_are_listed_with_the_general_ones(disposal: Serving) -> None:
    request = pb.ListPlaybooksRequest(category_code="03")
    answer = await disposal.stub("analyst").ListPlaybooks(request)
    assert {book.category_code for book in answer.playbooks} == {"", "03"}
    assert any(book.name == "wage-arrears@1" for book in answer.playbooks)
    request = pb.ListPlaybooksRequest(category_code="99")
    assert await reason(disposal.stub().ListPlaybooks(request)) == "UNKNOWN_CATEGORY"


async def test_names_that_are_none_are_refused(disposal: Serving) -> None:
    request = pb.GetCaseRequest(name="cases/110101-00000000-0000-7000-8000-000000000000")
    assert await reason(disposal.stub().GetCase(request)) == "NOT_FOUND"
    assert await reason(disposal.stub().GetCase(pb.GetCaseRequest(name="x"))) == "INVALID_FIELD"


async def test_a_changed_etag_that_is_none_is_stale(disposal: Serving) -> None:
    case = await disposal.opened()
    request = pb.AcceptCaseRequest(name=case.name, etag="nonsense", request_id=new_id())
    assert await reason(disposal.stub().AcceptCase(request)) == "STALE_ETAG"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("unit", "住建\x00局"),
        ("unit", "\x1b[31m"),
        ("unit", "   "),
        ("report_due_on", "9999-12-31"),
        ("report_due_on", "2026-02-30"),
    ],
)
async def test_control_characters_blanks_and_absurd_days_are_refused_by_name(
    disposal: Serving, field: str, value: str
) -> None:
    request = route_request(await disposal.opened(), kind=pb.ROUTE_KIND_ASSIGN, **{field: value})
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await disposal.stub().RouteCase(request)
    assert reason_of(caught.value) == "INVALID_FIELD"
    assert field in (caught.value.details() or "")


async def test_long_texts_line_breaks_and_emoji_are_kept_as_written(disposal: Serving) -> None:
    request = opinion_request(await disposal.accepted())
    request.text = ("第一条\n\t予以办理。😀" * 2000)[:20000]
    answer = await disposal.stub("handler").IssueOpinion(request)
    assert answer.case.opinion.text == request.text
    request = opinion_request(await disposal.accepted())
    request.text = "长" * 20001
    assert await reason(disposal.stub("handler").IssueOpinion(request)) == "INVALID_FIELD"


async def test_a_state_that_is_none_and_a_filter_with_control_characters_are_refused(
    disposal: Serving,
) -> None:
    odd = pb.ListCasesRequest(states=[99])  # type: ignore[list-item]
    assert await reason(disposal.stub().ListCases(odd)) == "INVALID_FIELD"
    odd = pb.ListCasesRequest(petition="petitions/\x00")
    assert await reason(disposal.stub().ListCases(odd)) == "INVALID_FIELD"
