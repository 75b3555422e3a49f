"""Frames of a written petition, and the slots that are filled with made-up names."""

from __future__ import annotations

import random
from collections.abc import Mapping

from heed_classifier.domain.nature import Nature

GREETINGS = (
    "尊敬的领导：您好！", "尊敬的书记：您好！", "领导您好！", "尊敬的局长：", "尊敬的市长，您好！",
    "您好，打扰了。", "各位领导好！", "厅长您好：", "你好！", "尊敬的县委领导：",
    "区长您好，", "尊敬的政府领导同志：",
)  # fmt: skip

TITLES: Mapping[Nature, tuple[str, ...]] = {
    Nature.APPEAL_REQUEST: (
        "关于<kw>的问题", "反映{place}<kw>问题", "{place}<kw>没人管", "请求解决<kw>问题",
        "投诉{firm}<kw>", "强烈要求解决{place}<kw><kw>", "<fact>", "<fact>", "{place}<fact>",
        "请还我们一个公道，<fact>", "{village}<kw>何时解决", "<kw>投诉无门", "{place}<kw>严重",
        "<kw>与<kw>问题", "恳请关注<kw>", "求助：<kw>", "{estate}<kw>", "质疑{place}<kw>",
    ),
    Nature.ENQUIRY: (
        "咨询<kw>", "请问<kw>怎么办理", "关于<kw>的咨询", "咨询{place}<kw>政策", "<kw>什么时候开始",
        "请问{place}<kw>", "{place}<kw>何时能落实？", "想了解<kw>与<kw>", "<kw>的标准是多少？",
        "{city}<kw>有没有<kw>？", "请教关于<kw>的问题",
    ),
    Nature.SUGGESTION: (
        "建议<kw>", "关于<kw>的建议", "希望{place}<kw>", "对{place}<kw>的几点建议", "建议加强<kw>",
        "给{city}<kw>提个意见", "建议在{place}增加<kw>", "能不能改进<kw>", "呼吁重视<kw>",
    ),
    Nature.ACCUSATION: (
        "举报{unit}干部", "实名举报{unit}领导", "举报{village}村支书", "检举{unit}负责人<kw>",
        "关于{unit}负责人问题的举报信", "控告{unit}干部在<kw>中的违纪行为",
    ),
}  # fmt: skip

SENTENCES: Mapping[Nature, tuple[str, ...]] = {
    Nature.APPEAL_REQUEST: (
        "我们这里<kw>，<weak>，{反映多次|找了很多部门}都没有解决",
        "主要问题是<kw>和<kw>，影响了大家的生活",
        "<kw>的事拖了{n}年，<weak>也受影响",
        "因为<kw>，我{多次投诉|打过热线|找过有关部门}，都说<weak>不归他们管",
        "涉及<kw>、<kw>、<weak>，请尽快处理",
        "请问<kw>到底谁来管，<weak>怎么办",
        "{place}<kw>，<kw>，<weak>，实在{忍无可忍|太不合理}",
        "<kw>，<weak><kw>",
    ),
    Nature.ENQUIRY: (
        "想咨询一下<kw>的{政策|规定|流程|条件}，需要什么材料",
        "请问<kw>{怎么办理|有什么要求|是什么标准|什么时候有}，<weak>有没有影响",
        "不知道<kw>和<kw>现在怎么规定，打电话没人接",
        "我属于<weak>，能不能<kw>",
        "请问{place}<kw>归哪个部门，<weak><kw>",
        "想知道<kw>，<kw>的具体情况",
    ),
    Nature.SUGGESTION: (
        "建议{政府|有关部门}重视<kw>，改善<weak>",
        "如果能够解决<kw>，对<weak>是一件好事",
        "<kw>和<kw>方面还可以做得更好",
        "希望增加<kw>，方便<weak>",
        "现在<kw>不太合理，建议参考外地的<kw>",
        "一是<kw>，二是<kw>，三是<weak>",
    ),
    Nature.ACCUSATION: (
        "在<kw>中{收受好处|以权谋私|弄虚作假|优亲厚友}，群众敢怒不敢言",
        "利用手中职权在<kw>、<kw>上{捞钱|谋私|照顾亲戚}",
        "请纪委派人调查<kw>，并为举报人保密",
        "该干部插手<kw>，{套取资金|收红包|吃回扣}",
    ),
}  # fmt: skip

