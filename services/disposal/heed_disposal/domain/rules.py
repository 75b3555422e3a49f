"""Codes of the deadline rules that this service starts by itself, by what they are for.

The rules stand in the shared data file, see `heed_shared.reference.deadline_rules`.
"""

from heed_disposal.domain.terms import Level

ROUTING, DIRECT_NOTICE, NOTICE, OBJECTION = "D01", "D02", "D03", "D04"
OPINION, REPORT = "D05", "D11"
REVIEW_REQUEST, REVIEW, RECHECK_REQUEST, RECHECK = "D07", "D08", "D09", "D10"
MAJOR_REPORT, SUPERVISION, REOPENING = "D12", "D13", "R01"
ENQUIRY_REPLY, SUGGESTION_REPLY, URGENT_CONTACT, DANGER_CONTACT = "H01", "H02", "H03", "H04"
FOLLOW_UP, SOLVED_CHECK, SECOND_ATTEMPT = "F01", "F02", "F03"
RESPONSE = {Level.BLUE: "W04", Level.YELLOW: "W03", Level.ORANGE: "W02", Level.RED: "W01"}

MET_BY_ANSWER = (
    ROUTING,
    NOTICE,
    OPINION,
    ENQUIRY_REPLY,
    SUGGESTION_REPLY,
    URGENT_CONTACT,
    DANGER_CONTACT,
)
"""Clocks that end when the dated written answer is issued; a report or a supervision is apart."""

REQUIRED = (
    ROUTING,
    DIRECT_NOTICE,
    NOTICE,
    OBJECTION,
    OPINION,
    REVIEW_REQUEST,
    REVIEW,
    RECHECK_REQUEST,
    RECHECK,
    REPORT,
    MAJOR_REPORT,
    SUPERVISION,
    REOPENING,
    ENQUIRY_REPLY,
    SUGGESTION_REPLY,
    URGENT_CONTACT,
    DANGER_CONTACT,
    FOLLOW_UP,
    SOLVED_CHECK,
    SECOND_ATTEMPT,
    *RESPONSE.values(),
)
"""Codes that the service starts by itself; a rule file must have them all."""
