"""Masking of names and home addresses (姓名、住址脱敏) by what stands around them.

No list of names is complete, so a name is known by one of: a cue before it (我叫, 村主任), a title
after it (先生, 师傅), 某 in place of the given name, a surname of two characters, or a common
surname with two characters of the kind that given names are made of. A bare name of two
characters without any of these stays: too many ordinary words look like one (江苏, 金山, 安全).
"""

import re

NAME = "【姓名】"
ADDRESS = "【住址】"

_HAN = r"\u4e00-\u9fff"
_DOUBLE = (
    "欧阳|上官|司马|诸葛|司徒|皇甫|尉迟|公孙|慕容|令狐|宇文|端木|夏侯|申屠|闻人|澹台|呼延|淳于"
)
_SINGLE = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎"
    "鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄"
    "和穆萧尹姚邵汪祁毛禹狄米贝明臧戴宋庞熊纪舒屈项祝董梁杜阮蓝闵席季强贾路娄江童颜郭梅盛林钟徐邱骆高"
    "夏蔡田樊胡凌霍虞万柯管卢莫房解应宗丁宣邓洪包左石崔吉龚程邢裴陆荣翁荀惠甄曲封储靳段焦谷车侯宓全"
    "班仰仲宫宁仇甘厉祖武符刘景詹龙叶司黎薄印白蒲邰鄂赖卓屠蒙池乔胥苍闻党翟谭贡姬申冉宰郦雍桑桂牛寿"
    "边扈燕浦尚温庄晏柴瞿阎连习艾鱼容向古易慎戈廖庾终衡步耿满弘匡国文寇广禄东欧沃利蔚越隆师巩聂晁"
    "敖融辛阚简饶曾沙丰关查荆游竺权盖益桓公肖代闫付涂邸佟岳帅覃莘麦单佘农牟冼岩刁危仝原展战苟蔺栾"
)
# Surnames that are ordinary words as well: they need more around them than the others.
_WORDS = (
    "于时和全安常乐平元明强路应方向万解房管石白金水云花马高车国文广东利师单班公左边代全任连满终步容"
    "何曾关查权盖越权原展战危农华章费包宣游简印党习易古封申司薄景祖成印权益融丰沙隆慎印宁甘江季席童"
    "盛谷康黄温段钟田林夏项纪尚从经党惠卫施龙蓝荣莘钱程武米蒙池闻卓赖"
)
_SURE = "".join(character for character in _SINGLE if character not in _WORDS)
# After a role these are surnames all the same.
_SURE_AFTER_ROLE = _SURE + "黄田夏钟段江龙梅林温白高马石金钱程施康盛"
# Characters of which given names are made, and few other words after a surname.
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅鑫波辉宁琴云莲真雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉"
    "娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君蕊薇菁梦岚婕馨瑗琰韵融艺咏卿聪澜"
    "纯毓悦昭冰爽琬茗羽希欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜姬舒影荔枝思淑惠珠翠雅芝萍彩春菊凤洁琳素"
    "峰毅俊峻保东文辉力永健世广志义兴良海山仁宁贵福生龙元全国胜学祥才发武新利清飞彬富顺信子昌成康星光天达安岩茂"
    "进林有坚彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆民友裕哲江浩亮政谦亨奇固轮翰朗伯宏言若鸣朋斌梁栋维"
    "启克伦翔旭鹏泽晨辰士建家致树炎德泰盛雄琛钧冠策腾楠榕风航弘立雨轩梓涵宇欣怡诗琪桐宸皓睿萱昊然淼森喜根金"
    "银铁柱娃旺财宝田水木火土长远大小恩礼智忠孝廉训礼正乔传宪继宗耀祖秉延庭培堂开丙丁甲"
)
_SURNAME = f"(?:{_DOUBLE}|[{_SINGLE}])"
_ROLE_SURNAME = f"(?:{_DOUBLE}|[{_SURE_AFTER_ROLE}])"
# What goes on after a name; a given name has none of these.
_ON = (
    "的说把在将是不没有被让和与及跟给打收拿拒拖对从也都就又还曾已因来要用答占承领"
    "去到住家现电手身年男女系先同共等联反总自为向叫着了他她我你们怎多几两三这那其并于以前后"
    "第二十号至今每天月日期"
)
_FULL_NAME = rf"(?:(?:{_DOUBLE})[^\W\d_a-zA-Z{_ON}]{{1,2}}|{_SURNAME}[^\W\d_a-zA-Z{_ON}]{{1,2}})"
_END = rf"(?=[^{_HAN}]|$|[{_ON}])"

