"""Any-order autoregression: mass 1 under any order, mixtures of all of them, samples that agree."""

from itertools import permutations

import pytest
import torch
from agreement import sample_agreement
from test_flow_matching import shaken

from course_utils.evaluation import state_log_probs
from course_utils.models.any_order import AnyOrder
from course_utils.training import fit
from course_utils.universe import all_images, bars_and_stripes

SHAPE = (1, 2, 3)
STATES = all_images(2, 3).double()


def build(shape=SHAPE, **settings) -> AnyOrder:
    return shaken(AnyOrder(shape, **{"hidden": 12, **settings}), 1.5)


def log_prob_in(model, x, order) -> torch.Tensor:
    """log p(x) of the one order in which pixels are visited."""
    return model._in_order(x.flatten(1), torch.tensor(order).argsort())


def of_every_order(model, x) -> torch.Tensor:
    return torch.stack([log_prob_in(model, x, order) for order in permutations(range(model.dims))])


@pytest.mark.parametrize("orders", [1, 3, None])
def test_the_mass_is_one_and_samples_agree(orders):
    """B2, B21: any weights, any orders."""
    model = build(orders=orders)
    log_p = state_log_probs(model)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-12)
    assert (log_p + 6 * torch.tensor(2.0).log()).abs().max() > 0.5  # far from uniform
    agreement = sample_agreement(model, log_p, 40_000, generator=torch.Generator().manual_seed(0))
    assert agreement.p_value > 1e-4


def test_the_recursion_over_subsets_is_the_mean_over_all_orders():
    """2^D sets stand for D! orders: against all 120 of them, one by one."""
    model = build((1, 1, 5), orders=None)
    x = all_images(1, 5).double()
    each = of_every_order(model, x)
    torch.testing.assert_close(model.log_prob(x).exp(), each.exp().mean(0), rtol=1e-10, atol=0)
    assert each.std(0).max() > 0.1  # orders differ
    assert (each.exp().sum(1) - 1).abs().max() < 1e-12  # and each is a distribution


def test_probabilities_are_averaged_over_the_orders_it_has():
    """B3."""
    model = build(orders=3)
    by_hand = sum(model._in_order(STATES.flatten(1), place).exp() for place in model.places) / 3
    torch.testing.assert_close(model.log_prob(STATES).exp(), by_hand)
    twin, other = AnyOrder(SHAPE, orders=3), AnyOrder(SHAPE, orders=3, seed=1)
    assert torch.equal(twin.places, model.places) and not torch.equal(other.places, model.places)


def test_one_order_is_the_product_of_conditionals():
    model, order = build(), [4, 0, 5, 2, 1, 3]
    known, total = torch.zeros(SHAPE, dtype=torch.bool), torch.zeros(64).double()
    for pixel in order:
        p = model.conditionals(STATES, known).flatten(1)[:, pixel]
        total += torch.where(STATES.flatten(1)[:, pixel] == 1, p, 1 - p).log()
        known.view(-1)[pixel] = True
    torch.testing.assert_close(log_prob_in(model, STATES, order), total)


def test_what_is_unknown_does_not_matter():
    model = build()
    known = torch.tensor([[[True, False, True], [False, False, True]]])
    x, other = STATES[:20], torch.where(known, STATES[:20], 1 - STATES[:20])
    torch.testing.assert_close(model.conditionals(x, known), model.conditionals(other, known))
    each = known.expand(20, *SHAPE)
    torch.testing.assert_close(model.conditionals(x, each), model.conditionals(x, known))
    assert (model.conditionals(x, known) - model.conditionals(x, ~known)).abs().max() > 0.01


@pytest.mark.slow
def test_the_mean_loss_over_all_sets_is_the_mean_over_all_orders():
    """E_k E_m D/(D − k) Σ_unknown −log p = E_order −log p_order, a bound on the mixture's −log p (Jensen)."""
    model = build((1, 1, 4), orders=None)
    x = all_images(1, 4).double()
    mean = -of_every_order(model, x).mean().item()
    torch.manual_seed(0)
    with torch.no_grad():
        losses = torch.stack([model.train().loss(x) for _ in range(4000)])
    error = losses.std().item() / 4000**0.5
    assert losses.mean().item() == pytest.approx(mean, abs=5 * error + 1e-3)
    assert losses.mean() > -model.eval().log_prob(x).mean()


