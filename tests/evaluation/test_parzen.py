"""Parzen windows: a density they are, and a trap: centroids beat true samples."""

from math import log, pi

import pytest
import torch
from sklearn.cluster import KMeans

from course_utils.datasets import digits
from course_utils.evaluation import paired_difference, parzen_log_prob, parzen_score


def test_one_window_is_a_gaussian_and_many_are_their_mixture():
    x, centres = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    alone = [-5 / (2 * 0.25) - log(2 * pi * 0.25), -log(2 * pi * 0.25)]
    for i, by_hand in enumerate(alone):
        assert parzen_log_prob(x, centres[i : i + 1], 0.5).item() == pytest.approx(by_hand)
    both = torch.tensor(alone).double().logsumexp(0).item() - log(2)
    assert parzen_log_prob(x, centres, 0.5).item() == pytest.approx(both)


def test_the_bandwidth_is_chosen_on_validation_images_alone():
    stream = torch.Generator().manual_seed(0)
    samples, valid = (torch.randn(200, 2, generator=stream) for _ in range(2))
    test = 0.1 * torch.randn(50, 2, generator=stream)
    choices = (0.01, 0.1, 0.3, 1.0, 3.0)
    score, sigma = parzen_score(samples, valid, test, choices)
    by_hand = [parzen_log_prob(valid, samples, s).mean().item() for s in choices]
    assert sigma == choices[by_hand.index(max(by_hand))]
    assert score.value == pytest.approx(parzen_log_prob(test, samples, sigma).mean().item())


def test_centroids_beat_true_samples_of_digits():
    """The trap (Theis et al. 2016): no model at all scores above images of the data themselves."""
    data = digits("levels")
    chosen = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))[:300]
    images = data.train.x.flatten(1)
    centroids = KMeans(300, n_init=1, random_state=0).fit(images.numpy()).cluster_centers_
    found = {}
    for name, samples in (("true", images[chosen]), ("centroids", torch.from_numpy(centroids))):
        score, sigma = parzen_score(samples, data.valid.x.flatten(1), data.test.x.flatten(1))
        found[name] = parzen_log_prob(data.test.x.flatten(1), samples, sigma)
        assert score.value == pytest.approx(found[name].mean().item())
    gain = paired_difference(found["centroids"], found["true"])
    assert gain.value > 3 and gain.value > 8 * gain.standard_error


def test_bad_input_is_named():
    x = torch.zeros(3, 2)
    for samples, sigma in ((x[:, :1], 1.0), (x, 0.0), (x, -1.0), (x, "1"), (None, 1.0), (x / 0, 1.0)):
        with pytest.raises(ValueError, match="parzen_log_prob"):
            parzen_log_prob(x, samples, sigma)
