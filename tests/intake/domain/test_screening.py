"""Screening: clear accusations are caught, complaints about firms and nuisances are not."""

import csv
import gzip
import time
from pathlib import Path

import pytest

from heed_intake.adapters.screening_file import ScreeningFileError, load_screening_rules
from heed_intake.domain.petition import Channel, Lane, Nature, Submission, Wording
from heed_intake.domain.screening import Screened, screen

RULES = load_screening_rules()

ACCUSATIONS = [
    "举报某局局长受贿。",
    "实名举报张家镇镇长收受贿赂，为开发商提供方便。",
    "村支书贪污征地补偿款二十万元，请纪委查处。",
    "村主任侵占集体土地补偿款，优亲厚友。",
    "反映某科长利用职务之便索要红包。",
    "检举派出所民警充当赌场保护伞。",
    "控告某法院法官徇私枉法。",
    "区住建局工作人员收了施工方的好处费才给验收。",
    "某医院院长用公款旅游，挪用资金。",
    "所长滥用职权，打击报复举报人。",
    "社区干部冒领低保金，虚报人数。",
    "举报镇党委书记生活作风问题。",
    "执法人员吃拿卡要，不给钱不办证。",
    "城管队员索要好处，不给就没收。",
    "某校长违规经商办企业。",
    "教育局招生工作中有人权钱交易，局长谋取私利。",
    "揭发乡长套取扶贫资金。",
    "税务局充当企业的保护伞。",
    "举报村会计做假账。",
    "请查处受贿的王局长。",
]
OTHERS = [
    "举报工地夜间施工噪音扰民。",
    "举报某化工厂偷排污水，请环保局处理。",
    "我要举报楼下饭店油烟太大。",
    "举报某公司拖欠工人工资三个月。",
    "尊敬的局长：您好！小区停水三天，请帮忙解决。",
    "拨打举报电话后，工作人员说会处理，但没有结果。",
    "物业公司工作人员收取停车费不开发票。",
    "开发商侵占公共绿地，物业不作为。",
    "建议加强反腐败宣传教育。",
    "请问贪污贿赂罪的立案标准是什么？",
    "区长信箱投诉多次，道路积水问题仍未解决。",
    "城管执法人员态度不好，请加强培训。",
    "领导你们好，我们村的路灯坏了半年。",
    "投诉驾校教练收费后不安排练车。",
    "中介收了定金不退，希望工商局介入。",
    "希望主任关注小学门口的交通安全。",
    "医院排队时间太长，建议增加窗口。",
    "民警出警及时，值得表扬。",
    "举报中心没有人接电话。",
    "食堂饭菜腐败变质，学生吃坏肚子。",
]


def petition(text: str, nature: Nature = Nature.UNSPECIFIED) -> Submission:
    return Submission("110105", Channel.WEB, Wording(facts=text), declared_nature=nature)


@pytest.mark.parametrize("text", ACCUSATIONS)
def test_a_clear_accusation_is_sealed(text: str) -> None:
    screened = screen(petition(text), RULES)
    assert screened.lane is Lane.SEALED
    assert screened.rule_names


@pytest.mark.parametrize("text", OTHERS)
def test_another_matter_stays_in_the_ordinary_lane(text: str) -> None:
    assert screen(petition(text), RULES) == Screened(Lane.ORDINARY)


def test_a_declared_accusation_is_sealed_whatever_it_says() -> None:
    screened = screen(petition("小区停水。", Nature.ACCUSATION), RULES)
    assert screened == Screened(Lane.SEALED, ("declared",))


@pytest.mark.parametrize("field", ["request", "facts", "reasons"])
def test_each_text_is_screened(field: str) -> None:
    wording = Wording(**{field: "举报某局局长受贿。"})
    assert screen(Submission("110105", Channel.WEB, wording), RULES).lane is Lane.SEALED


@pytest.mark.parametrize("nature", [Nature.SUGGESTION, Nature.ENQUIRY, Nature.APPEAL_REQUEST])
def test_declaring_another_nature_does_not_avoid_the_rules(nature: Nature) -> None:
    assert screen(petition(ACCUSATIONS[0], nature), RULES).lane is Lane.SEALED


@pytest.mark.parametrize("piece", ["字", "举报", "局长", "局长收", "贪污", "举报村"])
def test_the_time_of_screening_grows_with_the_length_and_not_with_its_square(piece: str) -> None:
    def processor_seconds(length: int) -> float:
        taken = []
        for _ in range(3):
            started_at = time.process_time()
            RULES.hits([piece * (length // len(piece))])
            taken.append(time.process_time() - started_at)
        return min(taken)

    # Eight times the text: eight times the work, where a square would be sixty-four times.
    assert processor_seconds(100_000) < 24 * processor_seconds(12_500) + 0.01


def test_few_petitions_of_a_real_city_are_sealed(heed_data: Path) -> None:
    # Read by hand, about four of five of the hits accuse an official; the share is 1 %.
    with gzip.open(heed_data / "petitions/stream_one_city.csv.gz", "rt", encoding="utf-8") as file:
        texts = [row["subject"] + "\n" + row["detail"] for row in csv.DictReader(file)]
    hits = sum(bool(RULES.hits([text])) for text in texts)
    assert 0.005 < hits / len(texts) < 0.015


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version = ", "Invalid value"),
        ('version = "1"', "lacks 'words'"),
        (
            'version = "1"\n[words]\n[harmless]\nphrases = []\n'
            '[[rules]]\nname = "a"\nreason = "b"\npattern = "("',
            "unterminated",
        ),
    ],
)
def test_a_rules_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ScreeningFileError, match=r"rules\.toml") as caught:
        load_screening_rules(file)
    assert problem in str(caught.value)