HISTORY = (
    "多次向有关部门反映，{互相推诿|都没有结果|石沉大海}",
    "打了{12345|热线|市长信箱}，回复说{正在处理|已转办}，一直没有下文",
    "从{year}年到现在，已经{n}年了",
    "我们都是{普通老百姓|工薪家庭|农民}，实在没有办法",
    "找过{社区|街道|镇政府|村委会}，让我们等通知",
    "前几天又去问了一次，工作人员态度很差",
    "大家意见很大",
    "家里有老人和小孩",
)

CLOSINGS: Mapping[Nature, tuple[str, ...]] = {
    Nature.APPEAL_REQUEST: (
        "请求{领导|政府|有关部门}为我们做主", "望尽快{解决|处理|答复}",
        "恳请{调查|落实|督办}，谢谢",
        "要求{严肃查处|给个说法|依法处理}", "希望得到重视，感激不尽", "盼复", "请领导为民办实事",
    ),
    Nature.ENQUIRY: ("请予以解答，谢谢", "盼回复", "望告知", "请问应该找哪个部门？", "谢谢！"),
    Nature.SUGGESTION: (
        "以上建议供领导参考", "希望采纳", "一点浅见，请考虑", "建议有关部门研究", "祝工作顺利",
    ),
    Nature.ACCUSATION: (
        "请纪委查处", "请求立案调查并保密", "所反映情况属实，愿负法律责任", "请上级严查腐败",
    ),
}  # fmt: skip

_NAME = (
    "金银云星月江河湖海山峰林松竹梅兰桂枫华泰恒盛祥瑞福康安宁和平东西南北中上下新老大"
    "长高清明秀丽紫青白龙凤鹤鹿石玉珠翠春秋天宝万千百广德仁义信诚达通顺兴隆茂源泉溪岭"
    "坡坪塘湾桥头洲渡"
)
_SURNAME = (
    "王李张刘陈杨黄周吴徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶"
    "蒋杜苏魏程吕丁沈任姚卢"
)

# Slot -> endings of the made-up name; an empty tuple means a number or another plain value.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "estate": ("小区", "花园", "家园", "公馆", "城", "新村", "国际", "苑", "名邸", "佳苑", "广场"),
    "firm": ("公司", "有限公司", "置业", "科技公司", "实业", "集团", "商贸公司", "建筑公司"),
    "factory": ("厂", "化工厂", "机械厂", "纺织厂", "水泥厂", "砖厂", "加工厂", "木材厂", "公司"),
    "road": ("路", "大道", "街", "巷", "中路", "北路", "东路"),
    "village": ("村", "村三组", "村一组", "社区", "村八组"),
    "town": ("镇", "乡", "街道"),
    "school": ("小学", "中学", "幼儿园", "实验学校", "高级中学", "学院", "一中"),
    "hospital": ("人民医院", "中医院", "妇幼保健院", "卫生院", "医院"),
    "scenic": ("山", "湖", "古镇", "漂流", "森林公园", "大峡谷"),
    "market": ("大市场", "农贸市场", "商城", "建材城"),
    "project": ("项目", "二期工程", "安置房项目", "高速公路", "工业园", "大桥"),
    "district": ("区", "新区", "县"),
    "county": ("县",),
    "city": ("市",),
    "place": ("区", "县", "镇", "村", "小区", "路", "市", "街道"),
    "bridge": ("大桥", "桥"),
    "unit": ("局", "镇政府", "街道办", "管理处", "村委会", "学校", "医院", "服务中心"),
    "n": (), "money": (), "year": (), "month": (),
}  # fmt: skip


def made_up(slot: str, endings: tuple[str, ...], pick: random.Random) -> str:
    """Fill one slot with a made-up value; names vary in length so that none is learned by heart."""
    if not endings:
        return _number(slot, pick)
    if slot in ("district", "county", "city") and pick.random() < 0.4:
        return pick.choice("ABCDEFGHJKLM") + str(pick.randint(1, 12)) + endings[0]
    name = "".join(pick.choice(_NAME) for _ in range(pick.choice((2, 2, 2, 3))))
    if slot == "unit" and pick.random() < 0.4:
        return pick.choice(_SURNAME) + pick.choice(("局长", "主任", "书记", "站长", "科长"))
    return name + pick.choice(endings)


def _number(slot: str, pick: random.Random) -> str:
    if slot == "money":
        return f"{pick.randint(1, 90)}{pick.choice(('万元', '万', '千元', '百多元'))}"
    if slot == "year":
        return str(pick.randint(2008, 2026))
    if slot == "month":
        return str(pick.randint(1, 12))
    return pick.choice("两三四五六七八十") if pick.random() < 0.5 else str(pick.randint(2, 120))
