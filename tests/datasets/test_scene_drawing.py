"""Drawing: distances against brute force, coverage; drawings are whole, mirrored and cast a shadow."""

from math import pi

import pytest
import torch
from torch import Tensor

from course_utils.datasets import animals, layout, shapes
from course_utils.datasets.drawings import COORDINATES, JOINTS, POSES
from course_utils.datasets.scenes import tight_boxes

KINDS = [(label, kind) for label in range(3) for kind in range(len(POSES[0]))]


def grid(points: int = 41, reach: float = 1.5) -> tuple[Tensor, Tensor]:
    line = torch.linspace(-reach, reach, points, dtype=torch.float64)
    return tuple(v.flatten() for v in torch.meshgrid(line, line, indexing="xy"))


def least(x: Tensor, y: Tensor, edge_x: Tensor, edge_y: Tensor) -> Tensor:
    return (x[:, None] - edge_x).hypot(y[:, None] - edge_y).amin(1)


def test_distance_from_an_ellipse_is_right_near_its_edge_and_in_sign() -> None:
    x, y = grid()
    t = torch.linspace(0, 2 * pi, 2000, dtype=torch.float64)
    turn = torch.tensor(30 * pi / 180, dtype=torch.float64)
    a, b = 0.8 * t.cos(), 0.5 * t.sin()
    true = least(x, y, 0.1 + turn.cos() * a - turn.sin() * b, -0.2 + turn.sin() * a + turn.cos() * b)
    d = shapes.ellipse(x, y, 0.1, -0.2, 0.8, 0.5, 30)
    near = true < 0.15
    assert (d.abs() - true)[near].abs().max() < 0.02 and near.sum() > 100
    u, v = x - 0.1, y + 0.2
    u, v = turn.cos() * u + turn.sin() * v, turn.cos() * v - turn.sin() * u
    off = d.abs() > 1e-9  # on the edge, either side is right
    assert torch.equal((d < 0)[off], ((u / 0.8) ** 2 + (v / 0.5) ** 2 < 1)[off])
    assert d.isfinite().all() and shapes.ellipse(x[:1] * 0, y[:1] * 0, 0, 0, 2, 1).item() == -1


def test_distance_from_a_circle_and_from_a_capsule_is_exact() -> None:
    x, y = grid()
    assert torch.allclose(shapes.ellipse(x, y, 0.3, 0.1, 0.5, 0.5), (x - 0.3).hypot(y - 0.1) - 0.5)
    t = torch.linspace(0, 1, 4001, dtype=torch.float64)
    line = least(x, y, -0.5 + 0.9 * t, 0.2 - 0.6 * t)
    assert torch.allclose(shapes.capsule(x, y, -0.5, 0.2, 0.4, -0.4, 0.3), line - 0.3, atol=1e-6)
    tapered = shapes.capsule(x, y, 0, 0, 1, 0, 0.3, 0.1)
    end = (x > 1).nonzero()[:, 0]
    assert torch.allclose(tapered[end], (x[end] - 1).hypot(y[end]) - 0.1)


@pytest.mark.parametrize("order", [1, -1])
def test_distance_from_a_polygon_is_exact(order: int) -> None:
    x, y = grid()
    corners = [(-0.8, -0.5), (0.7, -0.6), (0.2, 0.9)]
    d = shapes.polygon(x, y, *[v for corner in corners[::order] for v in corner])
    t = torch.linspace(0, 1, 2001, dtype=torch.float64)
    ends = list(zip(corners, corners[1:] + corners[:1], strict=True))
    edge = (torch.cat([a[i] + (b[i] - a[i]) * t for a, b in ends]) for i in (0, 1))
    true = least(x, y, *edge)
    sides = [(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) > 0 for a, b in ends]
    inside = torch.stack(sides).all(0)
    assert torch.allclose(d.abs(), true, atol=1e-3) and (d < 0).sum() > 100
    off = d.abs() > 1e-9  # a point of the grid on an edge falls to either side, as the CPU rounds
    assert torch.equal((d < 0)[off], inside[off]) and off.sum() > 0.99 * off.numel()


