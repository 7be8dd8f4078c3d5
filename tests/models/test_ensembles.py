"""Ensembles over orders: the mean of the members' probabilities, learned and drawn from in turn."""

import pytest
import torch
from agreement import sample_agreement

from course_utils.evaluation import state_log_probs
from course_utils.models.ensemble import OrderEnsemble
from course_utils.models.gan import GAN
from course_utils.models.made import MADE
from course_utils.models.nade import NADE
from course_utils.taxonomy import Autoregressive, TractableDensity, leaves, tree
from course_utils.universe import all_images

ORDERS = [list(range(9)), [8, 3, 1, 0, 7, 5, 2, 6, 4], [4, 5, 6, 7, 8, 0, 1, 2, 3]]
STATES = all_images(3, 3).double()


def spread(model: torch.nn.Module, size: float = 1.0) -> torch.nn.Module:
    """The model in float64 with large weights, so that its conditionals are far from ½."""
    torch.manual_seed(0)
    for parameter in model.double().parameters():
        parameter.data.normal_().mul_(size)
    return model.eval()


def nades() -> list[Autoregressive]:
    nade = spread(NADE((1, 3, 3), hidden=7))
    return [nade.reordered(order) for order in ORDERS]


def mades() -> list[Autoregressive]:
    return spread(MADE((1, 3, 3), hidden=(20, 20), masks=3, order="random"), 0.5).members()


def others() -> list[Autoregressive]:
    """Members with weights, orders and kinds of their own."""
    return [spread(NADE((1, 3, 3), order=ORDERS[1])), spread(MADE((1, 3, 3), order=ORDERS[2]), 0.3)]


MEMBERS = [nades, mades, others]


@pytest.mark.parametrize("members", MEMBERS)
def test_the_mixture_is_the_mean_of_probabilities_and_is_what_is_drawn(members):
    """B3, B21: a member is chosen, then its pixels are drawn."""
    ensemble = OrderEnsemble(members := members())
    by_hand = sum(state_log_probs(member).exp() for member in members) / len(members)
    log_p = state_log_probs(ensemble)
    torch.testing.assert_close(log_p.exp(), by_hand, rtol=1e-10, atol=1e-14)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-10)

    agreement = sample_agreement(ensemble, log_p, 60_000, generator=torch.Generator().manual_seed(0))
    assert agreement.p_value > 1e-4
    seeds = [torch.Generator().manual_seed(1) for _ in range(2)]
    assert torch.equal(*(ensemble.sample(20, generator=seed) for seed in seeds))


def test_every_sample_chooses_its_own_member():
    """Not the first few the first member: all black and all white images come in random order."""
    black, white = NADE((1, 1, 4)), NADE((1, 1, 4))
    black.b.data.fill_(-50)
    white.b.data.fill_(50)
    x = OrderEnsemble([black, white]).sample(400, generator=torch.Generator().manual_seed(0))[:, 0, 0, 0]
    assert 150 < x.sum() < 250 and 150 < (x.diff() != 0).sum() < 250


def test_members_take_turns_in_training_and_the_mixture_is_below_their_mean():
    """Jensen: −log of the mean of probabilities ≤ mean of −log."""
    ensemble = OrderEnsemble(others())
    x = STATES[::7]
    alone = [-member.log_prob(x).mean().item() for member in ensemble.members]
    turns = [ensemble.train().loss(x).item() for _ in range(4)]
    assert turns[:2] == turns[2:] and sorted(turns[:2]) == pytest.approx(sorted(alone))
    whole = ensemble.eval().loss(x).item()
    assert whole == pytest.approx(-ensemble.log_prob(x).mean().item())
    assert min(alone) - 1e-9 < whole + torch.tensor(2.0).log().item() and whole < sum(alone) / 2


def test_reordered_shares_the_weights_pixel_by_pixel():
    """In its own order the copy is the model; elsewhere it is the NADE whose rows are moved along."""
    nade = spread(NADE((1, 3, 3), hidden=5, order=ORDERS[1]))
    torch.testing.assert_close(nade.reordered(ORDERS[1]).log_prob(STATES), nade.log_prob(STATES))
    twin = nade.reordered(ORDERS[2])
    assert twin.W is nade.W and twin.b is nade.b and twin.order.tolist() == ORDERS[2] and not twin.training
    assert len(list(OrderEnsemble([nade, twin]).parameters())) == len(list(nade.parameters()))
    place = torch.tensor(ORDERS[2])
    plain = NADE((1, 3, 3), hidden=5).double()
    for name in "WVb":
        getattr(plain, name).data = getattr(nade, name).data[place]
    plain.c.data = nade.c.data
    moved = STATES.flatten(1)[:, place].view_as(STATES)
    torch.testing.assert_close(twin.log_prob(STATES), plain.log_prob(moved), rtol=0, atol=1e-12)
    assert (twin.log_prob(STATES) - nade.log_prob(STATES)).abs().max() > 0.1
    assert twin.train().reordered(ORDERS[0]).training


def test_an_ensemble_is_no_system_of_slide_14():
    assert OrderEnsemble not in set(leaves()) and OrderEnsemble.title not in tree()
    assert isinstance(OrderEnsemble(nades()), TractableDensity)
    assert not isinstance(OrderEnsemble(nades()), Autoregressive)


def test_bad_input_is_one_value_error_that_names_the_ensemble():
    nade = NADE((1, 3, 3))
    for members in ([], [nade, NADE((1, 2, 2))], [GAN((1, 3, 3))], [nade, None]):
        with pytest.raises(ValueError, match="OrderEnsemble: expected"):
            OrderEnsemble(members)
    with pytest.raises(ValueError, match="OrderEnsemble"):
        OrderEnsemble([nade]).log_prob(torch.zeros(1, 1, 2, 2))
