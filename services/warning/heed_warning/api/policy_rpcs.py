# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about threshold policies."""

from __future__ import annotations

from typing import Any

from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.identity import current_caller, region_prefix, require_region
from heed_shared.ids import new_uid
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import convert
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.application.policies import check_policy
from heed_warning.domain.policy import DEFAULT_POLICY

_LIST = "ListThresholdPolicies"


class PolicyRpcs:
    """CreateThresholdPolicy, ListThresholdPolicies."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def CreateThresholdPolicy(
        self, request: pb.CreateThresholdPolicyRequest, _context: Any
    ) -> pb.CreateThresholdPolicyResponse:
        """Store a policy for the caller's region or a part of it."""
        parts = self._parts
        require_region(current_caller(), region_prefix(request.policy.region_prefix))
        policy = convert.to_policy(request.policy, str(new_uid(parts.clock.now())))
        check_policy(policy, parts.places)

        async def act(tx: Transaction) -> pb.CreateThresholdPolicyResponse:
            await parts.policies.add(tx, policy)
            return pb.CreateThresholdPolicyResponse(policy=convert.from_policy(policy))

        return await once(parts.database, request, pb.CreateThresholdPolicyResponse, act)

    async def ListThresholdPolicies(
        self, request: pb.ListThresholdPoliciesRequest, _context: Any
    ) -> pb.ListThresholdPoliciesResponse:
        """Return policies, the built-in default first."""
        parts, digest = self._parts, filter_digest(request)
        size, start = page_size(request.page_size), 0
        if request.page_token:
            (start,) = map(int, parts.page_tokens.decode(_LIST, digest, request.page_token))
        async with parts.database.read() as connection:
            every = [DEFAULT_POLICY, *await parts.policies.all(connection)]
        stop = start + size
        token = parts.page_tokens.encode(_LIST, digest, [stop]) if stop < len(every) else ""
        shown = [convert.from_policy(policy) for policy in every[start:stop]]
        return pb.ListThresholdPoliciesResponse(policies=shown, next_page_token=token)
