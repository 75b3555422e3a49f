"""Masking: what is replaced, what must stay, and that it takes linear time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed_intake.domain.masking import mask_text, mask_wording, own_values
from heed_intake.domain.petition import Person, Wording

MASKED = [
    ("电话13800138000请联系", "电话【电话】请联系"),
    ("2019-05-03 13800138000", "2019-05-03 【电话】"),  # a date before it is no part of it
    ("+86 138-0013-8000", "【电话】"),
    ("138 0013 8000", "【电话】"),
    ("tel13800138000", "tel【电话】"),
    ("１３８００１３８０００", "【电话】"),  # full-width
    ("0731-88651234", "【电话】"),
    ("(010)62345678", "【电话】"),
    ("电话：88651234", "电话：【电话】"),  # local number after its word
    ("身份证号11010519900307234X", "身份证号【身份证号】"),
    ("号码是110105199003072341。", "号码是【身份证号】。"),
    ("身份证:110105900307234", "身份证:【身份证号】"),  # the old form
    ("卡号6222 0213 0001 2345 678", "卡号【银行卡号】"),
    ("打到6222021302020112347", "打到【银行卡号】"),  # issuer and check digit are a card's
    ("邮箱 zhang.san@163.com。", "邮箱 【邮箱】。"),
    ("车牌京A12345", "车牌【车牌号】"),
    ("湘AD12345号车", "【车牌号】号车"),  # new energy
    ("粤B·1234学", "【车牌号】"),
    ("我叫张三,住在", "我叫【姓名】,住在"),
    ("我叫王强是业主", "我叫【姓名】是业主"),
    ("我的名字叫欧阳明月，", "我的名字叫【姓名】，"),
    ("本人张三,男", "本人【姓名】,男"),
    ("本人王小明系某村村民", "本人【姓名】系某村村民"),
    ("姓名：陈明", "姓名：【姓名】"),
    ("联系人:李雷 电话", "联系人:【姓名】 电话"),
    ("打1 3 8 0 0 1 3 8 0 0 0", "打【电话】"),  # as a scan parts it
    ("打13O-0013-8000", "打【电话】"),  # a letter O read for a nought
    ("打一三八零零一三八零零零", "打【电话】"),
    ("订单号2019-05 13800138000", "订单号2019-05 【电话】"),  # the word is the first number's
    ("身份证1101 0519 9003 0723 4X", "身份证【身份证号】"),
    ("卡号62220213 0001234567 8", "卡号【银行卡号】"),
    ("护照E12345678过期", "护照【证件号】过期"),
    ("微信号：abc_123，", "微信号：【联系方式】，"),
    ("微信联系我1234567", "微信联系我【电话】"),
    ("豫AB 12 345", "【车牌号】"),
    ("找张师傅和李某某", "找【姓名】师傅和【姓名】"),
    ("村主任王建国说", "村主任【姓名】说"),
    ("证人孙立、周红，", "证人【姓名】、【姓名】，"),
    ("住3号楼2单元501室", "住【住址】"),
    ("家住柳巷17号", "家住柳巷【住址】"),
    ("三组15号门前", "【住址】门前"),
    ("老板姓赵，", "老板姓【姓名】，"),
]
KEPT = [
    "订单号13812345678",  # looks like a mobile number
    "订单编号：6222021300012345678",
    "快递单号 138123456789012",
    "合同号:0731-88651234",
    "编号20190510123456789",
    "统一信用代码91430100MA4L12345X",
    "12345热线没有回复",
    "拨打400-800-1234",
    "拖欠工资13000元,2019年10月10日到期",
    "面积1234567890平方米",
    "苏A座12号楼",
    "京A地块",
    "本人于去年三月报修",
    "本人和邻居",
    "本人是业主",
    "本人明确要求,尽快处理",
    "姓名权纠纷",
    "我叫了外卖",
    "联系人都不接电话",
    "2019-05-03至2019-06-03",
    "108国道13.5公里处",
    "单号(13800138000)",
    "中山路88号门口",
    "3号楼电梯坏了",
    "12-1-2019签的",
    "一二三四号楼",
    "二〇二三年五月",
    "微信20000元",
    "班主任和新任校长",
    "施工方经理",
    "亲戚朋友",
    "于某日",
    "老百姓安居",
    "业主利益",
    "军人公墓",
    "孩子高兴",
    "优惠政策",
    "业主应尽的义务",
    "住户安危，",
    "伸张正义",
    "靳江小学",
    "不遗余力立即",
    "有人叫卖活鸡，",
    "王家山村",
    "公交车师傅",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_a_personal_value_is_replaced(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_personal_stays(text: str) -> None:
    assert mask_text(text) == text


def test_own_values_are_replaced_wherever_they_stand() -> None:
    own = own_values(
        [
            Person("欧阳明月", "幸福里小区3号楼501室", "mingyue_weixin"),
            Person("王小明"),
        ]
    )
    text = "王小明与欧阳明月住幸福里小区3号楼501室，微信mingyue_weixin。"
    assert mask_text(text, own) == "【姓名】与【姓名】住【住址】，微信【联系方式】。"


@pytest.mark.parametrize("name", ["", "李", "业主", "匿名", "先生"])
def test_a_name_that_names_nobody_does_not_spoil_the_text(name: str) -> None:
    assert mask_text("先生们：业主李家要求公开。", own_values([Person(name)])) == (
        "先生们：业主李家要求公开。"
    )


def test_the_place_of_the_problem_stays_although_it_is_the_address() -> None:
    address = "幸福里小区3号楼501室"
    masked = mask_wording(
        Wording(facts=f"{address}漏水", place=address), own_values([Person("王小明", address)])
    )
    assert masked == Wording(facts="【住址】漏水", place=address)


@given(st.text())
def test_a_second_masking_changes_nothing(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@given(st.text(), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text())
def test_no_mobile_number_among_other_characters_survives(
    before: str, number: str, after: str
) -> None:
    # Digits beside it make it another number, and a document word before it makes it a document's.
    if re.search(r"\d\W*$|号|订单|文|代码|工单", before) or re.match(r"\W*\d", after):
        return
    assert number not in mask_text(before + number + after)


HOSTILE = [
    "a",
    "1",
    "1 ",
    "张",
    "本人",
    "我叫张",
    "@",
    "京A",
    "姓名:",
    "a.",
    "电话-",
    "单号:",
    "- ",
    "微信",
    "家住",
    "业主李",
    "、李",
    "3号楼",
    "1-1-",
    "1(",
    "一",
    "王某",
    "李先生",
    "古丽·",
    "京A 1 ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_longest_text_takes_a_fraction_of_a_second(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    started_at = time.perf_counter()
    mask_text(text)
    assert time.perf_counter() - started_at < 0.5
