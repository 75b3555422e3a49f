"""GetPetition, ListPetitions and BatchGetMaskedTexts."""

from datetime import timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from heed.intake.v1 import intake_service_pb2 as pb

from heed_shared.errors import reason_of
from tests.intake.conftest import NOW, Office, refusal, registration, wrong_fields

STRANGER = "petitions/110105-019cad3e-8d40-7abc-8abc-0123456789ab"
READERS = ("clerk", "officer", "handler", "supervisor")


def stamp(days: float) -> Timestamp:
    """A time this many days from NOW."""
    moment = Timestamp()
    moment.FromDatetime(NOW + timedelta(days=days))
    return moment


async def names_in(office: Office, identity: str = "officer", **request: object) -> list[str]:
    """Receipt numbers of all pages of a list."""
    found: list[str] = []
    token = ""
    while True:
        page = await office.stub(identity).ListPetitions(
            pb.ListPetitionsRequest(page_size=3, page_token=token, **request)  # type: ignore[arg-type]
        )
        found += [petition.receipt_number for petition in page.petitions]
        token = page.next_page_token
        if not token:
            return found


async def test_the_roles_of_the_contract_read_a_petition(office: Office) -> None:
    registered = (await office.register()).petition
    for identity in READERS:
        answer = await office.stub(identity).GetPetition(
            pb.GetPetitionRequest(name=registered.name)
        )
        assert answer.petition == registered
    for identity in ("analyst", "operator", "portal", "peer", "service/warning"):
        error = await refusal(
            office.stub(identity).GetPetition(pb.GetPetitionRequest(name=registered.name))
        )
        assert reason_of(error) == "ROLE_REQUIRED", identity


async def test_missing_and_out_of_region_are_one_answer(office: Office) -> None:
    registered = (await office.register()).petition
    elsewhere = office.caller(["ROLE_CASE_OFFICER"], "310000")
    missing = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name=STRANGER)))
    hidden = await refusal(elsewhere.GetPetition(pb.GetPetitionRequest(name=registered.name)))
    for error, name in ((missing, STRANGER), (hidden, registered.name)):
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert (error.details() or "").replace(name, "") == " does not exist"


async def test_a_name_under_another_region_is_not_found(office: Office) -> None:
    name = (await office.register()).petition.name.replace("110105", "110106")
    error = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name=name)))
    assert reason_of(error) == "NOT_FOUND"


async def test_a_name_that_is_none_is_named(office: Office) -> None:
    error = await refusal(office.stub().GetPetition(pb.GetPetitionRequest(name="petitions/1")))
    assert wrong_fields(error) == {"name"}


async def test_pages_run_from_the_newest_and_miss_nothing(office: Office) -> None:
    for _ in range(10):
        await office.register()
    expected = [f"110105-2026-{serial:06d}" for serial in range(1, 11)]
    # All in one millisecond of the replay clock: the order is settled all the same.
    assert sorted(await names_in(office)) == expected
    assert await names_in(office) == await names_in(office)


async def test_a_later_registration_comes_first(office: Office) -> None:
    first = await office.register()
    office.service.clock.advance(NOW + timedelta(days=40))  # type: ignore[attr-defined]
    second = await office.register()
    assert await names_in(office) == [
        second.petition.receipt_number,
        first.petition.receipt_number,
    ]


async def test_lists_are_limited_to_region_and_time_of_receipt(office: Office) -> None:
    await office.register(region_code="110105", received_at=stamp(-3))
    await office.register(region_code="110106", received_at=stamp(-2))
    await office.register(region_code="310101", received_at=stamp(-1))
    numbers = [f"{code}-2026-000001" for code in ("110105", "110106", "310101")]
    assert sorted(await names_in(office)) == numbers
    assert sorted(await names_in(office, region_prefix="11")) == numbers[:2]
    assert await names_in(office, region_prefix="110106") == numbers[1:2]
    assert await names_in(office, region_prefix="310000") == numbers[2:]
    assert await names_in(office, received_from=stamp(-2), received_before=stamp(-1)) == [
        numbers[1]
    ]


async def test_a_caller_lists_its_own_region_only(office: Office) -> None:
    await office.register(region_code="110105")
    await office.register(region_code="310101")
    beijing = office.caller(["ROLE_CASE_OFFICER"], "110000")
    for prefix in ("", "11", "110105"):
        page = await beijing.ListPetitions(pb.ListPetitionsRequest(region_prefix=prefix))
        assert [item.region_code for item in page.petitions] == ["110105"], prefix
    error = await refusal(beijing.ListPetitions(pb.ListPetitionsRequest(region_prefix="31")))
    assert reason_of(error) == "REGION_NOT_ALLOWED"
    county = office.caller(["ROLE_CASE_OFFICER"], "110106")
    page = await county.ListPetitions(pb.ListPetitionsRequest(region_prefix="11"))
    assert list(page.petitions) == []


