"""What the explorers of notebooks 00 to 02 and 08 say is so: ink, tasks, k-means, components, a boundary."""

import numpy as np
import pytest
import torch
from drawn import drawn, drawn_texts
from explorer_inputs import answered, scattered
from matplotlib.colors import same_color
from scipy.stats import multivariate_normal
from sklearn.metrics import adjusted_rand_score

from course_utils import plots
from course_utils.datasets import ANIMALS, digits
from course_utils.explorers import beyond_supervision
from course_utils.explorers.discriminative_and_generative import boundary
from course_utils.explorers.engine import Explorer
from course_utils.explorers.start_here import threshold
from course_utils.explorers.supervised_learning import four_tasks

# A threshold


@pytest.mark.parametrize("level", [1, 8, 16])
def test_threshold_shows_the_grey_digit_its_binary_form_and_its_share_of_ink(level, monkeypatch):
    shown, x = [], digits("levels").train.x[3]
    monkeypatch.setattr(plots, "images", lambda picture, **given: shown.append((picture, given)))
    figure = drawn(threshold(), threshold=level, digit=3)
    (grey, _), (binary, given) = shown[-2:]
    assert torch.equal(grey[0], x) and torch.equal(binary[0], (x * 16 >= level).float())
    assert f"≥ {level}/16: {100 * binary.mean():.0f} % ink" in given["title"]
    assert [each["ax"] for _, each in shown[-2:]] == figure.axes


def test_threshold_8_is_the_binarisation_of_the_course():
    grey, binary = digits("levels").train.x[:20], digits("binary").train.x[:20]
    assert torch.equal((grey >= 8 / 16).float(), binary)


# Four tasks on one scene


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return four_tasks(*answered())


def words(explorer, **values):
    return [text.get_text() for text, _ in drawn_texts(drawn(explorer, **values))]


@pytest.mark.parametrize("threshold", [0.05, 0.4, 0.95])
@pytest.mark.parametrize("scene", [1, 4, 6])
def test_each_panel_says_what_its_network_said_of_this_scene(explorer, scene, threshold):
    x, p, located, found, parts = answered()
    shown = words(explorer, scene=scene, threshold=threshold)
    here = (found.scene == scene - 1) & (found.scores >= threshold)
    said = [f"{ANIMALS[k]} {s:.2f}" for k, s in zip(found.labels[here], found.scores[here], strict=True)]
    best, k = p[scene - 1].max(0)
    said += said + [ANIMALS[located[0][scene - 1]]] + [f"{ANIMALS[k]} {best:.2f}"] * bool(best >= threshold)
    titles = ["classification", "+ localisation", f"detection: {here.sum()}", f"instances: {here.sum()}"]
    assert sorted(shown) == sorted(titles + said)


def test_bad_input_gets_one_clear_error():
    x, p, located, found, parts = answered()
    for bad in (
        (x[:1], p[:1], (located[0][:1], located[1][:1]), found, parts),
        (x, p[:3], located, found, parts),
        (x, p, (located[0], located[1][:2]), found, parts),
    ):
        with pytest.raises(ValueError, match=r"four_tasks: expected N ≥ 2 scenes.*\d, masks$"):
            four_tasks(*bad)
    with pytest.raises(ValueError, match=", no masks"):
        four_tasks(x, p, located, found, found)
    with pytest.raises(ValueError, match=r"value in \[1, 6\], got 7"):
        four_tasks(x, p, located, found, parts, scene=7)
    assert four_tasks(x, p, located, found, parts, scene=5).values == {"scene": 5, "threshold": 0.3}


# Two Gaussians and a prior


