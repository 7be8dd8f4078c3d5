"""Networks for scenes: what a cell of the backbone sees, what classifier and localiser answer and pay."""

from math import isclose, log

import pytest
import torch
from torch import nn

from course_utils.datasets import scenes
from course_utils.recognition import Classifier, DigitClassifier, InstanceSegmenter, Localiser, mean_box
from course_utils.recognition.backbone import Backbone

NETS = (Classifier, Localiser, InstanceSegmenter)


def image(n=2, side=64):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(n), dtype=torch.float64)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def outputs(model, x):
    out = model(x)
    return out if isinstance(out, tuple) else (out,)


# The backbone


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 32, 48), (1, 8, 8)])
def test_a_backbone_has_one_cell_for_4_by_4_pixels(shape):
    backbone = Backbone(shape, features=8)
    grid = (shape[1] // 4, shape[2] // 4)
    assert backbone(torch.rand(2, *shape)).shape == (2, 8, *grid)
    assert backbone.grid == grid and backbone.centres().shape == (2, *grid)
    top_left, bottom_right = backbone.centres()[:, 0, 0], backbone.centres()[:, -1, -1]
    assert top_left.tolist() == [2, 2] and bottom_right.tolist() == [shape[2] - 2, shape[1] - 2]


def test_a_cell_sees_its_own_pixels_and_far_around_it():
    backbone, x = Backbone().double(), image(1).requires_grad_()
    (seen,) = torch.autograd.grad(backbone(x)[0, :, 8, 5].square().sum(), x)
    seen = seen[0].abs().sum(0)
    across = seen.view(16, 4, 16, 4).sum((1, 3))
    assert across.argmax() == 8 * 16 + 5  # most of all the pixels of its own cell
    assert seen[32 - 16, 22] > 0 and seen[32 + 16, 22] > 0


def test_what_a_cell_sees_around_it_lies_around_it():
    at, off = torch.arange(64).double() + 0.5, []
    for i, j in ((6, 9), (9, 6), (10, 5), (6, 6), (9, 9)):
        backbone, x = Backbone().double(), image(1).requires_grad_()
        (seen,) = torch.autograd.grad(backbone(x)[0, :, i, j].square().sum(), x)
        seen = seen[0].abs().sum(0)
        seen[4 * i - 4 : 4 * i + 8, 4 * j - 4 : 4 * j + 8] = 0  # what it sees of itself and next to it
        seen = (seen - seen.median()).clamp(min=0)  # norms let it know a little of everything
        middle = torch.stack([seen.sum(1) @ at, seen.sum(0) @ at]) / seen.sum()
        off.append(middle - 4 * torch.tensor([i + 0.5, j + 0.5]))
    off = torch.stack(off)
    assert off.mean(0).abs().max() < 4 and off.abs().max() < 8  # half a coarse cell, and one


@pytest.mark.parametrize("net", NETS)
def test_an_image_gets_the_same_answer_in_any_company_in_training_and_after(net):
    model, x = net().double(), image(3)
    together = outputs(model.train(), x)
    alone = outputs(model.eval(), x[1:2])
    assert all(torch.allclose(a[1:2], b, atol=1e-10) for a, b in zip(together, alone, strict=True))


@pytest.mark.parametrize("net", NETS)
def test_every_weight_learns(net):
    model, data = net(), scenes(4, seed=1)
    y = {Classifier: (data.labels[:, 0],), Localiser: (data.labels[:, 0], data.boxes[:, 0])}
    model.loss(data.x, *y.get(net, (data.labels, data.masks))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(
    "x, words",
    [
        (torch.rand(2, 3, 32, 64), "shape"),
        (torch.rand(3, 64, 64), "shape"),
        (torch.rand(2, 3, 64, 64) * 255, "values in"),
        (torch.rand(2, 3, 64, 64).double(), "dtype"),
        ("cat.png", "got str"),
    ],
)
def test_what_is_no_batch_of_images_is_refused(net, x, words):
    with pytest.raises(ValueError, match=f"(?s){net.__name__}: .*{words}"):
        net().check(x)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Backbone((3, 60, 64)), "multiples of 8"),
        (lambda: Backbone(features=30), "features as a multiple of 4, got 30"),
        (lambda: Backbone(features=0), "features: expected a positive integer, got 0"),
        (lambda: Classifier(classes=0), "Classifier: classes"),
        (lambda: Localiser(classes=1.5), "Localiser: classes"),
        (lambda: InstanceSegmenter(classes=True), "InstanceSegmenter: classes"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# Classification


@pytest.mark.parametrize("net", [Classifier, DigitClassifier])
def test_a_classifier_pays_minus_log_p_of_the_label(net):
    model, labels = net().double(), torch.tensor([2, 0, 1])
    x = torch.rand(3, *model.event_shape).double()
    p = model(x).softmax(1)
    by_hand = -sum(log(p[i, label].item()) for i, label in enumerate(labels.tolist())) / 3
    assert isclose(model.loss(x, labels).item(), by_hand, rel_tol=1e-9)
    assert torch.equal(model.predict(x), p.argmax(1))


def test_the_classifier_finds_what_counts_wherever_it_stands():
    model = Classifier().double()
    model.backbone.forward = lambda x: nn.functional.avg_pool2d(x, 4).repeat(1, 11, 1, 1)[:, :32]
    x = torch.zeros(2, 3, 64, 64, dtype=torch.float64)
    x[0, 0, 4:8, 8:12], x[1, 0, 52:56, 36:40] = 1, 1
    torch.testing.assert_close(*model(x))
    assert not torch.allclose(model(x)[0], model(0 * x)[0])


def test_what_is_seen_weakly_elsewhere_does_not_dilute_what_is_seen_clearly():
    model = Classifier().double()
    model.backbone.forward = lambda x: nn.functional.avg_pool2d(x, 4).repeat(1, 11, 1, 1)[:, :32]
    x = torch.zeros(3, 3, 64, 64, dtype=torch.float64)
    x[:, :, 4:8, 8:12] = 0.9
    x[1, :, 32:] = 0.5  # much, but weaker
    x[2, :, 32:36, 4:8] = 1  # little, but stronger
    clear, crowded, stronger = model(x)
    assert torch.allclose(clear, crowded) and not torch.allclose(clear, stronger)


@pytest.mark.parametrize("labels", [torch.tensor([0, 3]), torch.tensor([0, -1]), torch.tensor([0])])
def test_labels_that_are_no_classes_are_refused(labels):
    x = torch.rand(2, 3, 64, 64)
    with pytest.raises(ValueError, match="Classifier: expected y as 2 integers"):
        Classifier().loss(x, labels)
    with pytest.raises(ValueError, match="Localiser: expected y as 2 integers"):
        Localiser().loss(x, labels, torch.tensor([[0.0, 0, 1, 1]] * 2))


# Localisation


def saying(model, cell, class_, distances):
    """Make a localiser say this of one cell, loudly, and other things of others."""
    said = torch.randn(1, 8, *model.backbone.grid, dtype=torch.float64)
    said[0, 0] = -50
    said[0, 0, *cell] = 50
    said[0, 1:4, *cell] = 9.0 * nn.functional.one_hot(torch.tensor(class_), 3)
    said[0, 4:, *cell] = (torch.tensor(distances, dtype=torch.float64) / model.unit).expm1().log()
    model.say.forward = lambda _: said


def test_the_box_reaches_from_the_cell_that_has_the_attention():
    model = Localiser((3, 32, 64)).double()
    saying(model, (2, 9), 1, [3.25, 1.0, 10.0, 6.6])  # row 2, column 9: its middle is (38, 10)
    labels, boxes = model.predict(torch.rand(1, 3, 32, 64).double())
    assert labels.tolist() == [1]
    assert torch.allclose(boxes, torch.tensor([[34.75, 9.0, 48.0, 16.6]]).double())


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 64), (64, 24)])
def test_the_loss_of_a_localiser_is_that_of_the_class_and_that_of_the_sides(height, width):
    model, x = Localiser((3, height, width)).double(), image(1)[..., :height, :width]
    saying(model, (4, 4), 2, [4.0, 4.0, 4.0, 4.0])  # the box (14, 14, 22, 22)
    right = torch.tensor([[14.0, 14.0, 22.0, 22.0]]).double()
    surprise = log(1 + 2 * 2.718281828459045**-9)
    assert isclose(model.loss(x, torch.tensor([2]), right).item(), surprise, rel_tol=1e-6)
    moved = right + torch.tensor([[8.0, 0.0, 0.0, 0.8]]).double()  # by half a unit, and by a twentieth
    far, near = 0.5 - 0.05, 0.5 * 0.05**2 / 0.1
    by_hand = surprise + (far + near) / 4
    assert isclose(model.loss(x, torch.tensor([2]), moved).item(), by_hand, rel_tol=1e-6)


def test_the_mean_box_is_the_best_constant_in_squares():
    boxes = scenes(30, objects=1, seed=2).boxes[:, 0]
    best = mean_box(boxes)
    for step in torch.eye(4):
        assert (boxes - best).square().sum() < (boxes - best - 0.1 * step).square().sum()


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda b: mean_box(b[:0]), "mean_box: expected at least one box"),
        (lambda b: mean_box(b[:, :3]), "mean_box: boxes: expected boxes"),
        (lambda b: Localiser().loss(torch.rand(2, 3, 64, 64), torch.tensor([0, 1]), b), "2 boxes"),
    ],
)
def test_boxes_that_do_not_fit_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(torch.tensor([[0.0, 0.0, 4.0, 4.0]]).repeat(3, 1))
