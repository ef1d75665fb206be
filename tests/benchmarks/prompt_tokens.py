"""Tokens sent for a decision with one reference, beside the prompts of two peers, same pictures.

    python -m tests.benchmarks.prompt_tokens [--out out/benchmarks/prompt_tokens.json]

Nothing is sent: texts and schemas are counted at a token per four characters for all of them, and
pictures by the model's own rule. Two questions are compared:

- the decision: anomalous or not, and why. gadet's brief prompt; anomalib's VlmAd (its two texts are
  read from the installed package, `pip install --no-deps anomalib`; pictures are sent as they are);
  one question in the form of the MMAD benchmark.
- everything: decision, kind, place, look and severity. gadet's full prompt with and without a
  marked picture; MMAD's form, whose client asks for the decision first and then the rest, with the
  pictures again.

MMAD's client shrinks pictures to 512 px; so do all rows marked 512. The others send the files as
they are, and gadet what its profile of the model makes of them.

Sources: anomalib, https://github.com/open-edge-platform/anomalib; MMAD, Jiang et al. 2024,
https://arxiv.org/abs/2410.09453 (its questions are worded anew here, at about their length).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from gadet import AnomalyDetector
from gadet.backends.facts.forecast import forecast_prompt
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from tests.benchmarks.deeppcb import data_root
from tests.benchmarks.results import arguments, write

MODELS = (("openai", "gpt-5.6-sol"), ("anthropic", "claude-opus-4-7"), ("gemini", "gemini-3-pro"))
MMAD_ROLE = (
    "You inspect industrial products in images. Judge if the query image shows a defect and answer "
    "the questions on it. Reply directly with the letter of one of the given options!\n\nAt the "
    "end give all answers as a list, like this:\n1. Answer: A.\n2. Answer: C.\n3. Answer: B.\n"
)
MMAD_TEMPLATE = "The first image is a normal sample, to be used as the template of a comparison."
MMAD_QUERY = "The last image is the query image. These are the questions:\n"
MMAD_FIRST = "Question: Does the object show any defect?\nA. Yes.\nB. No.\n"
MMAD_OTHERS = (
    "Question: What kind of defect is it?\nA. Crack.\nB. Hole.\nC. Scratch.\nD. Contamination.\n",
    "Question: Where is the defect?\nA. Upper left.\nB. Upper right.\nC. Centre.\nD. Lower half.\n",
    "Question: How does the defect look?\nA. A dark line across the surface.\nB. A round opening "
    "through the shell.\nC. A bright and shallow mark.\nD. A spot of another colour.\n",
    "Question: What does the defect mean for the use of the object?\nA. It only looks worse.\n"
    "B. It weakens the structure.\nC. It contaminates the content.\nD. It has no effect.\n",
)
Size = tuple[int, int]


def main() -> None:
    """Count, print the table, write the JSON."""
    options = arguments(__doc__, "prompt_tokens")
    rows = [row for pair in pairs(data_root() / "image") for row in compared(*pair)]
    write(options.out, "input tokens per item with one reference", averaged(rows))


def pairs(root: Path) -> Iterator[tuple[str, Path, Path]]:
    """Name of the set, a reference, an item."""
    industrial = root / "industrial"
    board = sorted((industrial / "deeppcb").glob("*_test.jpg"))[0]
    yield "deeppcb", Path(str(board).replace("_test", "_temp")), board
    for name in ("hazelnut_toy", "magnetic_tile"):
        normal = first(industrial / name / "train")
        yield name, normal, first(industrial / name / "test")
    cases = root / "logical" / "paper_cases"
    yield "paper", cases / "case1_normal.jpg", cases / "case1_abnormal.jpg"


def first(folder: Path) -> Path:
    """The first picture below a folder."""
    return next(p for p in sorted(folder.rglob("*")) if p.suffix in (".jpg", ".png", ".jpeg"))


def compared(name: str, reference: Path, item: Path) -> Iterator[dict[str, Any]]:
    """The rows of one pair for every model."""
    sizes = [Image.open(path).size for path in (reference, item)]
    small = [shrunk(size) for size in sizes]
    for provider, model in MODELS:
        profile = profile_for(provider, model)
        at_512 = profile_for(provider, model, {"views": {"max_side": 512}})

        def row(what: str, prompt: str, text: int, pictures: int, requests: int = 1) -> Any:
            return {
                "model": model,  # noqa: B023  (used at once)
                "set": name,
                "asked for": what,
                "prompt": prompt,
                "requests": requests,
                "text": text,
                "pictures": pictures,
                "all": text + pictures,
            }

        def ours(profile: Profile, **settings: Any) -> tuple[int, int]:
            detector = AnomalyDetector(lambda _: "", profile=profile)
            prompt = detector.prompt(
                item, references=[reference], domain="industrial", level="naive", **settings
            )
            count = forecast_prompt(prompt, profile)
            return count.text_tokens, count.image_tokens

        yield row("decision", "gadet brief", *ours(profile, brief=True))
        if (vlm_ad := anomalib_texts()) is not None:
            yield row("decision", "VlmAd", tokens(*vlm_ad), counted(profile, sizes))
        yield row("decision", "gadet brief, 512", *ours(at_512, brief=True))
        one = tokens(MMAD_ROLE, MMAD_TEMPLATE, MMAD_QUERY, MMAD_FIRST)
        yield row("decision", "MMAD form, 512", one, counted(profile, small))
        yield row("everything", "gadet, marks, 512", *ours(at_512))
        yield row("everything", "gadet, 512", *ours(at_512, marks=False))
        rest = tokens(MMAD_ROLE, MMAD_TEMPLATE, MMAD_QUERY, *MMAD_OTHERS)
        yield row("everything", "MMAD form, 512", one + rest, 2 * counted(profile, small), 2)


def averaged(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over the sets for each model and prompt."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["asked for"], row["prompt"]), []).append(row)
    return [
        group[0]
        | {"set": f"mean of {len(group)}"}
        | {key: round(sum(row[key] for row in group) / len(group)) for key in COUNTS}
        for group in groups.values()
    ]


COUNTS = ("requests", "text", "pictures", "all")


def anomalib_texts() -> tuple[str, str] | None:
    """The two texts of VlmAd, read from the source of the installed package; None without it.

    The package is not imported: that would need torch, torchvision and lightning.
    """
    package = find_spec("anomalib")
    if package is None or not package.submodule_search_locations:
        return None
    folder = Path(package.submodule_search_locations[0])
    tree = ast.parse((folder / "models/image/vlm_ad/lightning_model.py").read_text("utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    keywords = {k.arg: k.value for call in calls for k in call.keywords}
    return ast.literal_eval(keywords["few_shot"]), ast.literal_eval(keywords["predict"])


def tokens(*texts: str) -> int:
    """A token per four characters, rounded up for each text, as `count_tokens` counts ASCII."""
    return sum(math.ceil(len(text) / 4) for text in texts)


def counted(profile: Profile, sizes: Sequence[Size]) -> int:
    """What the model counts for pictures that are sent as they are."""
    rule, detail = profile.token_rule, profile.image_detail
    return sum(rule.tokens(width, height, detail) for width, height in sizes)


def shrunk(size: Size) -> Size:
    """The size within 512 × 512 pixels; smaller pictures stay."""
    scale = min(1.0, 512 / max(size))
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


if __name__ == "__main__":
    main()
