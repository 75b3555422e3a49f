"""What a clerk does at the counter: register, tell the progress, look for the same matter, consult.

What is handed to the petitioner, the receipt number and the query code, stands first and by itself.
"""

from __future__ import annotations

import argparse
import uuid
from pathlib import Path
from typing import Final

import grpc
from heed.common.v1 import matter_pb2
from heed.intake.v1 import intake_service_pb2 as pb
from heed.intake.v1 import resources_pb2 as intake
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub

from heed_local.answers import Answer, Command, moment, place, plain, plain_list
from heed_local.desk import Desk
from heed_local.submission_input import add_submission_options, submission_from
from heed_shared.commands import CommandError
from heed_shared.errors import reason_of

_ITEMS: Final = ("项目 Item", "内容 Content")
_HAND_OVER: Final = "请妥善保管受理编号和查询码,凭此查询办理进展;查询码只显示这一次"
_NO_SUGGESTION: Final = "未找到相似事项 none found"
_AWAY: Final = "相似件提示暂不可用,不影响登记 not available now; registered all the same"
_SPEAKERS: Final = {
    "登记员": intake.ConsultationTurn.SPEAKER_CLERK,
    "信访人": intake.ConsultationTurn.SPEAKER_PETITIONER,
    "C": intake.ConsultationTurn.SPEAKER_CLERK,
    "P": intake.ConsultationTurn.SPEAKER_PETITIONER,
}
_CONSULTATION_STATES: Final = {
    intake.Consultation.STATE_OPEN: "进行中 open",
    intake.Consultation.STATE_DRAFTED: "已成稿 drafted",
    intake.Consultation.STATE_CONFIRMED: "已成文登记 registered",
}


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this file to the command line."""
    register = commands.add_parser("register", help="登记信访事项 register a petition")
    add_submission_options(register)
    register.add_argument(
        "--suggest", action="store_true", help="先提示相似件 show what may be the same matter first"
    )
    register.add_argument(
        "--request-id", type=_request_id, help="UUID; the same one registers nothing twice"
    )
    similar = commands.add_parser(
        "similar", help="相似件提示 what may be the same matter; registers nothing"
    )
    add_submission_options(similar)
    progress = commands.add_parser("progress", help="查询进展 what the petitioner sees")
    progress.add_argument("receipt", metavar="RECEIPT", help="受理编号 receipt number")
    progress.add_argument("--code", required=True, help="查询码 query code")
    consult = commands.add_parser(
        "consult", help="咨询成文 make a petition of a talk, in the petitioner's own sentences"
    )
    consult.add_argument(
        "--talk",
        type=Path,
        help="谈话记录 each line 信访人:... or 登记员:... (P: or C:)",
    )
    consult.add_argument("--name", default="", help="consultations/..., to go on with it")
    consult.add_argument(
        "--confirm",
        action="store_true",
        help="信访人已确认 the petitioner confirmed the draft, or what the options put right",
    )
    add_submission_options(consult)


async def register(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Register a petition; the query code is shown this once."""
    submission = submission_from(arguments)
    stub = _stub(desk)
    suggestions, note = await _suggested(stub, submission) if arguments.suggest else ([], "")
    response = await stub.RegisterPetition(
        pb.RegisterPetitionRequest(
            request_id=arguments.request_id or str(uuid.uuid4()), submission=submission
        )
    )
    rows = [*_suggestion_rows(suggestions, note), *_receipt(response)]
    data = plain(response)
    if arguments.suggest:
        data["suggestions"] = plain_list(suggestions)
    return Answer(_ITEMS, rows, data)


