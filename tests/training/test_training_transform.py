"""What ``fit`` promises of ``transform``: fresh noise every step, the same for held-out data every time."""

from functools import partial

import pytest
import torch
from training_models import Watched, noisy_data, noisy_model, quietly, same

from course_utils.datasets import Images, binarise
from course_utils.models import NADE
from course_utils.taxonomy import TractableDensity


def jitter(x, *rest):
    return x + torch.rand_like(x), *rest


def test_training_noise_is_fresh_and_held_out_noise_is_not():
    model, x = Watched(), torch.arange(20.0)
    quietly(model, x, valid=x, transform=jitter, epochs=3, batch_size=10)
    training, held_out = (model.seen[mode] for mode in (True, False))
    assert len(training) == 6 and len({value for batch in training for value in batch}) == 60
    assert sorted(int(value) for batch in training[:2] for value in batch) == list(range(20))
    assert held_out[0] == held_out[1] == held_out[2] != x.tolist()


def test_the_model_is_asked_about_what_the_transform_gives():
    grey = torch.rand(40, 4, generator=torch.Generator().manual_seed(0)).mul(16).floor() / 16
    with pytest.raises(ValueError, match="NADE"):
        quietly(NADE((4,)), grey, epochs=1)
    quietly(NADE((4,)), grey * 16 / 15, transform=partial(binarise, levels=16), epochs=1)


def test_another_transform_is_another_run(tmp_path):
    quietly(noisy_model(), noisy_data(), transform=jitter, epochs=1, checkpoint=tmp_path / "run.pt")
    for other in (None, partial(jitter), lambda x: x + 1):
        with pytest.raises(ValueError, match="another run: transform"):
            quietly(noisy_model(), noisy_data(), transform=other, epochs=1, checkpoint=tmp_path / "run.pt")


@pytest.mark.parametrize("bad", [3, "noise", lambda x: None, lambda x: (x, x[:1])])
def test_a_transform_that_is_none_is_named(bad):
    with pytest.raises(ValueError, match="fit: .*transform"):
        quietly(NADE((4,)), torch.ones(20, 4), transform=bad, epochs=1)


class Looking(TractableDensity):
    """Notes what it is given; classes, if any, come as y."""

    support = "unit"

    def __init__(self, event_shape, classes=None):
        super().__init__(event_shape)
        self.classes, self.weight, self.seen = classes, torch.nn.Parameter(torch.zeros(())), []

    def loss(self, x, *y):
        self.seen.append((self.training, x, *y))
        return self.weight * x.mean()

    def _log_prob(self, x):
        raise AssertionError

    def _sample(self, n, generator):
        raise AssertionError


def test_dequantised_images_get_fresh_noise_each_step_and_the_same_when_held_out():
    """The obvious call: noise that a density meets in every epoch, it learns by heart."""
    v = torch.arange(4).repeat(5).view(20, 1, 1, 1).expand(20, 1, 2, 3)
    images = Images((v + 0.5) / 4, torch.zeros(20, dtype=torch.int64), levels=4)
    model = Looking((1, 2, 3))
    quietly(model, images, valid=images, epochs=3, batch_size=20)
    training, held_out = ([x for mode, x in model.seen if mode is which] for which in (True, False))
    assert all(same([(x * 4).floor().sort(0)[0]], [v.float().sort(0)[0]]) for x in training + held_out)
    sums = {x.sum().item() for x in training}
    assert len(sums) == 3 and len({x.sum().item() for x in held_out}) == 1
    assert not any(x.sum().item() in sums for x in held_out)
    quietly(model, images, epochs=1, transform=lambda x: x)
    assert all(torch.equal((x * 4).frac(), torch.full_like(x, 0.5)) for _, x in model.seen[-2:])


def test_images_give_their_classes_to_models_with_classes():
    images = Images(torch.rand(20, 1, 2, 3), torch.arange(20) % 2)
    plain, conditional = Looking((1, 2, 3)), Looking((1, 2, 3), classes=2)
    quietly(plain, images, valid=images, epochs=1)
    quietly(conditional, images, epochs=1)
    assert {len(seen) for seen in plain.seen} == {2} and {len(seen) for seen in conditional.seen} == {3}


def test_the_transform_of_the_caller_stands_before_that_of_images():
    images = Images(torch.rand(20, 1, 2, 3), torch.zeros(20, dtype=torch.int64), levels=4)
    model = Looking((1, 2, 3))
    quietly(model, images, valid=images, epochs=2, batch_size=20, transform=lambda x: x / 2)
    assert all(same([x.sort(0)[0]], [(images.x / 2).sort(0)[0]]) for _, x in model.seen)