async def test_bad_lists_are_refused_clearly(office: Office) -> None:
    for _ in range(3):
        await office.register()
    cases = [
        (pb.ListPetitionsRequest(region_prefix="999999"), "UNKNOWN_REGION"),
        (pb.ListPetitionsRequest(region_prefix="1"), "UNKNOWN_REGION"),
        (pb.ListPetitionsRequest(region_prefix="x"), "INVALID_FIELD"),
        (pb.ListPetitionsRequest(page_size=-1), "INVALID_FIELD"),
        (pb.ListPetitionsRequest(page_token="made up"), "BAD_PAGE_TOKEN"),
        (pb.ListPetitionsRequest(received_from=Timestamp(seconds=10**12)), "INVALID_FIELD"),
    ]
    page = await office.stub().ListPetitions(pb.ListPetitionsRequest(page_size=1))
    for other in (pb.ListPetitionsRequest(region_prefix="11"),):
        other.page_token = page.next_page_token
        cases.append((other, "BAD_PAGE_TOKEN"))
    for request, reason in cases:
        assert reason_of(await refusal(office.stub().ListPetitions(request))) == reason, request
    for identity in ("analyst", "handler", "portal"):
        error = await refusal(office.stub(identity).ListPetitions(pb.ListPetitionsRequest()))
        assert reason_of(error) == "ROLE_REQUIRED", identity


async def test_services_read_masked_texts_in_order(office: Office) -> None:
    first = await office.register(
        request="请联系13912345678", reasons="本人王小明，住幸福里。", people_bucket=1
    )
    sealed = await office.register(declared_nature="NATURE_ACCUSATION")
    names = [STRANGER, first.petition.name, "nonsense", sealed.petition.name, first.petition.name]
    answer = await office.stub("service/disposal").BatchGetMaskedTexts(
        pb.BatchGetMaskedTextsRequest(names=names)
    )
    assert [text.petition for text in answer.texts] == names
    assert [text.availability for text in answer.texts] == [
        pb.MaskedText.AVAILABILITY_NOT_FOUND,
        pb.MaskedText.AVAILABILITY_READABLE,
        pb.MaskedText.AVAILABILITY_NOT_FOUND,
        pb.MaskedText.AVAILABILITY_SEALED,
        pb.MaskedText.AVAILABILITY_READABLE,
    ]
    assert answer.texts[1] == pb.MaskedText(
        petition=first.petition.name,
        availability=pb.MaskedText.AVAILABILITY_READABLE,
        request="请联系【电话】",
        facts="我们小区已经停水三天，物业没有说明原因。",
        reasons="本人【姓名】，住幸福里。",
        place="幸福里小区3号楼",
        region_code="110105",
        channel="CHANNEL_WEB",  # type: ignore[arg-type]
        received_at=stamp(0),
        people_bucket="PEOPLE_BUCKET_ONE",  # type: ignore[arg-type]
        etag=first.petition.etag,
        receipt_number=first.petition.receipt_number,
    )
    assert answer.texts[3] == pb.MaskedText(
        petition=sealed.petition.name, availability=pb.MaskedText.AVAILABILITY_SEALED
    )


async def test_masked_texts_are_for_the_sorting_and_handling_services(office: Office) -> None:
    request = pb.BatchGetMaskedTextsRequest(names=[STRANGER])
    for identity in ("clerk", "officer", "service/warning", "operator"):
        error = await refusal(office.stub(identity).BatchGetMaskedTexts(request))
        assert reason_of(error) == "ROLE_REQUIRED", identity
    none = pb.BatchGetMaskedTextsRequest()
    error = await refusal(office.stub("service/classifier").BatchGetMaskedTexts(none))
    assert wrong_fields(error) == {"names"}


async def test_a_large_page_is_cut_to_what_the_contract_says(office: Office) -> None:
    batch = pb.BatchRegisterPetitionsRequest(requests=[registration() for _ in range(60)])
    await office.stub().BatchRegisterPetitions(batch)
    page = await office.stub().ListPetitions(pb.ListPetitionsRequest())
    assert len(page.petitions) == 50


async def test_pages_and_batches_of_the_longest_texts_fit_into_a_message(office: Office) -> None:
    longest = [registration(facts="水" * 100_000, request="水" * 20_000) for _ in range(50)]
    for start in range(0, 50, 25):
        await office.stub().BatchRegisterPetitions(
            pb.BatchRegisterPetitionsRequest(requests=longest[start : start + 25])
        )
    names: list[str] = []
    pages = 0
    request = pb.ListPetitionsRequest(page_size=500)
    while pages == 0 or request.page_token:
        page = await office.stub().ListPetitions(request)
        request.page_token = page.next_page_token
        names += [petition.name for petition in page.petitions]
        pages += 1
    assert (len(names), len(set(names))) == (50, 50)
    assert pages > 1
    classifier = office.stub("service/classifier")
    too_many = pb.BatchGetMaskedTextsRequest(names=names)
    error = await refusal(classifier.BatchGetMaskedTexts(too_many))
    assert (reason_of(error), wrong_fields(error)) == ("INVALID_FIELD", {"names"})
    some = await classifier.BatchGetMaskedTexts(pb.BatchGetMaskedTextsRequest(names=names[:25]))
    assert len(some.texts) == 25
