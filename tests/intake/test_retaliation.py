"""Reports of retaliation: at any time, by number and code, sealed, away from whom they concern."""

import uuid
from typing import Any

import pytest
import pytest_asyncio
from heed.common.v1.matter_pb2 import CHANNEL_WEB
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.intake.v1 import intake_service_pb2 as pb

from heed_intake.application.check_progress import WRONG_CODES
from heed_shared.errors import reason_of
from tests.intake.conftest import Office, emptied, refusal, wrong_fields
from tests.intake.sealed_desk import desk_of
from tests.intake.test_personal_data import erase
from tests.intake.test_progress import progress, told
from tests.intake.test_sealed_lane import events_of, everything_in, forms_of

TEXT = "因为我信访,单位领导要开除我。"
PERSON = {"display_name": "欧阳明月", "contact": "13912345678", "safe_contact_note": "晚上"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(shared_office: Office) -> Office:
    """The office of this module, empty again."""
    return await emptied(shared_office)


def report(about: pb.RegisterPetitionResponse, **changed: Any) -> pb.ReportRetaliationRequest:
    """The request of the holder of number and code."""
    fields = {
        "request_id": str(uuid.uuid4()),
        "receipt_number": about.petition.receipt_number,
        "query_code": about.query_code,
        "text": TEXT,
    }
    return pb.ReportRetaliationRequest(**(fields | changed))


async def test_a_report_is_sealed_and_bound_and_kept_from_whom_it_concerns(
    office: Office,
) -> None:
    about = await office.register(petitioner=PERSON, target_units=["朝阳区市场监督管理局"])
    name = about.petition.name
    kinds = (ProgressEvent.KIND_ROUTED, ProgressEvent.KIND_CLOSED)
    await told(office, *(progress(name, kind, unit="朝阳区水务局") for kind in kinds))
    request = report(about)
    answer = await office.stub("portal").ReportRetaliation(request)
    assert await office.stub("portal").ReportRetaliation(request) == answer
    assert answer.receipt_number == "110105-2026-000002"
    assert answer.query_code != about.query_code

    desk = desk_of(office)
    (listed,) = (await desk.page()).petitions
    assert listed.about_receipt_number == about.petition.receipt_number
    assert list(listed.sealed_because) == ["retaliation"]
    # The accuser is known from the petition, so D14 runs.
    assert listed.named
    seen = await desk.look(listed.name)
    assert seen.content.facts == TEXT
    assert seen.accuser.display_name == PERSON["display_name"]
    assert list(seen.content.target_units) == ["朝阳区市场监督管理局", "朝阳区水务局"]
    for unit in ("朝阳区市场监督管理局", "朝阳区水务局", "朝阳区水务局供水科"):
        error = await refusal(desk.do("ForwardSealedPetition", listed.name, destination_unit=unit))
        assert reason_of(error) == "ROUTE_FORBIDDEN"

    assert len(await events_of(office)) == 1
    ordinary = await everything_in(office, "intake")
    for value in (TEXT, answer.receipt_number):
        assert not any(form in ordinary for form in forms_of(value)), value
    page = await office.stub("portal").CheckProgress(
        pb.CheckProgressRequest(receipt_number=answer.receipt_number, query_code=answer.query_code)
    )
    assert [step.text for step in page.steps] == ["您的信访事项已登记。"]


async def test_a_report_about_an_accusation_takes_over_whom_that_one_accuses(
    office: Office,
) -> None:
    desk = desk_of(office)
    about = await desk.sealed(accused_persons=["罗成"])
    await desk.do("AddAccused", about.petition.name, accused_persons=["江海"])
    await desk.do("AcceptSealedPetition", about.petition.name, notice_method="电话")
    await desk.do("ForwardSealedPetition", about.petition.name, destination_unit="北京市纪委监委")
    await office.stub("portal").ReportRetaliation(report(about))
    (made,) = (item for item in (await desk.page()).petitions if item.about_receipt_number)
    content = (await desk.look(made.name)).content
    assert list(content.accused_persons) == ["罗成", "江海"]
    assert "北京市纪委监委" not in content.closed_units
    assert {"朝阳区人民政府", "北京市水务局"} <= set(content.closed_units)


async def test_an_anonymous_petitioner_may_report_and_so_may_a_clerk_of_anywhere(
    office: Office,
) -> None:
    about = await office.register()
    clerk = office.caller(["ROLE_INTAKE_CLERK"], "330100")
    answer = await clerk.ReportRetaliation(report(about))
    assert answer.receipt_number.startswith("110105-")
    (listed,) = (await desk_of(office).page()).petitions
    assert not listed.named


async def test_who_had_everything_erased_may_still_report(office: Office) -> None:
    about = await office.register(petitioner=PERSON)
    await told(
        office, progress(about.petition.name, ProgressEvent.KIND_CLOSED, unit="朝阳区水务局")
    )
    await office.stub("leader").ErasePetitioner(erase(about.petition.name))
    await office.stub("portal").ReportRetaliation(report(about))
    (listed,) = (await desk_of(office).page()).petitions
    content = (await desk_of(office).look(listed.name)).content
    assert list(content.target_units) == ["朝阳区水务局"]
    assert not listed.named


async def test_a_wrong_code_reports_nothing_and_is_throttled(office: Office) -> None:
    about = await office.register()
    portal = office.stub("portal")
    wrong = [report(about, query_code="AAAA-AAAA-AAAA") for _ in range(WRONG_CODES + 1)]
    reasons = [reason_of(await refusal(portal.ReportRetaliation(item))) for item in wrong]
    assert reasons == ["RECEIPT_NOT_FOUND"] * WRONG_CODES + ["RATE_LIMITED"]
    unknown = report(about, receipt_number="110105-2026-999999")
    first = await refusal(office.stub("clerk").ReportRetaliation(unknown))
    second = await refusal(office.stub("clerk").ReportRetaliation(wrong[0]))
    assert first.details() == second.details()
    # The holder passes all the same, with a number and code as people type them.
    typed = report(
        about,
        receipt_number=f" {about.petition.receipt_number.lower()}",
        query_code=about.query_code.lower().replace("-", " "),
    )
    await portal.ReportRetaliation(typed)
    assert len(await office.rows("SELECT 1 FROM intake_sealed.petition")) == 1


async def test_a_request_id_belongs_to_one_report_and_to_no_registration(office: Office) -> None:
    about = await office.register()
    request = report(about)
    await office.stub().ReportRetaliation(request)
    registration = pb.RegisterPetitionRequest(request_id=request.request_id)
    registration.submission.region_code = "110105"
    registration.submission.channel = CHANNEL_WEB
    registration.submission.request = "修路"
    await office.stub().RegisterPetition(registration)
    request.text = "另外的话"
    error = await refusal(office.stub().ReportRetaliation(request))
    assert reason_of(error) == "REQUEST_ID_REUSED"
    empty = report(about, text="")
    assert wrong_fields(await refusal(office.stub().ReportRetaliation(empty))) == {"text"}
    for identity in ("officer", "accusation", "peer", "service/disposal"):
        error = await refusal(office.stub(identity).ReportRetaliation(report(about)))
        assert reason_of(error) == "ROLE_REQUIRED"
