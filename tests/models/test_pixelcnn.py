"""PixelCNN: nothing leaks, the blind spot is where it should be, fast sampling is exact."""

from functools import partial

import pixels
import pytest
import torch
from pixels import past, seen

from course_utils.models import PixelCNN
from course_utils.universe import all_images

random_model = partial(pixels.random_model, partial(PixelCNN, hidden=6, blocks=2, first_kernel=3))


def test_a_new_model_measures_without_dropout():
    """Untouched, with dropout: Σ_x p(x) = 1, and the same number twice."""
    model = PixelCNN((1, 3, 3), hidden=6, dropout=0.5).double()
    x = all_images(3, 3).double()
    log_p = model.log_prob(x)
    torch.testing.assert_close(log_p.logsumexp(0).exp().item(), 1.0, atol=1e-12, rtol=0)
    torch.testing.assert_close(model.log_prob(x), log_p, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("blocks", "unseen"), [(3, 22), (5, 6), (6, 6), (9, 6)])
def test_the_blind_spot_of_stacked_masks(blocks, unseen):
    """B6: on 8×8 at pixel (6, 3), 3×3 kernels leave 6 of 51 context pixels unseen at any depth.

    Each layer reaches one row further up: with five blocks after the first layer that is the top row.
    """
    model = random_model((1, 8, 8), blocks=blocks)
    blind = past(model, 6, 3) & ~seen(model, 6, 3)
    assert past(model, 6, 3).sum() == 51 and blind.sum() == unseen
    rows, columns = blind[0].nonzero().T
    further_right_than_up = columns - 3 > 6 - rows
    assert further_right_than_up.sum() == 6 and (further_right_than_up | (rows < 6 - 1 - blocks)).all()


def test_depth_cannot_see_around_the_corner_but_two_stacks_can():
    """The gated pair sees all 51; one layer less than it needs to reach the first row does not."""
    model = random_model((1, 8, 8), gated=True, blocks=5)
    assert torch.equal(seen(model, 6, 3), past(model, 6, 3))
    shallow = random_model((1, 8, 8), gated=True, blocks=4)
    assert not seen(shallow, 6, 3)[0, 0].any() and seen(shallow, 6, 3)[0, 1].any()


def test_levels_are_named():
    with pytest.raises(ValueError, match=r"grey levels k/\(L−1\), L = 5, got a value 0.3"):
        PixelCNN((1, 2, 2), levels=5).log_prob(torch.full((2, 1, 2, 2), 0.3))


def test_colours_take_turns():
    assert random_model((3, 1, 3)).order.tolist() == [0, 3, 6, 1, 4, 7, 2, 5, 8]
