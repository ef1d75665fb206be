"""From a caller's arguments to a `Case`: the request checked, the item and references loaded."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gadet.case import Case, Pictures, References
from gadet.errors import ConfigurationError, InputError
from gadet.localize.base import Poser
from gadet.media.base import LoadLimits, Sample
from gadet.media.choice import adapter_for
from gadet.prompts.domain import load_domain
from gadet.report import Modality
from gadet.request import DetectRequest, Normality
from gadet.route import Leg
from gadet.toolkit import Toolkit

__all__ = ["Intake", "LoadedReferences", "request_of", "requests_of"]

# So many sets of references of one batch are kept.
MOST_REFERENCE_SETS = 16


class Intake:
    """Loads what requests name.

    Args:
        toolkits: What each modality is read, measured and located with.
        limits: Bounds on what is read.
    """

    def __init__(self, toolkits: Mapping[Modality, Toolkit], limits: LoadLimits) -> None:
        self._toolkits = toolkits
        self._adapters = {name: kit.adapter for name, kit in toolkits.items()}
        self._limits = limits

    def case(
        self,
        request: DetectRequest,
        leg: Leg,
        *,
        references: References | None = None,
        pictures: Pictures = "full",
    ) -> Case:
        """Load what a request names; references that are loaded already are taken as they are.

        Raises:
            InputError: The item or a reference cannot be read.
            ConfigurationError: The request needs an expert and there is none.
        """
        started = time.perf_counter()
        sample = self._load(request.item)
        toolkit = self._toolkits[sample.info.modality]
        if toolkit.expert is None and (request.evidence or request.fusion != "none"):
            raise ConfigurationError(
                "evidence=True and fusion='mean' need an expert, but the detector was made with "
                "expert=None: leave `expert` out, or leave these arguments out"
            )
        normals = references or self.references(request.references)
        if normals.samples:
            sample = _posed(sample, normals.samples[0], toolkit)
        return Case(
            request=request,
            sample=sample,
            references=normals,
            domain=load_domain(request.domain),
            profile=leg.profile,
            backend=leg.backend.name,
            expert=toolkit.expert,
            localizer=toolkit.localizer,
            loading_seconds=time.perf_counter() - started,
            pictures=pictures,
        )

    def references(self, references: Sequence[Any]) -> References:
        """Load normal samples.

        Raises:
            InputError: One cannot be read; its number is named.
        """
        samples: list[Sample] = []
        for number, reference in enumerate(references, start=1):
            try:
                samples.append(self._load(reference))
            except InputError as error:
                raise InputError(f"reference {number}: {error}") from error
        return References((*samples[:1], *(self._like(one, samples[0]) for one in samples[1:])))

    def _like(self, sample: Sample, first: Sample) -> Sample:
        return _posed(sample, first, self._toolkits[sample.info.modality])

    def _load(self, item: Any) -> Sample:
        return adapter_for(item, self._adapters).load(item, self._limits)


def _posed(sample: Sample, like: Sample, toolkit: Toolkit) -> Sample:
    """The sample, shown from where a reference of its kind is, where that can differ."""
    if isinstance(toolkit.localizer, Poser) and sample.info.modality == like.info.modality:
        return toolkit.localizer.posed(sample, like)
    return sample


class LoadedReferences:
    """The references of a batch: items that name the same ones share what was loaded."""

    def __init__(self, load: Callable[[Sequence[Any]], References]) -> None:
        self._load = load
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], References]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: DetectRequest) -> References:
        """The loaded references of a request."""
        # The objects are kept beside the result, so that an id stays theirs.
        key = tuple(r if isinstance(r, str | Path) else id(r) for r in request.references)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (request.references, self._load(request.references))
                while len(self._kept) > MOST_REFERENCE_SETS:
                    self._kept.popitem(last=False)
            return self._kept[key][1]


def request_of(item: Any, references: Sequence[Any], **settings: Any) -> DetectRequest:
    """Build a request, with an error that a caller can act on."""
    if isinstance(references, str | bytes | Path) or not isinstance(references, Iterable):
        raise ConfigurationError(
            "references needs a list of normal samples, also for one: references=[sample]; got "
            f"{type(references).__name__}"
        )
    settings["normality"] = settings["normality"] or Normality()
    settings["domain"] = load_domain(settings["domain"])
    try:
        return DetectRequest(item=item, references=tuple(references), **settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"argument `{name}` cannot be used: {first['msg']}") from None


def requests_of(
    items: Iterable[Any], references: Sequence[Any], **settings: Any
) -> list[DetectRequest]:
    """Build the requests of many items; one that is a request already keeps its own settings."""
    return [
        item if isinstance(item, DetectRequest) else request_of(item, references, **settings)
        for item in items
    ]
