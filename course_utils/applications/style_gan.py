"""Faces from a style in every layer: a conditional GAN that is told factors, and styles that are mixed."""

from math import pi

import torch
from torch import Tensor, nn

from course_utils.applications.face_reader import HUES
from course_utils.checks import check_choice, check_count, check_number, check_seed
from course_utils.datasets.faces import FACTORS
from course_utils.models.gan import PAYOFFS, penalty_at_data
from course_utils.nets.styled import LAYERS, DenseStyledGenerator, StridedReader, StyledGenerator
from course_utils.taxonomy import Duel, Player

LEVELS = ("coarse", "middle", "fine")
# of which group of factors each number of a code tells; a hue is a direction, so two numbers
GROUP = tuple(factor.group for factor in FACTORS for _ in range(1 + (factor.name in HUES)))
LATENT = len(GROUP)
COPIES, PENALTY, LAZY = 400.0, 0.05, 8  # weights of copies and of the slope of D, looked at once in LAZY
BATCH, PAY = 100, PAYOFFS["non-saturating"]
NETWORKS = {"convolutional": StyledGenerator, "dense": DenseStyledGenerator}


def face_codes(factors: Tensor, *, seed: int = 0) -> Tensor:
    """The codes z ``(N, 16)`` of faces with these factors ``(N, 14)``: z ∼ N(0, I) if factors are uniform.

    A factor u, uniform on (0, 1), becomes Φ⁻¹(u). A hue becomes a direction in the plane, at a random length.

    >>> from course_utils.datasets.faces import faces
    >>> z = face_codes(faces(4_000, 16).factors)
    >>> bool(z.mean(0).abs().max() < 0.1), bool((z.std(0) - 1).abs().max() < 0.1)
    (True, True)
    """
    generator = torch.Generator().manual_seed(check_seed(seed, "face_codes"))
    found = []
    for factor, value in zip(FACTORS, factors.unbind(1), strict=True):
        u = ((value - factor.low) / (factor.high - factor.low)).clamp(1e-4, 1 - 1e-4)
        if factor.name in HUES:
            length = (-2 * torch.rand(len(u), generator=generator).clamp(min=1e-6).log()).sqrt()
            found += [length * (2 * pi * u).cos(), length * (2 * pi * u).sin()]
        else:
            found.append(2**0.5 * torch.erfinv(2 * u - 1))
    return torch.stack(found, 1)


def unlike(x: Tensor, y: Tensor) -> Tensor:
    """The mean squared difference of two pictures, and of their steps to the right and down: a scalar.

    Squares, not absolute values: where the place of an eye is not known yet, the median of pixels has none.
    """
    d = x - y
    return d.square().mean() + d.diff(dim=2).square().mean() + d.diff(dim=3).square().mean()


