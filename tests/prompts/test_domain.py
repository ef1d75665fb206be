from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from gadet.errors import ConfigurationError
from gadet.prompts import domain as module
from gadet.prompts.domain import Domain, domain_names, load_domain

FOLDER = Path(module.__file__).parent / "domains"
SHIPPED = (
    "generic",
    "industrial",
    "logical",
    "medical",
    "pedestrian",
    "pointcloud",
    "series",
    "traffic",
)
PACK = """
name = "castings"
role = "You inspect castings."
task = "Decide whether the casting has a defect."
look_at = ["Pores."]
"""


def test_the_packs_that_ship():
    assert domain_names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_pack_loads_and_is_complete(name):
    pack = load_domain(name)
    assert pack.name == name == (FOLDER / f"{name}.toml").stem
    assert pack.summary
    assert pack.look_at
    assert pack.not_anomalies
    assert pack.checklist
    assert load_domain(name) is pack


@pytest.mark.parametrize("name", SHIPPED)
def test_sentences_of_a_pack_end_and_do_not_repeat(name):
    pack = load_domain(name)
    lines = [*pack.look_at, *pack.not_anomalies, *pack.checklist, *pack.caveats]
    assert all(line.endswith((".", "?")) for line in (pack.role, pack.task, pack.summary, *lines))
    assert len(set(lines)) == len(lines)


def test_the_points_that_a_pack_must_not_lose():
    assert "the gaps and speckle come from the rendering" in " ".join(
        load_domain("pointcloud").caveats
    )
    preamble = load_domain("medical").preamble or ""
    assert "research" in preamble
    assert "not a request for a diagnosis" in preamble
    assert "count each kind" in " ".join(load_domain("logical").checklist)
    assert "on its own" in " ".join(load_domain("logical").checklist)
    industrial = " ".join(load_domain("industrial").not_anomalies)
    assert "shadow" in industrial
    assert "hidden by another object" in industrial
    assert all(load_domain(name).preamble is None for name in SHIPPED if name != "medical")


def test_a_pack_of_ones_own_from_a_file(tmp_path):
    path = tmp_path / "castings.toml"
    path.write_text(PACK, encoding="utf-8")
    pack = load_domain(path)
    assert pack == load_domain(str(path))
    assert (pack.name, pack.modality, pack.look_at) == ("castings", None, ("Pores.",))


def test_a_pack_of_ones_own_as_an_object():
    pack = Domain(**tomllib.loads(PACK))
    assert load_domain(pack) is pack
    varied = pack.model_copy(update={"subject": "housing"})
    assert load_domain(varied).subject == "housing"


@pytest.mark.parametrize(
    ("name", "guess"),
    [("industral", "industrial"), ("Medical", "medical"), ("point-cloud", "pointcloud")],
)
def test_a_misspelt_name_is_refused_with_a_guess(name, guess):
    with pytest.raises(ConfigurationError, match=f"Did you mean '{guess}'") as caught:
        load_domain(name)
    assert all(known in str(caught.value) for known in SHIPPED)


@pytest.mark.parametrize("name", ["weather", "", "../industrial", "domains/industrial", 7, None])
def test_what_is_no_domain_is_refused(name):
    with pytest.raises(ConfigurationError, match="a domain is one of generic"):
        load_domain(name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PACK + "lookat = []", "`lookat`: Extra inputs"),
        (PACK.replace('task = "Decide whether the casting has a defect."', ""), "`task`: Field"),
        (PACK.replace("castings", "Cast Iron"), "`name`: String should match"),
        (PACK.replace('"Pores."', '""'), "`look_at.0`: String should have at least 1"),
        (PACK.replace('["Pores."]', '"Pores."'), "`look_at`: Input should be a valid tuple"),
        (PACK.replace('"Pores."', '"' + "x" * 2001 + '"'), "at most 2000"),
        (PACK.replace('["Pores."]', str(["x"] * 41)), "at most 40"),
        (PACK + 'modality = "smell"', "`modality`: Input should be"),
        (PACK + 'summary = "a', "is not: "),
        (b"\xff\xfe", "is not: "),
        ("#" * (256 * 1024 + 1), "is larger"),
    ],
)
def test_a_file_that_is_no_pack_is_refused(tmp_path, content, message):
    path = tmp_path / "pack.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_domain(path)
    assert "pack.toml" in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_domain(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_domain(tmp_path)


def test_a_pack_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        load_domain("generic").name = "other"
