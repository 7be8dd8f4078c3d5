"""Logistic regression on few labels: what it may see, what changes nothing, and what it solves."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils.applications.features import accuracies, label_draws, read, scaled


@pytest.fixture
def cloud():
    """Three classes in seven dimensions, overlapping, far from 0: features (90, 7) and classes."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(90) % 3
    centres = 2 * torch.randn(3, 7, generator=generator, dtype=torch.double)
    return 5 + centres[y] + torch.randn(90, 7, generator=generator, dtype=torch.double), y


def test_a_draw_labels_as_many_of_each_class_once_each(cloud):
    _, y = cloud
    draws = label_draws(y, 12, draws=4, seed=3)
    assert draws.shape == (4, 12) and all(len(row.unique()) == 12 for row in draws)
    assert all(y[row].bincount().tolist() == [4, 4, 4] for row in draws)
    assert torch.equal(draws, label_draws(y, 12, draws=4, seed=3))
    assert len({tuple(row.tolist()) for row in draws}) == 4
    assert not torch.equal(draws, label_draws(y, 12, draws=4, seed=4))


@pytest.mark.parametrize("labels", [3, 12, 30])
def test_no_rotation_shift_or_scale_of_the_features_changes_an_answer(cloud, labels):
    f, y = cloud
    rotation = torch.linalg.qr(torch.randn(7, 7, dtype=torch.double))[0]
    rows = label_draws(y, labels, draws=1)[0]
    assert torch.equal(read(f, y, rows), read(1e3 * f @ rotation - 4, y, rows))


def test_no_answer_depends_on_the_label_of_another_image(cloud):
    f, y = cloud
    rows = label_draws(y, 6, draws=1)[0]
    other = y.roll(1)
    other[rows] = y[rows]
    assert torch.equal(read(f, y, rows), read(f, other, rows))


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_the_answers_are_those_of_the_best_weights_in_all_dimensions(cloud, penalty):
    """More features than labels: what is solved in the span of the labelled ones holds in the whole space."""
    f, y = cloud
    f = torch.cat([f, torch.randn(90, 20, dtype=torch.double)], 1)
    rows = label_draws(y, 9, draws=1)[0]
    z = scaled(f)
    W = torch.zeros(27, 3, dtype=torch.double, requires_grad=True)
    b = torch.zeros(3, dtype=torch.double, requires_grad=True)
    search = torch.optim.LBFGS([W, b], max_iter=2000, line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def cost():
        search.zero_grad()
        total = cross_entropy(z[rows] @ W + b, y[rows], reduction="sum") + penalty / 2 * W.square().sum()
        total.backward()
        return total

    search.step(cost)
    best = (z @ W + b).detach()
    top = best.topk(2, 1).values
    clear = top[:, 0] - top[:, 1] > 0.01  # the solvers stop at slightly different places
    assert clear.float().mean() > 0.9
    assert torch.equal(best.argmax(1)[clear], read(f, y, rows, penalty=penalty)[clear])


def test_accuracies_are_the_shares_that_read_has_right(cloud):
    f, y = cloud
    draws, test = label_draws(y[:60], 9, draws=3), torch.arange(60, 90)
    expected = [100 * (read(f, y, rows)[test] == y[test]).double().mean() for rows in draws]
    assert torch.allclose(accuracies(f, y, draws, test), torch.stack(expected))


def test_features_that_are_the_class_read_everything_and_those_that_are_nothing_guess(cloud):
    _, y = cloud
    draws, test = label_draws(y[:60], 6, draws=2), torch.arange(60, 90)
    sure = torch.eye(3, dtype=torch.double)[y]
    assert accuracies(sure, y, draws, test).tolist() == [100, 100]
    assert (accuracies(torch.ones(90, 4), y, draws, test) < 34).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda f, y: label_draws(y, 7), "a multiple of 3, at most 90"),
        (lambda f, y: label_draws(y, 93), "a multiple of 3, at most 90"),
        (lambda f, y: label_draws(y.float(), 3), "int64"),
        (lambda f, y: label_draws(y, 3, seed=-1), "seed"),
        (lambda f, y: read(f[:50], y, torch.arange(6)), "features as a tensor"),
        (lambda f, y: read(f / 0, y, torch.arange(6)), "finite"),
        (lambda f, y: read(f, y, torch.tensor([0, 3])), "two classes"),
        (lambda f, y: read(f, y, torch.arange(6), penalty=0), "penalty"),
        (lambda f, y: accuracies(f, y, torch.arange(6)[None], torch.arange(5, 9)), "other images"),
        (lambda f, y: accuracies(f, y, torch.arange(6), torch.arange(9, 12)), "draws"),
    ],
)
def test_bad_input_is_one_error_that_names_it(cloud, wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong(*cloud)