_TITLES = (
    "先生|女士|小姐|师傅|大爷|大妈|大姐|大哥|大叔|大嫂|大娘|阿姨|奶奶|爷爷|老师|医生|大夫|护士|律师"
    "|警官|警察|法官|校长|院长|局长|处长|科长|所长|队长|镇长|乡长|县长|区长|市长|村长|组长|站长|书记"
    "|主任|经理|老板|会计|支书|教练|总监|姐|姨|某某|某"
)
_TITLE = re.compile(_TITLES)
_TITLED_PERSON = re.compile(
    rf"(?:{_DOUBLE})[{_GIVEN}]{{0,2}}$|[{_SURE}][{_GIVEN}]{{2}}$|[{_SINGLE}]$"
)
# A title after such a word is an office or a trade, not somebody's title.
_NO_PERSON = re.compile(
    r"(?:安全|[公汽货客出开停修洗]车|列车|施工方|[甲乙丙双对官医校警厂资我他该]方|班|中国|全国|和平|万元|英文|语文"
    r"|外国|元|感谢|致谢|历史|松柏|[普初提最]高|[工过流课]程|[主新现历前担兼原]任|房|车|路|边|左|向|[上下水水矿]水|供水|自来水|水|单|原|代|公|师|东|党|时|于|和|全|国|文|满|应|连|从"
    r"|管|查|游|费|解|权|步|何|曾|农|习|强|司|广)$"
)
_NO_SUCH_PERSON = re.compile(r"[日年月天人些种个位地处公小单局市县区镇村街路机部项]")

