"""Pictures in a file; only those being read are in the memory of the process."""

import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reference_models.data.order import Indices

Pixels = npt.NDArray[np.uint8]


class MappedPixels:
    """The pictures of a `.npy` file, uint8 [N, C, H, W], read by their numbers.

    The file is mapped anew for each read. With one long mapping, all pages that were ever read
    would count as memory of the process, in the end the whole file. This way the system can free
    them. The file stays open, so a run keeps its pictures even if the file is removed or replaced.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            ValueError: It is not such a file, or its length does not match its header.
            OSError: It cannot be read.
        """
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError("not version 1.0 of the npy format")
        header = np.lib.format.read_array_header_1_0(self._file)
        self.shape, is_fortran, kind = header
        if len(self.shape) != 4 or is_fortran or kind != np.uint8:
            raise ValueError(f"its header says {header}")
        self._start = self._file.tell()
        if path.stat().st_size != self._start + int(np.prod(self.shape, dtype=np.int64)):
            raise ValueError("its length does not match its header")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Indices | slice) -> Pixels:
        """Return the pictures of these numbers in memory, uint8 [B, C, H, W]."""
        mapped = np.memmap(
            self._file, dtype=np.uint8, mode="r", offset=self._start, shape=self.shape
        )
        pixels: Pixels = np.asarray(mapped)[chosen]
        return (
            pixels.copy() if isinstance(chosen, slice) else pixels
        )  # an index array copies already


def write_header(path: Path, shape: tuple[int, ...]) -> int:
    """Write the beginning of a `.npy` file of uint8 pictures and return its length in bytes."""
    with path.open("r+b") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        return file.tell()
