# ruff: noqa: N802 - methods are named as in the contract
"""RPCs that look at the past: recommended thresholds and backtests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.identity import current_caller, region_prefix, require_region
from heed_shared.operations import Progress
from heed_warning.api import convert
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.api.policy_messages import from_backtest, from_recommendation, to_aim
from heed_warning.application.policies import check_policy
from heed_warning.application.tuning import BACKTESTED_DAYS, RECOMMENDED_DAYS
from heed_warning.domain.policy import Strategy
from heed_warning.domain.trades import policy_to_tune

_BACKTEST = "backtest-policy"
_DEFAULT_WINDOW_DAYS = 7
_CODE_LENGTH = 6


class TuningRpcs:
    """RecommendThresholds, BacktestPolicy."""

    _parts: Parts

    async def RecommendThresholds(
        self, request: pb.RecommendThresholdsRequest, _context: Any
    ) -> pb.RecommendThresholdsResponse:
        """Turn an alert budget or a cost ratio into thresholds."""
        parts, caller = self._parts, current_caller()
        if len(request.region_prefix) == _CODE_LENGTH:
            parts.places.require_region(request.region_prefix, "region_prefix")
        if request.category_code:
            parts.places.require_category(request.category_code, "category_code")
        # A region's own code would stand for its own cell alone; its prefix for all inside it.
        prefix = region_prefix(request.region_prefix or caller.region_prefix)
        require_region(caller, prefix)
        policy = policy_to_tune(
            Strategy(request.strategy or Strategy.FORECAST_EXCEEDANCE),
            request.window_days or _DEFAULT_WINDOW_DAYS,
            prefix,
            request.category_code,
        )
        ground = await parts.tuner.ground(
            caller,
            policy,
            convert.to_day_or_none(request.data_from, "data_from"),
            convert.to_day_or_none(request.data_to, "data_to"),
            RECOMMENDED_DAYS,
        )
        return from_recommendation(await parts.tuner.recommend(ground, policy, to_aim(request)))

    async def BacktestPolicy(self, request: pb.BacktestPolicyRequest, _context: Any) -> Operation:
        """Start a replay of history under a policy."""
        parts, caller = self._parts, current_caller()
        require_region(caller, region_prefix(request.policy.region_prefix))
        policy = convert.to_policy(request.policy, "")
        check_policy(policy, parts.places)
        ground = await parts.tuner.ground(
            caller,
            policy,
            convert.to_day_or_none(request.data_from, "data_from"),
            convert.to_day_or_none(request.data_to, "data_to"),
            BACKTESTED_DAYS,
        )
        started_at = datetime.now(UTC)

        async def work(progress: Progress) -> Message:
            async def report(share: float) -> None:
                await progress.report(_metadata(started_at, share))

            rows = await parts.tuner.backtest(ground, policy, request.seed, report)
            return pb.BacktestPolicyResponse(report=from_backtest(rows, ground, parts.places))

        async def act(_: Transaction) -> Operation:
            return await parts.operations.start(_BACKTEST, _metadata(started_at, 0.0), work)

        return await once(parts.database, request, Operation, act)


def _metadata(started_at: datetime, progress: float) -> pb.BacktestPolicyMetadata:
    metadata = pb.BacktestPolicyMetadata(progress=progress)
    metadata.started_at.FromDatetime(started_at)
    return metadata
