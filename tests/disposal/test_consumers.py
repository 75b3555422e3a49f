"""What comes in by the feeds: one case per matter and warning, corrections, endings."""

import pytest
from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2 as terms
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.intake.v1 import intake_service_pb2 as intake_pb
from heed.intake.v1.events_pb2 import PetitionEvent
from heed.warning.v1.events_pb2 import WarningEvent
from sqlalchemy import text

from heed_disposal.adapters.case_store import PostgresCaseStore
from heed_disposal.application.changes import record
from heed_disposal.application.ports import Change
from heed_disposal.domain.handling import Signed, assess
from heed_disposal.domain.terms import Grade, Level, Nature, State, Track
from heed_shared.database import Database
from tests.disposal.builders import MONDAY, act, at, clock, handbook
from tests.disposal.feeding import Feeding, Kind, classification_event

Progress = ProgressEvent.Kind


@pytest.fixture
def feeding(database: Database) -> Feeding:
    """Handlers on a fresh database."""
    return Feeding(database)


async def progress(feeding: Feeding) -> list[str]:
    events = await feeding.events("disposal.progress")
    return [Progress.Name(event.progress.kind) for event in events]


async def rows(feeding: Feeding, table: str) -> int:
    async with feeding.database.read() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_a_classified_petition_opens_one_case_however_often_it_is_delivered(
    feeding: Feeding,
) -> None:
    name = feeding.others.sorted(target={"unit": "住建局"})
    for _ in range(3):
        await feeding.classified(name)
    case = await feeding.case(name)
    assert (case.track, case.state, case.version) == (Track.APPEAL, State.OPENED, 1)
    assert (case.received_at, case.proposed_unit) == (MONDAY, "住建局")
    assert [d.code for d in case.deadlines] == ["D01"]
    assert case.assessment is not None
    assert case.follow_ups
    assert await progress(feeding) == ["KIND_OPENED"]


