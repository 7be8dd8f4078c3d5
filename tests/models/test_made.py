"""MADE: what its masks forbid, and sampling that computes each hidden unit once."""

from functools import partial

import pytest
import torch
from pixels import multiplications, random_model

from course_utils.models.made import MADE
from course_utils.nets import MaskedLinear, random_degrees, spread_degrees
from course_utils.universe import all_images

SHUFFLED = [8, 3, 1, 0, 7, 5, 2, 6, 4]
KINDS = [
    {},
    {"order": SHUFFLED},
    {"hidden": (11, 7)},
    {"hidden": (11, 7), "order": SHUFFLED, "direct": False},
    {"hidden": (30, 30, 30), "order": "random", "masks": 3},
    {"hidden": (30, 30), "masks": 3, "direct": False},
]


random_made = partial(random_model, partial(MADE, hidden=(20,)), by=1.0)  # no conditional is near ½


def members(**kinds) -> list[MADE]:
    return random_made(**kinds).members()


def full_pass_a_pixel(model: MADE, u: torch.Tensor, temperature=1.0, given=None, start=0) -> torch.Tensor:
    """Ancestral sampling by a whole forward pass for every pixel, from the same uniform numbers."""
    x = torch.zeros_like(u) if given is None else given.flatten(1).clone()
    x[:, model.order[start:]] = 0
    with torch.no_grad():
        for i in range(start, model.dims):
            pixel = model.order[i]
            p = torch.sigmoid(model.logits(x)[:, pixel] / temperature)
            x[:, pixel] = (u[:, i] < p).to(x)
    return x.view(-1, *model.event_shape)


def test_masked_linear_is_linear_with_masked_weights_and_leaves_them_alone():
    torch.manual_seed(0)
    layer, x = MaskedLinear(5, 4).double(), torch.randn(3, 5, dtype=torch.double)
    mask, before = torch.rand(4, 5) < 0.5, layer.weight.detach().clone()
    y = layer(x, mask)
    torch.testing.assert_close(y, x @ (layer.weight * mask).T + layer.bias)
    y.sum().backward()
    assert torch.equal(layer.weight, before) and (layer.weight.grad[~mask] == 0).all()
    assert torch.equal(layer(x, torch.ones(4, 5, dtype=torch.bool)), torch.nn.Linear.forward(layer, x))


