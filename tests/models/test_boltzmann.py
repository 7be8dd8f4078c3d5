"""The Boltzmann machine against brute force: energies, Z, its chain, the phases of its gradient."""

from functools import partial
from itertools import combinations

import pytest
import torch
from agreement import agreement
from pixels import random_model

from course_utils.models import BoltzmannMachine
from course_utils.models.boltzmann import binary_states, transition_matrix
from course_utils.universe import all_images, state_index

STATES = all_images(3, 3).double()


machine = partial(random_model, partial(BoltzmannMachine, hidden=4), by=0.7)  # units depend on each other


def distribution(model):
    """p(x) of all 512 images, from the energy alone: ``(512,)``."""
    with torch.no_grad():
        h = binary_states(len(model.c), like=model.W)
        each = [model.energy(STATES, one.expand(512, -1)) for one in h]
    return (-torch.stack(each)).logsumexp(0).softmax(0)


def chi_square(x, p):
    """The p-value of images as samples of p ``(512,)``."""
    return agreement(state_index(x), p.log()).p_value


def exact_step(model):
    """T(x, x′) of a step: h ∼ p(h | x) from the energy, then pixel after pixel given all the rest."""
    h = binary_states(len(model.c), like=model.W)
    with torch.no_grad():
        weight = torch.stack([-model.energy(STATES, one.expand(512, -1)) for one in h], 1).softmax(1)
        total = torch.zeros(512, 512).double()
        for k, one in enumerate(h):
            now, log_p = torch.diag(weight[:, k]), -model.energy(STATES, one.expand(512, -1))
            for pixel in range(9):
                other = torch.arange(512) ^ (1 << (8 - pixel))
                stay = torch.sigmoid(log_p - log_p[other])
                now = (now + now[:, other]) * stay
            total += now
    return total


KINDS = [{"hidden": 4}, {"hidden": 10}, {"hidden": 4, "connections": "full"}]


def energy_by_hand(model, x, h):
    """The formula, each pair of units once: those of x, those of h, and those between them."""
    total = -(model.b @ x.flatten() + model.c @ h + x.flatten() @ model.W @ h)
    if model.connections == "full":
        for s, weights in ((x.flatten(), model.visible_weights), (h, model.hidden_weights)):
            pairs = combinations(s.tolist(), 2)
            total = total - sum(w * a * b for w, (a, b) in zip(weights, pairs, strict=True))
    return total.detach()


@pytest.mark.parametrize("kind", KINDS)
def test_the_energy_counts_every_pair_of_units_once(kind):
    model = machine(**kind)
    x, h = STATES[[0, 77, 300, 511]], torch.bernoulli(torch.full((4, len(model.c)), 0.5)).double()
    due = torch.stack([energy_by_hand(model, a, b) for a, b in zip(x, h, strict=True)])
    torch.testing.assert_close(model.energy(x, h), due, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_free_energy_sums_over_the_hidden_units_and_z_over_all_from_either_side(kind):
    """B13: F(x) = −log Σ_h exp(−E(x, h))."""
    model = machine(**kind)
    h = binary_states(len(model.c), like=model.W)
    brute = torch.stack([-model.energy(STATES, one.expand(512, -1)) for one in h]).logsumexp(0)
    torch.testing.assert_close(model.free_energy(STATES), -brute, rtol=0, atol=1e-10)
    for side in (None, "visible", "hidden"):
        assert abs(model.log_partition(side) - brute.logsumexp(0)) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 20), (20, 2), (19, 20)])
def test_blocks_of_states_miss_none(sizes):
    """Without weights Z is a product; 2^20 states of 19 numbers each take several blocks."""
    D, H = sizes
    model = machine(shape=(D,), hidden=H)
    model.W.data.zero_()
    due = sum(torch.nn.functional.softplus(bias).sum() for bias in (model.b, model.c))
    for side in ("visible", "hidden"):
        assert abs(model.log_partition(side) - due) < 1e-9