async def similar(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show what may be the same matter; nothing is registered."""
    found = await _suggestions(_stub(desk), submission_from(arguments))
    rows = [
        (
            item.title,
            f"{item.similarity:.2f}",
            "、".join(item.shared_terms),
            item.received_on,
            item.incident,
        )
        for item in found
    ]
    columns = ("事项 Matter", "相似度", "共同提到 Shared", "收到日期 Received", "事件 Incident")
    return Answer(columns, rows, plain_list(found))


async def progress(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Show the steps that the petitioner sees."""
    response = await _stub(desk, "portal").CheckProgress(
        pb.CheckProgressRequest(receipt_number=arguments.receipt, query_code=arguments.code)
    )
    rows = [
        (moment(step, "reached_at"), step.text, step.unit, moment(step, "due_at"))
        for step in response.steps
    ]
    columns = ("时间 Time", "进展 Step", "单位 Unit", "期限 Due")
    return Answer(columns, rows, plain(response))


async def consult(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Make a draft of a talk, or register what the petitioner confirmed."""
    stub = _stub(desk)
    turns = _talk(arguments.talk) if arguments.talk else []
    talk = await _consultation(stub, arguments)
    for speaker, text in turns:
        talk = (
            await stub.AddConsultationTurn(
                pb.AddConsultationTurnRequest(
                    request_id=str(uuid.uuid4()), name=talk.name, speaker=speaker, text=text
                )
            )
        ).consultation
    if turns or talk.state == intake.Consultation.STATE_OPEN:
        request = pb.ComposePetitionDraftRequest(request_id=str(uuid.uuid4()), name=talk.name)
        talk = (await stub.ComposePetitionDraft(request)).consultation
    if not arguments.confirm:
        return Answer(_ITEMS, _draft_rows(talk), plain(talk))
    confirmed = await stub.ConfirmPetitionDraft(_confirmation(talk, arguments))
    return Answer(_ITEMS, _receipt(confirmed), plain(confirmed))


COMMANDS: Final[dict[str, Command]] = {
    "register": register,
    "similar": similar,
    "progress": progress,
    "consult": consult,
}


def _stub(desk: Desk, identity: str = "clerk") -> IntakeServiceStub:
    return IntakeServiceStub(desk.channel("intake", identity))


def _request_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be a UUID") from error


async def _suggestions(
    stub: IntakeServiceStub, submission: intake.PetitionSubmission
) -> list[intake.SimilarSuggestion]:
    response = await stub.SuggestSimilarPetitions(
        pb.SuggestSimilarPetitionsRequest(
            region_code=submission.region_code, request=submission.request, facts=submission.facts
        )
    )
    return list(response.suggestions)


async def _suggested(
    stub: IntakeServiceStub, submission: intake.PetitionSubmission
) -> tuple[list[intake.SimilarSuggestion], str]:
    """Return suggestions, or a note where there are none; the petition is registered anyway."""
    try:
        found = await _suggestions(stub, submission)
    except grpc.aio.AioRpcError as error:
        if reason_of(error) != "DEPENDENCY_DOWN":
            raise
        return [], _AWAY
    return found, "" if found else _NO_SUGGESTION


def _suggestion_rows(found: list[intake.SimilarSuggestion], note: str) -> list[tuple[str, str]]:
    rows = [("相似件 Similar", note)] if note else []
    return rows + [
        (
            "相似件 Similar",
            "  ".join(
                part for part in (item.title, f"{item.received_on}收到", item.incident) if part
            ),
        )
        for item in found
    ]


def _receipt(
    response: pb.RegisterPetitionResponse | pb.ConfirmPetitionDraftResponse,
) -> list[tuple[str, str]]:
    petition = response.petition
    return [
        ("受理编号 Receipt number", petition.receipt_number),
        ("查询码 Query code", response.query_code),
        ("收到时间 Received", moment(petition, "received_at")),
        ("登记时间 Registered", moment(petition, "registered_at")),
        ("地区 Region", place(petition.region_code)),
        ("登记机构 Office", petition.office),
        ("信访件 Petition", petition.name),
        ("提示 Note", _HAND_OVER),
    ]


async def _consultation(
    stub: IntakeServiceStub, arguments: argparse.Namespace
) -> intake.Consultation:
    """Return the consultation that is named, or begin one."""
    if arguments.name:
        return (
            await stub.GetConsultation(pb.GetConsultationRequest(name=arguments.name))
        ).consultation
    if not (arguments.region and arguments.talk):
        raise CommandError("--region and --talk, or --name: one of them is required")
    channel = matter_pb2.Channel.Value(f"CHANNEL_{(arguments.channel or 'visit').upper()}")
    return (
        await stub.StartConsultation(
            pb.StartConsultationRequest(
                request_id=str(uuid.uuid4()), region_code=arguments.region, channel=channel
            )
        )
    ).consultation


def _talk(path: Path) -> list[tuple[intake.ConsultationTurn.Speaker.ValueType, str]]:
    """Read a talk; a line without a speaker goes on with what was said before.

    Raises:
        CommandError: the file cannot be read, or its first line has no speaker.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not UTF-8") from error
    turns: list[tuple[intake.ConsultationTurn.Speaker.ValueType, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        head, colon, said = line.replace("：", ":", 1).partition(":")
        speaker = _SPEAKERS.get(head.strip()) if colon else None
        if speaker is not None:
            turns.append((speaker, said.strip()))
        elif turns:
            turns[-1] = (turns[-1][0], f"{turns[-1][1]}\n{line.strip()}")
        else:
            raise CommandError(f"{path}: line {number}: must begin with 信访人: or 登记员:")
    return [(speaker, text) for speaker, text in turns if text]


def _confirmation(
    talk: intake.Consultation, arguments: argparse.Namespace
) -> pb.ConfirmPetitionDraftRequest:
    draft = talk.draft
    base = {
        "region_code": talk.region_code,
        "channel": talk.channel,
        "request": draft.request,
        "facts": draft.facts,
        "reasons": draft.reasons,
    }
    return pb.ConfirmPetitionDraftRequest(
        request_id=str(uuid.uuid4()),
        name=talk.name,
        submission=submission_from(arguments, base),
        confirmed=True,
    )


def _draft_rows(talk: intake.Consultation) -> list[tuple[str, str]]:
    draft = talk.draft
    rows = [
        ("咨询 Consultation", talk.name),
        ("状态 State", _CONSULTATION_STATES.get(talk.state, "")),
        ("诉求 Request", draft.request),
        ("事实 Facts", draft.facts),
        ("理由 Reasons", draft.reasons),
    ]
    return rows + [("还可以询问 May still be asked", text) for text in draft.questions]
