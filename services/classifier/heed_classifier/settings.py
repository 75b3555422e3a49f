"""Settings of the classifier: those of every service, and how the consumer works."""

from dataclasses import dataclass
from pathlib import Path

from heed_shared.settings import ServiceSettings, setting


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings(ServiceSettings):
    """What the classifier is told from outside."""

    batch_size: int = setting("HEED_CLASSIFIER_BATCH_SIZE", default=200)
    """Most petitions sorted and stored in one transaction."""
    use_model: bool = setting("HEED_CLASSIFIER_MODEL", default=True)
    """Whether to use the trained model of the schema; without, the rules answer."""

    targets: Path | None = setting("HEED_TARGETS", default=None)
    """Table of handling targets (TOML) over the shipped one: which unit answers for what."""
    crosswalk: Path | None = setting("HEED_CROSSWALK", default=None)
    """Table of labels of other schemes (CSV) before the shipped one."""

    training_texts: int = setting("HEED_CLASSIFIER_TRAINING_TEXTS", default=12_000)
    """Texts that a training writes to learn from, beside those that people corrected."""

    def problems(self) -> list[str]:
        """Say what is wrong across fields."""
        found = super().problems()
        if not self.intake_target:
            found.append("HEED_INTAKE_TARGET: required")
        if not 1 <= self.batch_size <= 500:
            found.append("HEED_CLASSIFIER_BATCH_SIZE: must lie between 1 and 500")
        if not 200 <= self.training_texts <= 1_000_000:
            found.append("HEED_CLASSIFIER_TRAINING_TEXTS: must lie between 200 and 1000000")
        return found
