"""What the warning service logs, by constant names."""

from __future__ import annotations

from enum import StrEnum


class WarningLog(StrEnum):
    """Names of log events."""

    ESCALATION_PROVISIONAL = "warning_escalation_provisional"
    """A clock runs past the published calendar, so that every day counts as worked there."""
    ESCALATION_MISSING = "warning_escalation_missing"
    """The watchdog found steps that were due and not done."""
    RETRAINING = "warning_retraining"
    """A training begins because the model in use is old, unreadable, or has drifted."""
    FORECASTER_UNREADABLE = "warning_forecaster_unreadable"
    """The forecaster in use was made by code of another version, so the baseline answers."""
