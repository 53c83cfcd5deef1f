"""What a claim is: evidence with bounds, verdicts computed from it, the registry, and what a check is handed.

A page of claims needs only this: ``from lemmata.claims.framework import Control, Correction, Evidence, Paper``.
"""

from lemmata.claims.framework.claim import Claim, Control, Correction, Cost, Kind
from lemmata.claims.framework.evidence import Evidence, Verdict
from lemmata.claims.framework.registry import Paper
from lemmata.claims.framework.trial import Trial

__all__ = ["Claim", "Control", "Correction", "Cost", "Evidence", "Kind", "Paper", "Trial", "Verdict"]
