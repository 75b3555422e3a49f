"""`heed sealed`: the desk of who is charged with accusations (检举控告), from the command line."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

from heed.intake.v1 import intake_service_pb2 as intake
from heed.intake.v1 import sealed_service_pb2 as pb
from heed.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from heed.intake.v1.sealed_service_pb2_grpc import SealedServiceStub

from heed_local.answers import Answer, Command, all_pages, moment, place, plain, plain_list
from heed_local.desk import Desk

IDENTITY: Final = "accusation"
STATES: Final = {
    pb.SealedPetition.STATE_SEALED: "待受理",
    pb.SealedPetition.STATE_ACCEPTED: "已受理",
    pb.SealedPetition.STATE_FORWARDED: "已移送",
    pb.SealedPetition.STATE_CLOSED: "已办结",
    pb.SealedPetition.STATE_TOLD: "已反馈",
    pb.SealedPetition.STATE_WITHDRAWN: "已撤回",
}
BECAUSE: Final = {
    "declared": "申明为检举控告",
    "accused": "指明被检举人",
    "suspected": "分类时疑似检举控告",
    "person": "人工封存",
    "retaliation": "举报打击报复",
}
_COLUMNS: Final = ("时限", "截止", "状态", "实名", "地区", "收到", "受理编号", "信访件")
_LABELS: Final = ("项目", "内容")


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this file to the command line."""
    sealed = commands.add_parser("sealed", help="检举控告办理 the sealed lane of accusations")
    actions = sealed.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="检举控告清单 what burns first")
    listing.add_argument("--region", default="", help="地区代码 region code or prefix")
    listing.add_argument(
        "--state", choices=sorted(_state_names()), help="状态 only those in this state"
    )
    named = {
        "seal": ("人工封存 seal a petition at once", ("reason", "封存理由 why it accuses")),
        "show": ("查看,须说明理由 show one with its content", ("purpose", "查阅理由 why")),
        "accept": ("受理 take it up", ("notice", "告知方式 how the accuser was told")),
        "forward": ("移送 send it to the competent unit", ("unit", "承办单位 unit of the table")),
        "close": ("办结 record that it was examined", None),
        "told": ("反馈结果 record that the accuser knows the result", ("notice", "反馈方式 how")),
        "unseal": ("解除封存 move it to the ordinary lane", ("reason", "解除理由 why")),
    }
    for action, (help_text, option) in named.items():
        parser = actions.add_parser(action, help=help_text)
        parser.add_argument("name", metavar="PETITION", help="petitions/...")
        if option is not None:
            name, text = option
            parser.add_argument(f"--{name}", required=action != "accept", default="", help=text)
    accused = actions.add_parser("accuse", help="补录被检举对象 add who is accused")
    accused.add_argument("name", metavar="PETITION", help="petitions/...")
    accused.add_argument("--unit", action="append", default=[], help="被检举单位 unit")
    accused.add_argument("--person", action="append", default=[], help="被检举人 person")
    for parser in actions.choices.values():
        # As of every other command, so that it may stand at the end of the line here too.
        parser.add_argument(
            "--output", choices=("table", "json"), default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )


