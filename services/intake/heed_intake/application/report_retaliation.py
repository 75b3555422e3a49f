"""Takes in a report of retaliation (举报打击报复): by receipt number and query code, at any time.

The report is a sealed petition of its own, bound to the petition that it is about. Whom that one
complains of or accuses, and every unit that handled it, are taken over as accused: the routing
guard then keeps the report from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from heed_intake.application.check_progress import WrongCodes, open_receipt
from heed_intake.application.ports import ProgressReader, ReceiptRecord
from heed_intake.application.register import RegisterCommand, Registering, register_many
from heed_intake.domain.petition import (
    Channel,
    Details,
    Nature,
    Person,
    Registration,
    Submission,
    Wording,
)
from heed_intake.domain.sealed_case import Accused
from heed_shared.errors import HeedError, ReceiptNotFound
from heed_shared.identity import Caller

REQUEST = "举报因信访受到打击报复,请求查处。"
_KEY = "ReportRetaliation/"


@dataclass(frozen=True)
class ReportedPetition:
    """What a report takes over from the petition that it is about."""

    petitioner: Person
    accused: Accused
    handled_by: Sequence[str]
    """Units that the petition was sent to, oldest first."""


class ReportedPetitions(Protocol):
    """Reads what a report takes over."""

    async def reported(self, record: ReceiptRecord) -> ReportedPetition | None:
        """Return it, in whichever lane the petition is, or None if it is gone."""
        ...


@dataclass(frozen=True)
class Report:
    """A report as it was sent."""

    receipt_number: str
    query_code: str
    text: str
    request_id: str
    digest: bytes
    channel: Channel


async def report_retaliation(
    report: Report,
    caller: Caller,
    reader: ProgressReader,
    wrong_codes: WrongCodes,
    petitions: ReportedPetitions,
    registering: Registering,
) -> Registration:
    """Register the report in the sealed lane, with a number and a code of its own.

    Raises:
        ReceiptNotFound: number or code is wrong.
        RateLimited: the same, after too many wrong codes for this number.
        HeedError: the report cannot be registered.
    """
    number, record = await open_receipt(
        report.receipt_number, report.query_code, caller, reader, wrong_codes
    )
    about = await petitions.reported(record)
    if about is None:
        raise ReceiptNotFound
    command = RegisterCommand(
        # The code opens the petition, wherever it was registered.
        caller=replace(caller, region_prefix=""),
        request_id=_KEY + report.request_id,
        digest=report.digest,
        submission=_submission(report, record.region_code, about),
        about_receipt=number,
    )
    (outcome,) = await register_many([command], registering)
    if isinstance(outcome, HeedError):
        raise outcome
    return outcome


def _submission(report: Report, region_code: str, about: ReportedPetition) -> Submission:
    units = dict.fromkeys((*about.accused.units, *about.handled_by))
    return Submission(
        region_code=region_code,
        channel=report.channel,
        wording=Wording(request=REQUEST, facts=report.text),
        petitioner=about.petitioner,
        declared_nature=Nature.ACCUSATION,
        details=Details(target_units=tuple(units)),
        accused_persons=about.accused.persons,
    )
