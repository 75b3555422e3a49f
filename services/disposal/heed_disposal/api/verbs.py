"""Runs one mutating call: a repetition gets the stored answer, anything else happens once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.api import convert
from heed_disposal.api.texts import require_plain_texts
from heed_disposal.application.desk import Desk, Verb
from heed_disposal.application.ports import CaseStore, Workshop
from heed_disposal.domain.case import Case
from heed_disposal.domain.transitions import Action
from heed_shared.errors import NotFound
from heed_shared.identity import Caller, current_caller
from heed_shared.request_records import payload_digest

Answer_co = TypeVar("Answer_co", bound=Message, covariant=True)


class AnswerType(Protocol[Answer_co]):
    """The class of a response that holds one case."""

    def __call__(self, *, case: resources.Case | None) -> Answer_co:
        """Make a response."""
        ...

    def FromString(self, s: bytes, /) -> Answer_co:  # noqa: N802 - of protobuf
        """Read a stored response."""
        ...


class Request(Protocol):
    """A request that may be repeated."""

    @property
    def request_id(self) -> str:
        """UUID that makes a repetition harmless."""
        ...


class CaseRequest(Request, Protocol):
    """A request for a verb on a case."""

    @property
    def name(self) -> str:
        """Case resource name."""
        ...

    @property
    def etag(self) -> str:
        """Etag of the case that the person saw."""
        ...


@dataclass(frozen=True)
class CaseVerbs:
    """Runs verbs for the servicer."""

    desk: Desk
    workshop: Workshop

    async def on_case(
        self, request: CaseRequest, answer: AnswerType[Answer_co], action: Action, verb: Verb
    ) -> Answer_co:
        """Do ``verb`` to the case that the request names and return the case inside ``answer``."""

        async def change(store: CaseStore, caller: Caller) -> Case:
            return await self.desk.change(store, caller, request.name, request.etag, action, verb)

        return await self.once(request, answer, change)

    async def once(
        self,
        request: Request,
        answer: AnswerType[Answer_co],
        act: Callable[[CaseStore, Caller], Awaitable[Case]],
    ) -> Answer_co:
        """Run ``act`` once for the caller's request id; effect and answer commit together."""
        caller = current_caller()
        method, digest = _identity_of(request)
        async with self.workshop.open() as work:
            stored = await work.remembered(caller.identity, method, request.request_id, digest)
            if stored is not None:
                repeated = answer.FromString(stored)
                _require_still_visible(repeated, caller)
                return repeated
            case = await act(work.cases, caller)
            response = answer(case=convert.case(case, self.desk.clock.now()))
            await work.keep_answer(
                caller.identity, method, request.request_id, response.SerializeToString()
            )
            await work.commit()
        return response


def _require_still_visible(response: Any, caller: Caller) -> None:
    """Check a stored answer, whose case the caller may have left behind.

    Raises:
        NotFound: the caller has moved to another region since.
    """
    if not caller.covers(response.case.region_code):
        raise NotFound(response.case.name)


def _identity_of(request: object) -> tuple[str, bytes]:
    """Check the texts of a request; return its method, by its message, and its digest."""
    if not isinstance(request, Message):
        raise TypeError("a request is a message of the contract")
    require_plain_texts(request)
    return request.DESCRIPTOR.full_name, payload_digest(request)
