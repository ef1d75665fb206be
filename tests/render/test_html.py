"""Pages: everything is escaped, nothing is loaded, and all six questions are answered."""

from __future__ import annotations

import base64
import builtins
import hashlib
import html as stdlib_html
import json
import re
from html.parser import HTMLParser

import pytest

from gadet.errors import MissingDependencyError
from gadet.findings import (
    Finding,
    PointsRegion,
    SpanRegion,
    TrackPoint,
    VideoRegion,
)
from gadet.geometry import Box, Interval
from gadet.render.card import detail_for, summary_of
from gadet.render.html import HtmlPresenter, save_html
from gadet.render.words import describe_region, money, spent
from gadet.report import (
    CandidateSummary,
    Cost,
    EvidenceSummary,
    Failure,
    ItemInfo,
    Provenance,
    RawAnswer,
    Usage,
)
from tests.render.reports import SIZE, finding, report

HOSTILE = "</style></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


class Reader(HTMLParser):
    """Collects elements and attributes."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.stack, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def hostile_report(verdict="anomalous"):
    return report(
        verdict=verdict,
        findings=(finding(label=HOSTILE, description=HOSTILE), Finding(label=HOSTILE)),
        explanation=HOSTILE,
        observations=(HOSTILE,),
        item=ItemInfo(
            name=HOSTILE,
            source=HOSTILE,
            modality="image",
            sha256=HOSTILE,
            size=SIZE,
            notes=(HOSTILE,),
        ),
        evidence=EvidenceSummary(
            expert=HOSTILE,
            score=0.5,
            facts=(HOSTILE,),
            candidates=(
                CandidateSummary(box=Box.of(0, 0, 1, 1), score=1, label=HOSTILE, fact=HOSTILE),
            ),
            notes=(HOSTILE,),
        ),
        cost=Cost(amount=1, currency=HOSTILE, as_of=HOSTILE),
        timings={HOSTILE: 1.0},
        provenance=Provenance(
            gadet_version=HOSTILE,
            backend=HOSTILE,
            model=HOSTILE,
            domain=HOSTILE,
            level=HOSTILE,
            references=(HOSTILE,),
            prompt_sha256=(HOSTILE,),
        ),
        raw=(
            RawAnswer(
                prompt="[user]\nIs it normal?",
                text=HOSTILE,
                stop="complete",
                verdict=verdict,
                request_id=HOSTILE,
                problem=HOSTILE,
            ),
        ),
        notes=(HOSTILE,),
    )


@pytest.fixture(scope="module")
def presenter():
    return HtmlPresenter()


@pytest.mark.parametrize("verdict", ["anomalous", "unparsed", "refused"])
def test_hostile_text_stays_text_in_a_page(presenter, verdict):
    failure = Failure(name=HOSTILE, source=HOSTILE, error=HOSTILE, message=HOSTILE)
    read = Reader(presenter.html([hostile_report(verdict), failure], title=HOSTILE))
    assert len(read.all("script")) == 1
    assert not any(name.startswith("on") for _, found in read.elements for name in found)
    assert not any("style" in found for _, found in read.elements)
    images = [image["src"] for image in read.all("img")]
    assert images
    assert all(source.startswith("data:image/jpeg;base64,") for source in images)
    assert HOSTILE in "".join(read.text)
    links = read.all("a")
    assert all(link["href"].startswith("data:") for link in links)
    assert all(re.fullmatch(r"[\w.-]+", link["download"]) for link in links)


@pytest.mark.parametrize("verdict", ["anomalous", "unparsed", "refused"])
def test_hostile_text_stays_text_in_a_fragment(presenter, verdict):
    read = Reader(presenter.fragment(hostile_report(verdict)))
    assert not read.all("script")
    assert [image["src"][:5] for image in read.all("img")] == ["data:"]
    assert not any(name.startswith("on") for _, found in read.elements for name in found)


def test_the_policy_lets_only_the_pages_own_style_and_script_run(presenter):
    page = presenter.html([report()])
    meta = next(m for m in Reader(page).all("meta") if "http-equiv" in m)
    policy = dict(part.strip().split(" ", 1) for part in meta["content"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        inner = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert inner is not None
        digest = base64.b64encode(hashlib.sha256(inner[1].encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert not re.findall(r"https?://", page)


def test_a_page_answers_the_six_questions(presenter):
    refused = report(
        verdict="refused",
        findings=(),
        raw=(
            RawAnswer(
                prompt="[user]\nIs it normal?",
                text="I cannot help with that.",
                stop="refused",
                verdict="refused",
            ),
        ),
    )
    item = ItemInfo(name="a.png", source="parts/a.png", modality="image", sha256="ff", size=SIZE)
    page = presenter.html([report(item=item), refused])
    text = " ".join("".join(Reader(page).text).split())
    assert "0.90 stated by the model" in text  # a number
    assert "parts/a.png" in text  # my own folder
    assert "Why there is no verdict" in text  # why refused
    assert "I cannot help with that." in text
    assert page.count("outlined") >= 1  # see
    assert "Label Studio" in text  # correct
    assert "USD 0.0123 (prices of 2026-11-01)" in text  # cost
    assert "x 400.5 – 460, y 300 – 350.25" in text
    assert "was not found to be normal" in text


def test_files_of_a_page_can_be_loaded_again(presenter):
    links = {a["download"]: a["href"] for a in Reader(presenter.html([report()])).all("a")}
    assert set(links) == {"part-png.json", "part-png.label-studio.json", "part-png.mask.png"}
    content = base64.b64decode(links["part-png.json"].split(",", 1)[1])
    assert json.loads(content)["verdict"] == "anomalous"
    task = json.loads(base64.b64decode(links["part-png.label-studio.json"].split(",", 1)[1]))
    assert task[0]["data"]["name"] == "part.png"


def test_a_failure_is_not_a_verdict(presenter):
    failure = Failure(name="b.png", error="InputError", message="an image was expected")
    page = presenter.html([failure, report(findings=(), verdict="normal", score=0.1)])
    text = " ".join("".join(Reader(page).text).split())
    assert "InputError" in text
    assert "an image was expected" in text
    assert "1 of 2 items (50 %)" in text


def test_every_picture_has_a_text_and_ids_are_unique(presenter):
    read = Reader(presenter.html([report(), report()]))
    assert all("alt" in image for image in read.all("img"))
    ids = [found["id"] for _, found in read.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert all("aria-label" in svg or "aria-hidden" in svg for svg in read.all("svg"))


def test_an_empty_batch_makes_a_page(presenter):
    assert "0 items" in "".join(Reader(presenter.html([])).text)


def test_pages_of_many_reports_stay_small(presenter):
    assert detail_for(1).side == 1024
    assert detail_for(51).side < detail_for(50).side
    assert detail_for(1000).side < detail_for(200).side
    one = report()
    page = presenter.html([one] * 60)
    assert len(page) < 60 * 120_000
    assert "download=" not in page


def test_the_same_reports_make_the_same_page(presenter):
    assert presenter.html([report()]) == presenter.html([report()])


def test_a_page_needs_jinja2_and_a_fragment_does_not(presenter, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "jinja2":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gadet\[report\]'"):
        presenter.html([report()])
    assert "ANOMALOUS" in presenter.fragment(report())


def test_a_report_shows_itself(tmp_path):
    made = report()
    assert "ANOMALOUS" in made._repr_html_()
    assert made._repr_png_().startswith(b"\x89PNG")
    assert made.save(tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert made.save(tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")


def test_show_opens_the_viewer_outside_a_notebook(monkeypatch):
    shown = []
    monkeypatch.setattr("PIL.Image.Image.show", lambda self, title=None: shown.append(title))
    report().show()
    assert shown == ["part.png"]


def test_save_html_takes_an_iterator_and_makes_folders(tmp_path):
    path = save_html(iter([report()]), tmp_path / "out" / "page.html", title="Line 4")
    assert "<title>Line 4</title>" in path.read_text(encoding="utf-8")


def test_summary_adds_up():
    free = report(cost=None, usage=Usage())
    unknown = report(cost=None)
    euro = report(cost=Cost(amount=2.0, currency="EUR"))
    summary = summary_of([report(), free, unknown, euro, report(verdict="refused", findings=())])
    assert dict(summary.states)["refused"] == 1
    assert summary.answered == "4 of 5 items (80 %)"
    assert summary.cost == "USD 0.0246 + EUR 2.00 and 1 answer of unknown price"
    assert summary_of([free]).cost == "nothing: no request was sent"
    assert summary_of([unknown]).cost == "not known"


def test_costs_in_words():
    assert money([]) == ""
    assert spent(Usage(), None) == "nothing: no request was sent"
    assert spent(Usage(requests=1), None).startswith("not known")


@pytest.mark.parametrize(
    ("region", "where", "extent"),
    [
        (None, "not located", ""),
        (
            VideoRegion(
                interval=Interval(
                    start=3, end=9, unit="second", start_label="0:03.0", end_label="0:09.0"
                ),
                frames=(30, 90),
                track=(TrackPoint(frame=33, seconds=3.3, box=Box.of(0, 0, 1, 1)),),
            ),
            "0:03.0 – 0:09.0",
            "6.0 s, frames 30 – 89; x 0 – 1, y 0 – 1 in frame 33",
        ),
        (
            SpanRegion(
                interval=Interval(start=0, end=1, unit="step", start_label="Mon", end_label="Tue"),
                channels=("cpu", "disk"),
            ),
            "Mon – Tue",
            "1 row; cpu, disk",
        ),
        (
            PointsRegion(indices=(1, 2), centroid=(0, 0.5, 1), extent=(1, 2, 3), units="mm"),
            "centre 0, 0.5, 1 mm",
            "2 points; 1 × 2 × 3 mm",
        ),
    ],
)
def test_regions_in_words(region, where, extent):
    assert describe_region(region, None) == (where, extent)


def test_image_regions_in_words():
    where, extent = describe_region(finding().region, SIZE)
    assert where == "x 400.5 – 460, y 300 – 350.25"
    assert extent.endswith("0.97 % of the picture")


def test_a_fragment_escapes_the_name_in_the_alternative_text(presenter):
    item = ItemInfo(name='a" onload="x', modality="image", sha256="", size=SIZE)
    text = presenter.fragment(report(item=item))
    assert Reader(text).all("img")[0]["alt"] == 'a" onload="x: anomalous'
    assert stdlib_html.escape('a" onload="x') in text


def test_the_page_says_in_which_coordinates_a_finding_lies() -> None:
    picture = HtmlPresenter().html([report()])
    assert "Where (original pixels)" in picture
    region = PointsRegion(indices=(1, 5), centroid=(0, 0, 1), extent=(1, 1, 1), units="mm")
    cloud = report(
        item=ItemInfo(name="c", modality="pointcloud", sha256=""),
        findings=(Finding(label="dent", region=region),),
    )
    page = HtmlPresenter().html([cloud])
    assert "Where (original pixels)" not in page
    assert "own coordinates" in page
    assert 'class="pictures plot"' in page
