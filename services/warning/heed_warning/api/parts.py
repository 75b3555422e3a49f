"""What the RPCs of the warning service work with; built in main.py."""

from __future__ import annotations

from dataclasses import dataclass

from heed_shared.clock import Clock
from heed_shared.database import Database
from heed_shared.operations import Operations
from heed_shared.paging import PageTokens
from heed_warning.application.evaluation import Evaluator
from heed_warning.application.forecasting import Foreseer
from heed_warning.application.indicators import IndicatorReader
from heed_warning.application.judging import Desk
from heed_warning.application.keeping import Keeper, Watchdog
from heed_warning.application.places import Places
from heed_warning.application.policies import PolicyDesk
from heed_warning.application.ports import Counts, Forecasters, Policies, Skips, Warnings
from heed_warning.application.silencing import SilenceDesk
from heed_warning.application.training import School
from heed_warning.application.tuning import Tuner
from heed_warning.application.warning_ports import Precisions, Silences


@dataclass(frozen=True)
class Parts:
    """Everything that an RPC may need."""

    database: Database
    clock: Clock
    places: Places
    counts: Counts
    policies: Policies
    policy_desk: PolicyDesk
    tuner: Tuner
    warnings: Warnings
    forecasters: Forecasters
    evaluator: Evaluator
    indicator_reader: IndicatorReader
    skips: Skips
    foreseer: Foreseer
    desk: Desk
    silences: Silences
    silence_desk: SilenceDesk
    keeper: Keeper
    watchdog: Watchdog
    precisions: Precisions
    school: School
    operations: Operations
    page_tokens: PageTokens
