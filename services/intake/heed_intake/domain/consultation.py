"""Consultations (咨询): talks from which written petitions may come, and what may follow what.

A talk is open until a draft was made of it; another turn opens it again, because the draft no
longer holds everything. Once a petition was registered from it, it is kept as it is.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from heed_intake.domain.petition import Channel
from heed_shared.errors import InvalidField, WrongState
from heed_shared.ids import resource_name

MOST_TURNS = 400
MOST_CHARACTERS = 100_000
"""All turns together: as much as the facts of a petition may have."""


class ConsultationState(IntEnum):
    """State (状态) of a consultation."""

    OPEN = 1
    DRAFTED = 2
    CONFIRMED = 3


class Speaker(IntEnum):
    """Who said something (发言方)."""

    PETITIONER = 1
    CLERK = 2


@dataclass(frozen=True)
class Turn:
    """Something that was said (咨询记录), in the speaker's own words."""

    speaker: Speaker
    text: str


@dataclass(frozen=True)
class PetitionDraft:
    """The petitioner's own sentences in order (草稿), and questions for what is missing."""

    request: str = ""
    facts: str = ""
    reasons: str = ""
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Consultation:
    """One talk with all that was said in it."""

    region_code: str
    uid: UUID
    channel: Channel
    started_by: str
    """Identity of the clerk or portal that began it; never the petitioner's."""
    started_at: datetime
    state: ConsultationState = ConsultationState.OPEN
    turns: tuple[Turn, ...] = ()
    draft: PetitionDraft | None = None
    petition: tuple[str, UUID] | None = None
    """Region code and uid of the petition that was registered from it."""

    @property
    def name(self) -> str:
        """The resource name."""
        return resource_name("consultations", self.region_code, self.uid)

    def with_turn(self, turn: Turn) -> "Consultation":
        """Return it with one turn more, open again.

        Raises:
            WrongState: it was registered already.
            InvalidField: the talk would be too long.
        """
        self.require(ConsultationState.OPEN, ConsultationState.DRAFTED)
        length = sum(len(said.text) for said in self.turns) + len(turn.text)
        if len(self.turns) >= MOST_TURNS or length > MOST_CHARACTERS:
            limits = f"{MOST_TURNS} turns and {MOST_CHARACTERS} characters"
            raise InvalidField("text", f"a consultation has at most {limits}")
        turns = (*self.turns, turn)
        return replace(self, state=ConsultationState.OPEN, turns=turns, draft=None)

    def with_draft(self, draft: PetitionDraft) -> "Consultation":
        """Return it with a draft of all that was said so far.

        Raises:
            WrongState: it was registered already.
        """
        self.require(ConsultationState.OPEN, ConsultationState.DRAFTED)
        return replace(self, state=ConsultationState.DRAFTED, draft=draft)

    def registered_as(self, petition: tuple[str, UUID]) -> "Consultation":
        """Return it as the origin of a petition.

        Raises:
            WrongState: it has no draft, or was registered already.
        """
        self.require(ConsultationState.DRAFTED)
        return replace(self, state=ConsultationState.CONFIRMED, petition=petition)

    def require(self, *allowed: ConsultationState) -> None:
        """Check the state.

        Raises:
            WrongState: it is none of ``allowed``.
        """
        if self.state not in allowed:
            raise WrongState(self.state.name, [state.name for state in allowed], self.name)
