"""GSN: its chain step by step, what walkback trains, and the distribution that its samples have."""

from functools import partial

import pytest
import torch
from agreement import agreement, sample_agreement
from pixels import random_model
from torch.nn.functional import binary_cross_entropy

from course_utils.models.denoising import log_corruption, pixelwise, stationary_distribution
from course_utils.models.gsn import GSN
from course_utils.universe import all_images, state_index

KINDS = [
    {"hidden": (20,), "walkback": 3},
    {"hidden": (20, 10)},
    {"hidden": (12, 10, 8), "walkback": 5},
    {"hidden": (12, 10, 8, 6), "walkback": 3},
]


random_gsn = partial(random_model, partial(GSN, hidden=(20, 10)))


def stream(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n=6, shape=(1, 3, 3)):
    return (torch.rand(n, *shape, dtype=torch.double, generator=stream(7)) < 0.5).double()


@pytest.mark.parametrize("kinds", KINDS)
def test_an_update_is_the_formula_layer_by_layer(kinds):
    """Odd layers from their neighbours as they were, then even layers, then the reconstruction."""
    model = random_gsn(**kinds, latent_noise=0.0)
    x, L = batch(), len(model.W)
    h = [torch.randn(6, b.numel(), dtype=torch.double) for b in list(model.b)[1:]]
    new, logits = model.update(x, h, None)
    old = [x.flatten(1), *h]
    for odd in (True, False):
        for layer in (i for i in range(1, L + 1) if i % 2 == odd):
            a = model.b[layer] + old[layer - 1] @ model.W[layer - 1].T
            old[layer] = torch.tanh(a + old[layer + 1] @ model.W[layer] if layer < L else a)
    for ours, theirs in zip(new, old[1:], strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(logits, model.b[0] + new[0] @ model.W[0])


def test_latent_noise_comes_before_and_after_the_activation():
    """σ ε′ alone has the variance σ²; that of tanh(a + σ ε) adds to it what quadrature says."""
    model = random_gsn(latent_noise=0.7)
    x = batch(1).expand(40_000, -1, -1, -1)
    h, _ = model.update(x, model.rest(x).h, stream())
    torch.testing.assert_close(h[0], h[0][:1].expand_as(h[0]))  # the reconstruction reads what has no noise
    a = model.b[2] + h[0][0] @ model.W[1].T
    grid = torch.linspace(-8, 8, 2001, dtype=torch.double)
    weight = torch.softmax(-grid.square() / 2, 0)
    inner = torch.tanh(a[:, None] + 0.7 * grid)
    mean = inner @ weight
    variance = inner.square() @ weight - mean.square() + 0.7**2
    torch.testing.assert_close(h[1].mean(0), mean, rtol=0, atol=0.03)
    torch.testing.assert_close(h[1].var(0), variance, rtol=0.05, atol=0)


@pytest.mark.parametrize("kinds", KINDS)
def test_walkback_gives_every_reconstruction_of_a_chain_the_same_target(kinds):
    """walk and chain use the same random numbers: −log P(x₀ | h_k) at each step of the chain from x₀."""
    model = random_gsn(**kinds)
    x = batch()
    states = list(model.chain(x, model.walkback, generator=stream(3)))
    costs = [binary_cross_entropy(s.p, x, reduction="none").flatten(1).sum(1) for s in states]
    nats = model.walk(x, generator=stream(3))
    assert nats.shape == (model.walkback, len(x))
    torch.testing.assert_close(nats, torch.stack(costs))
    torch.manual_seed(5)
    loss = model.loss(x)
    torch.manual_seed(5)
    assert loss == model.walk(x).mean() and loss > 0


@pytest.mark.parametrize("kinds", KINDS)
def test_the_gradient_passes_through_every_step(kinds):
    """Central differences of each step's cost at fixed random numbers: too small to change a drawn pixel."""
    model = random_gsn(**kinds)
    x, parameters = batch(), list(model.parameters())
    torch.manual_seed(1)
    directions = [torch.randn_like(p) for p in parameters]

    def moved(by):
        for p, d in zip(parameters, directions, strict=True):
            p.data.add_(by * d)
        states = [s.x for s in model.chain(x, model.walkback, generator=stream(2))]
        costs = model.walk(x, generator=stream(2)).mean(1).detach()
        for p, d in zip(parameters, directions, strict=True):
            p.data.sub_(by * d)
        return states, costs

    (before, low), (after, high) = moved(-1e-6), moved(1e-6)
    assert all(map(torch.equal, before, after))
    for k, cost in enumerate(model.walk(x, generator=stream(2)).mean(1)):
        gradients = torch.autograd.grad(cost, parameters, retain_graph=True, allow_unused=True)
        slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g is not None)
        assert slope.item() == pytest.approx(((high - low) / 2e-6)[k].item(), rel=1e-5, abs=1e-7)
    model.loss(x).backward()
    assert all(p.grad.abs().sum() > 0 for p in parameters)


