"""The rule tables, row by row with the reason of each."""

from __future__ import annotations

import pytest

from heed_classifier.adapters.build_sorting import nature_rules
from heed_classifier.adapters.data_files import content_book, rule_table
from heed_classifier.domain.nature import Importance, Level, Nature, Route, Urgency
from heed_classifier.domain.routing import RouteRules, TargetRules
from heed_classifier.domain.text import PetitionText
from heed_shared.reference.taxonomy import Taxonomy
from tests.classifier.builders import grades, sort_text

CATEGORIES = [
    ("交房两年仍未办下房产证，开发商一直推脱", "01", "0101", "housing certificate"),
    ("路灯坏了半年，晚上出行危险，市政不修", "01", "0106", "municipal facilities"),
    ("征地补偿款标准不清，至今未足额发放", "02", "0201", "land taken"),
    ("工地拖欠我们三个月工资，包工头失联", "03", "0301", "wages owed"),
    ("公司不给员工买社保，要求补缴养老保险", "03", "0305", "employees' insurance"),
    ("土地流转租金拖欠，承包地被收回", "04", "0401", "land contract"),
    ("夜间工厂排放刺鼻气味，黑烟滚滚", "05", "0501", "pollution"),
    ("出租车拒载不打表", "06", "0603", "taxis"),
    ("学校违规补课，收补课费", "07", "0702", "school fees"),
    ("手术后出现并发症，医院拒绝复印病历", "08", "0801", "medical dispute"),
    ("父亲重病，低保被取消，未收到书面理由", "09", "0901", "social relief"),
    ("法院判决生效两年，执行局找不到老赖", "10", "1004", "court matter"),
    ("预付卡门店关门，会员卡余额退不了", "11", "1101", "consumer matter"),
    ("旅行社临时加价，导游强制购物", "12", "1202", "tourism"),
    ("移动公司乱扣话费，宽带网速慢", "13", "1301", "telecoms"),
    ("事业单位公开招聘面试成绩计算有误，请求复核", "15", "1502", "recruitment"),
    ("申请政府信息公开，超期没有答复", "16", "1606", "open government"),
    ("特写感谢信，表示感谢，送锦旗", "17", "1702", "thanks"),
]


@pytest.mark.parametrize(("text", "category", "subcategory", "reason"), CATEGORIES)
def test_the_words_of_a_category_point_to_it(
    text: str, category: str, subcategory: str, reason: str
) -> None:
    answer = sort_text(text)

    assert (answer.category_code, answer.subcategory_code) == (category, subcategory), reason


def test_every_content_rule_names_a_category_of_the_taxonomy() -> None:
    taxonomy = Taxonomy.load()

    assert [code for code in content_book().codes if code not in taxonomy] == []


def test_every_second_level_category_has_content_rules() -> None:
    taxonomy = Taxonomy.load()

    wanted = {code for code in taxonomy if len(code) == 4}

    assert wanted == set(content_book().codes)


NATURES = [
    ("建议在路口增设红绿灯，方便学生过马路", Nature.SUGGESTION, "asks for something new"),
    ("希望增加公交班次，几点建议供参考", Nature.SUGGESTION, "hopes for improvement"),
    ("请问居住证怎么办理，需要什么材料", Nature.ENQUIRY, "asks how"),
    ("咨询退休年龄的政策规定", Nature.ENQUIRY, "asks for information"),
    ("建议在路口装摄像头。车不礼让，违规很多，请求解决", Nature.SUGGESTION, "says so first"),
    ("咨询公积金提取。投诉过一次没有解决", Nature.ENQUIRY, "says so first"),
    ("投诉物业乱收费，建议撤换", Nature.APPEAL_REQUEST, "complains first"),
    ("投诉物业乱收费，请求查处", Nature.APPEAL_REQUEST, "wants it stopped"),
    ("拖欠工资半年，恳请帮助讨薪", Nature.APPEAL_REQUEST, "wants it solved"),
    ("小区停水三天", Nature.APPEAL_REQUEST, "no cue: most ask for something to be done"),
]


@pytest.mark.parametrize(("text", "nature", "reason"), NATURES)
def test_cues_tell_the_nature(text: str, nature: Nature, reason: str) -> None:
    assert sort_text(text).nature is nature, reason


ACCUSATIONS = [
    ("举报村支书贪污征地款，套取国家补贴", True, "official and misconduct together"),
    ("反映某局长利用职务收受贿赂，为亲戚谋利", True, "official and bribes"),
    ("实名举报信：有人贪污公款", True, "says it is one, and names the misconduct"),
    ("派出所所长充当恶霸的保护伞", True, "official who shields criminals"),
    ("尊敬的书记：小区路灯坏了", False, "the official is only addressed"),
    ("尊敬的胡书记：我们的血汗钱被平台侵吞", False, "written to, not about"),
    ("王市长您好，请严查诈骗案的保护伞", False, "written to, not about"),
    ("举报工厂偷排废水", False, "a firm's wrong is a request to act, not an accusation"),
    ("工作人员态度差，让我跑了三趟", False, "poor service is no misconduct of office"),
    ("老板挪用公款" + "，" * 60 + "请局长处理", False, "too far apart to belong together"),
]


