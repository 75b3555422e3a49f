"""What an auditor asks from the command line: whether the audits are whole, and who did what."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import grpc
from heed.audit.v1 import audit_service_pb2 as pb
from heed.audit.v1.audit_service_pb2_grpc import AuditServiceStub

from heed_local.answers import Answer, Command, moment, place, plain
from heed_local.desk import Desk
from heed_shared.clock import SHANGHAI
from heed_shared.commands import CommandError

ACTIONS: Final = {
    pb.AUDIT_ACTION_VIEW: "查看",
    pb.AUDIT_ACTION_SEARCH: "检索",
    pb.AUDIT_ACTION_REVEAL: "揭示个人信息",
    pb.AUDIT_ACTION_EXPORT: "导出",
    pb.AUDIT_ACTION_REGISTER: "登记",
    pb.AUDIT_ACTION_ROUTE: "转送交办",
    pb.AUDIT_ACTION_DECIDE: "决定",
    pb.AUDIT_ACTION_ERASE: "删除个人信息",
    pb.AUDIT_ACTION_SEAL: "封存",
    pb.AUDIT_ACTION_UNSEAL: "解除封存",
    pb.AUDIT_ACTION_DENY: "拒绝访问",
    pb.AUDIT_ACTION_OPERATE: "运维",
}
_FAULTS: Final = {
    pb.ChainFault.KIND_ALTERED: "被篡改",
    pb.ChainFault.KIND_REMOVED: "被删除",
    pb.ChainFault.KIND_REORDERED: "被调换",
    pb.ChainFault.KIND_REWRITTEN: "链被改写",
}
PURPOSES: Final = {
    "REVEAL_PURPOSE_NOTICE": "告知、送达",
    "REVEAL_PURPOSE_VERIFY_FACTS": "核实情况",
    "REVEAL_PURPOSE_MEETING": "邀请参加沟通、调解、听证",
    "REVEAL_PURPOSE_FOLLOW_UP": "回访",
    "REVEAL_PURPOSE_EMERGENCY": "紧急救助",
    "REVEAL_PURPOSE_OWN_REQUEST": "本人查询、更正",
}
_SERVICES: Final = ("intake", "classifier", "warning", "disposal")
_WORDS: Final = tuple(
    name.removeprefix("AUDIT_ACTION_").lower() for name, number in pb.AuditAction.items() if number
)
_LONGEST_CHECK_S: Final = 600


def add_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `heed audit verify` and `heed audit list` to the command line."""
    audit = commands.add_parser("audit", help="审计 verify or list what was done, by whom")
    what = audit.add_subparsers(dest="what", required=True, metavar="WHAT")
    verify = what.add_parser("verify", help="校验审计链 prove that no entry was altered or removed")
    verify.add_argument(
        "--known",
        type=Path,
        help="此前 verify --output json 的结果 an earlier result: finds a rewritten chain",
    )
    listing = what.add_parser("list", help="查询审计记录 entries, newest first")
    listing.add_argument("--resource", default="", help="对象 only on this resource, petitions/...")
    listing.add_argument("--actor", default="", help="人员 only of this identity, staff/...")
    listing.add_argument("--action", choices=_WORDS, help="动作 only of this kind")
    listing.add_argument("--from", dest="from_day", default="", metavar="YYYY-MM-DD")
    listing.add_argument(
        "--to", dest="to_day", default="", metavar="YYYY-MM-DD", help="不含 before"
    )
    listing.add_argument("--limit", type=int, default=50, help="条数 at most (default: 50)")
    for asking in (verify, listing):
        asking.add_argument("--service", choices=_SERVICES, help="only this one")
        # The group has the same option; what is not given here must not hide what was given there.
        asking.add_argument("--output", choices=("table", "json"), default=argparse.SUPPRESS)


async def audit(desk: Desk, arguments: argparse.Namespace) -> Answer:
    """Verify the chains, or list entries."""
    return await (_verify if arguments.what == "verify" else _list)(desk, arguments)


