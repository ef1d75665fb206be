"""What answering many prompts together gains over one by one, on this machine's processor.

    python -m tests.benchmarks.local_batching [--out PATH]

A tiny LLaVA with random weights (`tiny_vlm.py`) is asked about small pictures by many threads at
once, as `detect_many` asks: with batches of 1, 2, 4 and 8, writing answers of 64 tokens, and for
the verdict alone. Each setting takes its turn, and the median of the rounds counts. The answers of
all settings are compared, because a batch must change nothing but the time.

It shows what batching saves in calls of the framework, which is nearly all that a tiny model costs;
a large one on a processor gains less, and on a graphics card, which a single answer leaves idle,
more. Needs torch and transformers.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
from PIL import Image

from gadet.backends.local import LocalBackend
from gadet.geometry import Frame
from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.view import View
from tests.benchmarks import tiny_vlm
from tests.benchmarks.results import arguments, write

ITEMS, ROUNDS, TOKENS = 32, 5, 64
BATCHES = (1, 2, 4, 8)
SCORINGS: tuple[Literal["answer", "verdict"], ...] = ("answer", "verdict")


def main() -> None:
    out = arguments(__doc__, "local_batching").out
    prompts = [prompt(number) for number in range(ITEMS)]
    with tempfile.TemporaryDirectory() as folder:
        tiny_vlm.write(Path(folder))
        rows = [row for scoring in SCORINGS for row in compare(folder, prompts, scoring)]
    write(
        out,
        f"{ITEMS} prompts with a picture each, asked by {max(BATCHES)} threads",
        rows,
        torch=torch.__version__,
        transformers=transformers.__version__,
        threads=torch.get_num_threads(),
        cpus=os.cpu_count(),
    )


def prompt(number: int) -> Prompt:
    """A question of its own length about a picture of its own colour."""
    picture = Image.new("RGB", (28, 28), (7 * number, 120, 200 - 5 * number))
    view = View(picture, Frame.whole(picture.size))
    words = "Is the item anomalous? " + "Look closely. " * (number % 5)
    message = Message("user", ("The item:", view, words))
    return Prompt("You inspect.", (message,), answer_schema(), max_output_tokens=TOKENS)


def compare(
    folder: str, prompts: list[Prompt], scoring: Literal["answer", "verdict"]
) -> list[dict[str, Any]]:
    """Items per second for each size of batch."""
    backends = {
        most: LocalBackend(folder, device="cpu", scoring=scoring, max_batch=most)
        for most in BATCHES
    }
    seconds: dict[int, list[float]] = {most: [] for most in BATCHES}
    answers: dict[int, list[str]] = {}
    for backend in backends.values():
        backend.complete(prompts[0])
    for _ in range(ROUNDS):
        for most, backend in backends.items():
            started = time.perf_counter()
            with ThreadPoolExecutor(max(BATCHES)) as pool:
                answers[most] = [answer.text for answer in pool.map(backend.complete, prompts)]
            seconds[most].append(time.perf_counter() - started)
    for backend in backends.values():
        backend.close()
    rates = {most: len(prompts) / statistics.median(taken) for most, taken in seconds.items()}
    return [
        {
            "scoring": scoring,
            "max_batch": most,
            "items_per_second": rate,
            "times_one_by_one": rate / rates[1],
            "same_answers": sum(map(str.__eq__, answers[most], answers[1])),
        }
        for most, rate in rates.items()
    ]


if __name__ == "__main__":
    main()