def test_degrees_lie_between_1_and_one_less_than_the_pixels():
    assert set(spread_degrees(500, 64).tolist()) == set(range(1, 64))
    counts = spread_degrees(500, 64).bincount()[1:]
    assert counts.max() - counts.min() <= 1 and (spread_degrees(9, 64).diff() > 0).all()
    drawn = random_degrees(2000, 9, 3, torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == {3, 4, 5, 6, 7, 8}
    assert spread_degrees(4, 1).tolist() == random_degrees(4, 1, 1, torch.Generator()).tolist() == [1] * 4


@pytest.mark.parametrize("kinds", KINDS)
def test_the_product_of_the_masks_is_strictly_lower_triangular_in_the_order(kinds):
    """B5; counted by hand from the masks, and every pixel before reaches every output where units suffice."""
    for member in members(**kinds):
        paths = torch.eye(9).double()
        for mask in member.masks:
            paths = mask.double() @ paths
        in_order = paths[member.order][:, member.order]
        assert (in_order.triu() == 0).all()
        reach = member.connections()
        assert torch.equal(reach, (paths > 0) | (member.direct_mask if member.direct else paths > 0))
        if member.count == 1:
            assert (in_order[1:, :-1].tril() > 0).any()
            before = torch.ones(9, 9).tril(-1) > 0
            assert len(member.degrees) > 2 or torch.equal(reach[member.order][:, member.order], before)


def test_no_hidden_unit_is_dead():
    """Degrees are drawn from the lowest of the layer below on: below that, a unit would read nothing."""
    for seed in range(20):
        for member in MADE((1, 1, 17), hidden=(3, 3, 3), masks=4, order="random", seed=seed).members():
            assert all(mask.any(1).all() for mask in member.masks[:-1])


def test_training_is_that_of_a_plain_masked_network():
    """Strips leave out only what the masks forbid, whatever the order."""
    for kinds in (*KINDS[:4], {"hidden": (3, 2)}):
        (model,) = members(**kinds)
        x = torch.rand(5, 9, dtype=torch.double, requires_grad=True)
        layers = [layer for layer in model.modules() if isinstance(layer, MaskedLinear)]
        inputs = [x, *model.parameters()]
        values = []
        for kept in (True, False):
            if not kept:  # a mask that comes with the call takes the plain way
                masks = [*model.masks, model.direct_mask][: len(layers)]
                for layer, mask in zip(layers, masks, strict=True):
                    layer.forward = lambda x, _=None, layer=layer, m=mask: MaskedLinear.forward(layer, x, m)
            y = model.logits(x).sin().sum()
            values.append([y, *torch.autograd.grad(y, inputs)])
        for fast, plain in zip(*values, strict=True):
            torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("shape", [(1, 3, 3), (1, 1, 1), (2, 3, 4)])
def test_cached_sampling_draws_the_samples_of_a_full_pass_per_pixel(kinds, shape):
    """From the same uniform numbers, at any temperature, from any pixel on: equal, not close."""
    if shape != (1, 3, 3) and not isinstance(kinds.get("order"), str | None):
        kinds = kinds | {"order": list(reversed(range(torch.Size(shape).numel())))}
    for member in members(shape=shape, **kinds):
        u = torch.rand(50, member.dims, dtype=torch.double)
        given = (torch.rand(50, *shape) < 0.5).double()
        for temperature, start in ((1.0, 0), (0.3, 0), (1.0, member.dims // 2), (1.0, member.dims)):
            with torch.no_grad():
                fast = member._draw(u, temperature, given if start else None, start)
            slow = full_pass_a_pixel(member, u, temperature, given if start else None, start)
            assert torch.equal(fast, slow)


def test_sampling_costs_less_than_one_pass_through_the_network():
    """Multiplications counted, not timed: a full pass per pixel would cost D times as many."""
    model = MADE((1, 12, 12), hidden=(200, 200))
    one_pass = 2 * 16 * sum(layer.weight.numel() for layer in [*model.layers, model.direct])
    assert 0.2 * one_pass < multiplications(lambda: model.sample(16)) < one_pass


def test_masks_travel_with_the_weights():
    for kinds in ({"masks": 3, "order": "random"}, {"order": SHUFFLED}):
        model, x = random_made(**kinds), all_images(3, 3).double()
        other = {"order": list(reversed(SHUFFLED))} if kinds == {"order": SHUFFLED} else kinds
        twin = MADE((1, 3, 3), hidden=(20,), **other, seed=5).double()
        twin.load_state_dict(model.state_dict())
        torch.testing.assert_close(twin.log_prob(x), model.log_prob(x), rtol=0, atol=1e-12)
        samples = [m.sample(40, generator=torch.Generator().manual_seed(0)) for m in (model, twin)]
        assert torch.equal(*samples)


def test_members_share_the_weights_and_speak_with_masks_of_their_own():
    model = random_made(masks=3, order="random")
    first, second, third = model.members()
    assert all(a is b for a, b in zip(first.parameters(), third.parameters(), strict=True))
    assert not torch.equal(first.order, second.order) and model.which == 0
    x = all_images(3, 3).double()
    torch.testing.assert_close(model.log_prob(x), first.log_prob(x))
    assert (first.log_prob(x) - second.log_prob(x)).abs().max() > 0.1


def test_masks_follow_the_seed_alone():
    torch.manual_seed(1)
    a = MADE((1, 4, 4), masks=4, order="random", seed=3)
    b, c = (MADE((1, 4, 4), masks=4, order="random", seed=seed) for seed in (3, 4))
    assert torch.equal(a.orders, b.orders) and torch.equal(a.degrees_0, b.degrees_0)
    assert not torch.equal(a.orders, c.orders) and not torch.equal(a.degrees_0, c.degrees_0)
