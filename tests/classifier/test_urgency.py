"""Danger to life is found before any model, in every sentence of a written set."""

from __future__ import annotations

import pytest

from heed_classifier.domain.nature import Urgency
from tests.classifier.builders import grades

DANGERS = [
    "我家楼下着火了，快来人",
    "隔壁厂房起火了，浓烟冒出来",
    "小区三号楼发生火灾，老人还在上面",
    "山上起火，火势朝村子来了",
    "仓库失火，旁边就是加油站",
    "楼道里电动车着火，出不去",
    "厨房里一场大火，人还没出来",
    "刚刚小区变压器冒出浓烟，着火了",
    "我们单元煤气泄漏，味道很大",
    "闻到很浓的煤气味，不敢开灯",
    "工地挖断管道，燃气泄漏",
    "冷库氨气泄漏，工人往外跑",
    "饭店液化气泄漏，没人关阀门",
    "楼上漏煤气，邻居叫不醒",
    "一家三口一氧化碳中毒，正在等救护车",
    "化工厂发生爆炸，窗户全碎了",
    "刚听到爆炸声，火光冲天",
    "路边井盖下漏气了，嗤嗤响",
    "你们再不解决我就跳楼",
    "如果还拿不到工资我就从塔吊上跳下去，不想活了",
    "我已经活不下去了，写好了遗书",
    "我妈说要喝农药，谁劝都不听",
    "我要自杀，没有人帮我",
    "他站在楼顶要轻生",
    "不给说法我就自焚",
    "我想结束自己的生命",
    "欠债的老板逼得我只能上吊",
    "我要和他们同归于尽",
    "有个女孩站在桥边要跳江",
    "老公割腕了，血流不止",
    "有人拿着刀在小区里追人",
    "学校门口有人持刀",
    "菜市场有人砍人",
    "正在打人，保安不管",
    "我被他们围殴，头破血流",
    "邻居家暴，女人被打得满脸是血",
    "几十人在工地打群架",
    "孩子在学校门口被拐走",
    "我弟弟被传销组织非法拘禁，手机被没收",
    "有人扬言杀我全家",
    "我被关起来了，快报警",
    "老人被打得昏过去",
    "有人开枪",
    "女工被强奸，不敢报警",
    "工地塌方了，两个工人被埋",
    "房子塌了，下面压着人",
    "桥塌了，车掉下去了",
    "后山山体滑坡了，冲进屋里",
    "水库溃坝，下游正在撤人",
    "村里被洪水困住，老人小孩被困",
    "洪水冲进一楼，人上了屋顶",
    "小孩掉进井里",
    "有人落水，快派人",
    "电梯困人，里面有孕妇",
    "电线掉下来，有人触电",
    "河堤决堤，水往村里灌",
    "我爸昏迷不醒，救护车不来",
    "产妇大出血，医院没有血",
    "学校几十个孩子集体中毒",
    "我老公快不行了，医院不收",
    "工友还在抢救，老板跑了",
    "救命啊，谁来帮帮我们",
    "高压线掉在田里，牛被电死",
    "孩子溺水，没有人会救",
    "尾矿库突然垮塌，泥石流冲下来",
    "有人从六楼坠楼，躺在地上",
]

ORDINARY = [
    "小区没有消防通道，存在火灾隐患",
    "担心老旧线路起火，请检查",
    "一旦发生火灾后果不堪设想",
    "希望加强防火宣传，防止着火",
    "去年隔壁小区发生火灾，请吸取教训",
    "请问煤气管道什么时候开通",
    "建议开展燃气泄漏应急演练",
    "公司给员工买了意外保险",
    "游乐场的跳楼机收费太贵",
    "商场跳楼价大甩卖是虚假宣传",
    "火车站附近出租车乱收费",
    "这个噪音吵得我天天失眠",
    "路面塌陷请尽快修复",
    "医院抢救费用太高，报销不了",
    "父亲2015年抢救无效去世，要求医疗鉴定",
    "学校要开展防溺水知识教育",
    "小区电梯经常困人，物业不修",
    "高压线离房子太近，担心触电",
    "请公布火灾事故调查结果",
    "危房改造补贴什么时候发",
    "开发商道德绑架业主买车位",
    "这是我们的救命钱，请帮助追回",
    "请问退休手续怎么办理",
    "工地拖欠三个月工资",
    "烧烤店油烟太大",
    "小区停水三天",
    "广场舞声音太吵",
    "幼儿园学费太贵",
    "建议增设红绿灯",
    "请求办理房产证",
    "村里道路泥泞难走",
    "公交车等半小时",
    "食堂饭菜太差",
    "医生态度不好",
    "宽带经常掉线",
    "施工队夜间施工扰民",
]


@pytest.mark.parametrize("text", DANGERS)
def test_danger_to_life_is_always_raised(text: str) -> None:
    assert grades(text).urgency is Urgency.U0


@pytest.mark.parametrize("text", ORDINARY)
def test_what_is_feared_past_or_ordinary_is_no_danger_now(text: str) -> None:
    assert grades(text).urgency is not Urgency.U0


def test_the_written_set_is_large_enough_to_mean_something() -> None:
    assert len(set(DANGERS)) >= 60
    assert len(set(ORDINARY)) >= 30


def test_danger_anywhere_in_a_long_text_is_found_with_its_place() -> None:
    text = "小区路灯坏了，" * 200 + "刚刚楼下着火了，" + "请维修路灯。" * 50

    hits = [hit for hit in grades(text).hits if hit.phrase == "着火了"]

    assert text[hits[0].start : hits[0].end] == "着火了"


URGENT = [
    ("小区停水三天", Urgency.U1, "utilities"),
    ("包工头拖欠工资，马上过年了", Urgency.U1, "wages before a holiday"),
    ("包工头拖欠工资", Urgency.U2, "wages, no holiday near"),
    ("路口坑洼不平", Urgency.U2, "nothing urgent"),
    ("路口坑洼不平，老人摔伤了", Urgency.U1, "someone who needs protection came to harm"),
    ("路口坑洼不平，老人出行", Urgency.U2, "no harm yet"),
    ("权属争议多年未决，几个部门互相推诿", Urgency.U3, "several units, old dispute"),
    ("权属争议多年未决，小区停电", Urgency.U1, "urgent comes before complex"),
]


@pytest.mark.parametrize(("text", "urgency", "reason"), URGENT)
def test_urgency_follows_the_facts(text: str, urgency: Urgency, reason: str) -> None:
    assert grades(text).urgency is urgency, reason


@pytest.mark.parametrize("text", [*DANGERS[:10], *ORDINARY])
@pytest.mark.parametrize("person", ["残疾", "孤寡老人", "孕妇", "留守儿童"])
def test_vulnerability_never_lowers_urgency(text: str, person: str) -> None:
    ranks = {Urgency.U0: 0, Urgency.U1: 1, Urgency.U3: 2, Urgency.U2: 3}

    assert ranks[grades(f"{text}。家里有{person}").urgency] <= ranks[grades(text).urgency]