_ROLES = (
    "联系人|投诉人|申诉人|反映人|举报人|信访人|申请人|来信人|来访人|报案人|当事人|被告|原告|证人|代表人"
    "|负责人|经办人|承办人|受托人|代理人|委托人|承包人|收件人|被征地人|开户人|户名|户主|房主|业主|住户|患者|死者"
    "|受害人|村民|市民|职工|家属|家长|学生|邻居|同村的|司机|老板|包工头|工头|班组长|队长|村主任|主任"
    "|书记|支书|村长|会计|经理|院长|局长|医生|律师|教练|保安|快递员|班主任|养殖户|合伙人|房东|租客"
    "|军人|父亲|母亲|爸爸|妈妈|丈夫|妻子|爱人|老公|老婆|儿子|女儿|孩子|哥哥|弟弟|姐姐|妹妹|二叔|舅舅"
    "|叔叔|爷爷|奶奶|岳父|岳母|公公|婆婆|代表|对方|住院的是|登记的是|写的是|自称|名叫"
)
# Words after a role that begin with a surname and name nobody.
_NO_NAME_AFTER_ROLE = (
    "[公和原连全班代师管查曾时权盖左车向]|应[当该尽]|陈述|任何|安[全装排置心危宁]|刁难|许[可多]|花[名费]|宁[愿可]|房[屋子间产]|尚未|农[业田村民]|关[注心于闭]|利[益用]|向[贵我他]|明[白查确]|强[烈制行]"
    "|文[化具件]|满[怀意]|解[释决]|包[括围含]|高[兴中考质度档温薪发]|宣传|焦虑|严[查重]|毕业|莫名|祖[辈国]|项目|施[压工]"
    "|平[时台冤]|方[便可]|申[诉请]|水源|马[上路]|付[费款]|苟且|陆续|何[罪时未必况]|辛[辛苦]|金额|白[天白]"
    "|石[头材]|温度|康复|程序|钱[款财]|江[边水]|林[地场权]|田[地里]|段[时路]|钟[头点]|夏[天季]"
)
_AFTER_ROLE = re.compile(
    rf"(?P<lead>(?:{_ROLES})(?:名叫|叫做?|姓名)?[:：\s]{{0,3}})(?!{_NO_NAME_AFTER_ROLE})"
    rf"(?P<name>{_ROLE_SURNAME}[^\W\d_a-zA-Z{_ON}]{{1,2}}"
    rf"|{_FULL_NAME}{_END})"
)
_LISTED = re.compile(rf"(?<=】)(?P<lead>[、和与及])(?:{_FULL_NAME}){_END}")
_NAMED = re.compile(
    r"(?P<lead>我(?:的名字)?叫做?|我名叫|姓名(?:是|为|[:：\s])+|联系人(?:是|为)?[:：\s]+"
    r"|此致敬礼[!！。\s]*|署名[:：\s]*|孩子叫|对方叫|中介叫|一个叫|人叫|签名[:：]\s*"
    rf"|姓名(?=[{_SINGLE}] ))"
    rf"(?P<name>{_SURNAME} ?[{_HAN}]{{1,2}}{_END}|{_SURNAME}[{_HAN}]{{1,2}}"
    rf"|(?<![人个子方介]叫)[^\W\d_a-zA-Z{_ON}][{_HAN}]{{1,4}}(?=[,，。、;；(（\s]|$))"
)
# After 本人 a verb or preposition often looks like a surname (本人于去年, 本人和邻居).
_NO_SURNAME_AFTER_SELF = "于和向时应全都同关连从自经常安强曾何方明万乐平步单文利解任查代公终容越"
_SELF_NAMED = re.compile(
    rf"(?P<lead>本人(?:姓名|名叫|叫)?)(?![{_NO_SURNAME_AFTER_SELF}])"
    rf"{_SURNAME}[{_HAN}]{{1,2}}(?=[\s,，。;；、:：(（]|系|男|女|身份|住址|电话)"
)
_SURNAMED = re.compile(rf"姓(?<![百同]姓){_SURNAME}(?![{_HAN}])")
_NICKNAMED = re.compile(rf"[老小][{_SURE}段柯](?=[今说是被给把半家他她，,])")
_COMMON = re.compile(
    rf"[{_SURE}](?<!老.|亲戚|十余|遗余|历史|荒唐|横梁|[伸声申主]张|严寒)(?!.?小学|国家|家[长园]|政[策府]|大家|开发|国庆)[{_GIVEN}]{{2}}"
    r"(?![路街道村镇乡庄屯湾沟桥河山店厂园城区苑里巷寺庙井岭湖县市坝集公酒超餐])"
)
_DOUBLE_NAMED = re.compile(rf"(?:{_DOUBLE})[{_GIVEN}]{{1,2}}")
_FOREIGN = (
    "阿巴达卡古尔艾买合提丽娜热孜依木江肉麦帕努吾斯拉汗克色曼玛萨米亚海里木亥迪娅莎赛丹格桑次仁卓央扎西多"
    "吉罗布拉姆琼尼德旺加詹约翰逊汤威廉彼得保森特伊玉苏甫吐孙图迪山力那沙日哈萨比扬其其"
)
_DOTTED = re.compile(rf"[{_FOREIGN}]{{2,6}}[·•・][{_HAN}]{{1,2}}[{_FOREIGN}]{{0,6}}")

