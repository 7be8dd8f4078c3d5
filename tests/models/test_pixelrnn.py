"""PixelRNN: skewing, both kinds of recurrence written out pixel by pixel, and what each can see."""

import itertools
from functools import partial

import pixels
import pytest
import torch
from pixels import past, seen

from course_utils.models import PixelRNN
from course_utils.nets.pixel_lstm import DiagonalBiLSTM, DiagonalLSTM, RowLSTM, lstm, skew, unskew

random_model = partial(pixels.random_model, partial(PixelRNN, hidden=4, layers=1, first_kernel=3))


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (3, 5)])
def test_skewing_puts_diagonals_into_columns_and_can_be_undone(shape):
    x = 1 + torch.arange(2 * shape[0] * shape[1]).view(2, *shape)
    skewed = skew(x)
    assert skewed.shape == (2, shape[0], sum(shape) - 1) and torch.equal(unskew(skewed), x)
    for r, c in itertools.product(*map(range, shape)):
        assert torch.equal(skewed[:, r, r + c], x[:, r, c])
    assert (skewed != 0).sum() == x.numel()


def naive_states(layer, x: torch.Tensor, neighbours, memory) -> torch.Tensor:
    """The recurrence of an LSTM pixel by pixel: the state comes from the neighbours (Δrow, Δcolumn)."""
    gates, (B, _, H, W) = layer.gates(x), x.shape
    hidden = layer.across.in_channels
    nothing = x.new_zeros(B, hidden, 1)
    h, c = {}, {}
    for i, j in itertools.product(range(H), range(W)):
        total = gates[:, :, i, j, None].clone()
        for weight, (up, aside) in zip(layer.across.weight.unbind(-1), neighbours, strict=True):
            total += torch.einsum("gh,bhn->bgn", weight, h.get((i + up, j + aside), nothing))
        h[i, j], c[i, j] = lstm(total, c.get((i + memory[0], j + memory[1]), nothing))
    return torch.stack([torch.stack([h[i, j][..., 0] for j in range(W)], -1) for i in range(H)], -2)


FROM = {  # where the state of a pixel comes from, and where its memory
    RowLSTM: ([(-1, -1), (-1, 0), (-1, 1)], (-1, 0)),
    DiagonalLSTM: ([(-1, 0), (0, -1)], (0, -1)),
}


@pytest.mark.parametrize("kind", FROM)
@pytest.mark.parametrize("shape", [(4, 5), (5, 3), (1, 4), (4, 1)])
def test_an_lstm_is_its_recurrence(kind, shape):
    torch.manual_seed(0)
    layer, x = kind(2, 3, 1).double(), torch.randn(2, 2, *shape).double()
    torch.testing.assert_close(layer(x), naive_states(layer, x, *FROM[kind]), rtol=0, atol=1e-12)


def test_the_second_direction_is_a_mirror_image_one_row_lower():
    torch.manual_seed(0)
    layer, x = DiagonalBiLSTM(2, 3, 1).double(), torch.randn(2, 2, 3, 4).double()
    mirrored = layer.right(x.flip(-1)).flip(-1)
    want = layer.left(x)
    want[:, :, 1:] += mirrored[:, :, :-1]
    torch.testing.assert_close(layer(x), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_past_of_a_row_lstm_is_a_triangle(layers):
    """B6: d rows up it sees d to the right and, one more with each layer, d + layers + 1 to the left."""
    model = random_model((1, 6, 12), kind="row", layers=layers)
    looks = seen(model, 5, 6)[0]
    triangle = torch.zeros_like(looks)
    triangle[5, 5 - layers : 6] = True
    for d in range(1, 6):
        triangle[5 - d, max(0, 6 - d - layers - 1) : 6 + d + 1] = True
    assert torch.equal(looks, triangle)


def test_the_past_of_a_diagonal_bilstm_is_whole():
    """B6: with one layer, every pixel before is seen; even with the smallest first kernel."""
    model = random_model((1, 5, 6), first_kernel=3)
    for i, j in itertools.product(range(5), range(6)):
        assert torch.equal(seen(model, i, j), past(model, i, j)), (i, j)


@pytest.mark.parametrize("layer", [RowLSTM(2, 3, 1), DiagonalLSTM(2, 3, 1)])
def test_forget_gates_start_open_and_the_others_do_not(layer):
    """∂c′/∂c is the forget gate: σ(1) where nothing is read."""
    gates, c = layer.gates.bias.detach().clone()[None, :, None], torch.ones(1, 3, 1, requires_grad=True)
    new = lstm(gates, c)[1]
    (kept,) = torch.autograd.grad(new.sum(), c)
    torch.testing.assert_close(kept, torch.ones(1, 3, 1).sigmoid())
    others = torch.cat([gates[:, :3], gates[:, 6:]], 1)
    assert others.abs().max() < 1