async def test_two_events_of_one_petition_in_a_batch_open_one_case(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    corrected = classification_event(name, Kind.KIND_CORRECTED)
    await feeding.feed(classification_event(name), corrected)
    assert len(await feeding.cases(name)) == 1


async def test_every_matter_of_a_petition_has_a_case_of_its_own(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    second = feeding.others.classifications[name].matters.add()
    second.CopyFrom(feeding.others.classifications[name].matters[0])
    second.name = f"{name}/matters/2"
    second.nature = terms.NATURE_SUGGESTION
    await feeding.classified(name)
    cases = await feeding.cases(name)
    assert {case.matter: case.track for case in cases} == {
        f"{name}/matters/1": Track.APPEAL,
        f"{name}/matters/2": Track.SUGGESTION,
    }


async def test_an_accusation_gets_no_case(feeding: Feeding) -> None:
    name = feeding.others.sorted(nature=terms.NATURE_ACCUSATION)
    await feeding.classified(name)
    assert await feeding.cases(name) == []


async def test_a_correction_updates_the_open_case(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    feeding.others.sorted(category_code="06", nature=terms.NATURE_ENQUIRY)
    await feeding.classified(name, Kind.KIND_CORRECTED)
    case = await feeding.case(name)
    assert (case.category_code, case.track, case.nature) == ("06", Track.ENQUIRY, Nature.ENQUIRY)
    assert case.version == 2
    assert [d.code for d in case.deadlines if d.open] == ["H01"]


async def test_a_correction_to_an_accusation_deletes_the_case(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    feeding.others.sorted(nature=terms.NATURE_ACCUSATION)
    await feeding.classified(name, Kind.KIND_CORRECTED)
    assert await feeding.cases(name) == []


async def test_an_incident_that_grows_in_one_batch_raises_all_its_proposals(
    feeding: Feeding,
) -> None:
    names = [feeding.others.sorted(n, incident="incidents/x") for n in range(1, 36)]
    await feeding.feed(*(classification_event(name) for name in names))
    levels = [(await feeding.case(name)).assessment for name in (names[0], names[-1])]
    assert [found.level for found in levels if found] == [Level.YELLOW, Level.YELLOW]


async def test_an_incident_that_grows_later_raises_what_nobody_has_signed(
    feeding: Feeding,
) -> None:
    names = [feeding.others.sorted(n, incident="incidents/x") for n in range(1, 3)]
    alone = feeding.others.sorted(9)
    for name in (*names, alone):
        await feeding.classified(name)
    signed = await feeding.case(names[1])
    decision = Signed(Grade.LOW, Grade.LOW, Grade.LOW, Level.BLUE, ("已核实",))
    async with feeding.database.transaction() as tx:
        after = assess(signed, decision, act(), handbook())
        await record(PostgresCaseStore(tx), [Change(signed, after)], MONDAY)
        await tx.commit()
    for number in range(3, 6):
        await feeding.classified(feeding.others.sorted(number, incident="incidents/x"))
    grown = (await feeding.case(names[0])).assessment
    assert grown is not None
    assert (grown.scope, grown.level) == (Grade.MEDIUM, Level.YELLOW)
    assert "同一事件已归并5件" in grown.reasons
    kept = (await feeding.case(names[1])).assessment
    assert kept is not None
    assert (kept.proposed, kept.level) == (False, Level.BLUE)
    apart = (await feeding.case(alone)).assessment
    assert apart is not None
    assert apart.number == 1


async def test_a_matter_that_joins_an_incident_counts_itself_and_says_so(
    feeding: Feeding,
) -> None:
    for number in range(1, 5):
        await feeding.classified(feeding.others.sorted(number, incident="incidents/x"))
    name = feeding.others.sorted(5)
    await feeding.classified(name)
    feeding.others.sorted(5, incident="incidents/x")
    await feeding.classified(name, Kind.KIND_INCIDENT_CHANGED)
    case = await feeding.case(name)
    assert case.incident == "incidents/x"
    assert case.assessment is not None
    assert "同一事件已归并5件" in case.assessment.reasons
    async with feeding.database.read() as connection:
        notes = await connection.execute(text("SELECT note FROM case_step"))
        assert list(notes.scalars()).count("事件归并变更") == 1


async def test_an_uncertain_band_is_named_as_a_doubt(feeding: Feeding) -> None:
    name = feeding.others.sorted(band=classifier.BAND_REVIEW)
    await feeding.classified(name)
    assessment = (await feeding.case(name)).assessment
    assert assessment is not None
    assert any("把握不足" in doubt for doubt in assessment.uncertainties)


async def test_a_suspected_accusation_leaves_nothing_behind(feeding: Feeding) -> None:
    name = feeding.others.sorted(
        incident="incidents/x",
        importance=terms.IMPORTANCE_MAJOR,
        people_bucket=terms.PEOPLE_BUCKET_OVER_100,
    )
    await feeding.classified(name)
    assert await rows(feeding, "case_measure")
    await feeding.classified(name, Kind.KIND_ACCUSATION_SUSPECTED)
    tables = ("cases", "case_deadline", "case_assessment", "case_measure", "case_follow_up")
    for table in (*tables, "case_step", "case_opinion"):
        assert await rows(feeding, table) == 0, table


@pytest.mark.parametrize(
    ("availability", "left"),
    [
        (intake_pb.MaskedText.AVAILABILITY_SEALED, 0),
        (intake_pb.MaskedText.AVAILABILITY_ERASED, 1),
    ],
)
async def test_a_removed_classification_seals_or_erases_as_intake_says(
    feeding: Feeding, availability: "intake_pb.MaskedText.Availability.ValueType", left: int
) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    feeding.others.texts[name].availability = availability
    del feeding.others.classifications[name]
    await feeding.classified(name, Kind.KIND_REMOVED)
    assert len(await feeding.cases(name)) == left


async def test_a_petition_sealed_before_its_event_is_read_opens_nothing(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    feeding.others.texts[name].availability = intake_pb.MaskedText.AVAILABILITY_SEALED
    await feeding.classified(name)
    assert await feeding.cases(name) == []


async def test_a_sealed_petition_deletes_its_case(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    for _ in range(2):
        await feeding.ended(name, PetitionEvent.KIND_SEALED)
    assert await feeding.cases(name) == []


async def test_an_erased_petition_keeps_dates_and_loses_its_words(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    for _ in range(2):
        await feeding.ended(name, PetitionEvent.KIND_ERASED)
    case = await feeding.case(name)
    assert "房产证" not in repr(case)
    assert case.erased
    assert [d.code for d in case.deadlines] == ["D01"]
    assert await rows(feeding, "case_assessment") == 0


async def test_a_withdrawn_petition_concludes_its_case_with_a_note(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    for _ in range(2):
        await feeding.ended(name, PetitionEvent.KIND_WITHDRAWN)
    case = await feeding.case(name)
    assert (case.state, case.solved) == (State.CONCLUDED, False)
    assert await progress(feeding) == ["KIND_OPENED", "KIND_CLOSED"]
    async with feeding.database.read() as connection:
        note = await connection.scalar(text("SELECT note FROM case_step ORDER BY id DESC LIMIT 1"))
    assert note == "信访人已撤回"


async def test_a_withdrawal_that_comes_first_ends_the_case_at_its_opening(
    feeding: Feeding,
) -> None:
    name = feeding.others.sorted()
    await feeding.ended(name, PetitionEvent.KIND_WITHDRAWN)
    await feeding.classified(name)
    assert (await feeding.case(name)).state is State.CONCLUDED
    assert await rows(feeding, "withdrawn_petition") == 0


async def test_a_supplement_is_noted_whatever_became_of_the_case(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.supplemented(name)
    await feeding.classified(name)
    await feeding.supplemented(name)
    case = await feeding.case(name)
    assert (case.state, case.version) == (State.OPENED, 2)
    for state in (State.CONCLUDED, State.ARCHIVED):
        async with feeding.database.transaction() as tx:
            change = text("UPDATE cases SET state = :state")
            await tx.connection.execute(change, {"state": int(state)})
            await tx.commit()
        await feeding.supplemented(name)
        assert (await feeding.case(name)).state is state
    async with feeding.database.read() as connection:
        notes = await connection.scalars(
            text("SELECT note FROM case_step WHERE action = 'supplement' ORDER BY id")
        )
        assert list(notes) == [
            "信访人补充了材料",
            *["办结后信访人补充了材料,属于新的事实的,依新事实重新办理"] * 2,
        ]
    # The petitioner's page tells of it by intake's own word.
    assert await progress(feeding) == ["KIND_OPENED"]


async def test_a_supplement_in_a_snapshot_was_noted_before(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    await feeding.ended(name, PetitionEvent.KIND_SUPPLEMENTED)
    assert (await feeding.case(name)).version == 1


@pytest.mark.parametrize("kind", [PetitionEvent.KIND_REGISTERED, PetitionEvent.KIND_PROGRESSED])
async def test_other_events_of_intake_change_nothing(
    feeding: Feeding, kind: "PetitionEvent.Kind.ValueType"
) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    before = await feeding.case(name)
    await feeding.ended(name, kind)
    assert await feeding.case(name) == before


YELLOW, ORANGE = terms.WARNING_LEVEL_YELLOW, terms.WARNING_LEVEL_ORANGE


async def test_a_raised_warning_opens_one_case_with_measures(feeding: Feeding) -> None:
    name = feeding.others.raised()
    for _ in range(2):
        await feeding.warned(name, WarningEvent.KIND_RAISED, YELLOW)
    case = await feeding.warning_case(name)
    assert (case.track, case.version, case.title) == (Track.WARNING, 1, "东城区城乡建设预警处置")
    assert {m.kind.name for m in case.measures} == {"BACKLOG_CHECK", "JOINT_RECEPTION"}
    assert str(clock(case, "W03").due.internal) == "2026-09-24"
    assert await progress(feeding) == []


async def test_a_level_change_follows_and_a_resolution_is_noted(feeding: Feeding) -> None:
    name = feeding.others.raised()
    await feeding.warned(name, WarningEvent.KIND_RAISED, YELLOW)
    feeding.clock.advance(at("2026-09-22"))
    for _ in range(2):
        await feeding.warned(name, WarningEvent.KIND_LEVEL_CHANGED, ORANGE)
    case = await feeding.warning_case(name)
    assert [d.code for d in case.deadlines if d.open] == ["W02"]
    assert case.version == 2
    await feeding.warned(name, WarningEvent.KIND_RESOLVED, ORANGE)
    assert (await feeding.warning_case(name)).open


async def test_a_level_change_whose_raising_was_missed_opens_the_case(feeding: Feeding) -> None:
    name = feeding.others.raised()
    await feeding.warned(name, WarningEvent.KIND_LEVEL_CHANGED, ORANGE)
    assert (await feeding.warning_case(name)).track is Track.WARNING


async def test_the_trace_of_the_cause_goes_on_into_the_progress_event(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await feeding.feed(classification_event(name), traceparent=trace)
    async with feeding.database.read() as connection:
        carried = await connection.scalar(text("SELECT traceparent FROM feed_event"))
    assert str(carried).split("-")[1] == trace.split("-")[1]


async def test_a_stored_answer_that_holds_a_sealed_case_goes_with_it(feeding: Feeding) -> None:
    name = feeding.others.sorted()
    await feeding.classified(name)
    case = await feeding.case(name)
    insert = text("INSERT INTO request_record VALUES (:id, 'method', '1', '', :response)")
    answers = [{"id": "a", "response": b"." + case.name.encode()}, {"id": "b", "response": b"."}]
    async with feeding.database.transaction() as tx:
        await tx.connection.execute(insert, answers)
        await tx.commit()
    await feeding.ended(name, PetitionEvent.KIND_SEALED)
    assert await rows(feeding, "request_record") == 1
