"""Estimates of log Z against its enumeration: unbiased weights, honest errors, falling with temperatures."""

from functools import partial
from math import log

import pytest
import torch

from course_utils.evaluation.partition import annealed_importance_sampling, from_log_weights
from course_utils.models import NADE, BoltzmannMachine


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def machine(shape=(1, 3, 3), hidden=6, size=0.8) -> BoltzmannMachine:
    torch.manual_seed(0)
    model = BoltzmannMachine(shape, hidden=hidden).double()
    for parameter in model.parameters():
        parameter.data.normal_().mul_(size)
    return model


def data(model, n=50):
    return (torch.rand(n, *model.event_shape, generator=stream(5)) < 0.4).double()


@pytest.mark.parametrize("temperatures", [1, 2, 10, torch.tensor([0.0, 0.5, 0.7, 1.0])])
@pytest.mark.parametrize("from_data", [False, True])
def test_weights_of_annealing_are_unbiased(temperatures, from_data):
    """B14: E[w] = Z for any number of temperatures, even one."""
    model = machine(size=0.6)
    base = data(model) if from_data else None
    found = annealed_importance_sampling(
        model, temperatures=temperatures, chains=30_000, base=base, generator=stream()
    )
    w = (found.log_weights - model.log_partition()).exp()
    error = w.std() / len(w) ** 0.5
    assert abs(w.mean() - 1) < 4 * error < 0.2
    assert found.log_z.standard_error == pytest.approx(float(error / w.mean()), rel=1e-9)
    assert found.log_z.value == pytest.approx(float(model.log_partition() + w.mean().log()), abs=1e-9)


@pytest.mark.slow
def test_more_temperatures_make_smaller_errors():
    model = machine((1, 4, 4), hidden=10, size=1.0)
    anneal = partial(annealed_importance_sampling, model, chains=400)
    few, more, most = (anneal(temperatures=t, generator=stream()) for t in (10, 100, 1000))
    assert abs(most.log_z.value - model.log_partition()) < 5 * most.log_z.standard_error
    spreads = [found.log_weights.std() for found in (few, more, most)]
    assert spreads[1] < 0.6 * spreads[0] and spreads[2] < 0.6 * spreads[1]
    assert few.effective_sample_size < 0.8 * most.effective_sample_size


def test_without_weights_the_base_of_its_own_pixels_is_exact():
    model = machine()
    model.W.data.zero_()
    model.b.data.fill_(log(3))
    x = torch.ones(10, 1, 3, 3).double()
    x[:2] = 0  # with one image of each colour added: 9 white to 3 black
    found = annealed_importance_sampling(model, temperatures=3, chains=9, base=x, generator=stream())
    assert found.log_weights.std() < 1e-9 and found.effective_sample_size == pytest.approx(9)
    assert abs(found.log_z.value - model.log_partition()) < 1e-9


def test_summaries_of_weights():
    w = torch.rand(1000, generator=stream()).double() ** 3
    for scale in (0.0, 5000.0, -5000.0):
        found = from_log_weights(w.log() + scale)
        assert found.log_z.value == pytest.approx(w.mean().log().item() + scale, abs=1e-9)
        assert found.log_z.standard_error == pytest.approx((w.std() / w.mean() / 1000**0.5).item())
        assert found.effective_sample_size == pytest.approx((w.sum() ** 2 / (w**2).sum()).item())
    assert from_log_weights(torch.zeros(7)).effective_sample_size == pytest.approx(7)
    assert from_log_weights(torch.tensor([0.0, -1e4, -1e4])).effective_sample_size == 1
    assert "effective sample size 7.0 of 7" in repr(from_log_weights(torch.zeros(7)))


@pytest.mark.parametrize(
    "given",
    [
        *({"chains": bad} for bad in (1, 0, 2.5, None)),
        *({"temperatures": bad} for bad in (0, -1, 1.5, None)),
        *({"temperatures": torch.tensor(bad)} for bad in ([0.0, 0.5], [0.1, 1.0], [0.0, 0.6, 0.5, 1.0], 1.0)),
        *({"base": bad} for bad in (torch.zeros(4, 9), torch.full((4, 1, 3, 3), 0.5).double())),
    ],
)
def test_bad_requests_of_annealing_are_named(given):
    with pytest.raises(ValueError, match="annealed_importance_sampling|BoltzmannMachine"):
        annealed_importance_sampling(machine(), **given)


def test_models_of_other_kinds_are_refused():
    full = BoltzmannMachine((1, 3, 3), hidden=3, connections="full")
    for other in (full, NADE((1, 3, 3)), None):
        with pytest.raises(ValueError, match="annealed_importance_sampling.*restricted"):
            annealed_importance_sampling(other)
