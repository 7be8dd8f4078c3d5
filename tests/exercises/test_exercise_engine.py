from math import inf, nan

import numpy as np
import pytest
import torch
from torch import tensor

from course_utils.exercises.engine import Exercise, Property, agrees, holds, judge
from course_utils.exercises.engine.checking import catalogue
from course_utils.exercises.engine.comparison import Wrong


def mirror(x):
    """The vector backwards."""
    return x.flip(0)


VECTORS = {"one number": (torch.tensor([1.0]),), "three numbers": (torch.tensor([1.0, 2.0, 3.0]),)}


MIRROR = Exercise(
    mirror,
    "See Tensor.flip.",
    holds("the sum stays", lambda y, x: bool((y.sum() - x.sum()).abs() < 1e-6), "the same sum", VECTORS),
    agrees(VECTORS),
)


def verdict(answer, exercise=MIRROR):
    return judge(exercise, answer)


def generator(x):
    yield x


def refuse(*args, **kwargs):
    raise RuntimeError("no")


class Hostile:
    __repr__ = __eq__ = __bool__ = refuse


class Odd(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.Tensor.isnan:
            refuse()
        return super().__torch_function__(function, types, args, kwargs)


def leaves(x):
    raise SystemExit


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (lambda x: 3, "shape ()"),
        (lambda x: x[:0], "shape (0,)"),
        (lambda x: x * float("nan"), "it is never NaN"),
        (lambda x: x.flip(0).as_subclass(Odd), "a value that can be compared"),
        (lambda x: x.flip(0).cfloat(), "real numbers"),
        (lambda x: x.flip(0).to("meta"), "device meta"),
        (lambda x: Hostile(), "cannot be shown"),
        (lambda x: "y" * 10**6, "…"),
        (lambda x: list(range(10**6)), "shape (1000000,)"),
        (generator, "of type generator"),
        (leaves, "SystemExit"),
        (lambda: 3, "TypeError"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: (lambda f: f(f))(lambda f: f(f)), "RecursionError"),
        (lambda x: x.foo, "no attribute 'foo' (line 1 of the function)"),
        (lambda x: x.sort().values.cumsum(0), "the sum stays"),
        (lambda x: x.neg_().neg(), "leaves its input"),
        (lambda x: x, "agrees with the reference"),
        (lambda x: x.flip(0) if len(x) == 1 else None, "None"),
        (3, "a function"),
        (Hostile(), "a function"),
        (torch.zeros(3), "a function"),
        (Hostile, "TypeError"),
        (torch.nn.Module(), "NotImplementedError"),  # raised inside torch: no untouched answer
    ],
)
def test_no_answer_breaks_a_check_and_the_text_says_what_came(answer, part):
    given = verdict(answer)
    assert given.outcome == "wrong", given.text
    assert part in given.text and len(given.text) < 700, given.text
    assert given.answer is mirror


def test_a_wrong_answer_is_told_the_input_what_came_and_what_was_expected():
    text = verdict(lambda x: x.roll(1)).text
    for part in ("three numbers: x = tensor([1., 2., 3.])", "tensor([3., 1., 2.])", "tensor([3., 2., 1.])"):
        assert part in text


def test_a_value_is_not_given_away():
    assert "64" not in verdict(8, catalogue()["pixels"]).text


def value(right, cast=None):
    return Exercise(lambda: right, "A hint.", agrees(), value=True, cast=cast)


def test_nan_is_named():
    for answer in (float("nan"), torch.tensor(float("nan"))):
        assert "it is never NaN" in verdict(answer, value(1.0)).text


def test_an_interrupt_is_no_answer():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(interrupted)


