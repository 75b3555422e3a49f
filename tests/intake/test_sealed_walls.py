"""The walls of the sealed lane: regions, roles, database rights, and letters that do not enter."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor
from heed.audit.v1.audit_service_pb2 import AUDIT_ACTION_DENY
from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as pb

from heed_intake.adapters.sealed_records import SealedRecords
from heed_shared.database import Database
from heed_shared.errors import reason_of
from tests.intake.conftest import NOW, Office, emptied, refusal, wrong_fields
from tests.intake.sealed_desk import (
    ACCUSER,
    PURPOSE,
    STEPS,
    WORDS,
    desk_of,
    desk_of_region,
    request_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(shared_office: Office) -> Office:
    """The office of this module, empty again."""
    return await emptied(shared_office)


async def test_another_region_sees_nothing_and_is_told_that_nothing_exists(office: Office) -> None:
    name = (await desk_of(office).sealed()).petition.name
    missing = name[:-1] + ("0" if name[-1] != "0" else "1")
    near, far = desk_of_region(office, "110105"), desk_of_region(office, "110108")
    assert [item.name for item in (await near.page()).petitions] == [name]
    assert list((await far.page()).petitions) == []
    looks = [
        await refusal(desk.look(subject))
        for desk, subject in ((far, name), (near, missing), (near, name.replace("0105", "0106")))
    ]
    assert {reason_of(error) for error in looks} == {"NOT_FOUND"}
    for method, fields in STEPS.items():
        error = await refusal(far.do(method, name, **fields))
        assert (reason_of(error), error.details()) == ("NOT_FOUND", f"{name} does not exist")
    asked = pb.ListSealedPetitionsRequest(region_prefix="110105")
    assert reason_of(await refusal(far.stub.ListSealedPetitions(asked))) == "REGION_NOT_ALLOWED"
    hidden = await office.rows("SELECT action FROM intake.audit_entry WHERE resource = $1", name)
    assert [row["action"] for row in hidden].count(AUDIT_ACTION_DENY) == 1 + len(STEPS)


async def test_for_every_ordinary_role_a_sealed_petition_is_like_one_that_is_not_there(
    office: Office,
) -> None:
    name = (await desk_of(office).sealed()).petition.name
    missing = name[:-1] + ("0" if name[-1] != "0" else "1")
    ids = {"request_id": str(uuid.uuid4())}
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GetPetition", "clerk officer handler supervisor", {}),
        (
            "RevealPetitioner",
            "clerk officer handler supervisor",
            {"purpose": "REVEAL_PURPOSE_NOTICE", "legal_basis": "第二十三条"},
        ),
        ("ErasePetitioner", "leader", {**ids, "reason": "申请", "legal_basis": "第四十七条"}),
        ("SealPetition", "clerk officer accusation", {**ids, "reason": "指名反映"}),
    ]
    # The petitioner's own words are taken in in either lane, and the answer is the same.
    own = {"SupplementPetition", "WithdrawPetition"}
    by_name = {
        method.name
        for method in intake.DESCRIPTOR.services_by_name["IntakeService"].methods
        if "petitions/" in str(_pattern_of(method.input_type))
    }
    assert by_name == {method for method, _, _ in calls} | own
    for method, identities, fields in calls:
        for identity in identities.split():
            call = getattr(office.stub(identity), method)
            request = getattr(intake, f"{method}Request")
            errors = [await refusal(call(request(name=at, **fields))) for at in (name, missing)]
            assert {reason_of(error) for error in errors} == {"NOT_FOUND"}, (method, identity)
            told = [(error.details() or "").replace(missing, name) for error in errors]
            assert told[0] == told[1]


def _pattern_of(message: Descriptor) -> str:
    """The pattern of the field `name` of a request; empty where it has none."""
    field = message.fields_by_name.get("name")
    return field.GetOptions().Extensions[validate_pb2.field].string.pattern if field else ""


async def test_a_letter_that_must_not_enter_leaves_a_number_and_nothing_else(
    office: Office,
) -> None:
    desk = desk_of(office, "clerk")
    before = await office.register()
    request = request_of(
        "RecordSealedHandOver",
        region_code="110105",
        office="110105",
        destination_unit="北京市纪委监委",
    )
    first = (await desk.stub.RecordSealedHandOver(request)).hand_over
    assert (await desk.stub.RecordSealedHandOver(request)).hand_over == first
    after = await office.register()
    numbers = [before.petition.receipt_number, first.receipt_number, after.petition.receipt_number]
    assert [number[-1] for number in numbers] == ["1", "2", "3"]
    assert first.recorded_by.identity == "staff/1001"
    progress = intake.CheckProgressRequest(receipt_number=first.receipt_number, query_code="AAAA")
    error = await refusal(office.stub("portal").CheckProgress(progress))
    assert reason_of(error) == "RECEIPT_NOT_FOUND"
    for field, value in (
        ("office", "x"),
        ("received_at", NOW + timedelta(hours=1)),
        ("received_at", datetime(1900, 1, 1, tzinfo=UTC)),
    ):
        wrong = {"region_code": "110105", "office": "110105", "destination_unit": "某委"}
        bad = request_of("RecordSealedHandOver", **(wrong | {field: value}))
        assert wrong_fields(await refusal(desk.stub.RecordSealedHandOver(bad))) == {field}
    abroad = request_of(
        "RecordSealedHandOver", region_code="110108", office="110108", destination_unit="某委"
    )
    stranger = desk_of_region(office, "110105")
    error = await refusal(stranger.stub.RecordSealedHandOver(abroad))
    assert reason_of(error) == "REGION_NOT_ALLOWED"


async def test_hand_overs_and_unsealings_are_only_added(office: Office) -> None:
    connection = await asyncpg.connect(office.database["sealed_url"])
    for table in ("hand_over", "unsealing"):
        for statement in ("DELETE FROM", "TRUNCATE"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"{statement} intake_sealed.{table}")
    await connection.close()


async def test_the_ordinary_roles_read_no_table_of_the_lane(office: Office) -> None:
    tables = await office.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'intake_sealed'")
    assert {"petition", "step", "accused", "hand_over"} <= {row["tablename"] for row in tables}
    for role in ("url", "reader_url"):
        connection = await asyncpg.connect(office.database[role])
        for row in tables:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f'SELECT * FROM intake_sealed."{row["tablename"]}"')
        await connection.close()


async def test_what_is_written_about_an_accusation_is_readable_in_no_table(office: Office) -> None:
    desk = desk_of(office)
    name = (await desk.sealed(accused_persons=["张三丰"])).petition.name
    await desk.do("AddAccused", name, accused_persons=["周小周"])
    await desk.do("AcceptSealedPetition", name, notice_method="托人带口信")
    tables = await office.rows(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'intake%'"
    )
    for schema, table in tables:
        rows = await office.rows(f'SELECT t::text AS line FROM "{schema}"."{table}" AS t')
        lines = "\n".join(row["line"] for row in rows)
        for value in ("张三丰", "周小周", "托人带口信", ACCUSER["display_name"], WORDS):
            assert value not in lines
            assert value.encode().hex() not in lines


async def test_only_who_is_charged_with_accusations_may_call(office: Office) -> None:
    name = (await desk_of(office).sealed()).petition.name
    others = set(office.authority.identities()) - {"accusation"}
    calls: dict[str, Any] = {"ListSealedPetitions": pb.ListSealedPetitionsRequest()}
    calls["GetSealedPetition"] = pb.GetSealedPetitionRequest(name=name, purpose=PURPOSE)
    calls |= {method: request_of(method, name=name, **STEPS[method]) for method in STEPS}
    calls["RecordSealedHandOver"] = request_of(
        "RecordSealedHandOver", region_code="110105", office="110105", destination_unit="某委"
    )
    methods = pb.DESCRIPTOR.services_by_name["SealedService"].methods_by_name
    assert set(calls) == set(methods)
    for identity in sorted(others | {"service/classifier", "service/disposal", "service/warning"}):
        stub = desk_of(office, identity).stub
        for method, request in calls.items():
            if (identity, method) == ("clerk", "RecordSealedHandOver"):
                continue
            error = await refusal(getattr(stub, method)(request))
            assert reason_of(error) == "ROLE_REQUIRED", (identity, method)


async def test_request_ids_of_the_lane_are_kept_for_seven_days(office: Office) -> None:
    name = (await desk_of(office).sealed()).petition.name
    await desk_of(office).do("AddAccused", name, target_units=["某单位"])
    await desk_of(office).do("AddAccused", name, target_units=["另一单位"])
    await office.rows(
        "UPDATE intake_sealed.request_record SET recorded_at = now() - interval '8 days'"
        " WHERE request_id = (SELECT min(request_id) FROM intake_sealed.request_record)"
    )
    sealed = await Database.open(office.database["sealed_url"], "intake_sealed", 1)
    stop = asyncio.Event()
    purging = asyncio.create_task(SealedRecords(sealed).run(stop))
    for _ in range(100):
        if len(await office.rows("SELECT 1 FROM intake_sealed.request_record")) == 1:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await purging
    await sealed.close()
    assert len(await office.rows("SELECT 1 FROM intake_sealed.request_record")) == 1
