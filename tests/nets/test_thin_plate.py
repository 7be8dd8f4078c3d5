"""Thin-plate splines: they pass through their points, keep affine maps, and bend least."""

import pytest
import torch

from course_utils.nets.thin_plate import bending, spline, thin_plate

GENERATOR = torch.Generator().manual_seed(0)
KNOTS = torch.rand(2, 7, 2, generator=GENERATOR, dtype=torch.float64)
PLACES = torch.rand(50, 2, generator=GENERATOR, dtype=torch.float64)


def test_the_spline_passes_through_its_points():
    assert torch.allclose(thin_plate(KNOTS, KNOTS), torch.eye(7).double().expand(2, 7, 7), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_affine_maps_are_kept(dtype):
    linear, shift = torch.tensor([[1.5, 0.2], [-0.7, 0.4]], dtype=dtype), torch.tensor([3, -2], dtype=dtype)
    values, expected = KNOTS.to(dtype) @ linear + shift, PLACES.to(dtype) @ linear + shift
    found = thin_plate(KNOTS.to(dtype), PLACES.to(dtype)) @ values
    assert found.dtype == dtype
    assert torch.allclose(found, expected.expand(2, -1, -1), atol=1e-9 if dtype == torch.float64 else 1e-3)


def test_each_of_a_batch_is_the_spline_of_its_own_knots():
    both = thin_plate(KNOTS, PLACES)
    assert both.shape == (2, 50, 7)
    for one, knots in zip(both, KNOTS, strict=True):
        assert torch.allclose(one, thin_plate(knots, PLACES))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_spline_is_its_weights_times_its_values(dtype):
    knots, places = KNOTS.to(dtype), PLACES.to(dtype)
    values = torch.rand(2, 7, 3, generator=GENERATOR, dtype=torch.float64).to(dtype)
    found = spline(knots, values, places)
    assert found.shape == (2, 50, 3) and found.dtype == dtype
    expected = thin_plate(knots.double(), places.double()) @ values.double()
    assert torch.allclose(found.double(), expected, atol=1e-9 if dtype == torch.float64 else 1e-4)


def test_no_other_spline_through_the_points_bends_less():
    """The energy ∫ f_xx² + 2 f_xy² + f_yy² by differences, beside those of splines with a knot more."""
    knots, v = KNOTS[0], torch.rand(7, generator=GENERATOR, dtype=torch.float64)
    line = torch.linspace(-2, 3, 81, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)

    def energy(f):
        f = f.reshape(81, 81)
        xx, yy = f.diff(n=2, dim=0)[:, 1:-1], f.diff(n=2, dim=1)[1:-1]
        xy = (f[2:, 2:] - f[2:, :-2] - f[:-2, 2:] + f[:-2, :-2]) / 4
        return (xx.square() + 2 * xy.square() + yy.square()).sum()

    least = energy(thin_plate(knots, grid) @ v)
    extra = torch.tensor([[0.5, 0.45]], dtype=torch.float64)
    more, at_extra = thin_plate(torch.cat([knots, extra]), grid), thin_plate(knots, extra) @ v
    for change in (-0.5, 0.5):
        assert energy(more @ torch.cat([v, at_extra + change])) > 1.01 * least


def test_the_kernel_is_r_squared_times_its_logarithm():
    r2 = torch.tensor([0.25, 1.0, 9.0])
    assert torch.allclose(bending(r2), r2 * r2.log()) and bending(torch.zeros(1)).item() == 0
