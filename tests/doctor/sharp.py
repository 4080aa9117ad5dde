"""Pictures without a fault: sharp, coloured, all different."""

import functools

import numpy as np
import numpy.typing as npt


@functools.cache
def sharp(num: int, *, seed: int, size: int = 80) -> npt.NDArray[np.uint8]:
    """Return noise with the spectrum of pictures, uint8 [num, size, size, 3], read-only.

    Its amplitude falls with the frequency, as in photographs (Field, 1987).
    """
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.normal(size=(num, 3, size, size))) / frequency
    pictures = np.fft.irfft2(spectrum, s=(size, size))
    pictures *= 45 / pictures.std(axis=(1, 2, 3), keepdims=True)
    result = np.clip(np.rint(pictures + 128), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    result.flags.writeable = False
    return result