@pytest.mark.parametrize("levels", [2, 4])
def test_completion_keeps_what_is_known_and_has_the_right_distribution(levels):
    model = build(levels=levels)
    x = model.sample(3000, generator=torch.Generator().manual_seed(0))
    x[:] = x[:1]
    known = torch.tensor([[[True, True, False], [True, True, True]]])  # one pixel is left
    done = model.complete(x, known, generator=torch.Generator().manual_seed(1))
    assert torch.equal(done[:, known], x[:, known])
    p = model.conditionals(x[:1], known)[0, 0, 0, 2]
    p = torch.stack([1 - p, p]) if levels == 2 else p
    share = torch.bincount((done[:, 0, 0, 2] * (levels - 1)).round().long(), minlength=levels) / 3000
    assert (share - p).abs().max() < 0.05
    assert torch.equal(model.complete(x, torch.ones(SHAPE, dtype=torch.bool)), x)
    nothing = model.complete(x[:50], torch.zeros(SHAPE, dtype=torch.bool))
    assert nothing.unique(dim=0).shape[0] > 5


def test_given_all_but_a_few_the_completion_is_bayes_rule_of_an_order():
    """Two unknown pixels: drawn in both orders, equally often."""
    model = build(orders=None)
    known = torch.tensor([[[True, True, True], [True, False, False]]])
    x = STATES[44:45]
    both = x.expand(4, *SHAPE).clone()
    both[:, 0, 1, 1:] = all_images(1, 2).double()[:, 0, 0]

    def chain(first, second):
        seen = known.clone()
        p = model.conditionals(both, seen)[:, 0, 1, first]
        seen[0, 1, first] = True
        q = model.conditionals(both, seen)[:, 0, 1, second]
        a, b = both[:, 0, 1, first], both[:, 0, 1, second]
        return torch.where(a == 1, p, 1 - p) * torch.where(b == 1, q, 1 - q)

    due = (chain(1, 2) + chain(2, 1)) / 2
    assert due.sum().item() == pytest.approx(1)
    n = 20_000
    drawn = model.complete(x.expand(n, *SHAPE), known, generator=torch.Generator().manual_seed(0))
    index = (2 * drawn[:, 0, 1, 1] + drawn[:, 0, 1, 2]).long()
    assert (torch.bincount(index, minlength=4) / n - due).abs().max() < 0.02


def test_fewer_steps_are_fewer_passes():
    model, calls = build(), []
    model.net.register_forward_hook(lambda *_: calls.append(1))
    for steps, passes in ((None, 6), (2, 2), (1, 1), (100, 6)):
        calls.clear()
        x = model.sample(5, steps=steps)
        assert len(calls) == passes and x.shape == (5, *SHAPE)
    same = [model.sample(9, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*same)
    blank, u = torch.zeros(1, 6).double(), torch.rand(1, 6).double()
    seen = list(model.uncovered(blank, torch.arange(6)[None], u, [0, 2, 6]))
    assert len(seen) == 3 and seen[0].sum() == 0 and torch.equal(seen[1][:, :2], seen[2][:, :2])


def test_grey_levels_have_mass_one_too():
    model = build((1, 1, 3), levels=3, orders=2)
    grid = torch.tensor([0.0, 0.5, 1.0]).double()
    x = torch.cartesian_prod(grid, grid, grid).view(27, 1, 1, 3)
    assert model.log_prob(x).exp().sum().item() == pytest.approx(1, abs=1e-12)
    assert set(model.sample(200).unique().tolist()) <= {0.0, 0.5, 1.0}


@pytest.mark.slow
def test_it_learns_and_the_mixture_is_better_than_its_orders():
    universe = bars_and_stripes(2)
    x = universe.sample(3000, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = AnyOrder((1, 2, 2), hidden=32, orders=None, dropout=0.0)
    fit(model, x, epochs=10, lr=1e-2, progress=False, device="cpu")
    p = universe.log_p.exp()
    mixed = (p * (universe.log_p - state_log_probs(model))).sum().item()
    single = [(p * (universe.log_p - log_p)).sum() for log_p in of_every_order(model, universe.states)]
    assert 0 <= mixed < sum(single).item() / len(single) and mixed < 0.05


def test_bad_input_is_named():
    model, x = build(), STATES[:2]
    bad = (None, torch.ones(6).bool(), torch.ones(SHAPE), torch.ones(3, *SHAPE).bool())
    for known in bad:
        for verb in (model.conditionals, model.complete):
            with pytest.raises(ValueError, match="AnyOrder.*known"):
                verb(x, known)
    with pytest.raises(ValueError, match="AnyOrder"):
        model.sample(2, steps=0)