def test_the_pseudo_likelihood_is_that_of_the_enumerated_distribution():
    for kind in KINDS:
        model = machine(**kind)
        p = distribution(model)
        other = torch.stack([torch.arange(512) ^ (1 << i) for i in range(9)])
        due = (p.log() - (p + p[other]).log()).sum(0)
        torch.testing.assert_close(model.log_pseudo_likelihood(STATES), due, rtol=0, atol=1e-10)
        assert model.held_out(STATES) == -model.log_pseudo_likelihood(STATES).mean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[::2])
def test_a_step_leaves_the_distribution_of_the_model_as_it_is(kind):
    """πT = π to 1e-12, and the shipped step draws from the rows of T."""
    model = machine(**kind)
    p, T = distribution(model), exact_step(model)
    assert (T.sum(1) - 1).abs().max() < 1e-12 and (p @ T - p).abs().max() < 1e-12
    if model.connections == "restricted":
        blocks = transition_matrix(model.b, model.c, model.W).detach()
        torch.testing.assert_close(blocks, T, rtol=0, atol=1e-12)
        flow = p[:, None] * T
        torch.testing.assert_close(flow, flow.T, rtol=0, atol=1e-12)  # reversible
    stream = torch.Generator().manual_seed(0)
    for start in (0, 170, 511):
        x = model.step(STATES[start].expand(40_000, -1, -1, -1), generator=stream)
        assert chi_square(x, T[start]) > 1e-4
        assert chi_square(x, p) < 1e-6  # one step is not enough: the test can tell


@pytest.mark.parametrize("kind", KINDS[::2])
def test_a_sample_starts_from_noise_and_takes_the_steps_asked_for(kind):
    model = machine(mixing=3, **kind)
    seeds = [torch.Generator().manual_seed(1) for _ in range(4)]
    x = model.sample(50, generator=seeds[0])
    assert torch.equal(x, model.sample(50, steps=3, generator=seeds[1]))
    y = model.sample(50, steps=2, generator=seeds[2])
    assert torch.equal(x, model.step(y, generator=seeds[2])) and not torch.equal(x, y)
    few, uniform = model.sample(20_000, steps=1, generator=seeds[3]), torch.full((512,), 1 / 512).double()
    assert chi_square(few, uniform @ exact_step(model)) > 1e-4 and chi_square(few, uniform) < 1e-6


def test_what_cannot_be_summed_is_refused_and_the_way_out_named():
    with pytest.raises(ValueError, match="BoltzmannMachine.*22.*23.*annealed_importance_sampling"):
        BoltzmannMachine((1, 5, 5), hidden=23).log_partition()
    with pytest.raises(ValueError, match="22.*25"):
        BoltzmannMachine((1, 5, 5), hidden=2).log_partition("visible")
    with pytest.raises(ValueError, match="side.*'left'"):
        machine().log_partition("left")
    model = machine()
    zeros = torch.zeros(512, 4).double()
    for h in (None, zeros.float(), zeros.long(), zeros[:, :3], zeros + 0.5, zeros[:9], zeros.to("meta")):
        with pytest.raises(ValueError, match="BoltzmannMachine.energy: .*h"):
            model.energy(STATES, h)
    for sizes in ((13, 2), (12, 11)):
        D, H = sizes
        with pytest.raises(ValueError, match="transition_matrix.*22"):
            transition_matrix(torch.zeros(D), torch.zeros(H), torch.zeros(D, H))


def slopes(model):
    """∂F/∂θ of every image: ``(512, parameters)``."""
    parameters = [p for _, p in sorted(model.named_parameters())]
    whole = torch.autograd.grad(
        model.free_energy(STATES), parameters, torch.eye(512).double(), is_grads_batched=True
    )
    return torch.cat([g.flatten(1) for g in whole], 1)


def gradient(model, x):
    """The gradient of the shipped loss."""
    model.zero_grad()
    model.loss(x).backward()
    return torch.cat([p.grad.flatten() for _, p in sorted(model.named_parameters())])