async def sealed(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Do one thing in the sealed lane."""
    if arguments.action == "seal":
        return await _seal(IntakeServiceStub(desk.channel("intake", "officer")), arguments)
    stub: Any = SealedServiceStub(desk.channel("intake", IDENTITY))
    return await _ACTIONS[arguments.action](stub, arguments)


COMMANDS: Final[dict[str, Command]] = {"sealed": sealed}


async def _seal(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = intake.SealPetitionRequest(
        request_id=_new_id(), name=arguments.name, reason=arguments.reason
    )
    await stub.SealPetition(request)
    # Whoever seals can no longer see it, so nothing of it is shown.
    return Answer(_LABELS, [("信访件", arguments.name), ("状态", "已封存")], {"sealed": True})


async def _list(stub: Any, arguments: argparse.Namespace) -> Answer:
    state = _state_names().get(arguments.state or "", pb.SealedPetition.STATE_UNSPECIFIED)
    request = pb.ListSealedPetitionsRequest(
        region_prefix=arguments.region, state=state, page_size=500
    )
    found = await all_pages(stub.ListSealedPetitions, request, "petitions")
    rows = [
        (
            _due(item),
            moment(item.deadline, "due_at") if item.HasField("deadline") else "",
            STATES.get(item.state, ""),
            "实名" if item.named else "匿名",
            place(item.region_code),
            moment(item, "received_at"),
            item.receipt_number,
            item.name,
        )
        for item in found
    ]
    return Answer(_COLUMNS, rows, plain_list(found))


async def _show(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.GetSealedPetitionRequest(name=arguments.name, purpose=arguments.purpose)
    found = await stub.GetSealedPetition(request)
    content, accuser = found.content, found.accuser
    rows = [("水印", content.watermark), *_rows(found.petition)]
    rows += [
        ("诉求", content.request),
        ("事实", content.facts),
        ("理由", content.reasons),
        ("补充", "\n".join(content.supplements)),
        ("证据", "、".join(item.file_name for item in content.evidence)),
        ("被检举单位", "、".join(content.target_units)),
        ("被检举人", "、".join(content.accused_persons)),
        ("不得移送", "、".join(content.closed_units)),
        ("封存理由", content.sealing_reason),
        ("检举人", accuser.display_name),
        ("联系方式", " ".join(filter(None, (accuser.contact, accuser.safe_contact_note)))),
    ]
    return Answer(_LABELS, [row for row in rows if row[1]], plain(found))


async def _accept(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.AcceptSealedPetitionRequest(
        request_id=_new_id(), name=arguments.name, notice_method=arguments.notice
    )
    return _answer((await stub.AcceptSealedPetition(request)).petition)


async def _forward(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.ForwardSealedPetitionRequest(
        request_id=_new_id(), name=arguments.name, destination_unit=arguments.unit
    )
    return _answer((await stub.ForwardSealedPetition(request)).petition)


async def _close(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.CloseSealedPetitionRequest(request_id=_new_id(), name=arguments.name)
    return _answer((await stub.CloseSealedPetition(request)).petition)


async def _told(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.TellSealedResultRequest(
        request_id=_new_id(), name=arguments.name, notice_method=arguments.notice
    )
    return _answer((await stub.TellSealedResult(request)).petition)


async def _accuse(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.AddAccusedRequest(
        request_id=_new_id(),
        name=arguments.name,
        target_units=arguments.unit,
        accused_persons=arguments.person,
    )
    return _answer((await stub.AddAccused(request)).petition)


async def _unseal(stub: Any, arguments: argparse.Namespace) -> Answer:
    request = pb.UnsealPetitionRequest(
        request_id=_new_id(), name=arguments.name, reason=arguments.reason
    )
    petition = (await stub.UnsealPetition(request)).petition
    rows = [("信访件", petition.name), ("受理编号", petition.receipt_number), ("状态", "已登记")]
    return Answer(_LABELS, rows, plain(petition))


_ACTIONS: Final[dict[str, Callable[[Any, argparse.Namespace], Awaitable[Answer]]]] = {
    "list": _list,
    "show": _show,
    "accept": _accept,
    "forward": _forward,
    "close": _close,
    "told": _told,
    "accuse": _accuse,
    "unseal": _unseal,
}


def _answer(petition: pb.SealedPetition) -> Answer:
    return Answer(_LABELS, _rows(petition), plain(petition))


def _rows(petition: pb.SealedPetition) -> list[tuple[str, str]]:
    because = "、".join(BECAUSE.get(reason, reason) for reason in petition.sealed_because)
    deadline = petition.deadline
    rows = [
        ("信访件", petition.name),
        ("受理编号", petition.receipt_number),
        ("状态", STATES.get(petition.state, "")),
        ("实名", "是" if petition.named else "否"),
        ("地区", place(petition.region_code)),
        ("收到", moment(petition, "received_at")),
        ("封存", f"{moment(petition, 'sealed_at')} {because}"),
        ("撤回", moment(petition, "withdrawn_at")),
        ("时限", f"{_due(petition)} {moment(deadline, 'due_at')} {deadline.what}".strip()),
        ("移送单位", petition.destination_unit),
        ("所涉信访件", petition.about_receipt_number),
    ]
    return [row for row in rows if row[1]]


def _due(petition: pb.SealedPetition) -> str:
    if not petition.HasField("deadline"):
        return ""
    return f"{petition.deadline.rule}{' 已超期' if petition.deadline.overdue else ''}"


def _state_names() -> dict[str, pb.SealedPetition.State.ValueType]:
    return {
        name.removeprefix("STATE_").lower(): number
        for name, number in pb.SealedPetition.State.items()
        if number
    }


def _new_id() -> str:
    return str(uuid.uuid4())
