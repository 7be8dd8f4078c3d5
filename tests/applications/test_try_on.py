"""Try-on: warps that move what they should, pictures composed as the formula says, stages that stay apart."""

import pytest
import torch
from fake_cuda import slow_downs

from course_utils.applications import try_on
from course_utils.applications.try_on import (
    Matching,
    TryOn,
    end_point_errors,
    identity,
    inputs,
    overlaps,
    pairs,
    similarities,
    warped,
)
from course_utils.datasets.people import People, people
from course_utils.training import fit

GENERATOR = torch.Generator().manual_seed(0)
QUIET = {"device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def some() -> People:
    return people(8, seed=5)


@pytest.fixture
def system() -> TryOn:
    """A small system that is not at its start, where some layers are 0."""
    torch.manual_seed(0)
    made = TryOn(points=4, features=8, channels=8).eval()
    for parameter in made.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("channels", [1, 3])
def test_the_identity_changes_nothing(channels: int) -> None:
    x = torch.rand(2, channels, 12, 12, generator=GENERATOR)
    assert torch.allclose(warped(x, identity(12).expand(2, 12, 12, 2)), x, atol=1e-5)


@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, 2), (-1, 4)])
def test_a_warp_to_the_left_moves_the_picture_to_the_right(right: int, down: int) -> None:
    x = torch.rand(1, 3, 16, 16, generator=GENERATOR)
    warp = identity(16) - torch.tensor([right, down]) * 2 / 16
    inner = warped(x, warp[None])[..., 4:-4, 4:-4]
    assert torch.allclose(inner, x.roll((down, right), (2, 3))[..., 4:-4, 4:-4], atol=1e-5)
    away = warped(x, warp[None] + 9), warped(x[:, :1], warp[None] + 9)
    assert (away[0] == 1).all() and (away[1] == 0).all(), "outside it is white, and no shirt"


def test_a_new_matching_leaves_shirts_where_they_are(some: People) -> None:
    warp = Matching(points=5, features=8).warp(*inputs(some))
    assert torch.allclose(warp, identity(64).expand_as(warp), atol=1e-4)


def test_affine_moves_of_the_control_points_are_affine_warps(some: People, system: TryOn) -> None:
    scale, shift = torch.tensor([1.2, 0.8]), torch.tensor([0.1, -0.2])
    last = system.move[2]
    last.weight.data.zero_()
    last.bias.data.copy_((system.knots * scale + shift - system.knots).flatten().atanh())
    expected = identity(64).expand(8, 64, 64, 2) * scale + shift
    assert torch.allclose(system.warp(*inputs(some)), expected, atol=1e-4)


def test_the_true_warp_costs_little_and_none_costs_much(some: People) -> None:
    class Known(Matching):
        def warp(self, *given: torch.Tensor) -> torch.Tensor:
            return self.known

    costs, model = [], Known(points=4, features=8)
    for model.known in (some.warp, identity(64).expand_as(some.warp)):
        costs.append(model.loss(*pairs(some)))
    assert costs[0] < 0.12 * costs[1]
    shirt, cut, agnostic, hidden, pose, x, mask, front = pairs(some)
    model.known = some.warp
    repainted = torch.where(mask == 0, torch.rand(x.shape, generator=GENERATOR), x)
    assert torch.allclose(model.loss(shirt, cut, agnostic, hidden, pose, repainted, mask, front), costs[0])
    nothing_before = model.loss(shirt, cut, agnostic, hidden, pose, x, mask, torch.zeros_like(front))
    assert nothing_before > 1.2 * costs[0], "a shirt under an arm is not where the picture shows the arm"


def test_a_picture_is_the_shirt_where_the_mask_is_and_the_person_elsewhere(
    some: People, system: TryOn
) -> None:
    with torch.no_grad():
        o, M, r, c = system(*inputs(some))
    assert torch.allclose(o, M * c + (1 - M) * r) and M.min() >= 0 and M.max() <= 1
    seen = some.hidden == 0
    assert (M[seen] == 0).all() and torch.equal(o[seen.expand_as(o)], some.agnostic[seen.expand_as(o)])
    shirt, cut = system.fitted(*inputs(some))
    assert torch.equal(c, shirt) and not torch.equal(c, some.garment)
    made = system.dress(*inputs(some))
    assert torch.equal(made, o.clamp(0, 1)) and not made.requires_grad


