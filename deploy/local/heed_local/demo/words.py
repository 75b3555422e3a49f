"""The contracts' enums in the words of the office."""

from heed.classifier.v1 import resources_pb2 as classifier
from heed.common.v1 import matter_pb2
from heed.disposal.v1 import resources_pb2 as disposal
from heed.warning.v1 import resources_pb2 as warning

LEVELS = {
    matter_pb2.WARNING_LEVEL_BLUE: "蓝",
    matter_pb2.WARNING_LEVEL_YELLOW: "黄",
    matter_pb2.WARNING_LEVEL_ORANGE: "橙",
    matter_pb2.WARNING_LEVEL_RED: "红",
}
WARNING_STATES = {
    warning.Warning.STATE_PENDING: "待定",
    warning.Warning.STATE_FIRING: "生效",
    warning.Warning.STATE_ACKNOWLEDGED: "已认领",
    warning.Warning.STATE_JUDGED: "已研判",
    warning.Warning.STATE_RESOLVED: "已解除",
}
BANDS = {
    classifier.BAND_AUTO: "自动",
    classifier.BAND_REVIEW: "复核",
    classifier.BAND_UNCERTAIN: "不确定",
}
CASE_STATES = {
    disposal.Case.STATE_OPENED: "待转办",
    disposal.Case.STATE_ROUTED: "已转送交办",
    disposal.Case.STATE_OBJECTED: "单位已提异议",
    disposal.Case.STATE_ACCEPTED: "已受理",
    disposal.Case.STATE_NOT_ACCEPTED: "不予受理",
    disposal.Case.STATE_NO_LONGER_ACCEPTED: "不再受理",
    disposal.Case.STATE_DIVERTED: "已导入法定途径",
    disposal.Case.STATE_IN_PROGRESS: "办理中",
    disposal.Case.STATE_OPINION_ISSUED: "已出具意见",
    disposal.Case.STATE_SERVED: "已送达",
    disposal.Case.STATE_REVIEW_REQUESTED: "已申请复查",
    disposal.Case.STATE_REVIEW_ISSUED: "已复查",
    disposal.Case.STATE_RECHECK_REQUESTED: "已申请复核",
    disposal.Case.STATE_RECHECK_ISSUED: "已复核",
    disposal.Case.STATE_CONCLUDED: "已办结",
    disposal.Case.STATE_ARCHIVED: "已归档",
}
TRACKS = {
    disposal.Case.TRACK_APPEAL: "申诉求决",
    disposal.Case.TRACK_SUGGESTION: "意见建议",
    disposal.Case.TRACK_ENQUIRY: "咨询",
    disposal.Case.TRACK_WARNING: "预警处置",
}
DEADLINE_BANDS = {
    disposal.Deadline.BAND_AMPLE: "充裕",
    disposal.Deadline.BAND_NORMAL: "正常",
    disposal.Deadline.BAND_WARN: "提醒",
    disposal.Deadline.BAND_SERIOUS: "紧迫",
    disposal.Deadline.BAND_CRITICAL: "告急",
    disposal.Deadline.BAND_OVERDUE: "逾期",
}
SIZES = {"large": "大", "medium": "中", "small": "小"}
