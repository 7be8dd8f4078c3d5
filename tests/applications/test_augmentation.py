"""Warps that are geometry alone, shares of classes, and classifiers that do not disturb one another."""

import pytest
import torch
from fake_cuda import META, moved
from torch.nn.functional import cross_entropy

from course_utils.applications.augmentation import Classifiers, draw_rows, recall, trial, unequal, warp, ways
from course_utils.training import fit

STILL = {"turn": 0, "shift": 0, "stretch": 0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Warps


def test_no_warp_is_the_image_and_the_same_seed_the_same_warp():
    x = torch.rand(3, 2, 6, 9, dtype=torch.double)
    assert torch.allclose(warp(x, **STILL), x, atol=1e-9)
    assert torch.equal(warp(x, generator=generator(1)), warp(x, generator=generator(1)))
    assert not torch.allclose(warp(x, generator=generator(1)), warp(x, generator=generator(2)))


def centre(x):
    """The centre of mass, (x, y) in pixels from the middle, and how elongated the mass is along an angle."""
    H, W = x.shape[2:]
    ys, xs = torch.meshgrid(torch.arange(H) - (H - 1) / 2, torch.arange(W) - (W - 1) / 2, indexing="ij")
    mass = x.sum((1, 2, 3))
    return torch.stack([(x[:, 0] * xs).sum((1, 2)) / mass, (x[:, 0] * ys).sum((1, 2)) / mass], 1)


def blob(H, W, at=(0.0, 0.0), n=200):
    ys, xs = torch.meshgrid(torch.arange(H) - (H - 1) / 2, torch.arange(W) - (W - 1) / 2, indexing="ij")
    return torch.exp(-((xs - at[0]) ** 2 + (ys - at[1]) ** 2) / 8).double().expand(n, 1, H, W)


def test_a_shift_moves_by_so_many_pixels_at_most_along_each_axis():
    moved_by = centre(warp(blob(31, 41), **(STILL | {"shift": 3}), generator=generator()))
    assert (moved_by.abs() <= 3.02).all() and (moved_by.abs().amax(0) > 2.7).all()
    assert (moved_by.mean(0).abs() < 0.5).all()


def test_a_turn_keeps_distances_from_the_middle_on_images_that_are_not_square():
    turned = centre(warp(blob(31, 41, at=(8.0, 0.0)), **(STILL | {"turn": 45}), generator=generator()))
    assert torch.allclose(turned.norm(dim=1), torch.tensor(8.0).double(), atol=0.05)
    angles = torch.atan2(turned[:, 1], turned[:, 0]).rad2deg()
    assert (angles.abs() < 45.5).all() and angles.min() < -40 and angles.max() > 40


def test_a_stretch_moves_a_place_in_proportion_to_its_distance():
    far = centre(warp(blob(31, 41, at=(8.0, 0.0)), **(STILL | {"stretch": 0.2}), generator=generator()))
    assert (far[:, 1].abs() < 0.01).all()
    assert 8 / 1.2 - 0.1 < far[:, 0].min() < 7 and 9.5 < far[:, 0].max() < 8 / 0.8 + 0.1


# Sets


def test_a_set_with_rare_classes_and_the_rest_share_no_image():
    y = torch.arange(200) % 4
    train, test = unequal(y, torch.tensor([1, 3]), few=3, many=20, seed=5)
    assert y[train].bincount().tolist() == [20, 3, 20, 3]
    assert sorted([*train.tolist(), *test.tolist()]) == list(range(200))
    assert torch.equal(train, unequal(y, torch.tensor([1, 3]), few=3, many=20, seed=5)[0])


@pytest.mark.parametrize("balanced", [False, True])
def test_every_image_or_every_class_is_drawn_as_often(balanced):
    y = torch.tensor([0] * 30 + [1] * 10)
    counts = draw_rows(y, 40_000, balanced=balanced, generator=generator()).bincount(minlength=40).double()
    expected = torch.where(y == 0, 1 / 60, 1 / 20) if balanced else torch.full((40,), 1 / 40)
    assert ((counts / 40_000 / expected - 1).abs() < 0.15).all()


def test_each_way_shows_as_many_images_of_the_classes_and_sources_that_it_says():
    x, y = torch.zeros(60, 1, 8, 8), torch.tensor([0] * 55 + [1] * 5)
    made = torch.ones(2000, 1, 8, 8), torch.arange(2000) % 2
    found = ways(x, y, made, 2000, generator())
    assert {len(one[0]) for one in found.values()} == {2000} == {len(one[1]) for one in found.values()}
    real = {name: (one[0].flatten(1).amax(1) == 0).double().mean().item() for name, one in found.items()}
    rare = {name: one[1].double().mean().item() for name, one in found.items()}
    for name in found:
        assert real[name] == (0.5 if name.startswith("generated") else 0 if name.startswith("only") else 1)
        assert abs(rare[name] - (5 / 60 if name in ("as they come", "warped") else 0.5)) < 0.04
        if "warped" in name:
            plain = name.removesuffix(", warped") if "," in name else "as they come"
            assert torch.equal(found[name][1], found[plain][1])


def test_a_trial_keeps_its_images_from_the_test_and_its_numbers_to_itself():
    x, y = torch.arange(400.0).view(-1, 1, 1, 1).expand(-1, 1, 8, 8) / 400, torch.arange(400) % 4
    learned = []

    def make(x, y, asked):
        learned.append(y.bincount())
        return torch.rand(len(asked), 1, 8, 8)

    before = torch.get_rng_state()
    one, again = (trial(x, y, make, few=3, many=20, rare=1, n=40, seed=2) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert learned[0][one.asked].tolist() == [3] and learned[0].sum() == 63 and len(one.test) == 337
    assert not torch.isin(one.shown["repeated"][0][:, 0, 0, 0], x[one.test, 0, 0, 0]).any()
    for first, second in zip(one.shown.values(), again.shown.values(), strict=True):
        assert all(map(torch.equal, first, second))
    assert trial(x, y, make, many=20, rare=0, n=40).asked.tolist() == [0, 1, 2, 3]


def test_recall_counts_the_images_of_a_class_and_the_classes_alike():
    y = torch.tensor([0] * 6 + [1] * 2 + [2] * 4)
    read = torch.tensor([0] * 6 + [1, 0] + [2] * 4)
    assert recall(y, y, torch.tensor([0, 2])) == 100
    assert recall(y, read, torch.tensor([1, 2])) == 75  # not 5 of 6
    assert recall(y, torch.ones_like(y), torch.tensor([1])) == 100  # what is read wrongly as 1 does not count
    assert recall(y, torch.ones_like(y), torch.tensor([2])) == 0


# Classifiers


def test_each_classifier_has_the_gradient_that_it_would_have_alone():
    torch.manual_seed(0)
    both = Classifiers(2, dims=6, hidden=5, classes=3).double()
    x, y = torch.rand(8, 2, 6, dtype=torch.double), torch.randint(3, (8, 2))
    both.loss(x, y).backward()
    for m in range(2):
        alone = Classifiers(1, dims=6, hidden=5, classes=3).double()
        alone.load_state_dict({name: value[m : m + 1] for name, value in both.state_dict().items()})
        loss = alone.loss(x[:, m : m + 1], y[:, m : m + 1])
        loss.backward()
        assert torch.allclose(alone(x[:, m : m + 1])[:, 0], both(x)[:, m])
        assert torch.allclose(loss, cross_entropy(both(x)[:, m], y[:, m]))
        for name, p in alone.named_parameters():
            assert p.grad is not None and torch.allclose(p.grad, both.get_parameter(name).grad[m : m + 1])


def test_what_is_predicted_are_the_largest_logits():
    model = Classifiers(3, dims=8, hidden=4, classes=2)
    x = torch.rand(5, 1, 2, 4)
    logits = model(x.flatten(1)[:, None].expand(-1, 3, -1))
    assert torch.equal(model.predict(x), logits.argmax(2).T)


@pytest.mark.slow
def test_training_teaches_each_classifier_its_own_classes():
    torch.manual_seed(0)
    x = torch.rand(400, 1, 4).round().expand(-1, 2, -1)
    y = torch.stack([x[:, 0, 0], 1 - x[:, 0, 0]], 1).long()  # the second learns the opposite
    model = Classifiers(2, dims=4, hidden=8, classes=2)
    fit(model, (x, y), valid=(x[:50], y[:50]), epochs=10, progress=False, device="cpu")
    assert torch.equal(model.predict(x[:, 0]), y.T)


def test_a_training_step_on_a_gpu_mixes_no_devices():
    model = moved(Classifiers(2, dims=4), META)
    x, y = torch.rand(3, 2, 4, device=META), torch.zeros(3, 2, dtype=torch.int64, device=META)
    model.loss(x, y).backward()


X = torch.rand(4, 1, 8, 8)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: warp(X[0]), "warp: expected images"),
        (lambda: warp(X, turn=-1), "warp: turn"),
        (lambda: unequal(torch.arange(9) % 3, torch.tensor([0]), many=5), "unequal: expected fewer than 3"),
        (lambda: unequal(torch.arange(9) % 3, torch.tensor([0]), few=0, many=2), "few, many"),
        (lambda: ways(X, torch.zeros(3).long(), (X, X), 9, generator()), "ways: .*, got 3 for 4"),
        (lambda: recall(torch.zeros(3).long(), torch.zeros(3).long(), torch.tensor([1])), "recall: expected"),
        (lambda: recall(torch.zeros(3).long(), torch.zeros(2).long(), torch.tensor([0])), "recall: expected"),
        (lambda: Classifiers(0), "Classifiers: copies"),
        (lambda: Classifiers(2, dims=4)(torch.rand(3, 1, 4)), r"x as \(B, 2, 4\)"),
        (lambda: Classifiers(2, dims=4).loss(torch.rand(3, 2, 4), torch.zeros(3).long()), r"y as \(3, 2\)"),
    ],
)
def test_bad_input_is_one_error_that_names_it(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()
