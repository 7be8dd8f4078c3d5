"""A style-based generator: what each level is told, mixing, truncation, the game; and the reader of faces."""

from typing import Any

import pytest
import torch
from training_games import moved_by

from course_utils.applications.face_reader import COLUMNS, FaceReader, followed, readable
from course_utils.applications.style_gan import GROUP, LATENT, LEVELS, StyleGAN, face_codes, unlike
from course_utils.datasets.faces import FACTORS, NAMES, faces
from course_utils.nets.styled import Styled
from course_utils.taxonomy import leaves
from course_utils.training import fit

QUIET: dict[str, Any] = dict(progress=False, device="cpu")


def model(**how: Any) -> StyleGAN:
    settings: dict[str, Any] = {"side": 32} | how
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StyleGAN(**settings).eval()


def some(n: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = faces(n, 32)
    return drawn.x, face_codes(drawn.factors)


@pytest.mark.parametrize("network", ["convolutional", "dense"])
@pytest.mark.parametrize("side", [32, 64])
def test_pictures_have_their_size(side, network):
    one = model(side=side, network=network)
    x = one.sample(3, generator=torch.Generator().manual_seed(1))
    assert x.shape == (3, 3, side, side) and 0 <= x.min() and x.max() <= 1
    torch.testing.assert_close(x, one.sample(3, generator=torch.Generator().manual_seed(1)))


def test_codes_are_normal_and_tell_the_factors():
    factors = faces(3_000, 16).factors
    z = face_codes(factors)
    assert z.shape == (3_000, LATENT) and z.mean(0).abs().max() < 0.1 and (z.std(0) - 1).abs().max() < 0.1
    assert torch.corrcoef(z.T).sub(torch.eye(LATENT)).abs().max() < 0.1
    order = factors[:, NAMES.index("smile")].argsort()
    assert bool((z[:, NAMES.index("smile")][order].diff() >= 0).all())


def test_mixing_takes_each_level_from_its_source_and_nothing_else():
    a, b = torch.randn(2, 4, 3, 5)
    one = model()
    assert torch.equal(one.mix(a, b, ()), a) and torch.equal(one.mix(a, b, LEVELS), b)
    mixed = one.mix(a, b, ("middle",))
    assert torch.equal(mixed[:, [0, 2]], a[:, [0, 2]]) and torch.equal(mixed[:, 1], b[:, 1])


def test_a_fine_style_reaches_fine_layers_alone():
    """With the fine style changed, what the coarse and middle layers compute stays the same."""
    one = model()
    seen: list[torch.Tensor] = []
    for layer in one.generator.layers:
        layer.register_forward_hook(lambda _, __, out: seen.append(out))
    w = torch.randn(2, 3, 64)
    other = w.clone()
    other[:, 2] = torch.randn(2, 64)
    with torch.no_grad():
        one.generator(w, noise=False), one.generator(other, noise=False)
    same = [torch.allclose(a, b) for a, b in zip(seen[: len(seen) // 2], seen[len(seen) // 2 :], strict=True)]
    assert same == [level < 2 for level in one.generator.levels]


def test_a_style_sets_what_a_layer_does_and_not_how_large_it_is():
    layer = Styled(6, 7, style=5, double=False)
    h, w = torch.randn(2, 6, 4, 4), torch.randn(2, 5)
    with torch.no_grad():
        layer.style.bias.zero_()
        once, twice = layer(h, w, noise=False), layer(h, 2 * w, noise=False)
    assert torch.allclose(once, twice, atol=1e-5)


def test_swap_training_hides_colours_from_coarse_layers_and_geometry_from_fine_ones():
    one, (_, z) = model(), some()
    colours, other = torch.tensor([group == "colours" for group in GROUP]), torch.randn_like(z)
    told = []
    for code in (z, torch.where(colours, other, z), torch.where(colours, z, other)):
        torch.manual_seed(3)
        told.append(one._told(code))
    own, recoloured, posed = told
    assert torch.allclose(recoloured[:, :2], own[:, :2]) and not torch.allclose(recoloured[:, 2], own[:, 2])
    assert torch.allclose(posed[:, 2], own[:, 2]) and not torch.allclose(posed[:, 0], own[:, 0])
    whole = model(swap=False)._told(z)
    assert torch.equal(whole, whole[:, :1].expand_as(whole))
    torch.testing.assert_close(whole, model().styles(z))


def test_truncation_shrinks_the_spread_of_styles_to_nothing():
    one = model()
    spread = []
    for psi in (1.0, 0.5, 0.0):
        w = one.new_styles(50, truncation=psi, generator=torch.Generator().manual_seed(2))
        spread.append(w.std(0).mean().item())
    assert spread[1] == pytest.approx(spread[0] / 2, rel=1e-4) and spread[2] < 1e-6


def test_each_player_moves_its_own_net():
    x, z = some(16)
    for name in ("discriminator", "generator"):
        assert moved_by(model(), name, (x, z), valid=(x[:4], z[:4]), batch_size=8) == {name}


def test_copies_come_nearer():
    x, z = some(40)
    one = model(network="dense", adversarial=False)
    with torch.no_grad():
        before = unlike(one.draw(one.styles(z)), x)
    fit(one, (x, z), valid=(x[:4], z[:4]), epochs=15, batch_size=20, lr=3e-3, **QUIET)
    assert unlike(one.draw(one.styles(z)), x) < 0.7 * before


def test_it_is_no_leaf_of_the_tree():
    assert StyleGAN not in list(leaves())


def test_readings_are_numbers_from_minus_one_to_one_and_hues_lie_on_a_circle():
    read = readable(faces(50, 16).factors)
    assert read.shape == (50, 16) and read.abs().max() <= 1 + 1e-6
    for k, factor in enumerate(FACTORS):
        if (COLUMNS == k).sum() == 2:
            assert factor.name in ("shirt", "background")
            assert torch.allclose(read[:, COLUMNS == k].square().sum(1), torch.ones(50), atol=1e-5)


def test_the_reader_learns():
    drawn, reader = faces(60, 32), FaceReader(hidden=8)
    before = reader.loss(drawn.x, drawn.factors).item()
    fit(reader, (drawn.x, drawn.factors), valid=0.2, epochs=15, lr=5e-3, batch_size=20, **QUIET)
    assert reader.loss(drawn.x, drawn.factors).item() < 0.9 * before


def test_who_is_followed_does_not_depend_on_scale_and_swaps_with_the_sources():
    a, b = torch.randn(2, 40, 16, generator=torch.Generator().manual_seed(0))
    mixed = 0.3 * a + 0.6 * b
    share = followed(mixed, a, b)
    assert torch.allclose(share, torch.full((14,), 2 / 3), atol=1e-4)
    assert torch.allclose(followed(mixed, b, a), 1 - share, atol=1e-4)
    assert torch.allclose(followed(5 * mixed + 1, a, b), share, atol=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: StyleGAN(side=48),
        lambda: StyleGAN(network="round"),
        lambda: StyleGAN(style=0),
        lambda: model().mix(torch.zeros(1, 3, 5), torch.zeros(1, 3, 5), ("finest",)),
        lambda: model().mix(torch.zeros(1, 3, 5), torch.zeros(2, 3, 5)),
        lambda: model().new_styles(0),
        lambda: model().new_styles(2, truncation=-1),
        lambda: followed(torch.zeros(2, 16), torch.zeros(2, 16), torch.zeros(2, 16)),
        lambda: followed(torch.zeros(5, 16), torch.zeros(5, 16), torch.zeros(5, 14)),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match="expected"):
        call()
