"""The life of a case through the real RPCs: over TLS, on Postgres, with its progress and clocks."""

from datetime import UTC

from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.events_pb2 import ProgressEvent
from heed.feed.v1 import feed_service_pb2 as feed_pb

from heed_shared.clock import local_day
from tests.disposal.builders import at, petition
from tests.disposal.serving import Serving, on

Case = resources.Case
Deadline = resources.Deadline


def clocks(case: Case) -> dict[str, str]:
    return {d.code: Deadline.State.Name(d.state) for d in case.deadlines}


async def test_a_case_runs_from_opening_to_a_solved_and_closed_end(disposal: Serving) -> None:
    case = await disposal.opened()
    assert case.state == Case.STATE_OPENED
    assert case.track == Case.TRACK_APPEAL
    assert case.assessment.proposed
    assert clocks(case) == {"D01": "STATE_RUNNING"}
    assert case.deadlines[0].due_internal == "2026-10-06"
    assert case.deadlines[0].due_legal == "2026-10-08"
    assert len(case.follow_ups) == 1

    case = await disposal.routed(case)
    assert case.state == Case.STATE_ROUTED
    assert clocks(case) == {"D01": "STATE_MET", "D03": "STATE_RUNNING"}

    await disposal.advance(at("2026-09-24"))
    case = await disposal.accepted(case)
    opinion_clock = case.deadlines[-1]
    assert (opinion_clock.code, opinion_clock.due_internal) == ("D05", "2026-11-20")

    case = await disposal.started(await disposal.approved(await disposal.planned(case)))
    assert case.state == Case.STATE_IN_PROGRESS
    request = pb.CompleteMeasureRequest(
        **on(case), measure=case.measures[-1].name, result="已核实,缺少竣工备案"
    )
    case = (await disposal.stub().CompleteMeasure(request)).case
    assert case.measures[-1].approved_by.identity == "staff/leader"

    case = await disposal.answered(case)
    assert case.state == Case.STATE_OPINION_ISSUED
    assert set(clocks(case).values()) == {"STATE_MET"}
    assert [f.scheduled_on for f in case.follow_ups] == ["2026-10-01"]

    case = await disposal.served(case)
    assert case.service.served_on == "2026-09-24"
    assert [f.scheduled_on for f in case.follow_ups] == ["2026-10-01"]

    close = pb.CloseCaseRequest(**on(case), reason="已答复并送达")
    case = (await disposal.stub("second-officer").CloseCase(close)).case
    assert case.state == Case.STATE_CONCLUDED
    assert not case.solved

    record = pb.RecordFollowUpRequest(
        **on(case),
        follow_up=case.follow_ups[0].name,
        result=resources.FollowUp.RESULT_SOLVED,
    )
    case = (await disposal.stub("supervisor").RecordFollowUp(record)).case
    assert case.solved
    assert [f.scheduled_on for f in case.follow_ups] == ["2026-10-01", "2026-12-23"]
    stored = await disposal.stub().GetCase(pb.GetCaseRequest(name=case.name))
    assert stored.case == case


async def test_the_petitioner_can_follow_every_public_step(disposal: Serving) -> None:
    case = await disposal.answered()
    request = feed_pb.ListEventsRequest(feed="disposal.progress", consumer="intake")
    answer = await disposal.feeds("service/intake").ListEvents(request)
    steps = [event.progress for event in answer.events]
    assert [ProgressEvent.Kind.Name(step.kind) for step in steps] == [
        "KIND_OPENED",
        "KIND_ROUTED",
        "KIND_ACCEPTED",
        "KIND_OPINION_ISSUED",
    ]
    assert {step.case for step in steps} == {case.name}
    assert {event.subject for event in answer.events} == {petition()}
    # What is owed on a day is told as a moment of that day, never as the midnight behind it.
    due = [local_day(step.due_at.ToDatetime(tzinfo=UTC)).isoformat() for step in steps[:3]]
    assert due == ["2026-10-06", "2026-10-06", "2026-11-20"]
    assert not steps[3].HasField("due_at")
