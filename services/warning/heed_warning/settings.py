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

    def problems(self) -> list[str]:
        """Say what is wrong across fields."""
        targets = {
            "HEED_CLASSIFIER_TARGET": self.classifier_target,
            "HEED_DISPOSAL_TARGET": self.disposal_target,
        }
        missing = [f"{name}: required" for name, target in targets.items() if not target]
        return [*super().problems(), *missing]