_NUMERAL = r"[\d一二三四五六七八九十A-Za-z][\d一二三四五六七八九十]{0,3}"
_ROOM_IN_BUILDING = re.compile(
    rf"{_NUMERAL}(?:(?:号院?|区){_NUMERAL})?(?:号楼|栋|幢|座|号院?)(?:"
    rf"{_NUMERAL}(?:单元|门)(?:\d{{1,2}}楼东?西?户?|-?\d{{1,4}}(?:室|户|号)?)"
    rf"|-?\d{{1,2}}-\d{{3,4}}(?:室|户)?|-?\d{{3,4}}(?:室|户|房)?(?![\d.年月元个多人米平万余]))"
)
_ROOM = re.compile(r"\d(?<![\d-].)\d{2,3}室")
_HYPHENED = re.compile(r"\d(?<![\d\-年.].)\d?-\d{1,2}-(?!20\d\d|19\d\d)\d{3,4}(?![\d-])")
_FARM = re.compile(rf"{_NUMERAL}(?:组|队|巷|弄)\d{{1,4}}号(?!线|楼)")
_LANE = re.compile(r"[组队巷弄]\d")
_AT_HOME = re.compile(
    r"(?P<lead>(?:[家现租]住|住在|住址|地址|门牌|我住)[^\d，。\n【】]{0,18})\d{1,4}号(?!线|楼|院)"
)
# One of these stands in every address that is masked; most texts have none.
_HOUSE = re.compile(r"[楼栋幢座号门组队巷弄元-]-?\d|[住址牌][^\d，。\n【】]{0,18}\d{1,4}号")


def mask_names(text: str) -> str:
    """Return ``text`` with the names replaced that something around them shows to be names."""
    text = _NAMED.sub(rf"\g<lead>{NAME}", text)
    text = _SELF_NAMED.sub(rf"\g<lead>{NAME}", text)
    text = _AFTER_ROLE.sub(rf"\g<lead>{NAME}", text)
    if "·" in text or "•" in text or "・" in text:
        text = _DOTTED.sub(NAME, text)
    text = _DOUBLE_NAMED.sub(NAME, _COMMON.sub(NAME, text))
    text = _mask_titled(text)
    text = _SURNAMED.sub(f"姓{NAME}", text)
    text = _NICKNAMED.sub(lambda match: match[0][0] + NAME, text)
    return _LISTED.sub(rf"\g<lead>{NAME}", text) if NAME in text else text


def mask_addresses(text: str) -> str:
    """Return ``text`` (half-width digits) with rooms and the house numbers of homes replaced.

    A road with a number or a whole building is where a matter lies, not where somebody lives: it
    stays unless a word says that somebody lives there.
    """
    if "室" not in text and not _HOUSE.search(text):
        return text
    text = _ROOM_IN_BUILDING.sub(ADDRESS, text)
    if "室" in text:
        text = _ROOM.sub(ADDRESS, text)
    if "-" in text:
        text = _HYPHENED.sub(ADDRESS, text)
    if _LANE.search(text):
        text = _FARM.sub(ADDRESS, text)
    return _AT_HOME.sub(rf"\g<lead>{ADDRESS}", text)


def _mask_titled(text: str) -> str:
    pieces: list[str] = []
    copied_to = 0
    for title in _TITLE.finditer(text):
        at = title.start()
        found = _TITLED_PERSON.search(text, max(copied_to, at - 4), at)
        if found is None or _no_person(text, found, title):
            continue
        end = title.end() if title[0].startswith("某") else at
        pieces += [text[copied_to : found.start()], NAME]
        copied_to = end
    return "".join([*pieces, text[copied_to:]]) if pieces else text


def _no_person(text: str, found: re.Match[str], title: re.Match[str]) -> bool:
    alone = found.end() - found.start() == 1
    if alone and _NO_PERSON.search(text, max(0, found.end() - 4), found.end()):
        return True
    return title[0].startswith("某") and bool(_NO_SUCH_PERSON.match(text, title.end()))