def data_distribution():
    """Eight images, each as likely: far from the machine's own distribution."""
    rows = torch.tensor([0, 7, 56, 63, 448, 455, 504, 511])
    return rows, torch.zeros(512).double().index_fill(0, rows, 1 / 8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [{}, {"connections": "full"}])
def test_contrastive_divergence_is_biased_by_as_much_as_the_chain_is_short(kind):
    """B13: the expected gradient of CD-k is E_D ∂F − E_{D Tᵏ} ∂F; the shipped loss has it."""
    rows, p_data = data_distribution()
    model, biases = machine(gradient="CD", **kind), []
    dF, T = slopes(model), exact_step(model)
    exact = p_data @ dF - distribution(model) @ dF
    for model.k in (1, 2, 5, 50):
        k, after = model.k, p_data @ torch.linalg.matrix_power(T, model.k)
        expected = p_data @ dF - after @ dF
        biases.append((expected - exact).norm().item() / exact.norm().item())
        if k > 2:
            continue
        n = 32_000
        torch.manual_seed(0)
        found = gradient(model, STATES[rows].repeat(n // 8, 1, 1, 1))
        spread = ((after @ dF.square() - (after @ dF).square()).clamp_min(1e-12) / n).sqrt()
        assert ((found - expected) / spread).abs().max() < 4.5
        assert ((found - exact) / spread).abs().max() > 15  # the bias is seen, not noise
    assert biases[0] > 0.05 and biases == sorted(biases, reverse=True) and biases[-1] < biases[0] / 10


def test_the_exact_gradient_is_that_of_the_mean_log_likelihood():
    for kind in ({}, {"connections": "full"}, {"hidden": 10}):
        model = machine(gradient="exact", **kind)
        rows, p_data = data_distribution()
        x, dF = STATES[rows], slopes(model)
        found = gradient(model, x)
        torch.testing.assert_close(found, p_data @ dF - distribution(model) @ dF, rtol=0, atol=1e-9)
        due = -(p_data[rows] * distribution(model)[rows].log()).sum()
        assert abs(model.loss(x) - due) < 1e-9 and abs(model.held_out(x) - due) < 1e-9


def test_persistent_chains_go_on_where_they_were_and_only_in_training():
    model = machine(gradient="PCD", k=2, chains=30_000)
    assert "fantasies" in model.state_dict()
    model.fantasies.copy_(STATES[170].expand(30_000, -1, -1, -1))
    before, T = model.fantasies.clone(), exact_step(model)
    x = STATES[data_distribution()[0]]
    model.eval().loss(x)
    assert torch.equal(model.fantasies, before)
    torch.manual_seed(0)
    for updates in (1, 2):
        model.train().loss(x)
        assert chi_square(model.fantasies, torch.linalg.matrix_power(T, 2 * updates)[170]) > 1e-4
    assert chi_square(model.fantasies, torch.linalg.matrix_power(T, 2)[170]) < 1e-6


def test_samples_of_a_machine_with_persistent_chains_start_at_them():
    model = machine(gradient="PCD", chains=2).eval()
    model.fantasies.copy_(STATES[[170, 341]])
    T = exact_step(model)
    torch.manual_seed(0)
    x = model.sample(30_000, steps=1)
    assert chi_square(x, (T[170] + T[341]) / 2) > 1e-4
    assert torch.equal(model.fantasies, STATES[[170, 341]].to(model.fantasies))


def test_persistent_chains_at_the_distribution_of_the_model_give_the_exact_gradient():
    model = machine(gradient="PCD", k=1, chains=30_000)
    p, dF, (rows, p_data) = distribution(model), slopes(model), data_distribution()
    torch.manual_seed(0)
    model.fantasies.copy_(STATES[torch.multinomial(p, 30_000, replacement=True)])
    found = gradient(model.train(), STATES[rows])
    spread = ((p @ dF.square() - (p @ dF).square()).clamp_min(1e-12) / 30_000).sqrt()
    assert ((found - (p_data @ dF - p @ dF)) / spread).abs().max() < 4.5
