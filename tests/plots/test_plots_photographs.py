"""Photographs: drawn as large as the page allows."""

import pytest
import torch

from course_utils import plots


@pytest.mark.parametrize(("n", "inches"), [(1, 2.5), (3, 7.5), (4, 10.0), (5, 10.0)])
def test_a_photograph_is_large_as_far_as_the_page_is_wide(n, inches):
    """A pixel is a forty-eighth of an inch: three of a stored picture, so that all are alike."""
    figure = plots.images(torch.rand(n, 3, 96, 120), columns=n).figure
    assert figure.get_size_inches()[0] == pytest.approx(inches, abs=0.4)
