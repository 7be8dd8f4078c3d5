"""What every drawn set promises: a seed says it all, rows stay together, a bad request is one clear error."""

from functools import partial

import pytest
import torch

from course_utils.datasets import scenes
from course_utils.datasets.coloured import coloured
from course_utils.datasets.examples import Examples
from course_utils.datasets.faces import faces
from course_utils.datasets.herd import herd
from course_utils.datasets.people import people

SETS = {  # how a set is drawn, which of more than one chunk; the least side
    "scenes": (scenes, 260, 32),
    "touching scenes": (partial(scenes, touching=True), 260, 32),
    "people": (people, 40, 32),
    "coloured": (coloured, 260, 16),
    "faces": (faces, 110, 16),
    "herd": (herd, 40, 16),
}


def parts(some) -> list[torch.Tensor]:
    return list(some) if isinstance(some, Examples) else [some.x, some.body]


@pytest.mark.parametrize("name", SETS)
def test_the_same_seed_draws_the_same_whatever_their_number(name):
    draw, many, side = SETS[name]
    state = torch.get_rng_state()
    whole, few = parts(draw(many, side=side, seed=4)), parts(draw(3, side=side, seed=4))
    assert torch.equal(state, torch.get_rng_state()), "torch's own random numbers are left alone"
    for one, other in zip(few, whole, strict=True):
        assert len(other) == many
        torch.testing.assert_close(one, other[:3], atol=1e-4, rtol=0)
    assert not torch.equal(parts(draw(3, side=side, seed=5))[0], few[0])


@pytest.mark.parametrize("name", ["scenes", "people", "coloured", "faces"])
def test_rows_and_devices(name):
    drawn = SETS[name][0](7, side=32)
    at = torch.arange(7)
    for rows in (slice(2, 4), [2, 3], torch.tensor([2, 3]), (at == 2) | (at == 3)):
        some = drawn[rows]
        assert type(some) is type(drawn) and len(some) == 2
        assert all(torch.equal(a, b[2:4]) for a, b in zip(some, drawn, strict=True))
    assert len(drawn[-1]) == 1 and torch.equal(drawn[-1].x[0], drawn.x[-1])
    assert {part.device.type for part in drawn.to("meta")} == {"meta"}


BAD = [{"n": 0}, {"n": 2.5}, {"side": 8}, {"side": 40.0}, {"side": True}, {"seed": -1}, {"seed": 0.5}]


@pytest.mark.parametrize("bad", BAD, ids=str)
@pytest.mark.parametrize("name", SETS)
def test_a_bad_request_is_one_clear_error(name, bad):
    with pytest.raises(ValueError, match=r"^\w+: .*expected .*got"):
        SETS[name][0](**({"n": 2} | bad))
