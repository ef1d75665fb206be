"""Where a network runs, and where half precision is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gadet.errors import ConfigurationError
from gadet.localize.sam.device import place
from tests.localize.sam.support import torch


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with two CUDA cards that compute in bfloat16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    return monkeypatch


@pytest.fixture
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_card")
def test_a_processor_computes_in_single_precision() -> None:
    chosen = place("auto", "auto", extra="sam")
    assert (chosen.device.type, chosen.encoder) == ("cpu", torch.float32)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_on_a_processor_is_refused(precision: str) -> None:
    with pytest.raises(ConfigurationError, match="half precision is used on CUDA alone"):
        place("cpu", precision, extra="sam")


@pytest.mark.usefixtures("card")
def test_a_card_that_can_encodes_in_bfloat16() -> None:
    chosen = place("auto", "auto", extra="sam")
    assert (chosen.device.type, chosen.encoder) == ("cuda", torch.bfloat16)
    assert place("cuda:1", "float16", extra="sam").encoder == torch.float16
    assert place("cuda", "float32", extra="sam").encoder == torch.float32


def test_a_card_that_only_emulates_bfloat16_is_not_given_it(card: pytest.MonkeyPatch) -> None:
    card.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation)
    assert place("cuda", "auto", extra="sam").encoder == torch.float32


def test_a_mac_computes_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    chosen = place("auto", "auto", extra="sam")
    assert (chosen.device.type, chosen.encoder) == ("mps", torch.float32)


@pytest.mark.parametrize("device", ["cuda", "cuda:7", "mps"])
@pytest.mark.usefixtures("no_card")
def test_a_device_that_is_not_here_is_named(device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"device '{device}' is not here: torch sees 0"):
        place(device, "auto", extra="sam")


@pytest.mark.usefixtures("card")
def test_a_card_too_many_is_named() -> None:
    with pytest.raises(ConfigurationError, match="'cuda:2' is not here: torch sees 2 CUDA"):
        place("cuda:2", "auto", extra="sam")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "xpu"])
def test_a_device_that_does_not_exist_is_refused(device: str) -> None:
    with pytest.raises(ConfigurationError, match="device"):
        place(device, "auto", extra="sam")


def test_a_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"precision must be one of auto, .*; got 'int8'"):
        place("cpu", "int8", extra="sam")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, gadet.localize.sam;"
        "print({'torch', 'transformers', 'segment_anything', 'httpx', 'tqdm'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
