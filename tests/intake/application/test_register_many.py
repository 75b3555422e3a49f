"""register_many and the waves, with storage in memory."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heed_intake.adapters.screening_file import load_screening_rules
from heed_intake.application.register import Outcome, RegisterCommand, Registering, register_many
from heed_intake.application.waves import LARGEST_WAVE, WRITERS, RegistrationWaves
from heed_intake.domain.petition import (
    Channel,
    Evidence,
    Lane,
    Nature,
    Person,
    Registration,
    Submission,
    Wording,
)
from heed_shared.clock import ReplayClock
from heed_shared.errors import (
    DependencyDown,
    HeedError,
    InvalidField,
    InvalidFields,
    RegionNotAllowed,
    RequestIdReused,
    UnknownRegion,
)
from heed_shared.identity import Caller
from heed_shared.ids import uid_time
from heed_shared.reference.regions import Regions
from tests.intake.application.fakes import POISON, FakeRegistrations

NOW = datetime(2026, 3, 2, 1, 30, 0, 123_456, tzinfo=UTC)
RULES = load_screening_rules()
REGIONS = Regions.load()
CLERK = Caller("staff/1", "", "", frozenset({1}), "11")


def command(request_id: str = "", digest: bytes = b"1", **fields: Any) -> RegisterCommand:
    """A command that is fine; `fields` are those of the submission."""
    submission = replace(Submission("110105", Channel.WEB, Wording(facts="停水三天。")), **fields)
    return RegisterCommand(CLERK, request_id or str(uuid.uuid4()), digest, submission)


@pytest.fixture
def store() -> FakeRegistrations:
    return FakeRegistrations()


@pytest.fixture
def registering(store: FakeRegistrations) -> Registering:
    return Registering(REGIONS, RULES, ReplayClock(NOW), store)


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


async def test_each_command_is_answered_in_its_place(registering: Registering) -> None:
    outcomes = await register_many(
        [
            command(),
            command(region_code="999999"),
            command(region_code="310101"),
            command(wording=Wording(facts="\0")),
            command(external_id=POISON),
            command(),
        ],
        registering,
    )
    assert kinds(outcomes) == [
        Registration,
        UnknownRegion,
        RegionNotAllowed,
        InvalidFields,
        InvalidField,
        Registration,
    ]


async def test_a_poisoned_row_costs_its_neighbours_nothing(
    registering: Registering, store: FakeRegistrations
) -> None:
    commands = [command() for _ in range(100)]
    commands[37] = command(external_id=POISON)
    outcomes = await register_many(commands, registering)
    assert [index for index, item in enumerate(outcomes) if isinstance(item, HeedError)] == [37]
    assert len(store.kept) == 99
    # Halves of halves: seven levels and not a hundred single rows.
    assert len(store.inserts) < 20


async def test_within_one_batch_a_request_id_counts_once(
    registering: Registering, store: FakeRegistrations
) -> None:
    request_id = str(uuid.uuid4())
    outcomes = await register_many(
        [command(request_id), command(request_id.upper()), command(request_id, b"2")], registering
    )
    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[2], RequestIdReused)
    assert len(store.kept) == 1


async def test_a_repeated_command_is_recalled_and_a_reused_id_refused(
    registering: Registering,
) -> None:
    request_id = str(uuid.uuid4())
    first = await register_many([command(request_id)], registering)
    again = await register_many([command(request_id), command()], registering)
    assert again[0] == first[0]
    reused = await register_many([command(request_id, b"2")], registering)
    assert isinstance(reused[0], RequestIdReused)


async def test_accusations_go_to_the_sealed_lane(
    registering: Registering, store: FakeRegistrations
) -> None:
    await register_many(
        [
            command(wording=Wording(facts="举报某局局长受贿。")),
            command(declared_nature=Nature.ACCUSATION),
            command(),
        ],
        registering,
    )
    assert sorted(store.lanes.values()) == [Lane.ORDINARY, Lane.SEALED, Lane.SEALED]


async def test_times_are_of_the_business_clock_in_whole_milliseconds(
    registering: Registering,
) -> None:
    (outcome,) = await register_many([command()], registering)
    assert isinstance(outcome, Registration)
    petition = outcome.petition
    assert petition.registered_at == petition.received_at == NOW.replace(microsecond=123_000)
    assert uid_time(petition.uid) == petition.registered_at


async def test_a_sending_clock_may_run_five_minutes_ahead(registering: Registering) -> None:
    outcomes = await register_many(
        [
            command(received_at=NOW + timedelta(minutes=5)),
            command(received_at=NOW + timedelta(minutes=5, seconds=1)),
        ],
        registering,
    )
    assert kinds(outcomes)[0] is Registration
    assert isinstance(outcomes[1], InvalidFields)
    assert outcomes[1].violations[0].field == "submission.received_at"


async def test_the_office_is_the_regions_own_unless_named(registering: Registering) -> None:
    outcomes = await register_many([command(), command(office="110105-XF")], registering)
    offices = [item.petition.office for item in outcomes if isinstance(item, Registration)]
    assert offices == ["110105", "110105-XF"]


async def test_numbers_of_an_office_elsewhere_are_not_used_up(registering: Registering) -> None:
    outcomes = await register_many(
        [command(office="110100-XF"), command(office="310000"), command(office="ZZZZZZ")],
        registering,
    )
    assert kinds(outcomes) == [Registration, RegionNotAllowed, UnknownRegion]


async def test_media_types_are_masked_like_file_names(registering: Registering) -> None:
    evidence = (Evidence("王小明.jpg", "image/jpeg; by=13800138000", 1, b"\1" * 32),)
    (outcome,) = await register_many(
        [command(petitioner=Person("王小明"), evidence=evidence)], registering
    )
    assert isinstance(outcome, Registration)
    (shown,) = outcome.petition.evidence
    assert (shown.file_name, shown.media_type) == ("【姓名】.jpg", "image/jpeg; by=【电话】")


async def test_the_names_of_all_representatives_are_masked(registering: Registering) -> None:
    (outcome,) = await register_many(
        [
            command(
                wording=Wording(facts="王小明和司马相如反映停水。"),
                petitioner=Person("王小明"),
                representatives=(Person("司马相如"),),
            )
        ],
        registering,
    )
    assert isinstance(outcome, Registration)
    assert outcome.petition.masked.facts == "【姓名】和【姓名】反映停水。"


async def test_when_the_database_is_away_the_whole_call_fails(
    registering: Registering, store: FakeRegistrations
) -> None:
    store.failures.append(DependencyDown("database"))
    with pytest.raises(DependencyDown):
        await register_many([command()], registering)


async def test_calls_that_come_together_share_a_statement(
    registering: Registering, store: FakeRegistrations
) -> None:
    waves = RegistrationWaves(registering)
    outcomes = await asyncio.gather(*(waves.register(command()) for _ in range(500)))
    assert all(isinstance(outcome, Registration) for outcome in outcomes)
    assert len(store.kept) == 500
    assert max(store.inserts) <= LARGEST_WAVE
    assert len(store.inserts) <= 2 + WRITERS + 500 // LARGEST_WAVE


async def test_a_wave_that_fails_fails_each_of_its_calls_and_the_next_goes_on(
    registering: Registering, store: FakeRegistrations
) -> None:
    store.failures.append(DependencyDown("database"))
    waves = RegistrationWaves(registering)
    outcomes = await asyncio.gather(
        *(waves.register(command()) for _ in range(3)), return_exceptions=True
    )
    assert all(isinstance(outcome, DependencyDown) for outcome in outcomes)
    assert isinstance(await waves.register(command()), Registration)


async def test_a_caller_that_goes_away_only_detaches(
    registering: Registering, store: FakeRegistrations
) -> None:
    waves = RegistrationWaves(registering)
    request = command()
    call = asyncio.create_task(waves.register(request))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await waves.drain()
    assert request.key in store.kept
    assert isinstance(await waves.register(request), Registration)
