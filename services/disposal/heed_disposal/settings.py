"""Settings of disposal: those of every service, and where its data files are mounted."""

from dataclasses import dataclass
from pathlib import Path

from heed_shared.settings import ServiceSettings, setting


@dataclass(frozen=True, kw_only=True)
class DisposalSettings(ServiceSettings):
    """What disposal is told from outside."""

    deadline_rules: Path | None = setting("HEED_DEADLINE_RULES", default=None)
    """Deadline rules in place of the shipped ones."""
    holidays: Path | None = setting("HEED_HOLIDAYS", default=None)
    """Holiday notices (CSV: day, kind) over the published calendar, for years that it lacks."""
    playbooks: Path | None = setting("HEED_PLAYBOOKS", default=None)
    """Playbooks in place of the shipped ones."""
    figures: Path | None = setting("HEED_FIGURES", default=None)
    """Definitions of the performance figures in place of the shipped ones."""
    documents: Path | None = setting("HEED_DOCUMENTS", default=None)
    """Templates of documents in place of the shipped ones."""

    def problems(self) -> list[str]:
        """Say what is wrong across fields."""
        found = super().problems()
        targets = {
            "HEED_INTAKE_TARGET": self.intake_target,
            "HEED_CLASSIFIER_TARGET": self.classifier_target,
            "HEED_WARNING_TARGET": self.warning_target,
        }
        return found + [f"{name}: required" for name, target in targets.items() if not target]
