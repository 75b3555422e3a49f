"""What is registered is on record with its wave, and nothing on record tells the lanes apart."""

import asyncio
from typing import Any

import asyncpg
import pytest
from heed.audit.v1 import audit_service_pb2 as audit_pb
from heed.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import sealed_service_pb2 as sealed_pb
from heed.intake.v1.sealed_service_pb2_grpc import SealedServiceStub

from heed_shared.errors import reason_of
from tests.intake.conftest import COUNTY, Office, refusal, registration

REGISTERED = "action = 5"
DENIED = "action = 11"


async def entries(office: Office, condition: str) -> list[asyncpg.Record]:
    return await office.rows(
        "SELECT action, method, resource, region_code, actor, result_count, xid::text AS xid, seq"
        f" FROM intake.audit_entry WHERE {condition} ORDER BY seq"
    )


async def test_petitions_of_one_wave_have_an_entry_each_in_its_transaction(office: Office) -> None:
    answers = await asyncio.gather(*(office.register() for _ in range(30)))
    rows = await entries(office, REGISTERED)
    assert {row["resource"] for row in rows} == {answer.petition.name for answer in answers}
    assert len(rows) == 30
    assert {(row["actor"], row["region_code"]) for row in rows} == {("staff/1001", COUNTY)}
    petitions = await office.rows(
        "SELECT region_code || '-' || uid AS id, xmin::text FROM intake.petition"
    )
    written = {f"petitions/{row['id']}": row["xmin"] for row in petitions}
    assert {row["resource"]: row["xid"] for row in rows} == written
    assert len({row["xid"] for row in rows}) < 30, "waves were shared"


async def test_an_answer_that_is_given_again_is_a_look_on_record(office: Office) -> None:
    request = registration()
    first = await office.stub().RegisterPetition(request)
    assert await office.stub().RegisterPetition(request) == first
    rows = await entries(office, REGISTERED)
    assert [row["resource"] for row in rows] == [first.petition.name] * 2


async def test_a_batch_has_an_entry_for_each_petition_and_one_of_its_own(office: Office) -> None:
    wrong = registration(region_code="999999")
    batch = pb.BatchRegisterPetitionsRequest(requests=[registration(), wrong, registration()])
    await office.stub().BatchRegisterPetitions(batch)
    rows = await entries(office, REGISTERED)
    named = [row for row in rows if row["resource"]]
    own = [row for row in rows if not row["resource"]]
    assert [row["result_count"] for row in named] == [1, 1]
    assert [row["result_count"] for row in own] == [3]


async def test_an_import_is_on_record_row_by_row_and_as_a_whole(office: Office) -> None:
    async def rows() -> Any:
        for number in range(3):
            yield pb.ImportPetitionsRequest(row=number, registration=registration())

    async for _ in office.stub().ImportPetitions(rows()):
        pass
    await asyncio.sleep(0.2)
    found = await entries(office, REGISTERED)
    assert len([row for row in found if row["resource"]]) == 3
    assert [row["result_count"] for row in found if not row["resource"]][-1] == 3


async def test_an_accusation_looks_like_any_other_registration(office: Office) -> None:
    usual = await office.register()
    sealed = await office.register(declared_nature="NATURE_ACCUSATION")
    stored = await office.rows("SELECT uid FROM intake_sealed.petition")
    assert [str(row["uid"]) for row in stored] == [sealed.petition.name[-36:]]
    rows = [dict(row) for row in await entries(office, REGISTERED)]
    assert [row.pop("resource") for row in rows] == [usual.petition.name, sealed.petition.name]
    for row in rows:
        del row["xid"], row["seq"]
    assert rows[0] == rows[1]


