"""Puts an event into words and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gadet.experts.places import place
from gadet.experts.video.blobs import Blob
from gadet.experts.video.camera import View
from gadet.geometry import Box
from gadet.media.video.still import clock

__all__ = ["LABELS", "direction_words", "fact_of", "measures_of", "view_notes", "when_words"]

LABELS = {
    "speed": "fast object",
    "jolt": "sudden motion",
    "way": "wrong way",
    "look": "unusual object",
    "change": "changed scene",
    "stay": "loitering",
    "scatter": "crowd running apart",
}
MOST_CUTS = 5
"""Cuts whose times are told."""
WAYS = (
    "left to right",
    "towards the lower right",
    "downwards",
    "towards the lower left",
    "right to left",
    "towards the upper left",
    "upwards",
    "towards the upper right",
)


def direction_words(heading: tuple[float, float]) -> str:
    """Where a velocity in pixels leads: "left to right"."""
    turn = math.atan2(heading[1], heading[0]) / (2 * math.pi)
    return WAYS[math.floor(turn * 8 + 0.5) % 8]


def measures_of(blobs: Sequence[Blob]) -> dict[str, float]:
    """The numbers behind an event: of the cue that leads, in native pixels and seconds."""
    peak = max(blobs, key=lambda blob: blob.sigmas)
    same = [blob for blob in blobs if blob.cue == peak.cue]
    measures = {
        "sigmas": peak.sigmas,
        "speed": float(np.median([blob.speed for blob in same])),
        "usual_speed": float(np.median([blob.usual for blob in same])),
        "fastest_usual_speed": float(np.median([blob.fastest for blob in same])),
        "heading_x": float(np.median([blob.heading[0] for blob in same])),
        "heading_y": float(np.median([blob.heading[1] for blob in same])),
        "turned": float(np.median([blob.turned for blob in same])),
        "stayed": max(blob.stayed for blob in blobs),
        "share": max(blob.share for blob in same),
    }
    measures["speed_ratio"] = measures["speed"] / max(measures["usual_speed"], 1e-6)
    return measures


def _fast(m: dict[str, float], against: str) -> str:
    beyond = ""
    if m["speed"] > m["fastest_usual_speed"] > 0:
        over = m["speed"] / m["fastest_usual_speed"]
        beyond = f", {over:.2g} times what 99 % of {against} stay below"
    return (
        f"object moving {m['speed_ratio']:.2g} times as fast as is usual there "
        f"({m['speed']:.0f} against {m['usual_speed']:.0f} px/s{beyond}), {_way(m)}"
    )


def _way(m: dict[str, float]) -> str:
    return direction_words((m["heading_x"], m["heading_y"]))


PHRASES: dict[str, Callable[[dict[str, float], str], str]] = {
    "speed": _fast,
    "jolt": lambda m, against: (
        f"motion that changes abruptly, by {m['turned']:.0f} px/s within half a second"
    ),
    "way": lambda m, against: (
        f"object moving {_way(m)}, which {against} hardly show there ({m['speed']:.0f} px/s)"
    ),
    "look": lambda m, against: (
        f"moving object that looks like none in {against}"
        + (f", {_way(m)} at {m['speed']:.0f} px/s" if m["speed"] > 0 else "")
    ),
    "change": lambda m, against: (
        f"a still part of the picture looks like it never does in {against} "
        f"({100 * m['share']:.1f} % of the area)"
    ),
    "stay": lambda m, against: (
        f"something that stays where it moves for {m['stayed']:.0f} s; "
        f"99 % of what moves in {against} stays for less than a third of that"
    ),
    "scatter": lambda m, against: (
        f"many objects that move apart from one another at once, at {m['speed']:.0f} px/s, "
        f"faster than the whole moves in {against}"
    ),
}


def fact_of(cue: str, measures: dict[str, float], against: str) -> str:
    """How an event differs, in words and numbers.

    Args:
        cue: The cue that leads.
        measures: Of `measures_of`.
        against: What it was compared with, in the plural: "the references".
    """
    return PHRASES[cue](measures, against)


def when_words(start: float, end: float, box: Box, size: tuple[int, int]) -> str:
    """When and where an event is: "0:12.3–0:15.8, lower left"."""
    return f"{clock(start)}–{clock(end)}, {place(box, (size[1], size[0]))}"


def view_notes(views: Mapping[View, Sequence[float]]) -> tuple[str, ...]:
    """What the reader should know about a camera that did not stand still.

    Args:
        views: Seconds of the measured frames with a cut, and of those in which the picture moved.
    """
    notes = []
    if cuts := views[View.CUT]:
        notes.append(
            f"the picture is cut at {_clocks(cuts)}: what moves is followed anew from there, and a "
            "place that was not seen before is not compared"
        )
    if moves := views[View.MOVES]:
        notes.append(
            f"the camera moves in {len(moves)} measured frames, from {clock(moves[0])} to "
            f"{clock(moves[-1])}: these are not judged"
        )
    return tuple(notes)


def _clocks(seconds: Sequence[float]) -> str:
    """The first times, and how many more there are."""
    told = ", ".join(clock(one) for one in seconds[:MOST_CUTS])
    more = len(seconds) - MOST_CUTS
    return told + (f" and {more} times more" if more > 0 else "")