@pytest.fixture(scope="module")
def clouds():
    """Two slanted clouds on a wide plane, far from 0, of unequal size."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(150, 2, generator=generator, dtype=torch.double)
    y = (torch.arange(150) % 3 == 0).long()
    slants = torch.tensor([[[4.0, 0.6], [0.0, 0.5]], [[3.0, -1.0], [0.0, 0.7]]]).double()
    shift = torch.tensor([[20.0, -3.0], [24.0, -2.0]]).double()
    return torch.einsum("nd,nde->ne", z, slants[y]) + shift[y], y


def gaussians(x, y):
    return [multivariate_normal(x[y == c].mean(0), np.cov(x[y == c].T)) for c in (0, 1)]


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.9])
def test_on_the_boundary_both_classes_are_as_probable_under_the_prior(clouds, prior):
    zero, one = gaussians(*clouds)
    (ax,) = drawn(boundary(*clouds), prior=prior).axes
    line = np.concatenate([path.vertices for path in ax.collections[-1].get_paths()])
    log_odds = one.logpdf(line) - zero.logpdf(line) + np.log(prior / (1 - prior))
    assert len(line) > 20 and np.abs(log_odds).max() < 0.02


@pytest.mark.parametrize("prior", [0.5, 0.1, 0.9])
def test_the_training_errors_are_those_of_bayes_rule(clouds, prior):
    (x, y), (zero, one) = clouds, gaussians(*clouds)
    answers = prior * one.pdf(x) > (1 - prior) * zero.pdf(x)
    missed = [100 * np.mean(answers[y == c] != c) for c in (0, 1)]
    words = [text.get_text() for text in drawn(boundary(x, y, names=("3", "8")), prior=prior).texts]
    assert f"training errors: {missed[0]:.0f} % of the 3s, {missed[1]:.0f} % of the 8s" in words


def test_points_and_densities_are_those_of_their_class(clouds):
    x, y = clouds
    (ax,) = drawn(boundary(x, y)).axes
    points, levels = ax.collections[0:4:2], ax.collections[1:4:2]
    for c, gaussian in enumerate(gaussians(x, y)):
        assert np.array_equal(np.asarray(points[c].get_offsets()), x[y == c].numpy())
        assert same_color(points[c].get_facecolor()[0, :3], levels[c].get_edgecolor()[0, :3])
        for path, level in zip(levels[c].get_paths(), (0.1, 0.4, 0.8), strict=True):
            relative = gaussian.logpdf(path.vertices) - gaussian.logpdf(gaussian.mean)
            assert np.abs(relative - np.log(level)).max() < 0.1
    assert not same_color(points[0].get_facecolor()[0, :3], points[1].get_facecolor()[0, :3])


# k-means


def test_each_step_of_k_means_assigns_to_the_nearest_centre_and_moves_it_to_the_mean():
    x = np.random.default_rng(0).uniform(size=(300, 2))
    centres, labels = beyond_supervision.lloyd(x, 4, 6)
    assert len(centres) == len(labels) == 7
    assert all((x == centre).all(1).any() for centre in centres[0])
    far = [((x[:, None] - at) ** 2).sum(2) for at in centres]
    assert all(np.array_equal(each.argmin(1), label) for each, label in zip(far, labels, strict=True))
    for label, after in zip(labels, centres[1:], strict=False):
        assert np.allclose([x[label == k].mean(0) for k in range(4)], after)
    costs = [each.min(1).sum() for each in far]
    assert all(a > b for a, b in zip(costs, costs[1:], strict=False))  # it is not there at once


@pytest.mark.parametrize("step", [0, 2, 3])
def test_the_point_on_the_curve_is_the_score_of_the_centres_beside_it(step, monkeypatch):
    x, y = scattered()
    monkeypatch.setattr(beyond_supervision, "CENTRES", 3)
    explorer = beyond_supervision.clustering(x, y)
    centres, labels = beyond_supervision.lloyd(x.flatten(1).double().numpy(), 3, beyond_supervision.STEPS)
    scores, shown = [adjusted_rand_score(y, each) for each in labels], []
    monkeypatch.setattr(beyond_supervision.plots, "images", lambda images, **_: shown.append(images))
    _, right = drawn(explorer, step=step).axes
    curve, point = right.lines
    assert np.allclose(curve.get_ydata(), scores) and len(set(scores)) > 1
    assert point.get_xydata().tolist() == [[step, scores[step]]]
    assert right.get_title() == f"agreement {scores[step]:.2f}"
    assert np.allclose(shown[0].flatten(1), centres[step], atol=1e-6)


# Principal components


@pytest.mark.parametrize("K", [0, 1, 5, 60])
def test_what_is_rebuilt_is_the_nearest_point_of_the_plane_of_most_variance(K, monkeypatch):
    x, shown = scattered()[0].double(), []
    explorer = beyond_supervision.components(x, x[:4])
    monkeypatch.setattr(beyond_supervision.plots, "images", lambda images, **_: shown.append(images))
    _, right = drawn(explorer, K=K).axes
    flat, mean = x.flatten(1), x.flatten(1).mean(0)
    variances, axes = torch.linalg.eigh(torch.cov(flat.T))
    axes = axes.T.flip(0)[:K]
    rebuilt = mean + (flat[:4] - mean) @ axes.T @ axes
    assert torch.allclose(shown[0][:4], x[:4])
    assert torch.allclose(shown[0][4:].flatten(1), rebuilt.clamp(0, 1), atol=1e-6)
    curve, point = right.lines
    explained = 100 * variances.flip(0)[:K].sum() / variances.sum()
    assert point.get_xydata()[0] == pytest.approx([K, explained.item()], abs=1e-6)
    assert curve.get_ydata()[K] == pytest.approx(explained.item(), abs=1e-6)
    assert right.get_title() == f"{explained:.0f} % explained"
