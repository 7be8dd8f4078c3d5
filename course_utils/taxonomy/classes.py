"""What models share that can be given a class y: of the whole tree, whatever their branch."""

from collections.abc import Callable
from math import log

import torch
from torch import Tensor

from course_utils.checks import check_classes, check_generator


class ClassConditional:
    """A model of p(x | y), if it is built with classes. Where y may be left out, and what that means:

    - A *measure* or ``sample`` without y is that of the mixture, p(x) = Σ_y p(x | y) / classes.
    - A *loss* needs y: what is trained is p(x | y), of examples whose class is known.
    - So does what has no meaning for a mixture: conditionals, a code of x, an answer of the discriminator.

    y are integers of any type, ``(B,)``, on the model's device. A model without classes takes none.

    Attributes:
        classes: the number of classes y; None: no classes.
    """

    classes: int | None = None
    reference: Tensor  # as every generative model has it
    training: bool

    def _check_classes(self, y: Tensor | None, n: int, *, needed: bool = False) -> Tensor | None:
        """Return y if it is n classes of the model, or None where that may be.

        Raises:
            ValueError: there are no classes but a y, y is none of n classes, or it is needed and missing.
        """
        who = type(self).__name__
        if self.classes is None:
            if y is not None:
                raise ValueError(f"{who}: expected no classes y, since the model was built without, got some")
            return None
        if y is None:
            if needed:
                raise ValueError(f"{who}: expected classes y from 0 to {self.classes - 1}, got None")
            return None
        values = not self.training  # in train mode ``fit`` has looked already
        return check_classes(y, n, self.classes, like=self.reference, who=who, values=values)

    def _classes_of_samples(
        self, y: Tensor | None, n: int, generator: torch.Generator | None
    ) -> Tensor | None:
        """The classes of n samples: y, or random ones in a model with classes that is given none."""
        check_generator(generator, self.reference.device, type(self).__name__)
        y = self._check_classes(y, n)
        if self.classes is not None and y is None:
            y = torch.randint(self.classes, (n,), generator=generator, device=self.reference.device)
        return y

    def _over_classes(self, log_p: Callable[[Tensor | None], Tensor], n: int, y: Tensor | None) -> Tensor:
        """log p(x | y) of n examples or, without y, log Σ_y p(x | y) / classes: ``(n,)``."""
        if self.classes is None or y is not None:
            return log_p(y)
        every = torch.arange(self.classes, device=self.reference.device)
        given_y = torch.stack([log_p(one.expand(n)) for one in every])
        return given_y.logsumexp(0) - log(self.classes)
