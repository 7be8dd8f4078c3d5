"""The branches of slide 14 that do not compute p(x): what can be sampled is all that is known of them."""

from abc import abstractmethod

from torch import Tensor, nn

from course_utils.taxonomy.model import GenerativeModel, MarkovChain


class ImplicitDensity(GenerativeModel):
    """The model does not compute p(x), but it can be sampled."""

    title = "Implicit density"
    about = "does not compute p(x), but can sample from it"
    latent = True


class ImplicitMarkovChain(ImplicitDensity, MarkovChain):
    """Only the transition x → x′ of a chain is learned."""

    title = "Markov chain"
    about = "a learned step x → x′"

    @abstractmethod
    def loss(self, x: Tensor) -> Tensor:
        """The scalar that training minimises, a mean over the batch."""


class Direct(ImplicitDensity):
    """x = generator(z) in one go, learned in a game against a discriminator."""

    title = "Direct"
    about = "x = G(z), learned in a game against D"

    generator: nn.Module
    discriminator: nn.Module
