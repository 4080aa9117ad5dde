"""Sums and differences of latents, where each term is a mean over examples."""

from collections.abc import Sequence

import torch


def latent_arithmetic(
    added: Sequence[torch.Tensor], subtracted: Sequence[torch.Tensor] = ()
) -> torch.Tensor:
    """Return the sum of the means of `added` minus the sum of the means of `subtracted`, [n].

    Radford, Metz and Chintala, "Unsupervised Representation Learning with Deep Convolutional
    Generative Adversarial Networks", ICLR 2016, section 6.3.2: smiling woman - woman + man gives a
    smiling man if each term is the mean of three latents. Single latents give unstable results.

    >>> red_square, blue_square, blue_disc = (torch.full((3, 2), float(one)) for one in (1, 2, 4))
    >>> latent_arithmetic([red_square, blue_disc], [blue_square])
    tensor([3., 3.])

    Args:
        added: The examples of each term, floating point [m, n].
        subtracted: The examples of each subtracted term.
    """
    total = torch.zeros_like(added[0][0])
    for sign, terms in ((1, added), (-1, subtracted)):
        for examples in terms:
            total = total + sign * examples.mean(dim=0)
    return total
