from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'gadet[transformers]'")

from gadet.backends.local.choice import Chooser  # noqa: E402

LOGITS = [2.0, 0.0, 1.0, -1.0]


def softmax(logits: list[float], temperature: float = 1.0) -> list[float]:
    weights = [math.exp(logit / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def test_greedy_takes_the_likeliest_and_keeps_the_others() -> None:
    chooser = Chooser(0.0, [0, 0], alternatives=2)
    scores = torch.tensor([LOGITS, LOGITS[::-1]])
    ids = torch.zeros((2, 1), dtype=torch.long)
    assert chooser(ids, scores).argmax(dim=-1).tolist() == [0, 3]
    chooser(ids, scores.flip(0))
    steps = chooser.steps()
    p = [math.log(share) for share in softmax(LOGITS)]
    assert steps.others == [[[0, 2], [3, 1]], [[3, 1], [0, 2]]]
    assert steps.chosen[0] == pytest.approx([p[0], p[0]], abs=1e-5)
    assert steps.logprobs[1][0] == pytest.approx([p[0], p[2]], abs=1e-5)


def test_sampling_follows_the_softmax_at_its_temperature() -> None:
    """Compared with probabilities computed by hand; the bound is five standard errors."""
    rows, temperature = 20_000, 0.7
    chooser = Chooser(temperature, range(rows), alternatives=1)
    chosen = chooser(torch.zeros((rows, 1)), torch.tensor([LOGITS]).repeat(rows, 1)).argmax(dim=-1)
    for token, p in enumerate(softmax(LOGITS, temperature)):
        share = (chosen == token).float().mean().item()
        assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / rows)


def test_the_noise_of_a_row_is_its_own() -> None:
    scores = torch.randn((3, 50), generator=torch.Generator().manual_seed(1))
    ids = torch.zeros((3, 1))
    together = Chooser(1.0, [7, 8, 9], alternatives=1)(ids, scores)
    alone = Chooser(1.0, [8], alternatives=1)(ids[1:2], scores[1:2])
    assert torch.equal(together[1:2], alone)
    # The probabilities that are told are the model's own, whatever was sampled.
    chooser = Chooser(5.0, [7], alternatives=1)
    chosen = int(chooser(ids[:1], scores[:1]).argmax())
    assert chooser.steps().chosen[0][0] == pytest.approx(
        float(scores[0].log_softmax(dim=-1)[chosen]), abs=1e-5
    )