@pytest.mark.parametrize(("text", "accusation", "reason"), ACCUSATIONS)
def test_an_accusation_needs_an_official_and_misconduct(
    text: str, accusation: bool, reason: str
) -> None:
    assert bool(nature_rules().accusation(text)) is accusation, reason


ROUTES = [
    ("1004", "请求再审", Route.LITIGATION, "court matters go by their law"),
    ("0302", "公司违法解除劳动合同", Route.ARBITRATION, "labour disputes are arbitrated first"),
    ("0302", "下岗职工安置", Route.PETITION, "no labour dispute in it"),
    ("1405", "不服党纪处分", Route.PARTY_APPEAL, "Party procedure"),
    ("1007", "不服行政处罚", Route.ADMINISTRATIVE, "reconsideration"),
    ("0501", "工厂排污", Route.DUTY, "asks an authority to act"),
    ("0106", "路灯坏了", Route.PETITION, "no other route fits"),
]


@pytest.mark.parametrize(("code", "text", "route", "reason"), ROUTES)
def test_the_first_row_that_fits_proposes_the_route(
    code: str, text: str, route: Route, reason: str
) -> None:
    rules = RouteRules(rule_table("routes.toml"))

    assert rules.propose(code, Nature.APPEAL_REQUEST, text).route is route, reason


@pytest.mark.parametrize("nature", [Nature.SUGGESTION, Nature.ENQUIRY, Nature.ACCUSATION])
def test_only_appeals_and_requests_have_a_route(nature: Nature) -> None:
    assert RouteRules(rule_table("routes.toml")).propose("1004", nature, "").route is Route.NONE


def test_every_route_row_gives_its_reason() -> None:
    assert all(row.reason for row in RouteRules(rule_table("routes.toml")).rows)


def test_every_category_has_a_line_and_the_longest_prefix_wins() -> None:
    rules = TargetRules(rule_table("targets.toml"))
    taxonomy = Taxonomy.load()

    lines = {code: rules.target(code, "", "", "").line for code in taxonomy}

    assert all(lines.values())
    assert lines["0101"] == "住房城乡建设"
    assert lines["0106"] == "城市管理"


def test_the_unit_carries_the_regions_name_and_level() -> None:
    target = TargetRules(rule_table("targets.toml")).target(
        "0501", "110105", "北京市朝阳区", "county"
    )

    assert target.unit == "北京市朝阳区生态环境局"
    assert target.level is Level.COUNTY
    assert target.region_code == "110105"


IMPORTANCE = [
    ("路灯坏了", 1, Importance.ORDINARY, "one person, no hazard"),
    ("小区墙体开裂", 1, Importance.IMPORTANT, "a hazard"),
    ("路灯坏了", 5, Importance.IMPORTANT, "twenty-one people and more"),
    ("全小区几十户漏水", 1, Importance.IMPORTANT, "the problem of dozens"),
    ("上千人的小区燃气管道有安全隐患", 1, Importance.MAJOR, "a hazard to many"),
    ("全村饮用水被污染", 1, Importance.MAJOR, "unsafe water for a village"),
]


@pytest.mark.parametrize(("text", "bucket", "importance", "reason"), IMPORTANCE)
def test_importance_follows_people_and_harm(
    text: str, bucket: int, importance: Importance, reason: str
) -> None:
    assert grades(text, bucket).importance is importance, reason


def test_tone_and_repeats_change_nothing() -> None:
    calm = sort_text("路灯坏了，请维修")
    angry = sort_text("路灯坏了，请维修。太气愤了，已经投诉二十次，你们全是废物")

    assert (calm.urgency, calm.importance) == (angry.urgency, angry.importance)


def test_a_title_is_the_first_clause_that_says_something() -> None:
    answer = sort_text("尊敬的领导：您好！小区路灯坏了半年，没人修")

    assert answer.title == "小区路灯坏了半年"


def test_an_empty_looking_text_gets_an_answer() -> None:
    for text in ("啊", "?", "hello world", "１２３"):
        answer = sort_text(text)
        assert answer.category_code == "17"
        assert answer.urgency is Urgency.U2


def test_offsets_count_characters_of_request_newline_facts() -> None:
    text = PetitionText("路灯不亮😀", "下水道堵塞")
    answer = sort_text(text)

    assert answer.evidence
    for evidence in answer.evidence:
        assert text.joined[evidence.start : evidence.end] == evidence.phrase
