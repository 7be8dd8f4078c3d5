"""The deep energy: Z is a sum, the gradient has two phases, the chain leaves p_M as it is."""

from functools import partial

import pytest
import torch
from agreement import agreement
from pixels import random_model
from torch import nn

from course_utils.evaluation import exact_kl, state_log_probs
from course_utils.models import BoltzmannMachine
from course_utils.models.deep_energy import DeepEnergy
from course_utils.training import fit
from course_utils.universe import all_images, bars_and_stripes, state_index

SHAPE = (1, 2, 3)
shaken = partial(random_model, DeepEnergy, SHAPE, 0.5, hidden=(8, 8))


def test_z_makes_p_a_distribution_and_the_loss_is_its_likelihood():
    model, x = shaken(), all_images(2, 3).double()
    log_p = -model.free_energy(x) - model.log_partition()
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12) and log_p.std() > 0.1
    torch.testing.assert_close(model.loss(x[:20]), -log_p[:20].mean())
    torch.testing.assert_close(state_log_probs(model), log_p)


def test_a_network_that_is_a_machine_s_free_energy_gives_its_partition_function():
    machine = BoltzmannMachine(SHAPE, hidden=4).double()
    model = DeepEnergy(SHAPE).double()

    class OfTheMachine(nn.Module):
        def forward(self, v):
            return machine.free_energy((v.view(-1, *SHAPE) + 1) / 2)[:, None]

    model.net = OfTheMachine()
    model.net.any = nn.Parameter(torch.zeros(1).double())
    torch.testing.assert_close(model.log_partition(), machine.log_partition())
    assert model.log_partition() != 0


def test_the_gradient_is_that_of_data_minus_that_of_the_model():
    model, x = shaken(), all_images(2, 3).double()
    model.loss(x[5:9]).backward()
    p = state_log_probs(model).exp()
    for name, parameter in model.named_parameters():
        (data,) = torch.autograd.grad(model.free_energy(x[5:9]).mean(), parameter, allow_unused=True)
        (own,) = torch.autograd.grad((p * model.free_energy(x)).sum(), parameter, allow_unused=True)
        torch.testing.assert_close(parameter.grad, data - own, msg=name, rtol=0, atol=1e-10)


@pytest.mark.slow
def test_a_step_leaves_the_distribution_as_it_is_and_many_lead_to_it():
    model, p = shaken(), state_log_probs(shaken()).exp()
    dice = torch.Generator().manual_seed(0)
    start = all_images(2, 3).double()[torch.multinomial(p, 60_000, replacement=True, generator=dice)]
    for x in (model.step(start, generator=dice), model.sample(60_000, steps=40, generator=dice)):
        assert agreement(state_index(x), p.log()).total_variation < 0.02
    moved = (model.step(start[:500], generator=dice) != start[:500]).flatten(1).any(1)
    assert moved.double().mean() > 0.3


@pytest.mark.slow
def test_it_learns():
    universe = bars_and_stripes(2)
    torch.manual_seed(0)
    model = DeepEnergy((1, 2, 2), hidden=(16,))
    before = exact_kl(universe, model)
    fit(model, universe.sample(4000), epochs=30, batch_size=100, progress=False, device="cpu")
    assert exact_kl(universe, model) < 0.02 < before


def test_bad_input_is_named():
    model = DeepEnergy(SHAPE)
    for x in (torch.zeros(2, 1, 3, 3), torch.full((2, *SHAPE), 0.5)):
        for verb in (model.free_energy, model.loss, model.step):
            with pytest.raises(ValueError, match="DeepEnergy"):
                verb(x)
