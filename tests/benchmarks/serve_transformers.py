"""Ask the real server of `transformers` about a picture, through gadet, over HTTP.

    python -m tests.benchmarks.serve_transformers [--transformers PATH] [--out FOLDER]

A tiny vision-language model with random weights is written to disk (`tiny_vlm.py`), `transformers
serve` is started on it, and the same picture is inspected by `HttpBackend` and by
`AnomalyDetector`. Random weights write noise, so an answer that is cut off and cannot be read is
expected. What counts: the server takes our request with a picture, status 200 comes back, tokens
are counted, every outcome has a type, and a request that the server refuses becomes our error.

Needs the `transformers` command with its `serving` extra, torch and Pillow, in any environment: it
is found on PATH or given, and its own Python writes the model. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from gadet import AnomalyDetector
from gadet.backends.base import Completion
from gadet.backends.facts.profiles import profile_for
from gadet.backends.hosted import HttpBackend
from gadet.errors import BackendError
from gadet.geometry import Frame
from gadet.prompts.answer import answer_schema
from gadet.prompts.prompt import Message, Prompt
from gadet.view import View

HOST = "127.0.0.1"
MOST_TOKENS = 48
PATIENCE = 300.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--transformers", default=shutil.which("transformers"))
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    arguments = parser.parse_args()
    if not arguments.transformers:
        parser.error("no `transformers` on PATH: pip install 'transformers[serving]' torch pillow")
    command = Path(arguments.transformers).absolute()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "tiny-vlm"
        write_model(command, model)
        with served(command, model, Path(folder) / "server.log") as base_url:
            found = ask(base_url, model)
    found = {"server": version(command), **found}
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / "serve_transformers.json"
    target.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0 if found["passed"] else 1


def python_of(command: Path) -> str:
    """The interpreter of the environment that the command belongs to."""
    beside = command.with_name("python")
    return str(beside) if beside.exists() else sys.executable


def offline() -> dict[str, str]:
    return os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


def write_model(command: Path, folder: Path) -> None:
    script = Path(__file__).with_name("tiny_vlm.py")
    subprocess.run([python_of(command), script, folder], check=True, env=offline())


def version(command: Path) -> str:
    code = "import transformers, torch; print(transformers.__version__, torch.__version__)"
    done = subprocess.run(
        [python_of(command), "-c", code], check=True, capture_output=True, text=True
    )
    return "transformers {}, torch {}".format(*done.stdout.split())


@contextmanager
def served(command: Path, model: Path, log: Path) -> Iterator[str]:
    """Run the server for the length of a `with` block, and yield its base URL."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    line = [command, "serve", model, "--host", HOST, "--port", str(port), "--device", "cpu"]
    with (
        log.open("wb") as sink,
        subprocess.Popen(line, stdout=sink, stderr=subprocess.STDOUT, env=offline()) as process,
    ):
        try:
            wait_until_up(process, f"http://{HOST}:{port}/health", log)
            yield f"http://{HOST}:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"the server did not come up:\n{log.read_text(errors='replace')[-3000:]}")


def picture() -> Image.Image:
    """A grey disc on white with a dark scratch."""
    image = Image.new("RGB", (96, 72), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((20, 8, 76, 64), fill="#888888")
    pen.line((30, 20, 60, 50), fill="#202020", width=3)
    return image


def prompt(*, with_picture: bool = True) -> Prompt:
    image = picture()
    view = (View(image, Frame.whole(image.size)),) if with_picture else ()
    parts = ("The item:", *view, "Is it anomalous?")
    return Prompt("You inspect parts.", (Message("user", parts),), answer_schema())


def ask(base_url: str, model: Path) -> dict[str, Any]:
    """Everything that is asked of the server, and what came back."""
    # This server ignores `response_format`, so the schema is said in words.
    profile = profile_for("http", model.name, {"schema_mode": "prompt_only"})
    options: dict[str, Any] = {
        "profile": profile,
        "timeout": PATIENCE,
        "extra": {"max_tokens": MOST_TOKENS},
    }
    backend = HttpBackend(str(model), base_url=base_url, name="tiny", **options)
    started = time.perf_counter()
    blocking = backend.complete(prompt())
    seconds = time.perf_counter() - started
    awaited = asyncio.run(backend.acomplete(prompt()))
    blind = backend.complete(prompt(with_picture=False))
    picture_tokens = blocking.usage.input_tokens - blind.usage.input_tokens
    refused = refusal_of(base_url, model, options | {"extra": {"no_such_field": 1}})
    with AnomalyDetector(backend, expert=None) as detector:
        report = detector.detect(picture())
    return {
        "passed": picture_tokens > 0
        and blocking.usage.output_tokens > 0
        and blocking.text == awaited.text
        and refused["error"] == "ResponseError"
        and report.usage.requests > 0
        and report.verdict in ("unparsed", "anomalous", "normal", "uncertain"),
        "picture_tokens": picture_tokens,
        "complete": shown(blocking) | {"seconds": round(seconds, 2)},
        "acomplete": shown(awaited),
        "refused": refused,
        "report": {
            "verdict": report.verdict,
            "score": report.score,
            "usage": report.usage.model_dump(),
            "stops": [answer.stop for answer in report.raw],
            "problems": [answer.problem for answer in report.raw],
        },
    }


def shown(completion: Completion) -> dict[str, Any]:
    return {
        "stop": completion.stop,
        "usage": completion.usage.model_dump(),
        "model": Path(completion.model or "").name,
        "request_id": bool(completion.request_id),
        "text": completion.text[:60],
    }


def refusal_of(base_url: str, model: Path, options: dict[str, Any]) -> dict[str, Any]:
    """What becomes of a field that the server does not know."""
    backend = HttpBackend(str(model), base_url=base_url, name="tiny", **options)
    try:
        backend.complete(prompt())
    except BackendError as error:
        return {"error": type(error).__name__, "status": error.status, "message": str(error)}
    finally:
        backend.close()
    return {"error": None}


if __name__ == "__main__":
    raise SystemExit(main())
