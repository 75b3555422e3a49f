"""Masking of numbers (号码脱敏): phones, ids, cards, plates, permits, accounts and mail addresses.

Expressions with bounded repetitions over half-width text. A number that a word introduces as
an order or document number stays, as do the hotlines of offices and firms (12345, 110, 95598,
400-...): they are public. Digits may be parted by blanks, dots or dashes, as in scans.
"""

import re
from collections.abc import Callable

PHONE = "【电话】"
RESIDENT_ID = "【身份证号】"
PERMIT = "【证件号】"
BANK_CARD = "【银行卡号】"
MAIL = "【邮箱】"
PLATE = "【车牌号】"
CONTACT = "【联系方式】"

# A number that such a word introduces is a document's, not a person's.
_DOCUMENT_WORD = re.compile(
    r"(?:单号|编号|订单|文号|案号|合同号|流水号|票号|发票|收据|工单|受理号|信用代码|登记号|许可证号?"
    r"|批号|项目号)(?:号码|代码|号|是|为|[\s:：#№.、\"“(（])*$"
)
_CARD_WORD = re.compile(r"(?:卡号?|账号|帐号|账户|帐户|存折)[^\d】]{0,8}$")
_LOOK_BACK = 16
_SHORTEST_ID = 12  # characters: a mobile number with a separator, or an id

_SEPARATOR = r" \u3000\-—–－‐."
_GAP = rf"[{_SEPARATOR}]?"
# A long number: six digits or more that nothing but separators and brackets part.
_LONG_NUMBER = re.compile(rf"[(（+\d](?:[{_SEPARATOR}+)）]{{0,2}}[\dOo]){{5,}}[{_SEPARATOR}]?[Xx]?")
_LEAD = r"[^\dA-Za-z\n【】]"

_MAIL_AT = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}"
    r" ?@ ?[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}"
)
_DATE = r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID_18 = re.compile(rf"(?<!\d)[1-9]\d{{5}}{_GAP}{_DATE}{_GAP}\d{{3}}[\dXx](?!\d)")
_ID_15 = re.compile(r"(?<!\d)[1-9]\d{5}[3-9]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
# A disability certificate (残疾证) is the id and two more digits.
_ID_AFTER_WORD = re.compile(
    r"(?P<lead>(?:身\s?份\s?证|身份号码|证件号|驾驶证|残疾证|居住证|社保号|学籍号)"
    rf"{_LEAD}{{0,8}}[A-Z]?)\d(?:{_GAP}\d){{13,16}}{_GAP}[\dXx](?:\d{{2}})?(?!\d)"
)
_PERMIT_AFTER_WORD = re.compile(
    r"(?P<lead>(?:通行证|回乡证|台胞证|护照)"
    rf"{_LEAD}{{0,8}})(?:[A-Z]{{1,2}} ?\d{{3,4}} ?\d{{4,5}}|\d{{8}}(?:\d\d)?)(?![\dA-Za-z])"
)
_CARD = re.compile(rf"(?<!\d)\d{{4}}(?:{_GAP}\d{{4}}){{3}}(?:{_GAP}\d{{1,3}})?(?!\d)")
_MOBILE = re.compile(
    rf"(?<!\d)(?:[(（]?(?:\+|00)?86[)）]?{_GAP})?1[3-9][\dOo]{_GAP}[\dOo]{{4}}{_GAP}[\dOo]{{4}}(?!\d)"
)
_LANDLINE = re.compile(
    rf"(?<!\d)[(（]?0(?:10|2\d|[3-9]\d{{2}})[)）]?[{_SEPARATOR}]{{0,2}}[1-9]\d{{2,3}}{_GAP}\d{{4}}(?!\d)"
)
_LOCAL_NUMBER = re.compile(
    rf"(?P<lead>(?:电话|手机|座机|传真|微信|QQ|qq){_LEAD}{{0,6}})\d{{6,11}}(?!\d)"
)
# Digits parted anywhere, as a scan gives them: judged as a whole.
_PARTED = re.compile(
    rf"\d(?<!\d\d)(?:[{_SEPARATOR}]{{0,2}}\d){{10,18}}(?:[{_SEPARATOR}]?[Xx])?(?!\d)"
)
_WHOLE_MOBILE = re.compile(r"(?:86)?1[3-9]\d{9}")
_WHOLE_ID = re.compile(rf"[1-9]\d{{5}}{_DATE}\d{{3}}[\dXx]")

_CHINESE_DIGIT = "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_CHINESE_NUMBER = re.compile(
    rf"[零〇○一幺壹](?<![{_CHINESE_DIGIT}].)(?:[ \u3000\-—]?[{_CHINESE_DIGIT}]){{9,11}}"
    rf"(?![{_CHINESE_DIGIT}])"
)
_CHINESE_ID = re.compile(
    rf"[{_CHINESE_DIGIT}](?<![{_CHINESE_DIGIT}].)(?:[ \u3000\-—]?[{_CHINESE_DIGIT}]){{16}}"
    rf"[ \u3000\-—]?[{_CHINESE_DIGIT}Xx](?![{_CHINESE_DIGIT}])"
)
_CHINESE_START = re.compile(rf"[{_CHINESE_DIGIT}]{{3}}")

