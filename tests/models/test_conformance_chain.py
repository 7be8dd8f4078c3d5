"""What every chain with an energy passes: its steps keep the law that the energy names."""

import pytest
import torch
from test_conformance import build, example, leaves_of

from course_utils.evaluation import sample_agreement
from course_utils.taxonomy import ExplicitMarkovChain
from course_utils.universe import all_images


class Once:
    """A sampler for ``sample_agreement``: x ∼ p, then one step."""

    def __init__(self, model, log_p):
        self.model, self.p, self.dims = model, log_p.exp(), model.dims

    def sample(self, n, *, generator=None):
        rows = torch.multinomial(self.p, n, replacement=True, generator=generator)
        return self.model.step(all_images(3, 3).double()[rows], generator=generator)


@pytest.fixture(params=leaves_of(ExplicitMarkovChain))
def model(request):
    return build(request.param)


def enumerated(model):
    with torch.no_grad():
        return (-model.free_energy(all_images(3, 3).double())).log_softmax(0)


def test_a_step_keeps_the_law_of_the_energy(model):
    log_p = enumerated(model)
    dice = torch.Generator().manual_seed(0)
    assert sample_agreement(Once(model, log_p), log_p, 50_000, generator=dice).p_value > 1e-4
    uniform = torch.full_like(log_p, 1 / 512).log()
    assert sample_agreement(Once(model, uniform), log_p, 50_000, generator=dice).p_value < 1e-6


def test_samples_come_to_the_law_of_the_energy(model):
    model.mixing = 50
    dice = torch.Generator().manual_seed(0)
    assert sample_agreement(model, enumerated(model), 3000, generator=dice).p_value > 1e-4


def test_a_step_is_decided_by_its_random_numbers(model):
    x = example(model, 30)
    first, again, other = (model.step(x, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other) and not first.requires_grad
    for steps in (0, -1, 1.5, True, "3"):
        with pytest.raises(ValueError, match=type(model).__name__):
            model.sample(3, steps=steps)


def test_what_early_stopping_watches_is_fixed_and_finite(model):
    x = example(model, 8)
    assert model.held_out(x).isfinite() and model.held_out(x) == model.held_out(x)
    assert model.held_out(x).dim() == 0 and not model.held_out(x).requires_grad
    for bad in (None, x[:0], x + 0.5):
        with pytest.raises(ValueError, match=type(model).__name__):
            model.held_out(bad)
