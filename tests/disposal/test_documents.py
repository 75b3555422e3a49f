"""Documents: each kind from its template, no gap hidden, nothing before its time."""

import unicodedata
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import grpc
import pytest
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources

from heed_disposal.adapters.reference_files import load_templates
from heed_disposal.domain.document_fields import STATES, values_of
from heed_disposal.domain.documents import (
    DocumentFileError,
    DocumentKind,
    Templates,
    read_templates,
    render,
)
from heed_disposal.domain.terms import Importance
from heed_shared.errors import WrongState, reason_of
from tests.disposal.builders import accepted, answered, opened, routed
from tests.disposal.serving import Serving, on, route_request
from tests.disposal.test_rpc_matrix import extend_request, notify_request, supervise_request

Document = resources.Document
Case = resources.Case
GAP = "〔缺:"


@cache
def templates() -> Templates:
    return load_templates()


async def rendered(disposal: Serving, case: Case, kind: Any) -> resources.Document:
    request = pb.RenderDocumentRequest(name=case.name, kind=kind)
    return (await disposal.stub("handler").RenderDocument(request)).document


def plain(document: resources.Document) -> str:
    """The text with narrow punctuation."""
    return unicodedata.normalize("NFKC", document.text)


async def reported(disposal: Serving) -> Case:
    case = await disposal.opened()
    told = route_request(case, kind=pb.ROUTE_KIND_ASSIGN, report_due_on="2026-10-30")
    case = await disposal.accepted((await disposal.stub().RouteCase(told)).case)
    report = pb.FileClosingReportRequest(**on(case), text="已督促开发企业补办备案。")
    case = (await disposal.stub("handler").FileClosingReport(report)).case
    case = (await disposal.stub("handler").ExtendDeadline(extend_request(case))).case
    return (await disposal.stub("supervisor").SuperviseCase(supervise_request(case))).case


async def test_documents_of_an_assigned_case_say_what_was_recorded(disposal: Serving) -> None:
    case = await reported(disposal)
    said = {
        Document.KIND_ACCEPTANCE_NOTICE: ["住建局职权范围", "2026年9月21日受理", "第二十三条"],
        Document.KIND_EXTENSION_NOTICE: ["延长30日", "案情复杂,需委托鉴定", "staff/unit-head"],
        Document.KIND_ASSIGNMENT_LETTER: ["住建局:", "2026年10月30日前反馈", "信访局(印章)"],
        Document.KIND_SUPERVISION_LETTER: ["改进工作的督办建议", "请加快办理", "督查室(印章)"],
        Document.KIND_CLOSING_REPORT: ["已督促开发企业补办备案。"],
    }
    for kind, texts in said.items():
        document = await rendered(disposal, case, kind)
        for text in texts:
            assert text in plain(document)
        assert document.template.endswith("@1")
        assert "交房两年仍未办下房产证" in document.text
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await rendered(disposal, case, Document.KIND_TRANSFER_LETTER)
    assert reason_of(refused.value) == "WRONG_STATE"


async def test_the_opinion_states_request_facts_basis_outcome_and_the_right_of_review(
    disposal: Serving,
) -> None:
    case = await disposal.served()
    document = await rendered(disposal, case, Document.KIND_OPINION)
    for text in (
        "2026年9月21日收到,于2026年9月21日受理",
        "经核实,予以办理。",
        "不动产登记暂行条例",
        "予以支持",
        "三十日内",
        "第三十五条",
        "住建局(印章)",
        "签发(分管负责人)",
    ):
        assert text in plain(document)
    assert set(document.missing_fields) == {
        "登记编号",
        "信访人姓名",
        "复查机关",
        "联系人和电话",
        "签发人",
    }
    proof = await rendered(disposal, case, Document.KIND_PROOF_OF_SERVICE)
    assert "直接送达" in proof.text
    assert "张某" in proof.text
    transfer = await rendered(disposal, case, Document.KIND_TRANSFER_LETTER)
    assert "五个工作日" in transfer.text