async def _verify(desk: Desk, arguments: argparse.Namespace) -> Answer:
    known = _read_known(arguments.known) if arguments.known else {}
    rows, data, failed = [], {}, False
    for service in _asked(desk, arguments):
        try:
            found = await _check(_stub(desk, service), known.get(service))
        except grpc.aio.AioRpcError as error:
            rows.append((service, f"不可用 {error.code().name}", "", "", "", ""))
            data[service] = {"unavailable": error.code().name}
            failed = True
            continue
        failed = failed or not found.intact
        data[service] = plain(found) | {"last_digest": found.last_digest.hex()}
        rows.append(
            (
                service,
                "完整" if found.intact else _fault(found.fault),
                str(found.checked),
                str(found.last_position),
                str(found.unsealed),
                found.last_digest.hex(),
            )
        )
    columns = ("服务", "审计链", "已校验", "末位", "未入链", "末位摘要")
    return Answer(columns, rows, data, failed=failed)


async def _check(
    stub: AuditServiceStub, known: tuple[int, bytes] | None
) -> pb.VerifyAuditChainResponse:
    """Check a whole chain and, with what was known of it, that it is still the same one."""
    found = await stub.VerifyAuditChain(pb.VerifyAuditChainRequest(), timeout=_LONGEST_CHECK_S)
    if found.intact and known:
        position, digest = known
        since = pb.VerifyAuditChainRequest(from_position=position + 1, known_digest=digest)
        again = await stub.VerifyAuditChain(since, timeout=_LONGEST_CHECK_S)
        if not again.intact:
            return again
    return found


async def _list(desk: Desk, arguments: argparse.Namespace) -> Answer:
    found: list[tuple[str, pb.AuditEntry]] = []
    for service in _asked(desk, arguments):
        request = _request(arguments)
        while len(entries := await _page(_stub(desk, service), request)) and request.page_size > 0:
            found += [(service, entry) for entry in entries]
            request.page_size -= len(entries)
            if not request.page_token:
                break
    found.sort(key=lambda item: item[1].done_at.ToNanoseconds(), reverse=True)
    found = found[: arguments.limit]
    rows = [
        (
            moment(entry, "done_at"),
            service,
            entry.actor.display_name or entry.actor.identity,
            entry.actor.unit,
            ACTIONS.get(entry.action, ""),
            entry.method.rpartition("/")[2],
            entry.resource,
            place(entry.region_code),
            PURPOSES.get(entry.purpose, entry.purpose) or entry.legal_basis,
            str(entry.result_count),
        )
        for service, entry in found
    ]
    columns = ("时间", "服务", "人员", "单位", "动作", "方法", "对象", "地区", "目的", "件数")
    data = [plain(entry) | {"service": service} for service, entry in found]
    return Answer(columns, rows, data)


async def _page(stub: AuditServiceStub, request: pb.ListAuditEntriesRequest) -> list[pb.AuditEntry]:
    """Return a page, and make the request one for the next."""
    page = await stub.ListAuditEntries(request)
    request.page_token = page.next_page_token
    return list(page.entries)


def _request(arguments: argparse.Namespace) -> pb.ListAuditEntriesRequest:
    if arguments.limit < 1:
        raise CommandError("--limit must be at least 1")
    request = pb.ListAuditEntriesRequest(
        resource=arguments.resource, actor=arguments.actor, page_size=arguments.limit
    )
    if arguments.action:
        request.action = pb.AuditAction.Value(f"AUDIT_ACTION_{arguments.action.upper()}")
    for day, field in ((arguments.from_day, "done_from"), (arguments.to_day, "done_before")):
        if day:
            getattr(request, field).FromDatetime(_midnight(day))
    return request


def _midnight(day: str) -> datetime:
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise CommandError(f"{day!r} is no day such as 2026-03-02") from None


def _asked(desk: Desk, arguments: argparse.Namespace) -> list[str]:
    return [arguments.service] if arguments.service else list(desk.targets)


def _stub(desk: Desk, service: str) -> AuditServiceStub:
    return AuditServiceStub(desk.channel(service, "auditor"))


def _fault(fault: pb.ChainFault) -> str:
    entry = f",记录 {fault.entry_id}" if fault.entry_id else ""
    return f"第{fault.position}位{_FAULTS.get(fault.kind, '异常')}{entry}"


def _read_known(path: Path) -> dict[str, tuple[int, bytes]]:
    """Read place and digest of each service's chain from an earlier result."""
    try:
        earlier: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return {
            service: (int(found["last_position"]), bytes.fromhex(found["last_digest"]))
            for service, found in earlier.items()
            if int(found.get("last_position", 0))
        }
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise CommandError(f"{path} is no result of `heed audit verify --output json`") from None


COMMANDS: Final[dict[str, Command]] = {"audit": audit}