_PLATE_NUMBER = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•. -]?"
    r"(?=(?: ?[A-HJ-NP-Z]){0,5} ?[0-9])[A-HJ-NP-Z0-9](?: ?[A-HJ-NP-Z0-9]){3,4}"
    r" ?[A-HJ-NP-Z0-9挂学警港澳](?![A-Za-z0-9])"
)
_ACCOUNT = re.compile(
    r"(?P<lead>(?:微信|V信|v信|VX|Vx|vx|WX|wx|QQ|Qq|qq|扣扣)(?:号码|群号?|账号|号|是|为|叫|[:：\s])*)"
    r"[A-Za-z0-9][A-Za-z0-9_-]{4,29}(?![A-Za-z0-9_元块万])"
)


def mask_numbers(text: str) -> str:
    """Return ``text`` (half-width digits and letters) with personal numbers replaced."""
    if "@" in text:
        text = _MAIL_AT.sub(MAIL, text)
    text = _PLATE_NUMBER.sub(PLATE, text)
    text = _ACCOUNT.sub(rf"\g<lead>{CONTACT}", text)
    if _CHINESE_START.search(text):
        text = _CHINESE_ID.sub(RESIDENT_ID, text)
        text = _CHINESE_NUMBER.sub(PHONE, text)
    text = _ID_AFTER_WORD.sub(rf"\g<lead>{RESIDENT_ID}", text)
    text = _PERMIT_AFTER_WORD.sub(rf"\g<lead>{PERMIT}", text)
    text = _LONG_NUMBER.sub(_mask_long_number, text)
    return _LOCAL_NUMBER.sub(rf"\g<lead>{PHONE}", text)


def _mask_long_number(found: re.Match[str]) -> str:
    """Judge a long number alone: that costs less than to pass the whole text for each kind."""
    before = found.string[max(0, found.start() - _LOOK_BACK) : found.start()]
    is_document = _DOCUMENT_WORD.search(before) is not None

    def unless_document(replacement: str) -> Callable[[re.Match[str]], str]:
        # The word stands before the first number of the run only.
        def masked(match: re.Match[str]) -> str:
            is_first = not match.string[: match.start()].strip("(（")
            return match.group() if is_document and is_first else replacement

        return masked

    def card(match: re.Match[str]) -> str:
        is_card = _looks_like_card(re.sub(r"\D", "", match.group()))
        return unless_document(BANK_CARD)(match) if is_card or introduced else match.group()

    def parted(match: re.Match[str]) -> str:
        whole = re.sub(rf"[{_SEPARATOR}]", "", match.group())
        if _WHOLE_MOBILE.fullmatch(whole):
            return unless_document(PHONE)(match)
        if _WHOLE_ID.fullmatch(whole):
            return unless_document(RESIDENT_ID)(match)
        return card(match) if len(whole) >= 16 else match.group()

    introduced = _CARD_WORD.search(before) is not None
    number = found.group()
    if len(number) >= _SHORTEST_ID:
        number = _ID_18.sub(unless_document(RESIDENT_ID), number)
    number = _MOBILE.sub(unless_document(PHONE), number)
    if len(number) >= _SHORTEST_ID:
        number = _PARTED.sub(parted, number)
        number = _CARD.sub(card, number)
        number = _ID_15.sub(unless_document(RESIDENT_ID), number)
    return _LANDLINE.sub(unless_document(PHONE), number)


def _looks_like_card(digits: str) -> bool:
    """Say whether the issuer digits and the Luhn sum are those of a bank card."""
    if not digits.startswith(("62", "4", "51", "52", "53", "54", "55", "60", "65")):
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
