"""Settings of the warning service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heed_shared.settings import ServiceSettings, setting


@dataclass(frozen=True, kw_only=True)
class WarningSettings(ServiceSettings):
    """What the warning service is told from outside: that of every service, and its sources."""

    escalation: Path | None = setting("HEED_ESCALATION", default=None)
    """Rules of escalation (升级催办) in place of the shipped ones."""

    indicators: Path | None = setting("HEED_INDICATORS", default=None)
    """Definitions of indicators (指标) in place of the shipped ones."""

    retrain_days: int = setting("HEED_RETRAIN_DAYS", default=28)
    """Days after which a forecaster is trained anew."""

    def problems(self) -> list[str]:
        """Say what is wrong across fields."""
        targets = {
            "HEED_CLASSIFIER_TARGET": self.classifier_target,
            "HEED_DISPOSAL_TARGET": self.disposal_target,
        }
        wrong = [f"{name}: required" for name, target in targets.items() if not target]
        if self.retrain_days < 1:
            wrong.append("HEED_RETRAIN_DAYS: must be at least 1")
        return [*super().problems(), *wrong]
