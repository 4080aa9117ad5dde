"""Sums and differences of latents, each a mean over examples."""

from collections.abc import Sequence

import torch


def latent_arithmetic(
    added: Sequence[torch.Tensor], subtracted: Sequence[torch.Tensor] = ()
) -> torch.Tensor:
    """Return the means of what is added minus the means of what is subtracted, [n].

    Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks", ICLR 2016, section 6.3.2: smiling woman - woman + man is a
    smiling man if each is the mean of three latents, while single ones are unstable.

    >>> red_square, blue_square, blue_disc = (torch.full((3, 2), float(one)) for one in (1, 2, 4))
    >>> latent_arithmetic([red_square, blue_disc], [blue_square])
    tensor([3., 3.])

    Args:
        added: The examples of each term, floating point [m, n].
        subtracted: The same.
    """
    total = torch.zeros_like(added[0][0])
    for sign, terms in ((1, added), (-1, subtracted)):
        for examples in terms:
            total = total + sign * examples.mean(dim=0)
    return total
