"""`LocalBackend`: a model in this process, by its folder or its name on the Hugging Face Hub."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from gadet.backends.base import Completion, TokenLogprob
from gadet.backends.codecs.base import Asking, check_pictures, schema_in_words
from gadet.backends.facts.profile import Profile
from gadet.backends.facts.profiles import profile_for
from gadet.backends.likelihood import begun_verdict
from gadet.backends.local.folder import find_model
from gadet.backends.local.forced import PREFIX, WEIGHED, forced_answer
from gadet.backends.local.microbatch import MicroBatcher
from gadet.backends.local.placement import Placement
from gadet.errors import BackendError, ConfigurationError, GadetError, MissingDependencyError
from gadet.prompts.prompt import Prompt
from gadet.report import Usage

if TYPE_CHECKING:
    from gadet.backends.local.engine import Engine, Question, Written

__all__ = ["LocalBackend"]

_PACKAGES = ("torch", "transformers")
_MOST_PICTURES = 8
_LONGEST_PROBLEM = 400
# Alternatives that are kept of a token that has nothing to do with the verdict, as servers send.
_ELSEWHERE = 5
# Nobody charges for tokens on one's own machine.
_NO_PRICE = {"input": 0.0, "output": 0.0, "as_of": "2026-11-23"}


class LocalBackend:
    """A model on this machine, run by transformers.

    The weights are read when the first prompt comes. Nothing is fetched unless `download` is set,
    and no code that lies beside the weights is run unless `trust_remote_code` is. Safe to share
    between threads, tasks and event loops: prompts that come together are answered together.

    Args:
        model: Path of a folder, or `organisation/name` on the hub.
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the fastest there is.
        dtype: `float32`, `bfloat16`, `float16`, or `auto`: the checkpoint's own on an accelerator,
            `float32` on a processor.
        attn_implementation: Name of an attention of transformers, such as `sdpa`.
        revision: Branch, tag or commit on the hub.
        download: Whether the model may be fetched from the hub when it is not here.
        trust_remote_code: Whether the model's own code may be run, with all your rights.
        temperature: Sampling temperature; 0 takes the likeliest token each time.
        seed: With the prompt it decides what is sampled.
        scoring: `answer` lets the model write its answer; `verdict` asks only for the probability
            of each verdict, for models too small to write JSON.
        max_batch: Most prompts that are answered together; fewer when memory does not suffice.
        batch_window: Seconds that a prompt waits for others to share its batch.
        profile: The facts of the model instead of those that are known or read from its files.

    Raises:
        ConfigurationError: The model is not here, or an option cannot be used.
        BackendError: Fetching it failed.
    """

    def __init__(
        self,
        model: str = "",
        *,
        device: str = "auto",
        dtype: str = "auto",
        attn_implementation: str | None = None,
        revision: str | None = None,
        download: bool = False,
        trust_remote_code: bool = False,
        temperature: float = 0.0,
        seed: int = 0,
        scoring: Literal["answer", "verdict"] = "answer",
        max_batch: int = 8,
        batch_window: float = 0.01,
        profile: Profile | None = None,
    ) -> None:
        """Look where the model is and what its files say; nothing is loaded."""
        _check(temperature, scoring, max_batch, batch_window)
        self._folder = find_model(model, revision=revision, download=download)
        self.name = f"transformers:{model}" + ("#verdict" if scoring == "verdict" else "")
        self.profile = profile or profile_for(
            "transformers",
            self._folder.family,
            {
                "schema_mode": "prompt_only",
                "logprobs": True,
                "max_images": _MOST_PICTURES,
                "sampling": temperature > 0,
                "prices": _NO_PRICE,
                **self._folder.facts,
            },
        )
        self._placement = Placement(
            device=device,
            dtype=dtype,
            attn_implementation=attn_implementation,
            trust_remote_code=trust_remote_code,
        )
        self._temperature = temperature
        self._seed = seed
        self._scoring = scoring
        self._engine: Engine | None = None
        # Always taken in this order.
        self._in_use = threading.Lock()
        self._loading = threading.Lock()
        self._batches = MicroBatcher(
            self._answer, kind=self._kind, most=max_batch, window=batch_window
        )

    def __repr__(self) -> str:
        """The name."""
        return f"LocalBackend({self.name!r})"

    @staticmethod
    def missing() -> str | None:
        """What keeps models from being run here, or None; nothing is imported to find out."""
        absent = next((name for name in _PACKAGES if find_spec(name) is None), None)
        return absent and f"no {absent}: pip install 'gadet[transformers]'"

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answer to a prompt beside its texts and pictures."""
        return {
            "model": self._folder.name + self._folder.identity,
            **asdict(self._placement),
            "temperature": self._temperature,
            "seed": self._seed,
            "scoring": self._scoring,
        }

    def complete(self, prompt: Prompt) -> Completion:
        """Ask and wait for the answer, with the probabilities of its tokens.

        Raises:
            BackendError: The model failed.
            ConfigurationError: The prompt does not fit the model, the model cannot be loaded, or
                an optional package is missing.
        """
        check_pictures(prompt, Asking(self._folder.name, self.profile))
        self._loaded()
        return self._batches.ask(prompt).result()

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Ask without blocking the event loop."""
        from asyncio import to_thread, wrap_future

        check_pictures(prompt, Asking(self._folder.name, self.profile))
        await to_thread(self._loaded)
        return await wrap_future(self._batches.ask(prompt))

    def close(self) -> None:
        """Wait for the batch that is being answered and free the memory.

        The backend may be used again, and then loads the model again.
        """
        with self._in_use, self._loading:
            engine, self._engine = self._engine, None
            if engine is not None:
                engine.close()

    def _loaded(self) -> Engine:
        """The engine, read from disk on the first call."""
        engine = self._engine
        if engine is None:
            with self._loading:
                engine = self._engine = self._engine or self._load()
        return engine

    def _load(self) -> Engine:
        for package in _PACKAGES:
            if find_spec(package) is None:
                raise MissingDependencyError(
                    "A model on this machine", package=package, extra="transformers"
                )
        try:
            from gadet.backends.local.engine import Engine
        except (ImportError, OSError, RuntimeError) as error:
            raise ConfigurationError(
                f"torch and transformers are installed, but cannot be imported: {error}"
            ) from error
        return Engine(self._folder, self._placement)

    def _kind(self, prompt: Prompt) -> tuple[bool, bool, int]:
        """What prompts must share to be answered together."""
        return (bool(prompt.views), self._forced(prompt), prompt.max_output_tokens)

    def _forced(self, prompt: Prompt) -> bool:
        """Whether only the verdict is asked for; a prompt without a schema wants words."""
        return self._scoring == "verdict" and bool(prompt.schema)

    def _answer(self, prompts: Sequence[Prompt]) -> list[Completion]:
        """Answer prompts of one kind together."""
        forced = self._forced(prompts[0])
        try:
            with self._in_use:
                engine = self._loaded()
                written = engine.write(
                    [self._question(engine, prompt) for prompt in prompts],
                    most=1 if forced else prompts[0].max_output_tokens,
                    temperature=0.0 if forced else self._temperature,
                    **({"alternatives": WEIGHED} if forced else {}),
                )
        except GadetError:
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {str(error)[:_LONGEST_PROBLEM]}"
            raise BackendError(
                f"the model could not answer ({problem}): for want of memory use fewer references, "
                "smaller `views` in the profile, or another dtype",
                backend=self.name,
            ) from error
        return [self._completion(one, forced=forced) for one in written]

    def _question(self, engine: Engine, prompt: Prompt) -> Question:
        seed = int(prompt.sha256[:15], 16) ^ self._seed
        if self._forced(prompt):
            return engine.question(prompt, prompt.system, begun=PREFIX, seed=seed)
        schema = schema_in_words(prompt.schema) if prompt.schema else ""
        system = "\n\n".join(filter(None, [prompt.system, schema]))
        return engine.question(prompt, system, seed=seed)

    def _completion(self, written: Written, *, forced: bool) -> Completion:
        text, tokens, ended = written.text, written.tokens, written.ended
        if forced:
            text, tokens = forced_answer(tokens[0])
            ended = True
        else:
            tokens = tuple(map(_shortened, tokens))
        return Completion(
            text,
            stop="complete" if ended else "truncated",
            usage=Usage(
                requests=1,
                input_tokens=written.input_tokens,
                output_tokens=len(written.tokens),
            ),
            model=self._folder.name + self._folder.identity,
            logprobs=tokens,
        )


def _shortened(token: TokenLogprob) -> TokenLogprob:
    """A token with few alternatives, unless it may be where the verdict begins.

    Caches and journals keep them all, and they would be most of what is kept.
    """
    if begun_verdict(token.token) is not None:
        return token
    return replace(token, alternatives=token.alternatives[:_ELSEWHERE])


def _check(temperature: float, scoring: str, max_batch: int, batch_window: float) -> None:
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ConfigurationError(f"temperature is a number from 0 on; got {temperature!r}")
    if scoring not in ("answer", "verdict"):
        raise ConfigurationError(f"scoring is 'answer' or 'verdict'; got {scoring!r}")
    if max_batch < 1:
        raise ConfigurationError(f"max_batch is a number of at least 1; got {max_batch!r}")
    if not 0 <= batch_window < 60:
        raise ConfigurationError(f"batch_window is in seconds, from 0 to 60; got {batch_window!r}")
