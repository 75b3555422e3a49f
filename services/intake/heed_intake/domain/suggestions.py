"""What a suggestion (相似件提示) may show: things and problems, never a person.

A title is made of terms that the asking text itself names, and of the category; no sentence of
another's petition is in it. Of these terms only names of places, units and kinds of problem are
shown: a name of somebody that both texts happen to hold would tell that the other holds it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MOST: Final = 5
LEAST_SIMILARITY: Final = 0.4
"""Texts on one matter reach 0.66 and more, those that share but the place at most 0.33 (tests)."""
_TITLE_TERMS: Final = 3
_SHORTEST_TERM: Final = 2
_LONG_SUFFIX: Final = re.compile(
    "(?:小区|社区|花园|家园|新城|新村|公寓|大厦|广场|商场|市场|超市|公园|学校|小学|中学|大学|学院|幼儿园|医院|卫生院|工地|"
    "车站|地铁站|公交站|工业园|开发区|项目|标段|公司|集团|物业|银行|酒店|饭店|饭馆|食堂|养老院|健身房|培训班|搅拌站|加油站|"
    "变电站|污水厂|电厂|水厂|药厂|化工厂|大道|高速|国道|省道|街道|胡同|路口|水库|河道|线路|号线|号楼|一期|二期|三期|四期)$"
)
_SHORT_SUFFIX: Final = re.compile("[路街巷弄村镇乡县区厂局桥站河湖渠庄苑府湾坊里]$")
_ESTATE_SUFFIX: Final = re.compile("[都城园庭轩阁郡邸汇]$")
_SHORTEST_ESTATE: Final = 4
# Surnames that begin most names of three characters, which no suffix of one can clear.
_SURNAME: Final = re.compile(
    "[赵钱孙李周吴郑王冯陈卫蒋沈韩杨朱秦许何吕施张孔曹严金魏陶姜谢邹窦章苏潘葛范彭鲁韦马苗方俞任袁柳史唐薛雷贺倪汤"
    "罗郝安于傅齐康伍余顾孟黄萧尹姚邵汪祁毛米戴宋庞熊纪舒项祝董梁杜阮蓝闵季贾江颜郭梅林钟徐邱骆高夏蔡田樊胡凌霍万柯"
    "管卢莫丁邓洪石崔龚程邢裴陆翁甄段侯宁仇武刘龙叶黎白赖卓池乔闻党翟谭姬申耿欧聂曾关游肖代付岳覃]"
    "|上官|司马|诸葛|司徒|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|东方|端木"
)
_PROBLEM: Final = re.compile(
    "噪音|噪声|扬尘|粉尘|灰尘|油烟|废气|异味|臭味|恶臭|污水|废水|垃圾|积水|内涝|停水|停电|停气|断水|断电|漏水|渗水|漏雨|"
    "水质|水压|拖欠工资|欠薪|工资|加班|工伤|社保|医保|公积金|低保|退休金|养老金|失业金|补贴|退款|退费|退货|预付卡|会员卡|"
    "房产证|不动产证|办证|交房|延期交房|烂尾|裂缝|拆迁|征收|征地|补偿款|补偿|安置房|宅基地|承包地|违建|违章建筑|危房|"
    "供暖|供热|暖气|燃气|电梯|停车位|停车费|停车|车位|充电桩|路灯|井盖|坑洼|修路|道路|公交|红绿灯|斑马线|人行道|施工|"
    "物业费|维修基金|维修|消防通道|消防|高空抛物|绿化|学区|入学|转学|学费|补课|校车|食品安全|过期食品|假货|虚假宣传|诊断|"
    "医疗事故|病历|药价|贷款|保险|合同|宽带|快递|诈骗|狗|养殖|屠宰|基站|辐射"
)


@dataclass(frozen=True)
class SimilarPetition:
    """A petition that the classifier found to be similar, as far as intake needs it."""

    region_code: str
    similarity: float
    shared_terms: tuple[str, ...]
    category_code: str
    received_at: datetime
    incident: str


@dataclass(frozen=True)
class Suggestion:
    """A matter that may be the same, without anyone's data."""

    title: str
    similarity: float
    shared_terms: tuple[str, ...]
    category_code: str
    received_at: datetime
    incident: str


def shown_terms(terms: Iterable[str], asking: str) -> tuple[str, ...]:
    """Return what may be shown of terms that both texts name, in their order.

    Args:
        terms: As the classifier found them, maybe in another case or width.
        asking: The asking text; what is not in it literally is left out.
    """
    shown = (part for term in terms for part in _shown_part(term))
    kept = dict.fromkeys(part for part in shown if part in asking)
    return tuple(
        part for part in kept if not any(part != other and part in other for other in kept)
    )


def title_of(terms: Sequence[str], category: str) -> str:
    """Return a short title, such as ``丽发新城、扬尘(环境保护)``."""
    named = "、".join(terms[:_TITLE_TERMS])
    if not category:
        return named or "相似事项"
    return f"{named}({category})" if named else f"{category}类事项"


def _shown_part(term: str) -> list[str]:
    """Return the term when it names a thing, else the problems that it names, else nothing."""
    if _LONG_SUFFIX.search(term) and len(term) > _SHORTEST_TERM:
        return [term]
    looks_like_a_name = len(term) <= _SHORTEST_TERM + 1 and _SURNAME.match(term)
    if _SHORT_SUFFIX.search(term) and len(term) > _SHORTEST_TERM and not looks_like_a_name:
        return [term]
    if _ESTATE_SUFFIX.search(term) and len(term) >= _SHORTEST_ESTATE and not _SURNAME.match(term):
        return [term]
    return _PROBLEM.findall(term)