class StyleGAN(nn.Module, Duel):
    r"""A style-based generator of faces, x = G(z), and a discriminator that judges them.

    A code z ∼ N(0, I) is mapped to a style w; w scales the channels of every convolution of the synthesis
    network (see ``StyledGenerator``). Its layers take their style on three *levels*, so two faces can be
    mixed: the coarse layers follow one, the fine ones another. T. Karras, S. Laine and T. Aila, *A
    Style-Based Generator Architecture for Generative Adversarial Networks*, CVPR 2019; slide 9 shows its
    Figure 3.

    It is *conditional*: z tells the factors of a face (``face_codes``), and x̂ = G(z) of a training picture
    must be near x (squared differences of pixels and of their steps), as pix2pix has it (Isola et al. 2017).
    The discriminator sees such copies, and *new* faces, of which two in three are mixed from two codes.

    *Swap training*: the coarse and middle layers see a code whose colours are another face's, the fine ones
    a code with another's geometry. Each level must then do its own part, and any two can be mixed.

    Departures: small, of half an hour on one core; told the factors, without which as long a training draws
    no eyes; swap training; R₁ in one step of eight.

    Args:
        side: 32 or 64. network: "convolutional" or "dense". swap: whether training swaps; else all levels see
        the whole code. adversarial: False: copies only, a regression without a discriminator. style: the
        dimensions of w. fast: in training, convolutions in bfloat16, which is faster where the processor has
        matrix units for it.

    Shapes: x ``(B, 3, side, side)`` in [0, 1]; z ``(B, 16)``; styles ``(B, 3, style)``, a row for each of
    ``LEVELS``.

    Raises:
        ValueError: an argument is none of the above.

    >>> model = StyleGAN(side=32, adversarial=False)
    >>> model.sample(2).shape, model.styles(torch.zeros(5, 16)).shape
    (torch.Size([2, 3, 32, 32]), torch.Size([5, 3, 64]))
    """

    probability = True
    generator: StyledGenerator | DenseStyledGenerator
    told: Tensor  # (3, 16): which numbers of a code each level is told in swap training

    def __init__(
        self,
        *,
        side: int = 64,
        network: str = "convolutional",
        swap: bool = True,
        adversarial: bool = True,
        style: int = 64,
        fast: bool = False,
    ) -> None:
        super().__init__()
        check_choice(side, "StyleGAN: side", LAYERS)
        check_choice(network, "StyleGAN: network", NETWORKS)
        self.side, self.swap, self.adversarial, self.fast = side, swap, adversarial, fast
        self.generator = NETWORKS[network](side, latent=LATENT, style=check_count(style, "StyleGAN: style"))
        colours = torch.tensor([group == "colours" for group in GROUP])
        self.register_buffer("told", torch.stack([~colours, ~colours, colours]), persistent=False)
        if adversarial:
            self.discriminator = StridedReader(side, (48, 64, 96, 96), 1, hidden=32, spread=True)

    def players(self) -> tuple[Player, ...]:
        """D, then G; or G alone."""
        if not self.adversarial:
            return (Player("copies", (self.generator,), self.copies_loss, averaged=True),)
        return super().players()

    def copies_loss(self, x: Tensor, z: Tensor) -> Tensor:
        """How far copies are from x, in pixels and in the steps between them: a scalar."""
        with self._precision(x):
            copies = self.generator(self._told(z), noise=False)
        return COPIES * unlike(copies, x)

    def discriminator_loss(self, x: Tensor, z: Tensor) -> Tensor:
        """−log D of real pictures, −log(1 − D) of made ones, and at times the slope of D at real ones."""
        with self._precision(x):
            with torch.no_grad():
                fake = self._made(z)
            on_real, on_fake = self.discriminator(x), self.discriminator(fake)
        loss = PAY.of_discriminator(on_real, on_fake)
        if torch.rand(()) < 1 / LAZY:
            loss = loss + LAZY * PENALTY * penalty_at_data(lambda x: self.discriminator(x)[:, 0], x, fake)
        return loss

    def generator_loss(self, x: Tensor, z: Tensor) -> Tensor:
        """−log D of made pictures, and how far copies are from x: a scalar."""
        half = len(x) // 2
        with self._precision(x):
            fake = self._made(z)
            answer = self.discriminator(fake)
        return PAY.of_generator(answer) + COPIES * unlike(fake[:half], x[:half])

    def observe(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        """How far copies are from held-out pictures; D's mean answers."""
        found = {"copies": unlike(self.generator(self._told(z), noise=False), x)}
        if not self.adversarial:
            return found
        answers = {"real": self.discriminator(x), "fake": self.discriminator(self._made(z))}
        return {name: answer.sigmoid().mean() for name, answer in answers.items()} | found

    @torch.no_grad()
    def styles(self, z: Tensor) -> Tensor:
        """The styles of codes ``(B, 16)``, the same on each level: ``(B, 3, style)``."""
        return self.generator.mapping(z)[:, None].expand(-1, len(LEVELS), -1)

    @torch.no_grad()
    def draw(self, w: Tensor) -> Tensor:
        """The pictures of styles ``(B, 3, style)``, without noise, in [0, 1]."""
        return torch.cat([self.generator(part, noise=False).clamp(0, 1) for part in w.split(BATCH)])

    def mix(self, a: Tensor, b: Tensor, levels: tuple[str, ...] = ("fine",)) -> Tensor:
        """Styles ``(B, 3, style)``: of b on the levels that are named, of a on the others.

        Raises:
            ValueError: a level is none of ``LEVELS``, or the shapes differ.
        """
        if not set(levels) <= set(LEVELS):
            raise ValueError(f"mix: expected levels out of {', '.join(LEVELS)}, got {levels!r}")
        if a.shape != b.shape or a.dim() != 3:
            shapes = f"{tuple(a.shape)}, {tuple(b.shape)}"
            raise ValueError(f"mix: expected styles (B, {len(LEVELS)}, D) of one shape, got {shapes}")
        chosen = torch.tensor([level in levels for level in LEVELS], device=a.device)
        return torch.where(chosen[:, None], b, a)

    @torch.no_grad()
    def new_styles(
        self, n: int, *, truncation: float = 1.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Styles of n new faces, ``(n, 3, style)``; w̄ + ψ (w − w̄) for a truncation ψ below 1.

        w̄ is the mean style of 1,000 others: ψ = 0 draws the same mean face always (Karras et al. 2019).
        """
        check_count(n, "new_styles: n")
        psi = check_number(truncation, "new_styles: truncation", low=0)
        w = self.generator.mapping(self._noise(n, generator))
        if psi != 1:
            others = torch.Generator(w.device).manual_seed(0)
            w = torch.lerp(self.generator.mapping(self._noise(1_000, others)).mean(0), w, psi)
        return w[:, None].expand(-1, len(LEVELS), -1)

    @torch.no_grad()
    def sample(self, n: int, *, truncation: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
        """n new faces, ``(n, 3, side, side)`` in [0, 1]."""
        w = self.new_styles(n, truncation=truncation, generator=generator)
        made = (self.generator(part, noise=True, generator=generator) for part in w.split(BATCH))
        return torch.cat([x.clamp(0, 1) for x in made])

    def _noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        return torch.randn(n, LATENT, generator=generator, device=self.generator.constant.device)

    def _precision(self, x: Tensor) -> torch.autocast:
        return torch.autocast(x.device.type, torch.bfloat16, enabled=self.fast)

    def _told(self, z: Tensor) -> Tensor:
        """Styles of codes; with ``swap``, what a level is not told is drawn anew for it."""
        z = z[:, None].expand(-1, len(LEVELS), -1)
        if self.swap:
            other = torch.randn(len(z), 2, LATENT, device=z.device)[:, [0, 0, 1]]
            z = torch.where(self.told, z, other)
        return self.generator.mapping(z)

    def _new(self, n: int) -> Tensor:
        """Styles of new faces; two in three are mixed: from the middle or the fine level on another's."""
        one, other = self.generator.mapping(self._noise(2 * n))[:, None].chunk(2)
        cut = torch.randint(1, len(LEVELS) + 1, (n, 1, 1), device=one.device)
        return torch.where(torch.arange(len(LEVELS), device=one.device)[:, None] < cut, one, other)

    def _made(self, z: Tensor) -> Tensor:
        """Copies of the first half of the codes, then as many new faces as the rest."""
        half = len(z) // 2
        return self.generator(torch.cat([self._told(z[:half]), self._new(len(z) - half)]), noise=True)