def posed(label: int, kind: int, n: int = 6, size: float = 12.0) -> animals.Poses:
    u = torch.rand(n, animals.VARIABLES, generator=torch.Generator().manual_seed(kind))
    u[:, 0] = (kind + 0.5) / len(POSES[0])
    return animals.posed(u, torch.full((n,), label), torch.full((n,), size))


@pytest.mark.parametrize(("label", "kind"), KINDS)
def test_a_drawing_is_cut_off_nowhere(label: int, kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    poses = posed(label, kind)
    drawn = animals.draw(poses, torch.arange(6))
    bounds = animals._bounds

    def wider(*args: object) -> tuple[Tensor, Tensor]:
        low, high = bounds(*args)
        return low - 3, high + 3

    monkeypatch.setattr(animals, "_bounds", wider)
    whole = animals.draw(poses, torch.arange(6))
    assert len(whole.owner) > len(drawn.owner)
    assert whole.paint.sum() == pytest.approx(float(drawn.paint.sum()), rel=2e-5)


@pytest.mark.parametrize(("label", "kind"), KINDS)
def test_the_cover_is_the_area_and_a_shadow_belongs_to_the_ground(label: int, kind: int) -> None:
    small = animals.draw(posed(label, kind, size=10.0), torch.zeros(6, dtype=torch.int64))
    large = animals.draw(posed(label, kind, size=40.0), torch.zeros(6, dtype=torch.int64))
    colour, both, solid = small.paint[:, :3], small.paint[:, 3], small.paint[:, 4]
    assert 0 <= small.paint.min() and both.max() <= 1 and (colour <= 1.2 * both[:, None] + 1e-5).all()
    assert (solid <= both + 1e-6).all() and ((both > 0.1) & (solid == 0)).any()
    assert ((solid > 0.1) & (solid < 0.9)).any(), "edges are soft"
    assert solid.sum() == pytest.approx(float((solid >= 0.5).sum()), rel=0.05)
    assert 8 < large.paint[:, 4].sum() / solid.sum() < 18, "area grows with the square of size"


def test_a_mirrored_pose_is_a_mirrored_picture() -> None:
    for label, kind in KINDS:
        poses = posed(label, kind, n=2)
        poses.frame[:] = torch.tensor([[1.0, 0, 1], [-1.0, 0, 1]])
        poses.shift.zero_()
        poses = poses[torch.tensor([0, 0])]
        poses.frame[1, 0] = -1
        drawn = animals.draw(poses, torch.arange(2))
        canvas = torch.zeros(2, 61, 61, 5)
        canvas[drawn.owner, drawn.row + 30, drawn.column + 30] = drawn.paint
        assert torch.allclose(canvas[0], canvas[1].flip(1), atol=1e-4)
        assert not torch.allclose(canvas[0], canvas[1], atol=0.1)


def test_bones_turn_about_their_joints_and_legs_stay_at_the_hip() -> None:
    poses = posed(1, 1)
    maps = animals._maps(poses, JOINTS[1][1])
    whole = {name: torch.cat([m, torch.tensor([0.0, 0, 1]).expand(6, 1, 3)], 1) for name, m in maps.items()}
    head, tail, hip = JOINTS[1][1]
    points = {"head": (head, poses.head[:, 2:]), "tail": (tail, 0)}
    points |= dict.fromkeys(("step", "back"), ((0.3, hip), 0))
    for bone, (joint, shift) in points.items():
        move = move_of(whole, bone)
        joint = torch.tensor(joint).expand(6, 2)
        at = torch.cat([joint + shift, torch.ones(6, 1)], 1)
        assert torch.allclose((move @ at[:, :, None])[:, :2, 0], joint, atol=1e-5)
        size = poses.head[:, 1] if bone == "head" else torch.ones(6)
        assert torch.allclose(torch.linalg.det(move), size**-2, atol=1e-4)
    turned = move_of(whole, "head")
    angle = torch.atan2(turned[:, 0, 1], turned[:, 0, 0])
    assert torch.allclose(angle, poses.head[:, 0], atol=1e-5)


def move_of(whole: dict[str, Tensor], bone: str) -> Tensor:
    return whole[bone] @ torch.linalg.inv(whole["root"])


def test_every_pose_moves_head_tail_and_legs() -> None:
    assert [len(kinds) for kinds in POSES] == [len(joints) for joints in JOINTS] == [3, 3, 3]
    for label, kind in KINDS:
        bones = {bone for layer in POSES[label][kind] for _, bone, _ in layer.parts}
        assert {"root", "head"} <= bones
        parts = [part for layer in POSES[label][kind] for part in layer.parts]
        assert all(0 <= max(map(abs, n[:2])) <= 1.2 for _, _, n in parts)
        radii = [n[COORDINATES.get(shape, len(n)) :][:2] for shape, _, n in parts]
        assert all(min(each, default=1) > 0 for each in radii)


# Layout


def silhouettes(n: int = 40, k: int = 3, size: float = 12.0) -> layout.Silhouettes:
    there = torch.ones(n, k, dtype=torch.bool)
    generator = torch.Generator().manual_seed(3)
    u = torch.rand(n * k, animals.VARIABLES, generator=generator)
    label = torch.randint(3, (n, 1), generator=generator).expand(n, k).flatten()
    poses = animals.posed(u, label, torch.full((n * k,), size))
    return layout.silhouettes(animals.draw(poses, torch.arange(n * k)), there)


def share(shapes: layout.Silhouettes, corner: Tensor, side: int) -> Tensor:
    seen, _ = layout.front(shapes, corner, side)
    visible = torch.stack([(seen == i).sum() for i in range(corner[..., 0].numel())])
    return visible.reshape(shapes.area.shape) / shapes.area


@pytest.mark.parametrize("k", [2, 3, 4])
def test_objects_that_always_fall_on_one_place_are_set_apart(k: int) -> None:
    shapes = silhouettes(20, k)
    corner = layout.arranged(shapes, torch.zeros(20, layout.TRIES, k, 2), torch.full((20,), 0.3), 64)
    assert share(shapes, corner, 64).min() >= layout.VISIBLE
    assert (corner >= 0).all() and (corner + shapes.size <= 64).all()


@pytest.mark.parametrize("u", [0.0, 0.5, 0.999])
def test_pairs_stay_in_the_picture_on_the_ground_and_in_sight(u) -> None:
    shapes = silhouettes(60, 2, 15.0)
    u, horizon = torch.full((60, layout.TRIES, 2, 2), u), torch.full((60,), 0.5)
    corner = layout.arranged(shapes, u, horizon, 64, touching=True)
    assert (corner >= 0).all() and (corner + shapes.size <= 64).all()
    assert share(shapes, corner, 64).min() >= layout.VISIBLE
    feet = (corner + shapes.size)[..., 1]
    assert (feet.amax(1) >= 34).all()


def test_who_stands_lower_is_in_front() -> None:
    shapes = silhouettes(30, 2)
    corner = torch.full((30, 2, 2), 10)
    feet = torch.tensor([40, 44])
    corner[..., 1] = feet - shapes.size[..., 1]
    assert (share(shapes, corner, 64)[:, 1] == 1).all() and (share(shapes, corner, 64)[:, 0] < 0.9).all()
    _, rank = layout.front(shapes, corner, 64)
    assert rank.tolist() == [[0, 1]] * 30


def test_boxes_of_masks_that_are_empty_are_zero() -> None:
    masks = torch.zeros(1, 2, 6, 8, dtype=torch.bool)
    masks[0, 0, 2:5, 3:8] = True
    boxes = tight_boxes(masks)
    assert boxes.tolist() == [[[3.0, 2.0, 8.0, 5.0], [0.0, 0.0, 0.0, 0.0]]]