@pytest.mark.parametrize(
    "fault",
    [
        Property("it looks up a key", lambda answer: {}[answer(torch.ones(1)).sum()]),
        holds("its test fails", lambda y, x: y.nothing, "nothing", VECTORS),
        holds("its inputs fail", lambda y, x: True, "nothing", {"no": ("a text",)}),
    ],
)
def test_a_fault_of_the_check_is_not_blamed_on_the_answer(fault):
    given = verdict(mirror, Exercise(mirror, "A hint.", fault))
    assert given.outcome == "broken check" and given.answer is mirror
    assert fault.says in given.text and "not of your answer" in given.text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x, y, z: x.zero_(),
        lambda x, y, z: y[0].zero_(),
        lambda x, y, z: z["a"].fill(0),
        lambda x, y, z: z.clear(),
        lambda x, y, z: y.clear(),
    ],
)
def test_inputs_are_copies_and_random_numbers_are_left_alone(spoil):
    kept = torch.tensor([1.0, 2.0]), [torch.tensor([3.0])], {"a": np.ones(2)}
    state = torch.random.get_rng_state()
    exercise = Exercise(lambda x, y, z: 0.0, "A hint.", agrees({"": kept}))
    given = verdict(lambda *args: (spoil(*args), torch.rand(3), 0.0)[2], exercise)
    assert given.outcome == "wrong" and "in place" in given.text
    assert kept[0].tolist() == [1.0, 2.0] and kept[1][0].item() == 3.0 and kept[2]["a"].sum() == 2
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("right", "same", "other"),
    [
        (2.0, [2, np.float32(2), tensor(2.0), 2.00001], [2.1, nan, "2", True, 2j, torch.ones(2)]),
        (3, [3.0, np.int64(3), tensor(3)], [4, 3.5, "3", int]),
        (1, [1.0], [True, tensor(True)]),
        (1.0, [1], [True]),
        ("ab", ["ab"], ["b", 3, b"ab"]),
        (True, [np.bool_(True), tensor(True)], [False, 1, "True"]),
        (
            (1, 2.0),
            [(1, 2.0), [1, 2.0], tensor([1, 2.0]), np.array([1, 2.0])],
            [(1, 3.0), (1,), {1, 2.0}, 1, (1, "2")],
        ),
        (
            [torch.ones(2)],
            [[torch.ones(2)], (np.ones(2),), torch.ones(1, 2), [[1, 1]]],
            [[torch.zeros(2)], [torch.ones(3)], torch.ones(2, 2)],
        ),
        (inf, [inf], [1e300, -inf]),
        (nan, [nan], [0.0]),
        (tensor([0.0, -inf]), [tensor([0.0, -inf])], [tensor([0.0, -9.0])]),
        (tensor(1.0), [tensor(1.0, requires_grad=True), 1.0, np.float32(1)], [2.0, True, torch.ones(1)]),
        (
            tensor([2, 1]),
            [[2, 1], (2.0, 1.0), np.array([2, 1]), tensor([2.0, 1.0]), [tensor(2), 1]],
            [[2, 1.5], [2], [[2, 1]], tensor([2.0, nan]), ["2", 1], {2, 1}],
        ),
        (tensor([True, False]), [[1, 0], np.array([1.0, 0.0])], [[2, 0], [0.5, 0], [False, True]]),
        (tensor([100_000]), [[100_000]], [[100_001]]),
    ],
)
def test_values_agree_in_kind_and_number(right, same, other):
    for outcome, answers in (("right", same), ("wrong", other)):
        for answer in answers:
            assert verdict(answer, value(right)).outcome == outcome, answer


@pytest.mark.parametrize("number", [float, int, np.float32, lambda x: np.array(x)[()]])
def test_one_number_need_not_be_a_tensor_and_is_one_in_what_is_handed_back(number):
    def total(x):
        return x.sum()

    exercise = Exercise(total, "Sum.", agrees(VECTORS))
    given = verdict(lambda x: number(x.sum().item()), exercise)
    assert given.outcome == "right"
    came = given.answer(torch.tensor([1.0, 2.0]))
    assert isinstance(came, torch.Tensor) and came.item() == 3 and came.is_floating_point()
    assert verdict(lambda x: number(x.sum().item() + 1), exercise).outcome == "wrong"
    assert verdict(lambda x: True, exercise).outcome == "wrong"
    assert "shape (1,)" in verdict(lambda x: number(x.sum().item()), MIRROR).text


def test_a_cast_takes_what_is_written_otherwise_and_says_in_its_own_words_what_it_does_not_take():
    def word(text):
        if not isinstance(text, str):
            raise Wrong(str(text), expected="one word", says="It is a word")
        return text.strip().lower()

    exercise = value("flow", word)
    given = verdict(" Flow ", exercise)
    assert given.outcome == "right" and given.answer == "flow"
    assert verdict(None, exercise).outcome == "not attempted"
    assert "it is a word." in (text := verdict(3, exercise).text) and "expected: one word" in text
    assert verdict("flow", value("flow", lambda y: y.no_such_verb)).outcome == "wrong"
