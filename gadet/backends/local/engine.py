"""The model itself: loads it, and continues texts with pictures, many at once.

Importing this module imports torch and transformers, so it is imported when a model is first used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any

import torch
from PIL import Image

from gadet.backends.base import TokenLogprob
from gadet.backends.local.chat import form_of, harmless, messages_of
from gadet.backends.local.choice import Chooser, Steps
from gadet.backends.local.folder import ModelFolder
from gadet.backends.local.placement import Placement
from gadet.errors import BackendError, ConfigurationError, GadetError
from gadet.prompts.prompt import Prompt

__all__ = ["Engine", "Question", "Written"]

# transformers is untyped for our purpose, and reading its sources takes type checkers minutes.
transformers: Any = import_module("transformers")

# Alternatives less likely than one in a thousand million change no score that one could tell apart.
_LEAST_LOGPROB = math.log(1e-9)
_LONGEST_PROBLEM = 400


@dataclass(frozen=True, eq=False)
class Question:
    """What a model is to continue.

    Attributes:
        text: The text, with the model's placeholders for pictures.
        pictures: RGB pictures in the order of the placeholders.
        seed: Decides what is sampled.
    """

    text: str
    pictures: tuple[Image.Image, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Written:
    """What a model wrote.

    Attributes:
        text: The text, without control tokens.
        ended: Whether the model ended it itself.
        tokens: Its tokens with their alternatives; a control token has an empty text.
        input_tokens: Tokens of the question, those of its pictures included.
    """

    text: str
    ended: bool
    tokens: tuple[TokenLogprob, ...]
    input_tokens: int


class Engine:
    """A loaded model. Use it from one thread at a time.

    Args:
        folder: Where it lies.
        placement: Where and how it runs.

    Raises:
        ConfigurationError: It cannot be loaded, or not run there.
    """

    def __init__(self, folder: ModelFolder, placement: Placement) -> None:
        self._folder = folder
        self._device = _device(placement.device)
        self._pieces: dict[int, str] = {}
        try:
            self._load(placement)
        except GadetError:
            raise
        except Exception as error:  # a model's files can break their reader in any way
            raise ConfigurationError(
                f"{folder.name} could not be loaded as a model that reads pictures: "
                f"{str(error)[:_LONGEST_PROBLEM]}"
            ) from error
        self._form = form_of(self._rendered)

    def question(self, prompt: Prompt, system: str, *, begun: str = "", seed: int = 0) -> Question:
        """What the model is to continue to answer a prompt.

        Args:
            prompt: What is asked.
            system: The standing instructions, which may say more than the prompt's.
            begun: How the answer begins.
            seed: Decides what is sampled.
        """
        control = self._control_tokens()
        messages = messages_of(
            prompt, system, self._form, spelt=lambda text: harmless(text, control)
        )
        pictures = tuple(view.picture for view in prompt.views)
        return Question(self._rendered(messages) + begun, pictures, seed)

    def write(
        self,
        questions: Sequence[Question],
        *,
        most: int,
        temperature: float = 0.0,
        alternatives: int = 20,
    ) -> list[Written]:
        """Continue each question; one of many is continued as it would be alone.

        Args:
            questions: All with pictures, or all without.
            most: Most tokens to write.
            temperature: 0 takes the likeliest token; more samples.
            alternatives: How many of the likeliest tokens are kept at each place.

        Raises:
            ConfigurationError: A question leaves no room for an answer.
        """
        inputs = self._encoded(questions)
        length = inputs["input_ids"].shape[1]
        room = self._room(length)
        if room < most and len(questions) > 1:
            # The longest question would leave the others less room than they have alone.
            return [
                self.write([one], most=most, temperature=temperature, alternatives=alternatives)[0]
                for one in questions
            ]
        chooser = Chooser(
            temperature, [question.seed for question in questions], alternatives=alternatives
        )
        with torch.inference_mode():
            written = self._model.generate(
                **inputs, max_new_tokens=min(most, room), logits_processor=[chooser]
            )
        ids = written[:, length:].tolist()
        steps = chooser.steps()
        if any(map(math.isnan, chain.from_iterable(steps.chosen))):
            raise BackendError(
                f"{self._folder.name} computed something that is no number: use the dtype "
                "'float32' or 'bfloat16'"
            )
        counts = inputs["attention_mask"].sum(dim=1).tolist()
        return [self._read(row, ids[row], steps, counts[row]) for row in range(len(questions))]

    def close(self) -> None:
        """Give the memory back."""
        del self._model, self._processor, self._tokenizer
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _control_tokens(self) -> frozenset[str]:
        """Tokens that begin turns, stand for pictures and the like."""
        added = self._tokenizer.added_tokens_decoder.values()
        special = {str(token.content) for token in added if token.special}
        picture = getattr(self._processor, "image_token", None)
        return frozenset(special | ({picture} if isinstance(picture, str) else set()))

    def _rendered(self, messages: list[dict[str, Any]]) -> str:
        """The text of a conversation up to where the model begins to answer."""
        return str(
            self._processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=False
            )
        )

    def _encoded(self, questions: Sequence[Question]) -> Any:
        texts = [question.text for question in questions]
        pictures = [list(question.pictures) for question in questions]
        begin = self._tokenizer.bos_token
        inputs = self._processor(
            text=texts,
            images=pictures if any(pictures) else None,
            padding=True,
            return_tensors="pt",
            # Where the template wrote the first token already, it is not added again.
            add_special_tokens=not (begin and texts[0].startswith(begin)),
        )
        return inputs.to(self._device, dtype=self._model.dtype)

    def _room(self, length: int) -> int:
        """How many tokens fit behind a question."""
        whole = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if not isinstance(whole, int):
            return 1 << 30
        if length >= whole:
            raise ConfigurationError(
                f"{self._folder.name} takes {whole} tokens; the prompt has {length}: use fewer "
                "references, or a profile with smaller `views`"
            )
        return whole - length

    def _read(self, row: int, ids: list[int], steps: Steps, input_tokens: int) -> Written:
        end = next((n for n, token in enumerate(ids) if token in self._ends), None)
        ids = ids if end is None else ids[: end + 1]
        tokens = tuple(
            TokenLogprob(
                self._piece(token),
                steps.chosen[row][place],
                tuple(
                    (self._piece(other), logprob)
                    for other, logprob in zip(
                        steps.others[row][place], steps.logprobs[row][place], strict=True
                    )
                    if logprob >= _LEAST_LOGPROB
                ),
            )
            for place, token in enumerate(ids)
        )
        return Written(self._text(ids), end is not None, tokens, input_tokens)

    def _piece(self, token: int) -> str:
        if token not in self._pieces:
            self._pieces[token] = self._text([token])
        return self._pieces[token]

    def _text(self, ids: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def _load(self, placement: Placement) -> None:
        """Read processor and weights, and set both to how they are used here."""
        path = self._folder.path
        common: dict[str, Any] = {
            "local_files_only": True,
            "trust_remote_code": placement.trust_remote_code,
        }
        _ = self._folder.weights  # their absence is told in our words
        config = transformers.AutoConfig.from_pretrained(path, **common)
        self._processor = _processor(self._folder, config, common)
        self._tokenizer = self._processor.tokenizer
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        _show_whole_pictures(self._processor.image_processor)
        if placement.attn_implementation is not None:
            common["attn_implementation"] = placement.attn_implementation
        model, told = transformers.AutoModelForImageTextToText.from_pretrained(
            path,
            dtype=_dtype(placement.dtype, self._device),
            use_safetensors=True,
            output_loading_info=True,
            **common,
        )
        # transformers fills what is missing with random numbers, and only warns.
        missing = sorted(told["missing_keys"])
        if missing:
            raise ValueError(f"its files lack {len(missing)} weights, such as {missing[0]}")
        self._ends = _ends(model, self._tokenizer)
        # The checkpoint's own sampling and penalties would change the probabilities we report.
        model.generation_config = transformers.GenerationConfig(
            eos_token_id=sorted(self._ends) or None,
            pad_token_id=self._tokenizer.pad_token_id,
            do_sample=False,
        )
        self._model = model.eval().to(self._device)


def _processor(folder: ModelFolder, config: Any, common: dict[str, Any]) -> Any:
    """What makes tokens and arrays, by Pillow, so that it is the same with and without torchvision.

    Videos are not our way to show one, and their processors need torchvision: it is left out where
    it is what keeps the rest from being loaded.
    """
    options = {**common, "backend": "pil"}
    try:
        return transformers.AutoProcessor.from_pretrained(folder.path, **options)
    except ImportError:
        kinds: Any = import_module("transformers.models.auto.processing_auto").PROCESSOR_MAPPING
        if type(config) not in kinds:
            raise
        return _without_video(kinds[type(config)]).from_pretrained(folder.path, **options)


def _without_video(kind: Any) -> Any:
    """A kind of processor that is made without its part for videos, where it has one."""
    parts = list(kind.get_attributes())
    if "video_processor" not in parts:
        return kind
    place = parts.index("video_processor")

    class PictureProcessor(kind):  # type: ignore[misc]  # the class is known only now
        @classmethod
        def get_attributes(cls) -> list[str]:
            return [*parts[:place], *parts[place + 1 :]]

        @classmethod
        def from_args_and_dict(cls, args: list[Any], *settings: Any, **options: Any) -> Any:
            whole = [*args[:place], None, *args[place:]]
            return super().from_args_and_dict(whole, *settings, **options)

    return PictureProcessor


def _show_whole_pictures(pictures: Any) -> None:
    """Keep a processor from cutting off the borders of a picture, where an anomaly may be.

    The picture is squeezed into the square instead, which also keeps relative boxes true.
    """
    if getattr(pictures, "do_center_crop", False):
        crop = pictures.crop_size
        pictures.size = {"height": crop["height"], "width": crop["width"]}
        pictures.do_center_crop = False


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """The tokens that end an answer."""
    told = model.generation_config.eos_token_id
    listed = told if isinstance(told, list) else [told]
    return frozenset(token for token in (*listed, tokenizer.eos_token_id) if token is not None)


def _device(name: str) -> torch.device:
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigurationError(
            f"device is 'auto', 'cpu', 'cuda', 'cuda:1' or 'mps', where torch has it; {name!r} "
            f"gave: {str(error).splitlines()[0]}"
        ) from error
    return device


def _dtype(name: str, device: torch.device) -> Any:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ConfigurationError(
            f"dtype is 'auto', 'float32', 'bfloat16' or 'float16'; got {name!r}"
        )
    return dtype
