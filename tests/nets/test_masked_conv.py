"""Masked convolutions and their scan, by hand."""

import torch

from course_utils.nets import MaskedConv2d, Scan, causal_mask


def test_masks_by_hand():
    rgb = torch.arange(3)
    assert causal_mask("A", (1, 3), rgb, rgb)[:, :, 0, 1].tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    assert causal_mask("B", (1, 3), rgb, rgb)[:, :, 0, 1].tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    one = torch.zeros(1)
    up = [causal_mask(kind, (3, 3), one, one, vertical=True)[0, 0].tolist() for kind in "AB"]
    assert up == [[[1] * 3, [0] * 3, [0] * 3], [[1] * 3, [1] * 3, [0] * 3]]


def test_weights_are_masked_at_every_use_and_never_in_place():
    conv = MaskedConv2d(2, 2, 3, "B").double()
    before, x = conv.weight.clone(), torch.randn(1, 2, 4, 4).double()
    assert before[conv.mask == 0].abs().min() > 0
    first = conv(x)
    assert torch.equal(conv.weight, before)
    with torch.no_grad():
        conv.weight[conv.mask == 0] += 7
    assert torch.equal(conv(x), first)
    want = torch.nn.functional.conv2d(x, conv.weight * conv.mask, conv.bias, padding=1)
    torch.testing.assert_close(first, want, rtol=0, atol=1e-12)


def test_a_scan_follows_a_convolution_from_row_to_row():
    conv, x = MaskedConv2d(2, 3, 5, "B").double(), torch.randn(2, 2, 6, 4).double()
    scan, rows = Scan(), []
    scan.record(conv, x[:, :, :3])
    for row in range(2, 6):
        if row > 2:
            scan.next_row()
        rows.append(scan(conv, x[:, :, row : row + 1]))
    torch.testing.assert_close(torch.cat(rows, 2), conv(x)[:, :, 2:], rtol=0, atol=1e-12)