def test_without_matching_the_shirt_stays_flat(some: People) -> None:
    assert torch.equal(TryOn(points=4, features=8, channels=8, match=False)(*inputs(some))[3], some.garment)


def test_the_second_stage_leaves_the_first_as_it_is(some: People) -> None:
    torch.manual_seed(1)
    first = Matching(points=4, features=8)
    for parameter in first.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    system = TryOn(points=4, features=8, channels=8)
    missing, unknown = system.load_state_dict(first.state_dict(), strict=False)
    assert not unknown and missing
    fit(system, pairs(some), valid=pairs(some), epochs=1, batch_size=4, **QUIET)
    own = system.state_dict()
    assert all(torch.equal(own[name], value) for name, value in first.state_dict().items())
    torch.testing.assert_close(system.warp(*inputs(some)), first.warp(*inputs(some)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Matching, TryOn])
def test_training_lowers_the_loss(kind: type, some: People) -> None:
    torch.manual_seed(0)
    model, batch = kind(points=4, features=8), pairs(some)
    with torch.no_grad():
        before = model.loss(*batch).item()
    history = fit(model, batch, valid=batch, epochs=16, batch_size=4, lr=2e-3, average=0.5, **QUIET)
    assert history.valid[-1] < 0.95 * before


def test_end_point_errors_count_pixels_of_the_seen_shirt() -> None:
    true, mask = identity(20).expand(3, 20, 20, 2), torch.zeros(3, 1, 20, 20)
    mask[:, :, 5:9, 2:12] = 1
    warp = true + torch.tensor([3.0, 4.0]) * 2 / 20
    warp = torch.where(mask[:, 0, :, :, None] > 0, warp, 7.0)
    assert torch.allclose(end_point_errors(warp, true, mask), torch.full((3,), 5.0), atol=1e-4)


def test_overlaps_of_masks_counted_by_hand() -> None:
    a, b = torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)
    a[:, :, :4, :4], b[:, :, 2:6, :4] = 1, 1
    b[1] = a[1]
    assert torch.allclose(overlaps(a, b), torch.tensor([1 / 3, 1.0]))


def test_similarity_is_one_for_equal_pictures_and_looks_inside_the_mask_only() -> None:
    x, mask = torch.rand(2, 3, 24, 24, generator=GENERATOR), torch.zeros(2, 1, 24, 24)
    mask[..., :10] = 1
    other = x.clone()
    other[..., 16:] = 0
    assert torch.allclose(similarities(x, x, mask), torch.ones(2), atol=1e-6)
    assert torch.allclose(similarities(x, other, mask), torch.ones(2), atol=1e-6)
    assert (similarities(x, other, 1 - mask) < 0.8).all()


def test_scores_are_of_the_stages_that_there_are(some: People, system: TryOn) -> None:
    names = {
        Matching(points=4, features=8): {try_on.EPE, try_on.IOU, try_on.SSIM_WARPED},
        system: {try_on.EPE, try_on.IOU, try_on.SSIM_WARPED, try_on.SSIM},
        TryOn(points=4, features=8, channels=8, match=False): {try_on.SSIM},
    }
    for model, expected in names.items():
        assert set(try_on.scores(model, some)) == expected


def test_sides_other_than_64() -> None:
    small = people(2, side=32, seed=6)
    assert TryOn(32, points=3, features=8, channels=8).dress(*inputs(small)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("kind", [Matching, TryOn])
def test_no_training_step_on_a_gpu_copies_or_waits(kind: type) -> None:
    one, three = (2, 1, 64, 64), (2, 3, 64, 64)
    batch = three, one, three, one, (2, 9, 2), three, one, one
    assert slow_downs(kind(points=4, features=8), ("loss",), *batch) == {}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"side": 48}, "side as a multiple of 32, got 48"),
        ({"side": 0}, "side: .* got 0"),
        ({"points": 1}, "points: .* at least 2, got 1"),
        ({"points": 2.5}, "points: .* got 2.5"),
        ({"features": 0}, "features: .* got 0"),
        ({"channels": "many"}, "channels: .* got 'many'"),
    ],
)
def test_bad_settings_get_one_clear_error(bad: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"(Matching|TryOn): {said}|(Matching|TryOn): expected {said}"):
        TryOn(**bad)
