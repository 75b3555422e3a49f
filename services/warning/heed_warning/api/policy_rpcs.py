# ruff: noqa: N802 - methods are named as in the contract
"""RPCs about threshold policies."""

from __future__ import annotations

from typing import Any

from heed.warning.v1 import warning_service_pb2 as pb

from heed_shared.database import Transaction
from heed_shared.errors import InvalidField
from heed_shared.identity import current_caller, region_prefix, require_region
from heed_shared.ids import new_uid
from heed_shared.paging import filter_digest, page_size
from heed_warning.api import convert
from heed_warning.api.once import once
from heed_warning.api.parts import Parts
from heed_warning.api.policy_messages import from_preview
from heed_warning.application.policies import check_policy, may_see
from heed_warning.domain.policy import DEFAULT_POLICY, Policy

_LIST = "ListThresholdPolicies"
_COLLECTION = "thresholdPolicies/"


class PolicyRpcs:
    """CreateThresholdPolicy, Update-, Delete- and ListThresholdPolicies."""

    _parts: Parts

    async def CreateThresholdPolicy(
        self, request: pb.CreateThresholdPolicyRequest, _context: Any
    ) -> pb.CreateThresholdPolicyResponse:
        """Store a policy for the caller's region or a part of it, or only preview it."""
        parts = self._parts
        policy = self._checked(request.policy, str(new_uid(parts.clock.now())))
        if request.validate_only:
            found = await parts.policy_desk.preview(current_caller(), policy)
            shown = convert.from_policy(policy)
            shown.ClearField("name")
            shown.ClearField("etag")
            return pb.CreateThresholdPolicyResponse(policy=shown, preview=from_preview(found))

        async def act(tx: Transaction) -> pb.CreateThresholdPolicyResponse:
            await parts.policies.add(tx, policy)
            return pb.CreateThresholdPolicyResponse(policy=convert.from_policy(policy))

        return await once(parts.database, request, pb.CreateThresholdPolicyResponse, act)

    async def UpdateThresholdPolicy(
        self, request: pb.UpdateThresholdPolicyRequest, _context: Any
    ) -> pb.UpdateThresholdPolicyResponse:
        """Replace a policy, or only preview what that would do."""
        parts, caller, etag = self._parts, current_caller(), request.policy.etag
        if not request.policy.name.startswith(_COLLECTION):
            raise InvalidField("policy.name", f"must begin with {_COLLECTION}")
        policy = self._checked(request.policy, request.policy.name.removeprefix(_COLLECTION))
        if request.validate_only:
            async with parts.database.transaction() as tx:
                await parts.policy_desk.current(tx, caller, policy.name, etag)
            found = await parts.policy_desk.preview(caller, policy)
            return pb.UpdateThresholdPolicyResponse(
                policy=request.policy, preview=from_preview(found)
            )

        async def act(tx: Transaction) -> pb.UpdateThresholdPolicyResponse:
            written = await parts.policy_desk.replace(tx, caller, policy, etag)
            return pb.UpdateThresholdPolicyResponse(policy=convert.from_policy(written))

        return await once(parts.database, request, pb.UpdateThresholdPolicyResponse, act)

    async def DeleteThresholdPolicy(
        self, request: pb.DeleteThresholdPolicyRequest, _context: Any
    ) -> pb.DeleteThresholdPolicyResponse:
        """Take a policy away."""
        parts, caller = self._parts, current_caller()

        async def act(tx: Transaction) -> pb.DeleteThresholdPolicyResponse:
            stored = await parts.policy_desk.current(tx, caller, request.name, request.etag)
            await parts.policies.remove(tx, stored.policy_id)
            return pb.DeleteThresholdPolicyResponse()

        return await once(parts.database, request, pb.DeleteThresholdPolicyResponse, act)

    async def ListThresholdPolicies(
        self, request: pb.ListThresholdPoliciesRequest, _context: Any
    ) -> pb.ListThresholdPoliciesResponse:
        """Return the policies in and above the caller's region, the built-in default first."""
        parts, digest, caller = self._parts, filter_digest(request), current_caller()
        size, start = page_size(request.page_size), 0
        if request.page_token:
            (start,) = map(int, parts.page_tokens.decode(_LIST, digest, request.page_token))
        async with parts.database.read() as connection:
            stored = await parts.policies.all(connection)
        every = [DEFAULT_POLICY, *(policy for policy in stored if may_see(caller, policy))]
        stop = start + size
        token = parts.page_tokens.encode(_LIST, digest, [stop]) if stop < len(every) else ""
        shown = [convert.from_policy(policy) for policy in every[start:stop]]
        return pb.ListThresholdPoliciesResponse(policies=shown, next_page_token=token)

    def _checked(self, policy: Any, policy_id: str) -> Policy:
        """Return the policy of a request, of the caller's region and sensible.

        Raises:
            RegionNotAllowed: It reaches beyond the caller's region.
            InvalidField: Its levels make no sense together.
            UnknownRegion: It names a region that is in no mounted table.
            UnknownCategory: It names a category that is in no mounted taxonomy.
        """
        require_region(current_caller(), region_prefix(policy.region_prefix))
        made = convert.to_policy(policy, policy_id)
        check_policy(made, self._parts.places)
        return made
