"""Which traces are sampled: a share of the new ones, and whatever the caller already sampled."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

_LOW_BITS = (1 << 64) - 1


def samples(trace_id: int, ratio: float) -> bool:
    """Say whether a new trace belongs to the sampled share, by the low 64 bits of its id."""
    return (trace_id & _LOW_BITS) < round(ratio * (1 << 64))


def ratio_sampler(ratio: float) -> Sampler:
    """Return a sampler that follows the parent and samples ``ratio`` of the traces without one."""
    return ParentBased(_NewTraces(ratio))


class _NewTraces(Sampler):
    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    def should_sample(
        self,
        parent_context: Context | None,  # noqa: ARG002 - the SDK's signature
        trace_id: int,
        name: str,  # noqa: ARG002
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        # Telemetry.start_server_span has already drawn for RPCs and comes here only with winners.
        wins = kind is SpanKind.SERVER or samples(trace_id, self._ratio)
        decision = Decision.RECORD_AND_SAMPLE if wins else Decision.DROP
        return SamplingResult(decision, attributes if wins else None, trace_state)

    def get_description(self) -> str:
        """Name the sampler in exported data."""
        return f"NewTraces({self._ratio})"