async def test_reviews_and_notices_are_rendered(disposal: Serving) -> None:
    case = await disposal.recheck_requested()
    assert "维持原意见" in (await rendered(disposal, case, Document.KIND_REVIEW_OPINION)).text
    request = pb.IssueRecheckRequest(
        **on(case),
        result=resources.Review.RESULT_UPHELD,
        text="予以维持",
        legal_basis="信访工作条例第三十六条",
    )
    case = (await disposal.stub("second-officer").IssueRecheck(request)).case
    final = await rendered(disposal, case, Document.KIND_RECHECK_OPINION)
    assert "不再受理" in final.text
    assert "省住建厅(印章)" in plain(final)
    told = notify_request(await disposal.routed())
    diverted = (await disposal.stub("handler").NotifyPetitioner(told)).case
    notice = await rendered(disposal, diverted, Document.KIND_DIVERSION_NOTICE)
    assert "仲裁途径" in notice.text
    assert "东城区劳动人事争议仲裁委员会" in notice.text
    assert "法律援助联系方式" in notice.missing_fields
    for kind in (Document.KIND_NON_ACCEPTANCE_NOTICE, Document.KIND_NO_LONGER_ACCEPTED_NOTICE):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await rendered(disposal, diverted, kind)
        assert reason_of(refused.value) == "WRONG_STATE"


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_no_document_comes_before_its_time(kind: DocumentKind) -> None:
    with pytest.raises(WrongState) as refused:
        values_of(opened(), [], kind)
    allowed = refused.value.metadata["allowed_states"].split(",")
    assert allowed == [f"STATE_{state.name}" for state in STATES[kind]]


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_every_gap_is_marked_in_text_and_page_and_named(kind: DocumentKind) -> None:
    document = render(templates(), kind, {})
    assert document.missing
    for label in document.missing:
        assert f"{GAP}{label}〕" in document.text
        assert f"<mark>{GAP}{label}〕</mark>" in document.html
    full = render(templates(), kind, dict.fromkeys(templates().labels, "甲"))
    assert full.missing == ()
    assert GAP not in full.text + full.html
    assert "{" not in full.text


class Tags(HTMLParser):
    """Collects tags and what points outside."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href")]


def test_what_people_wrote_is_text_and_never_markup_or_a_field() -> None:
    case = answered()
    assert case.opinion is not None
    text = "<script>alert(1)</script> & {legal_basis} \\1"
    case = replace(case, opinion=replace(case.opinion, text=text))
    document = render(templates(), DocumentKind.OPINION, values_of(case, [], DocumentKind.OPINION))
    assert text in document.text
    parser = Tags()
    parser.feed(document.html)
    assert "script" not in parser.tags
    assert parser.links == []
    assert "&lt;script&gt;" in document.html


@pytest.mark.parametrize(
    ("importance", "role"), [(Importance.MAJOR, "主要负责人"), (Importance.ORDINARY, "分管负责人")]
)
def test_who_signs_an_opinion_follows_its_importance(importance: Importance, role: str) -> None:
    case = answered(accepted(routed(opened(importance=importance))))
    assert values_of(case, [], DocumentKind.OPINION)["signer_role"] == role


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data["document"].pop(), "CLOSING_REPORT"),
        (lambda data: data["label"].pop("outcome"), "outcome"),
        (lambda data: data["document"].append(data["document"][0]), "same kind"),
        (lambda data: data["document"][0].pop("sign"), "sign"),
    ],
)
def test_a_file_with_a_hole_is_refused_by_name(change: Any, problem: str) -> None:
    data: dict[str, Any] = {
        "label": dict(templates().labels),
        "document": [
            {
                "kind": item.kind.name,
                "title": item.title,
                "version": item.version,
                "body": item.body,
                "sign": item.sign,
            }
            for item in templates().by_kind.values()
        ],
    }
    assert read_templates(data) == templates()
    change(data)
    with pytest.raises(DocumentFileError, match=problem):
        read_templates(data)
