"""Masking (脱敏): replaces personal values in a text before anyone but the clerk reads it.

Deterministic expressions with bounded repetitions, so a text of 100,000 characters takes linear
time. A value that is masked without need costs a reader little; one that slips through costs a
petitioner much: in doubt it is masked, except where a word before it says that it is an order or
document number. Names of others in the text are beyond expressions and stay.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from heed_intake.domain.petition import NO_DETAILS, Details, Evidence, Person, Wording

PHONE = "【电话】"
RESIDENT_ID = "【身份证号】"
BANK_CARD = "【银行卡号】"
MAIL = "【邮箱】"
PLATE = "【车牌号】"
NAME = "【姓名】"
CONTACT = "【联系方式】"
ADDRESS = "【住址】"

# A number that such a word introduces is a document's, not a person's.
_DOCUMENT_WORD = re.compile(
    r"(?:单号|编号|订单|文号|案号|合同号|流水号|票号|工单|受理号|信用代码|登记号|许可证号?|批号|项目号)"
    r"(?:号码|号|是|为|[\s:：#№.、\"“(（])*$"
)
_CARD_WORD = re.compile(r"(?:卡号|账号|帐号|账户|帐户|银行卡|存折)[^\d]{0,8}$")
_LOOK_BACK = 16

HALF_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF20: "@", 0xFF0B: "+"}
_FULL_WIDTH = re.compile("[０-９＠＋]")
# Every personal number has six digits that nothing but one separator parts; most texts have none.
_LONG_NUMBER = re.compile(r"(?:\d[ \-—－‐)）]?){5}\d")
_GAP = r"[ \-—－‐]?"
_MAIL_AT = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)
_ID_18 = re.compile(
    r"(?<!\d)[1-9]\d{5} ?(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?\d{3}[\dXx](?!\d)"
)
_ID_15 = re.compile(r"(?<!\d)[1-9]\d{5}[3-9]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
_ID_AFTER_WORD = re.compile(r"(?P<lead>(?:身份证|证件号)[^\d\n]{0,8})\d{14,17}[\dXx](?!\d)")
_CARD = re.compile(rf"(?<!\d)\d{{4}}(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?(?!\d)")
_MOBILE = re.compile(rf"(?<!\d)(?:(?:\+|00)?86{_GAP})?1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)")
_LANDLINE = re.compile(rf"(?<!\d)[(（]?0(?:10|2\d|[3-9]\d{{2}})[)）]?{_GAP}[1-9]\d{{6,7}}(?!\d)")
_LOCAL_NUMBER = re.compile(r"(?P<lead>(?:电话|手机|座机|微信|QQ|qq)[^\d\n]{0,6})\d{6,11}(?!\d)")
_PLATE_NUMBER = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•. -]?"
    r"(?=[A-HJ-NP-Z0-9]{0,5}[0-9])[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])"
)

_SURNAMES = (
    "欧阳|上官|司马|诸葛|司徒|皇甫|尉迟|公孙|慕容|令狐|长孙|宇文|东方|端木|"
    "[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎"
    "鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄"
    "和穆萧尹姚邵汪祁毛禹狄米贝明臧戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季强贾路娄江童颜郭梅盛林钟徐邱骆高"
    "夏蔡田樊胡凌霍虞万柯管卢莫房解应宗丁宣邓洪包左石崔吉龚程邢裴陆荣翁荀惠甄曲封储靳段焦谷车侯宓全"
    "班仰仲宫宁仇甘厉祖武符刘景詹龙叶司黎薄印白蒲邰鄂赖卓屠蒙池乔胥苍闻党翟谭贡姬申冉宰郦雍桑桂牛寿"
    "边扈燕浦尚温庄晏柴瞿阎连习艾鱼容向古易慎戈廖庾终衡步耿满弘匡国文寇广禄东欧沃利蔚越隆师巩聂晁"
    "敖融辛阚简饶曾沙丰关查荆游竺权盖益桓公肖代闫付涂邸佟岳帅覃莘麦单]"
)
# After 本人 a verb or preposition often looks like a surname (本人于去年, 本人和邻居).
_NO_SURNAME_AFTER_SELF = "于和向时应全都同关连从自经常安强曾何方明万乐平步单文利解任查代公终容越"
_NAME_END = r"(?=[\s,，。.;；、:：!！?？()（）\[\]【】\"“”/]|$|[是系男女在住家现电手身年]|以及|和)"
_NAMED = re.compile(
    r"(?P<lead>我(?:的名字)?叫做?|我名叫|姓名(?:是|为|[:：\s])+|(?:联系人|投诉人|申诉人|反映人|举报人|信访人)"
    r"(?:是|为)?[:：\s]+|此致敬礼[!！。\s]*|署名[:：\s]*)"
    rf"(?:{_SURNAMES})(?:[\u4e00-\u9fff]{{1,3}}?{_NAME_END}|[\u4e00-\u9fff]{{1,2}})"
)
_SELF_NAMED = re.compile(
    rf"(?P<lead>本人(?:姓名|名叫|叫)?)(?![{_NO_SURNAME_AFTER_SELF}])"
    rf"(?:{_SURNAMES})[\u4e00-\u9fff]{{1,2}}"
    r"(?=[\s,，。;；、:：(（]|系|男|女|身份|住址|电话)"
)
# Words that fill a name field and name nobody.
_NO_NAMES = frozenset(
    [
        *("匿名", "无名", "不详", "未知", "保密", "先生", "女士", "同志", "老人"),
        *("居民", "市民", "群众", "业主", "村民", "家长", "网友", "用户", "游客", "学生", "职工"),
    ]
)


def mask_text(text: str, own_values: Iterable[tuple[str, str]] = ()) -> str:
    """Return ``text`` with personal values replaced.

    Args:
        text: As written.
        own_values: Pairs (value, replacement) of the petitioner's own data, from ``own_values``.
    """
    for value, replacement in own_values:
        text = text.replace(value, replacement)
    if _FULL_WIDTH.search(text):
        text = text.translate(HALF_WIDTH)
    if "@" in text:
        text = _MAIL_AT.sub(MAIL, text)
    if _LONG_NUMBER.search(text):
        text = _mask_numbers(text)
    text = _PLATE_NUMBER.sub(PLATE, text)
    text = _NAMED.sub(rf"\g<lead>{NAME}", text)
    return _SELF_NAMED.sub(rf"\g<lead>{NAME}", text)


def _mask_numbers(text: str) -> str:
    text = _ID_AFTER_WORD.sub(rf"\g<lead>{RESIDENT_ID}", text)
    text = _ID_18.sub(_unless_document(RESIDENT_ID), text)
    text = _CARD.sub(_masked_card, text)
    text = _ID_15.sub(_unless_document(RESIDENT_ID), text)
    text = _MOBILE.sub(_unless_document(PHONE), text)
    text = _LANDLINE.sub(_unless_document(PHONE), text)
    return _LOCAL_NUMBER.sub(rf"\g<lead>{PHONE}", text)


def own_values(persons: Iterable[Person]) -> list[tuple[str, str]]:
    """Return what the petitioner and the representatives gave about themselves, longest first.

    A value too short or too common to identify anyone is left out: replacing it would spoil the
    text.
    """
    found: dict[str, str] = {}
    for person in persons:
        name = person.display_name.strip()
        if len(name) >= 2 and name not in _NO_NAMES:
            found[name] = NAME
        if len(contact := person.contact.strip()) >= 5:
            found[contact] = CONTACT
        if len(address := person.address.strip()) >= 8:
            found[address] = ADDRESS
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def mask_wording(wording: Wording, own: list[tuple[str, str]]) -> Wording:
    """Return all texts of a petition, masked.

    The place of the problem is needed to find it: of the petitioner's own values only the name and
    the contact go, also where the problem lies at home.
    """
    without_address = [pair for pair in own if pair[1] != ADDRESS]
    return Wording(
        request=mask_text(wording.request, own),
        facts=mask_text(wording.facts, own),
        reasons=mask_text(wording.reasons, own),
        place=mask_text(wording.place, without_address),
    )


def mask_evidence(
    evidence: tuple[Evidence, ...], own: list[tuple[str, str]]
) -> tuple[Evidence, ...]:
    """Return the evidence with masked file names; a media type may be any text, too."""
    return tuple(
        replace(
            item,
            file_name=mask_text(item.file_name, own),
            media_type=mask_text(item.media_type, own),
        )
        for item in evidence
    )


def mask_details(details: Details, own: list[tuple[str, str]]) -> Details:
    """Return the details with every text masked that anyone may have filled with personal data."""
    if details == NO_DETAILS:
        return details
    return replace(
        details,
        target_units=tuple(mask_text(unit, own) for unit in details.target_units),
        language=mask_text(details.language, own),
        accommodation_needs=mask_text(details.accommodation_needs, own),
    )


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - _LOOK_BACK) : match.start()]


def _unless_document(replacement: str) -> Callable[[re.Match[str]], str]:
    def masked(match: re.Match[str]) -> str:
        return match.group() if _DOCUMENT_WORD.search(_before(match)) else replacement

    return masked


def _masked_card(match: re.Match[str]) -> str:
    before = _before(match)
    if _CARD_WORD.search(before):
        return BANK_CARD
    if _DOCUMENT_WORD.search(before) or not _looks_like_card(re.sub(r"\D", "", match.group())):
        return match.group()
    return BANK_CARD


def _looks_like_card(digits: str) -> bool:
    """Say whether the issuer digits and the Luhn sum are those of a bank card."""
    if not digits.startswith(("62", "4", "51", "52", "53", "54", "55", "60", "65")):
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
