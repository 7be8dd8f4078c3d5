"""Backdrops: sky above, ground below, and where the one ends."""

import pytest
import torch

from course_utils.datasets import backdrops as drawn


def still(n: int) -> torch.Tensor:
    """Numbers for which there are no hills, clouds, texture or tint."""
    return torch.full((n, drawn.VARIABLES), 0.5)


@pytest.mark.parametrize("side", [32, 64])
def test_sky_and_ground_fade_from_one_colour_to_the_other(side: int) -> None:
    n = len(drawn.PALETTES)
    u = still(n)
    u[:, 0] = (torch.arange(n) + 0.5) / n
    u[:, 4] = torch.linspace(0, 1, n)
    x, low = drawn.backdrops(u, side)
    assert torch.allclose(low, 0.25 + 0.35 * u[:, 4], atol=1e-5)
    top, bottom, far, near, _ = torch.tensor(drawn.PALETTES).unbind(1)
    for i, line in enumerate((low * side).tolist()):
        above, under = int(line) - 1, int(line) + 1
        shade = x[i].mean(2).T  # (side, 3)
        for row, colour in ((0, top[i]), (above, bottom[i]), (under, far[i]), (side - 1, near[i])):
            assert (shade[row] - colour).abs().max() < 2.5 / min(line, side - line), (i, row)
        assert torch.allclose(x[i], shade.T[:, :, None].expand_as(x[i]), atol=1e-5), "no texture"
        for part in (shade[: above + 1], shade[under:]):
            steps = part.diff(dim=0)
            assert torch.allclose(steps, steps.mean(0).expand_as(steps), atol=1e-4), "evenly"


def test_under_the_lowest_sky_all_is_ground_and_the_sky_comes_so_low(monkeypatch: pytest.MonkeyPatch) -> None:
    red, blue = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
    monkeypatch.setattr(drawn, "PALETTES", ((red, red, blue, blue, blue),))
    u = torch.rand(100, drawn.VARIABLES, generator=torch.Generator().manual_seed(0))
    x, low = drawn.backdrops(u, 64)
    sky = (x[:, 0] > 0.5).any(2)  # (100, 64): rows with a pixel of sky
    lowest = (torch.arange(64) * sky).amax(1)
    assert ((lowest + 0.5 - 64 * low).abs() <= 1).all()
    highest_ground = (torch.arange(64) + 64 * (x[:, 0] > 0.5).all(2)).amin(1)
    assert (highest_ground < lowest).float().mean() > 0.5, "hills"
