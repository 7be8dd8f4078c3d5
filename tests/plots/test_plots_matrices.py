import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from drawn import drawn_texts, faults

from course_utils import plots
from course_utils.plots.description import description


def test_entries_that_are_not_0_are_blue_with_their_number_and_the_first_row_is_on_top():
    mask, wide = torch.tensor([[1.0, 0.0], [-0.25, 2.0], [0.0, 3.0]]), torch.eye(6)
    first, second = plots.matrices({"mask": mask, "wide": wide}, columns="from", rows="to")
    assert [ax.get_title() for ax in (first, second)] == ["mask", "wide"] and faults(first.figure) == []
    for ax, x in ((first, mask), (second, wide)):
        assert np.array_equal(ax.collections[0].get_array().reshape(x.shape), x != 0)
        assert ax.get_ylim() == (len(x), 0) and (ax.get_xlabel(), ax.get_ylabel()) == ("from", "to")
    at = {text.get_text(): text.get_position() for text in first.texts}
    assert at == {"1": (0.5, 0.5), "-0.25": (0.5, 1.5), "2": (1.5, 1.5), "3": (1.5, 2.5)}
    assert not second.texts and len(drawn_texts(first.figure)) == 10
    assert "3 rows, from the top: 1 0; -0.25 2; 0 3." in description(first.figure)


@pytest.mark.parametrize("named", [{}, {"vector": torch.ones(3)}])
def test_what_is_no_matrix_is_an_error(named):
    with pytest.raises(ValueError, match="matrices: "):
        plots.matrices(named)
    assert plt.get_fignums() == []
