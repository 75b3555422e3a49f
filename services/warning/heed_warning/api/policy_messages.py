"""Turns threshold policies, their previews, trades and backtests into contract messages."""

from __future__ import annotations

from heed.common.v1.matter_pb2 import WarningLevel
from heed.warning.v1 import resources_pb2 as pb

from heed_warning.api.convert import from_cell
from heed_warning.domain.preview import Preview


def from_preview(found: Preview) -> pb.PolicyPreview:
    """Return a preview for the contract."""
    return pb.PolicyPreview(
        as_of=found.as_of.isoformat(),
        cell_count=found.cell_count,
        raised_count=found.raised_count,
        cleared_count=found.cleared_count,
        changes=[
            pb.PreviewedChange(
                cell=from_cell(change.cell),
                present_level=WarningLevel.ValueType(change.present_level),
                new_level=WarningLevel.ValueType(change.new_level),
                present_threshold=change.present_threshold,
                new_threshold=change.new_threshold,
            )
            for change in found.changes
        ],
    )