async def test_the_role_of_the_sealed_lane_writes_entries_and_reads_none(office: Office) -> None:
    await office.register(declared_nature="NATURE_ACCUSATION")
    connection = await asyncpg.connect(office.database["sealed_url"])
    try:
        for statement in (
            "SELECT * FROM intake.audit_entry",
            "SELECT * FROM intake.audit_chain",
            "UPDATE intake.audit_entry SET actor = 'x'",
            "DELETE FROM intake.audit_entry",
            "INSERT INTO intake.audit_entry (seq) OVERRIDING SYSTEM VALUE VALUES (1)",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_petition_elsewhere_is_refused_on_record_though_it_looks_like_none(
    office: Office,
) -> None:
    petition = (await office.register()).petition
    other = office.caller(["ROLE_CASE_OFFICER"], "440000")
    error = await refusal(other.GetPetition(pb.GetPetitionRequest(name=petition.name)))
    assert reason_of(error) == "NOT_FOUND"
    for _ in range(100):
        if rows := await entries(office, DENIED):
            break
        await asyncio.sleep(0.02)
    assert [(row["resource"], row["region_code"]) for row in rows] == [(petition.name, COUNTY)]
    missing = petition.name[:-1] + ("0" if petition.name[-1] != "0" else "1")
    await refusal(other.GetPetition(pb.GetPetitionRequest(name=missing)))
    # A guess at what lies elsewhere is on record like a hit: the database tells neither apart.
    for _ in range(100):
        if len(rows := await entries(office, DENIED)) == 2:
            break
        await asyncio.sleep(0.02)
    assert {row["resource"] for row in rows} == {petition.name, missing}
    await refusal(office.stub("officer").GetPetition(pb.GetPetitionRequest(name=missing)))
    await asyncio.sleep(0.1)
    assert len(await entries(office, DENIED)) == 2


async def test_neither_words_nor_contacts_nor_codes_are_on_record(office: Office) -> None:
    answer = await office.register(
        facts="张三丰说电话是13800138000。",
        petitioner={"display_name": "张三丰", "contact": "13800138000"},
    )
    asked = pb.CheckProgressRequest(
        receipt_number=answer.petition.receipt_number, query_code=answer.query_code
    )
    await office.stub("portal").CheckProgress(asked)
    [look] = await entries(office, "method LIKE '%CheckProgress'")
    assert look["resource"] == answer.petition.name
    everything = str(await office.rows("SELECT * FROM intake.audit_entry"))
    for told in ("张三丰", "13800138000", answer.query_code, answer.petition.receipt_number):
        assert told not in everything, told


async def test_who_looked_at_a_sealed_petition_is_told_to_the_auditor_alone(
    office: Office,
) -> None:
    officer = SealedServiceStub(office.open("client", accusation_officer(office)))
    answer = await office.register(declared_nature="NATURE_ACCUSATION")
    name = answer.petition.name
    await officer.GetSealedPetition(
        sealed_pb.GetSealedPetitionRequest(name=name, purpose="核实检举内容")
    )
    accesses = await office.stub("portal").ListAccesses(
        pb.ListAccessesRequest(
            receipt_number=answer.petition.receipt_number, query_code=answer.query_code
        )
    )
    assert "纪检监察" not in [access.unit for access in accesses.accesses]
    assert "核实检举内容" not in [access.purpose for access in accesses.accesses]
    [look] = await entries(office, "method LIKE '%GetSealedPetition'")
    assert look["resource"] == name
    auditor = AuditServiceStub(office.channel("auditor"))
    listed = await auditor.ListAuditEntries(audit_pb.ListAuditEntriesRequest(resource=name))
    assert [entry.purpose for entry in listed.entries if entry.purpose] == ["核实检举内容"]
    for identity in ("clerk", "officer", "supervisor", "leader", "operator", "portal", "analyst"):
        stub = AuditServiceStub(office.channel(identity))
        error = await refusal(stub.ListAuditEntries(audit_pb.ListAuditEntriesRequest()))
        assert reason_of(error) == "ROLE_REQUIRED", identity


def accusation_officer(office: Office) -> str:
    """The token of somebody who is charged with accusations."""
    roles = ["ROLE_ACCUSATION_OFFICER"]
    return office.authority.token("staff/5001", "某人", "纪检监察", roles, "110000")


async def test_intake_offers_its_audit_to_the_auditor(office: Office) -> None:
    await office.register()
    audit = AuditServiceStub(office.channel("auditor"))
    listed = await audit.ListAuditEntries(
        audit_pb.ListAuditEntriesRequest(action=audit_pb.AUDIT_ACTION_REGISTER)
    )
    assert len(listed.entries) == 1
    verdict = await audit.VerifyAuditChain(audit_pb.VerifyAuditChainRequest())
    assert verdict.intact
