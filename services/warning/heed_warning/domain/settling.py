"""What is said of warnings: which are kept quiet, which are announced, who has to take them on.

All open warnings are looked at together, the higher regions first. A blue or yellow warning is
quiet while a silence covers it, or while a warning above it of at least its level is loud and has
not been judged harmless: the one above then speaks for both. Orange and red are never quiet. What
becomes loud is told at once, whatever made it quiet before; nothing that fires is forgotten.

The chain of escalation runs only while a warning fires and is loud. It is worked out when the
warning is first announced, shortened when its level rises, and stops with the acknowledgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heed_warning.domain.escalation import EscalationStep, only_done, taken, tightened
from heed_warning.domain.life import CellWarning, Change, Verdict
from heed_warning.domain.panel import Cell
from heed_warning.domain.policy import Level
from heed_warning.domain.silence import Silence, can_be_quiet, silencing
from heed_warning.domain.transitions import State

LASTING = (State.FIRING, State.ACKNOWLEDGED, State.JUDGED)
_HARMLESS = (Verdict.EXPLAINED, Verdict.FALSE)


@dataclass(frozen=True)
class Setting:
    """What decides about warnings besides themselves."""

    now: datetime
    silences: Sequence[Silence]
    above: Callable[[str], Sequence[str]]
    """Returns the regions above one, the nearest first."""
    chain: Callable[[Level, datetime], tuple[EscalationStep, ...]]
    """Returns the chain of a warning of a level that fires at a moment."""


@dataclass(frozen=True)
class News:
    """A warning as it is to be kept, and what to tell of it, in order."""

    warning: CellWarning
    changes: tuple[Change, ...]


def settle(
    warnings: Iterable[CellWarning], changes: Mapping[str, Change], setting: Setting
) -> list[News]:
    """Return every warning settled, the higher regions first.

    Args:
        warnings: All warnings that last, moved already, and those that have just ended.
        changes: What has just happened, by resource name.
        setting: What decides besides them.
    """
    ordered = sorted(warnings, key=lambda item: (len(setting.above(item.cell.region)), item.name))
    loud: dict[Cell, CellWarning] = {}
    groups = {_group_key(item, setting): item.group for item in ordered if item.group}
    found = []
    for warning in ordered:
        news = _settled(
            _grouped(warning, groups, setting), changes.get(warning.name), loud, setting
        )
        if news.warning.state in LASTING and not is_quiet(news.warning):
            loud[warning.cell] = news.warning
        found.append(news)
    return found


def acted(warning: CellWarning, change: Change, setting: Setting) -> News:
    """Return a single warning after a person's decision; what keeps it quiet is as it was found."""
    was_quiet = is_quiet(warning)
    if not can_be_quiet(warning.proposed, warning.effective):
        warning = replace(warning, silenced_by=None, inhibited_by="")
    return _told(warning, change, setting, was_quiet=was_quiet)


def escalate(news: News, now: datetime) -> News:
    """Take the steps that are due; each is told once."""
    due = [step for step in news.warning.steps if step.done_at is None and step.due_at <= now]
    if not due:
        return news
    warning = replace(news.warning, steps=taken(news.warning.steps, now))
    return News(warning, (*news.changes, *[Change.ESCALATED] * len(due)))


def is_quiet(warning: CellWarning) -> bool:
    """Say whether something keeps a warning from being announced."""
    return warning.silenced_by is not None or warning.inhibited_by != ""


def _settled(
    warning: CellWarning, change: Change | None, loud: Mapping[Cell, CellWarning], setting: Setting
) -> News:
    silence, inhibitor = None, ""
    if warning.state in LASTING and can_be_quiet(warning.proposed, warning.effective):
        silence = silencing(setting.silences, warning.cell, setting.now)
        inhibitor = _inhibitor(warning, loud, setting.above)
    placed = replace(warning, silenced_by=silence, inhibited_by=inhibitor)
    return _told(placed, change, setting, was_quiet=is_quiet(warning))


def _told(
    warning: CellWarning, change: Change | None, setting: Setting, *, was_quiet: bool
) -> News:
    """Return what to tell of a warning whose quiet is settled, with the chain that now runs."""
    known = warning.announced is not Level.NONE
    if warning.state not in LASTING:
        ended = replace(warning, silenced_by=None, inhibited_by="", steps=only_done(warning.steps))
        return News(ended, (change,) if change and known else ())
    if is_quiet(warning):
        quiet = replace(warning, steps=only_done(warning.steps))
        told = known and change not in {None, Change.RAISED, Change.LEVEL_CHANGED}
        return News(quiet, (change,) if change and told else ())
    if warning.rests and not known:
        return News(replace(warning, steps=only_done(warning.steps)), ())
    said = _said(warning, change)
    return News(_with_chain(warning, setting, was_quiet=was_quiet), (said,) if said else ())


def _said(warning: CellWarning, change: Change | None) -> Change | None:
    """Return what to tell of a loud warning: its raising before anything else."""
    if warning.announced is Level.NONE:
        return Change.RAISED
    if change is None and warning.announced is not warning.effective:
        return Change.LEVEL_CHANGED
    return change


def _with_chain(warning: CellWarning, setting: Setting, *, was_quiet: bool) -> CellWarning:
    announced = replace(warning, announced=warning.effective)
    if warning.state is not State.FIRING:
        return replace(announced, steps=only_done(warning.steps))
    rises = warning.effective > warning.announced
    if warning.steps and not was_quiet and not rises:
        return announced
    chain = setting.chain(warning.effective, setting.now)
    steps = tightened(warning.steps, chain)
    return replace(announced, steps=steps, acknowledge_due_at=steps[0].due_at)


def _inhibitor(
    warning: CellWarning, loud: Mapping[Cell, CellWarning], above: Callable[[str], Sequence[str]]
) -> str:
    for region in above(warning.cell.region):
        parent = loud.get(Cell(region, warning.cell.category))
        if parent and parent.effective >= warning.effective and parent.verdict not in _HARMLESS:
            return parent.name
    return ""


def _group_key(warning: CellWarning, setting: Setting) -> tuple[str, str]:
    above = setting.above(warning.cell.region)
    return above[0] if above else warning.cell.region, warning.cell.category


def _grouped(
    warning: CellWarning, groups: dict[tuple[str, str], str], setting: Setting
) -> CellWarning:
    """Return a lasting warning in the group of its place; the first to fire gives it its name."""
    if warning.group or warning.state not in LASTING:
        return warning
    region, category = key = _group_key(warning, setting)
    name = f"{region}-{category}-{warning.fired_on:%Y%m%d}"
    return replace(warning, group=groups.setdefault(key, name))
