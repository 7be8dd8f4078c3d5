"""The explorers of notebook 20: what they show is the model's own way, and guidance is put back."""

import pytest
import torch
from drawn import drawn
from explorer_inputs import told
from torch import nn

from course_utils.explorers import ffjord
from course_utils.explorers import where_the_tree_has_grown as grown
from course_utils.models import NADE
from course_utils.models.any_order import AnyOrder
from course_utils.models.diffusion import Diffusion
from course_utils.models.flow_matching import FlowMatching


def test_who_knows_what_is_under_the_noise_guesses_it_at_every_level(monkeypatch):
    torch.manual_seed(0)
    model, x, pictures = Diffusion((1, 4, 8), hidden=8), torch.rand(5, 1, 4, 8), []
    explorer = grown.guessed(model, x)
    y = model.enter(x)[0].flatten(1)

    class Knowing(nn.Module):
        def forward(self, t, z):  # v of the true y
            signal, spread = model.levels(t)
            return (signal * z - y) / spread

    model.net = Knowing()
    monkeypatch.setattr(grown.plots, "images", lambda x, **_: pictures.append(x.view(3, 5, 1, 4, 8)))
    for time in (0.0, 0.4, 1.0):
        drawn(explorer, time=time)
    for real, _, guess in pictures:
        assert torch.allclose(real, x, atol=1e-4) and torch.allclose(guess, x, atol=1e-2)
    far = [(noisy - x).abs().mean() for _, noisy, _ in pictures]
    assert far[0] > far[1] > 4 * far[2]


def test_every_row_goes_from_one_noise_to_what_its_guidance_makes_of_it(monkeypatch):
    (model,), pictures = told(), []
    explorer = grown.guided(model)
    monkeypatch.setattr(grown.plots, "images", lambda x, **_: pictures.append(x.view(3, 10, 1, 8, 8)))
    model.guidance = 0.5
    for time in (0.0, 1.0):
        drawn(explorer, time=time)
    assert model.guidance == 0.5
    z = torch.randn(10, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(pictures[0], model.enter.inverse(z).expand(3, 10, 1, 8, 8))
    for row, w in zip(pictures[1], grown.GUIDANCE, strict=True):
        model.guidance = w
        with torch.no_grad():
            assert torch.allclose(row, model.decode(z, torch.arange(10)), atol=1e-5)
    assert (pictures[1][0] - pictures[1][2]).abs().max() > 0.01


def test_drawn_pixels_stay_and_the_others_show_their_probability(monkeypatch):
    torch.manual_seed(0)
    model, pictures = AnyOrder((1, 8, 8), hidden=16), []
    explorer = grown.uncover(model)
    monkeypatch.setattr(grown.plots, "images", lambda x, **_: pictures.append(x))
    for pixels in (0, 20, 40, 64):
        drawn(explorer, pixels=pixels, at_once=4, seed=1)
    certain = [(x == 0) | (x == 1) for x in pictures]
    assert [int(c.flatten(1).sum(1).unique()) for c in certain] == [0, 20, 40, 64]
    for before, after, kept in zip(pictures, pictures[1:], certain, strict=False):
        assert torch.equal(before[kept], after[kept])
    p = model.conditionals(torch.zeros(12, 1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.bool))
    assert torch.allclose(pictures[0], p)


class Inward(nn.Module):
    """A velocity that grows so fast with the distance that the way back overflows."""

    def forward(self, t, z):
        return -30 * z * z.square().sum(1, keepdim=True)


def test_where_the_way_back_to_noise_overflows_there_is_no_mass():
    model = FlowMatching((2,))
    model.dynamics = Inward()
    _, densities = ffjord.film(model)
    assert densities.isfinite().all() and densities[-1, 0, 0] == 0 < densities[-1].max()


def test_the_film_of_a_flow_is_what_its_own_solver_says_of_every_moment():
    """In as many steps as each moment needs: points and densities move by less than one sees."""
    torch.manual_seed(0)
    model = FlowMatching((2,), hidden=8, steps=20)
    for parameter in model.dynamics.parameters():
        nn.init.normal_(parameter, std=0.1)
    solver, close = model.solver, {"atol": 1e-3, "rtol": 1e-3}
    points, densities = ffjord.film(model)
    assert model.solver is solver and len(points) == len(densities) == ffjord.MOMENTS + 1
    side = torch.linspace(-ffjord.EXTENT, ffjord.EXTENT, ffjord.RESOLUTION)
    for i in (0, 7, ffjord.MOMENTS):
        with torch.no_grad():
            moved, _ = model.transport(points[0], 0.0, i / ffjord.MOMENTS)
            start, log_det = model.transport(torch.stack([side, side], 1), i / ffjord.MOMENTS, 0.0)
        torch.testing.assert_close(points[i], moved, **close)
        density = (model.prior.log_prob(start) + log_det).exp()
        torch.testing.assert_close(densities[i].diagonal(), density, **close)


def test_models_of_another_kind_are_named():
    with pytest.raises(ValueError, match="guessed: expected"):
        grown.guessed(NADE((1, 8, 8)), torch.rand(2, 1, 8, 8))
    with pytest.raises(ValueError, match="Diffusion: expected"):
        grown.guessed(Diffusion((1, 4, 8), hidden=8), torch.rand(2, 1, 8, 8))
    for explorer in (grown.guided, grown.uncover):
        with pytest.raises(ValueError, match=f"{explorer.__name__}: expected"):
            explorer(NADE((1, 8, 8)))
    with pytest.raises(ValueError, match="uncover"):
        grown.uncover(AnyOrder((1, 4, 4), levels=3))
