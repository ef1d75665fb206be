"""gadet: find, locate and explain anomalies.

from gadet import AnomalyDetector

report = AnomalyDetector().detect("part.png", references=["good.png"])
report.verdict, report.score, report.findings
"""

import logging as _logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gadet._version import __version__
from gadet.backends.base import Backend, Completion
from gadet.backends.facts.profile import Prices, Profile
from gadet.errors import (
    AuthenticationError,
    BackendError,
    BudgetExceededError,
    ConfigurationError,
    GadetError,
    InputError,
    LocalizationError,
    MissingDependencyError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from gadet.experts.base import Candidate, Evidence, Expert
from gadet.findings import (
    Finding,
    ImageRegion,
    OrientedBox,
    PointsRegion,
    SpanRegion,
    TrackPoint,
    VideoRegion,
)
from gadet.geometry import Box, BoxFormat, Frame, Interval, Mask
from gadet.media.base import LoadLimits
from gadet.prompts.prompt import Prompt
from gadet.report import Cost, Failure, Report, Usage
from gadet.report import Presenter as _Presenter
from gadet.report import present_with as _present_with
from gadet.request import DetectRequest, Normality
from gadet.view import View, ViewLimits

if TYPE_CHECKING:
    from gadet.backends.facts.forecast import Forecast
    from gadet.backends.offline import OfflineBackend
    from gadet.backends.recall.cache import AnswerCache
    from gadet.backends.registry import connect
    from gadet.backends.scripted import ScriptedBackend
    from gadet.backends.transport.bounds import Timeouts
    from gadet.backends.transport.breaker import BreakerPolicy
    from gadet.backends.transport.limiter import RateLimits
    from gadet.backends.transport.retry import RetryPolicy
    from gadet.budget import Limits
    from gadet.detector import AnomalyDetector
    from gadet.dialogue import Reply
    from gadet.media.image import ImageInput
    from gadet.media.pointcloud import PointCloudInput
    from gadet.media.series import SeriesInput
    from gadet.media.video import VideoInput
    from gadet.prompts.domain import Domain
    from gadet.prompts.size import count_tokens
    from gadet.route import Route
    from gadet.spending import spent
    from gadet.watch import Event, VideoWatch, Watch

# What does the work is loaded when it is first named, so that importing gadet stays cheap.
_LAZY = {
    "AnomalyDetector": "gadet.detector",
    "AnswerCache": "gadet.backends.recall.cache",
    "BreakerPolicy": "gadet.backends.transport.breaker",
    "Domain": "gadet.prompts.domain",
    "Event": "gadet.watch",
    "Forecast": "gadet.backends.facts.forecast",
    "ImageInput": "gadet.media.image",
    "Limits": "gadet.budget",
    "OfflineBackend": "gadet.backends.offline",
    "PointCloudInput": "gadet.media.pointcloud",
    "RateLimits": "gadet.backends.transport.limiter",
    "Reply": "gadet.dialogue",
    "RetryPolicy": "gadet.backends.transport.retry",
    "Route": "gadet.route",
    "ScriptedBackend": "gadet.backends.scripted",
    "SeriesInput": "gadet.media.series",
    "Timeouts": "gadet.backends.transport.bounds",
    "VideoInput": "gadet.media.video",
    "VideoWatch": "gadet.watch",
    "Watch": "gadet.watch",
    "connect": "gadet.backends.registry",
    "count_tokens": "gadet.prompts.size",
    "spent": "gadet.spending",
}


def __getattr__(name: str) -> Any:
    """Load what does the work when it is first named."""
    if name not in _LAZY:
        raise AttributeError(f"module 'gadet' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Every public name, loaded or not."""
    return __all__


def _presenter() -> _Presenter:
    """Load the drawing code when a report is first shown."""
    from gadet.render.html import HtmlPresenter

    return HtmlPresenter()


_present_with(_presenter)
# A library prints nothing unless its user configures logging.
_logging.getLogger("gadet").addHandler(_logging.NullHandler())

__all__ = [
    "AnomalyDetector",
    "AnswerCache",
    "AuthenticationError",
    "Backend",
    "BackendError",
    "Box",
    "BoxFormat",
    "BreakerPolicy",
    "BudgetExceededError",
    "Candidate",
    "Completion",
    "ConfigurationError",
    "Cost",
    "DetectRequest",
    "Domain",
    "Event",
    "Evidence",
    "Expert",
    "Failure",
    "Finding",
    "Forecast",
    "Frame",
    "GadetError",
    "ImageInput",
    "ImageRegion",
    "InputError",
    "Interval",
    "Limits",
    "LoadLimits",
    "LocalizationError",
    "Mask",
    "MissingDependencyError",
    "Normality",
    "OfflineBackend",
    "OrientedBox",
    "PointCloudInput",
    "PointsRegion",
    "Prices",
    "Profile",
    "Prompt",
    "RateLimitError",
    "RateLimits",
    "Reply",
    "Report",
    "ResponseError",
    "RetryPolicy",
    "Route",
    "ScriptedBackend",
    "SeriesInput",
    "ServerError",
    "SpanRegion",
    "Timeouts",
    "TrackPoint",
    "TransportError",
    "Usage",
    "VideoInput",
    "VideoRegion",
    "VideoWatch",
    "View",
    "ViewLimits",
    "Watch",
    "__version__",
    "connect",
    "count_tokens",
    "samples",
    "spent",
]