@pytest.mark.parametrize("hidden, forgets", [((20,), True), ((20, 10), False)])
def test_the_latent_state_remembers_what_the_image_has_lost(hidden, forgets):
    """From the second step on the chain is not ``step`` again; with one layer it is."""
    model = random_gsn(hidden=hidden)
    states = list(model.chain(batch(500), 2, generator=stream(4)))
    generator = stream(4)
    x = model.step(batch(500), generator=generator)
    assert torch.equal(x, states[0].x)
    if not forgets:  # the chain has drawn the noise of the second layer, and so has step
        assert states[0].h[1].std() > 0.5
    assert torch.equal(model.step(x, generator=generator), states[1].x) == forgets
    opposite = states[0]._replace(h=tuple(-h for h in states[0].h))
    pair = [model.advance(state, generator=stream(8)).p for state in (states[0], opposite)]
    assert ((pair[0] - pair[1]).abs().max() < 1e-12) == forgets


@torch.no_grad()
def transition_matrix(model):
    """T(x, x′) = Σ_x̃ C(x̃ | x) P(x′ | h(x̃)) of a ``step``: from rest, h¹ is a function of x̃ alone."""
    states = all_images(3, 3).double()
    _, logits = model.update(states, model.rest(states).h, None)
    return log_corruption(states, states, model.noise).exp() @ pixelwise(logits, states).exp()


@pytest.mark.parametrize("kinds", KINDS)
def test_a_step_has_the_transition_matrix_of_its_formula(kinds):
    """Rows sum to 1, each is what 30,000 steps do, and twice the noise is another matrix."""
    model = random_gsn(**kinds, noise=0.4)
    T, states = transition_matrix(model), all_images(3, 3).double()
    assert (T.sum(1) - 1).abs().max() < 1e-12
    other = transition_matrix(random_gsn(**kinds, noise=0.8))
    for row in (0, 341):
        x = model.step(states[row].expand(30_000, -1, -1, -1), generator=stream(row))
        for matrix, agrees in ((T, True), (other, False)):
            assert (agreement(state_index(x), matrix[row].log()).p_value > 1e-4) == agrees


@pytest.mark.slow
def test_samples_have_the_stationary_distribution_of_the_transition():
    """B21 for a chain: without a memory, histogram and solved equations agree."""
    model = random_gsn(hidden=(20,), noise=0.5, by=0.7, mixing=30)
    distribution = stationary_distribution(transition_matrix(model))
    uniform = torch.full((512,), 1 / 512).double()
    assert (distribution - uniform).abs().sum() / 2 > 0.3
    assert sample_agreement(model, distribution.log(), 30_000, generator=stream()).p_value > 1e-4
    other = stationary_distribution(transition_matrix(random_gsn(hidden=(20,), noise=0.25, by=0.7)))
    assert sample_agreement(model, other.log(), 5000, generator=stream()).p_value < 1e-9


def test_a_sample_is_the_end_of_a_chain_from_noise():
    model = random_gsn(mixing=7)
    u = torch.rand(40, 1, 3, 3, generator=(g := stream(5)), dtype=torch.double)
    *_, last = model.chain((u < 0.5).double(), 7, generator=g)
    assert torch.equal(model.sample(40, generator=stream(5)), last.x)
    assert not torch.equal(model.sample(40, steps=3, generator=stream(5)), last.x)
    for steps in (0, -1, 1.5, True, "3"):
        with pytest.raises(ValueError, match="GSN.chain"):
            model.chain(batch(), steps)


def test_what_early_stopping_watches_is_the_loss_with_fixed_noise():
    model, x = random_gsn(), batch(200)
    before = torch.get_rng_state()
    value = model.held_out(x)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(0)
    draws = torch.stack([model.loss(x).detach() for _ in range(50)])
    assert abs(value - draws.mean()) < 4 * draws.std() / 8**0.5


def test_samples_start_at_noise_or_at_a_blank_image():
    torch.manual_seed(0)
    for start, ink in (("noise", 0.5), ("blank", 0.0)):
        model = GSN((1, 8, 8), hidden=(4,), noise=0.0, start=start)
        model.W[0].data.copy_(torch.zeros(4, 64))
        model.W[0].data[0] = 20.0
        model.b[0].data.fill_(-10.0)
        model.b[1].data[0] = -20.0 * 16  # the unit is on for images with more than a quarter of ink
        assert abs(model.sample(200, steps=1).mean() - round(ink + 0.1)) < 0.01
    with pytest.raises(ValueError, match="GSN: start: expected one of noise, blank"):
        GSN((1, 8, 8), start="zero")
    with pytest.raises(ValueError, match=r"GSN\.beginning: expected a positive integer, got 0"):
        model.beginning(0)
