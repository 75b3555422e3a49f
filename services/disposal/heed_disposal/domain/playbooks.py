"""Playbooks (处置预案): which measures to propose for a category at a response level.

They are data that a deploying authority may replace. A proposal is only a plan: a named person
approves each measure. An ordinary case gets none, most end in ordinary handling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from heed_disposal.domain.approval import Approver, stricter
from heed_disposal.domain.case import Measure
from heed_disposal.domain.terms import SERVICE, Level, MeasureKind, MeasureStatus, Track

COMPETENT_UNIT = "责任单位"
MOST_LEVELS_ABOVE = 3
"""From the county to the whole country."""


class PlaybookFileError(Exception):
    """The playbook file cannot be used; the text names the entry and the problem."""


@dataclass(frozen=True)
class KindRule:
    """What holds for every measure of one kind: purpose, legal basis with its limits, approver."""

    purpose: str
    legal_basis: str
    approver: Approver | None = None
    """Who approves whatever the level; None means who approves at the level."""


@dataclass(frozen=True)
class PlaybookStep:
    """One measure that a playbook proposes."""

    kind: MeasureKind
    title: str
    due_days: int
    owner: str = COMPETENT_UNIT


@dataclass(frozen=True)
class Playbook:
    """Measures proposed for a category at a response level."""

    name: str
    title: str
    category_code: str
    level: Level
    steps: tuple[PlaybookStep, ...]
    for_warnings: bool = False


@dataclass(frozen=True)
class Playbooks:
    """All playbooks of a deployment, with what holds by kind and by level."""

    books: tuple[Playbook, ...]
    kinds: Mapping[MeasureKind, KindRule]
    approvers: Mapping[Level, Approver]

    def for_category(self, category_code: str) -> list[Playbook]:
        """Return the playbooks for a category, the general ones included; all for no category."""
        return [
            book
            for book in self.books
            if not category_code or book.category_code in ("", category_code)
        ]

    def approver(self, kind: MeasureKind, level: Level) -> Approver:
        """Return who has to approve a measure of a kind at a response level."""
        return stricter(self.approvers[level], self.kinds[kind].approver)

    def approver_role(self, kind: MeasureKind, level: Level) -> str:
        """Return who that is, in Chinese."""
        return self.approver(kind, level).title

    def proposals(
        self, track: Track, category_code: str, level: Level
    ) -> list[tuple[Playbook, PlaybookStep]]:
        """Return the steps to propose, one for each kind of measure.

        The category's own playbook comes before the general one, a higher level before a lower.
        """
        warnings = track is Track.WARNING
        fitting = [
            book
            for book in self.for_category(category_code)
            if book.for_warnings is warnings and book.level <= level
        ]
        fitting.sort(key=lambda book: (bool(book.category_code), book.level), reverse=True)
        chosen: dict[MeasureKind, tuple[Playbook, PlaybookStep]] = {}
        for book in fitting:
            for step in book.steps:
                chosen.setdefault(step.kind, (book, step))
        return list(chosen.values())

    def plan(
        self,
        track: Track,
        category_code: str,
        level: Level,
        *,
        unit: str,
        opened_on: date,
        first_number: int,
    ) -> tuple[Measure, ...]:
        """Return the proposed measures as planned by the service."""
        proposals = self.proposals(track, category_code, level)
        return tuple(
            Measure(
                number=number,
                kind=step.kind,
                status=MeasureStatus.PLANNED,
                title=step.title,
                purpose=self.kinds[step.kind].purpose,
                legal_basis=self.kinds[step.kind].legal_basis,
                owner_unit=unit if unit and step.owner == COMPETENT_UNIT else step.owner,
                due_on=opened_on + timedelta(days=step.due_days),
                playbook=book.name,
                planned_by=SERVICE,
                approver_role=self.approver_role(step.kind, level),
            )
            for number, (book, step) in enumerate(proposals, first_number)
        )


def read_playbooks(document: Mapping[str, Any]) -> Playbooks:
    """Build the playbooks from the parsed data file.

    Raises:
        PlaybookFileError: an entry is incomplete or names a kind or level that does not exist.
    """
    try:
        kinds = {MeasureKind[name]: _read_kind(entry) for name, entry in document["kind"].items()}
        approvers = {Level[name]: Approver(**told) for name, told in document["approver"].items()}
        books = tuple(_read_book(entry) for entry in document["playbook"])
    except (KeyError, TypeError, ValueError) as error:
        raise PlaybookFileError(f"cannot read the playbooks: {error}") from error
    _check(books, kinds, approvers)
    return Playbooks(books, kinds, approvers)


def _read_kind(entry: Mapping[str, Any]) -> KindRule:
    approver = Approver(**entry["approver"]) if "approver" in entry else None
    return KindRule(**{**entry, "approver": approver})


def _read_book(entry: Mapping[str, Any]) -> Playbook:
    steps = tuple(
        PlaybookStep(**{**step, "kind": MeasureKind[step["kind"]]}) for step in entry["step"]
    )
    return Playbook(
        name=f"{entry['id']}@{entry['version']}",
        title=entry["title"],
        category_code=entry.get("category", ""),
        level=Level[entry["level"]],
        steps=steps,
        for_warnings=entry.get("for_warnings", False),
    )


def _check(
    books: Sequence[Playbook],
    kinds: Mapping[MeasureKind, KindRule],
    approvers: Mapping[Level, Approver],
) -> None:
    if missing := [kind.name for kind in MeasureKind if kind not in kinds]:
        raise PlaybookFileError(f"kinds without a rule: {', '.join(missing)}")
    if missing := [level.name for level in Level if level and level not in approvers]:
        raise PlaybookFileError(f"levels without an approver: {', '.join(missing)}")
    for approver in (*approvers.values(), *(k.approver for k in kinds.values() if k.approver)):
        if not approver.title or not 0 <= approver.levels_above <= MOST_LEVELS_ABOVE:
            raise PlaybookFileError(f"approver {approver.title!r}: levels_above must be 0 to 3")
    names = [book.name for book in books]
    if len(names) != len(set(names)):
        raise PlaybookFileError("two playbooks have the same name and version")
    for book in books:
        if any(not 0 <= step.due_days <= 365 for step in book.steps):
            raise PlaybookFileError(f"{book.name}: due_days must lie between 0 and 365")
