"""Reports of major and urgent matters (重大、紧急信访事项报告): to whom, what, in which order.

Who is told stands in article 25; "及时" is the local hours of the rule D12. A report describes the
matter and what is done about it, never who wrote.
"""

from dataclasses import dataclass, replace

from heed_disposal.domain import rules
from heed_disposal.domain.approval import Act
from heed_disposal.domain.case import Case
from heed_disposal.domain.handbook import meet_clocks
from heed_disposal.domain.procedure_terms import ReportStage
from heed_disposal.domain.records import MajorReport
from heed_disposal.domain.transitions import Action, advance
from heed_shared.errors import LawRequires, WrongState

REPORTING = "信访工作条例第二十五条"


@dataclass(frozen=True)
class Told:
    """What is reported, and to whom."""

    stage: ReportStage
    addressees: tuple[str, ...]
    text: str


def report(case: Case, told: Told, act: Act) -> Case:
    """Record a report; the first one meets the clock D12.

    Raises:
        LawRequires: it names nobody who was told.
        WrongState: the first report comes first, and none follows the final one.
    """
    moved = advance(case, Action.REPORT_MAJOR_MATTER, act.actor, act.now)
    if not any(name.strip() for name in told.addressees):
        raise LawRequires("addressees", "须写明向哪些机关报告", REPORTING)
    earlier = case.procedure.major_reports
    stage = earlier[-1].stage if earlier else None
    if told.stage not in _NEXT[stage]:
        allowed = [f"STAGE_{item.name}" for item in _NEXT[stage]]
        present = f"STAGE_{stage.name}" if stage else "UNREPORTED"
        raise WrongState(present, allowed, f"{case.name} report")
    made = MajorReport(len(earlier) + 1, told.stage, told.addressees, told.text, act.actor, act.now)
    procedure = replace(case.procedure, major_reports=(*earlier, made))
    return meet_clocks(replace(moved, procedure=procedure), act.now, rules.MAJOR_REPORT)


_LATER = (ReportStage.FURTHER, ReportStage.FINAL)
_NEXT: dict[ReportStage | None, tuple[ReportStage, ...]] = {
    None: (ReportStage.FIRST,),
    ReportStage.FIRST: _LATER,
    ReportStage.FURTHER: _LATER,
    ReportStage.FINAL: (),
}
