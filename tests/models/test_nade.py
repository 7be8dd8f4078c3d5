"""NADE against the paper's formulas, written out naively."""

from functools import partial

import pytest
import torch
from agreement import agreement
from pixels import multiplications, random_model

from course_utils.models import MADE, NADE
from course_utils.models.nade import Recursion
from course_utils.universe import all_images, state_index

random_nade = partial(random_model, partial(NADE, hidden=7), by=1.0)  # no conditional is near ½


def naive_logits(model: NADE, x: torch.Tensor) -> torch.Tensor:
    """b_i + V_i · σ(c + Σ_{j<i} W_j x_j), each i from scratch: O(D²H)."""
    x = x.flatten(1)[:, model.order]
    W, V, b = (weights[model.order] for weights in (model.W, model.V, model.b))
    logits = [torch.sigmoid(model.c + x[:, :i] @ W[:i]) @ V[i] + b[i] for i in range(model.dims)]
    return torch.stack(logits, 1)


SHAPES = [(1, 1, 1), (1, 3, 3), (1, 5, 5), (2, 3, 4)]  # below, at and across the blocks of 8 pixels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("block", [1, 3, 8, 64])
def test_recursion_equals_naive_sum_and_so_do_its_gradients(shape, block):
    """B4: the O(DH) recursion is the O(D²H) definition, forwards and backwards, in x too."""
    model = random_nade(shape)
    x = (torch.rand(6, *shape) < 0.5).double().flatten(1).requires_grad_()
    inputs, weight = [x, *model.parameters()], torch.randn(6, model.dims).double()
    fast = Recursion.apply(x, model.W, model.V, model.c, block) + model.b
    slow = naive_logits(model, x.view(6, *shape))
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-12)
    got, want = (torch.autograd.grad((y * weight).sum(), inputs) for y in (fast, slow))
    for g, w in zip(got, want, strict=True):
        torch.testing.assert_close(g, w, rtol=0, atol=1e-9)


@pytest.mark.parametrize("system", [NADE, MADE])
def test_second_derivatives_are_refused_and_not_wrong(system):
    """Their own backward passes have none: autograd would leave terms out without a word."""
    model, x = system((1, 3, 3)), torch.rand(2, 9, requires_grad=True)
    (slope,) = torch.autograd.grad(model.logits(x).sin().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        slope.square().sum().backward()


def test_log_prob_has_the_gradient_in_x_of_a_plain_loop():
    """x enters twice: as what is predicted and as what predicts."""
    model = random_nade((2, 1, 5), order=[8, 3, 1, 0, 7, 5, 2, 6, 9, 4])
    x = (torch.rand(4, 2, 1, 5) < 0.5).double().requires_grad_()
    logits = naive_logits(model, x)
    slow = (x.flatten(1)[:, model.order] * logits - torch.nn.functional.softplus(logits)).sum()
    got, want = (torch.autograd.grad(y, x)[0] for y in (model.log_prob(x).sum(), slow))
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_cost_grows_linearly_in_the_number_of_pixels():
    """Four times the pixels cost four times the multiplications, counted, not timed."""

    def cost(dims: int) -> int:
        model, x = NADE((1, 1, dims), hidden=64), torch.zeros(2, 1, 1, dims)
        return multiplications(torch.enable_grad()(lambda: model.loss(x).backward()))

    assert cost(512) / cost(128) == pytest.approx(4, rel=0.02)


def test_temperature_sharpens_each_conditional():
    """Near 0 every pixel takes its likelier value; at 2 the distribution is that of halved log-odds."""
    model = random_nade()
    cold = model.sample(5, temperature=1e-6)
    assert ((model.conditionals(cold) > 0.5) == (cold == 1)).all()
    torch.manual_seed(0)
    logits = naive_logits(model, all_images(3, 3).double()) / 2
    x = all_images(3, 3).double().flatten(1)
    log_p = (x * logits - torch.nn.functional.softplus(logits)).sum(1)

    warm = model.sample(100_000, temperature=2.0, generator=torch.Generator().manual_seed(2))
    assert agreement(state_index(warm), log_p).p_value > 1e-4
