"""The network that reads digits: what it answers, and that it takes images of any size."""

import pytest
import torch

from course_utils.recognition import DigitClassifier


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 7, 5), (3, 28, 28), (2, 1, 1)])
def test_images_of_any_size_have_logits_and_features(shape):
    model, x = DigitClassifier(shape, classes=4, features=6), torch.rand(5, *shape)
    assert model(x).shape == (5, 4) and model.features(x).shape == (5, 6)


def test_features_decide_and_not_by_a_linear_map_alone():
    model, x = DigitClassifier(features=3).double(), torch.rand(200, 1, 8, 8).double()
    with torch.no_grad():
        features = torch.cat([model.features(x), torch.ones(200, 1).double()], 1)
        logits = model(x)
        linear = features @ torch.linalg.lstsq(features, logits).solution
        assert (logits - linear).abs().max() > 1e-6  # of two linear layers, 1e-15 would be left
        model.features = lambda x: features[:1, :3].expand(len(x), -1)
        torch.testing.assert_close(model(x), model(x)[:1].expand(200, -1))


@pytest.mark.parametrize(
    "x",
    [
        torch.rand(2, 1, 8, 7),
        torch.rand(1, 8, 8),
        *(torch.rand(2, 1, 8, 8).index_fill(0, torch.tensor(1), v) for v in (2.0, -1.0, torch.nan)),
    ],
)
def test_what_is_no_batch_of_such_images_is_refused(x):
    for verb in (DigitClassifier().features, DigitClassifier().predict):
        with pytest.raises(ValueError, match="DigitClassifier: "):
            verb(x)


@pytest.mark.parametrize(
    "y", [[0, 1], torch.tensor([0.0, 1.0]), torch.tensor([0, 10]), torch.tensor([-1, 0]), torch.tensor([0])]
)
def test_labels_that_are_no_digits_are_refused(y):
    with pytest.raises(ValueError, match="DigitClassifier: expected y as 2 integers"):
        DigitClassifier().loss(torch.rand(2, 1, 8, 8), y)
