"""The data set of a DataLoader that gives each item once."""

from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
    default_convert,
)

from ganeval.errors import InputError


def dataset_behind(loader: DataLoader[Any]) -> Dataset[Any]:
    """Return the data set of a loader that gives each of its items once, in any order.

    Raises:
        InputError: The loader selects, repeats or changes items.
    """
    count = num_items(loader.dataset, type(loader.dataset).__name__)
    batches = loader.batch_sampler
    remedy = "give the data set itself (loader.dataset), or a torch.utils.data.Subset of it"
    if type(loader).__iter__ is not DataLoader.__iter__:
        raise InputError(
            f"DataLoader: {type(loader).__name__} overrides how batches are made",
            "a loader that gives each item once",
            remedy,
        )
    if type(batches) not in (BatchSampler, type(None)):
        raise InputError(
            f"DataLoader: a batch_sampler of type {type(batches).__name__} chooses among its items",
            "a loader that gives each item once",
            remedy,
        )
    sampler: Any = batches.sampler if isinstance(batches, BatchSampler) else loader.sampler
    plain = type(sampler) is SequentialSampler or (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler.data_source)
    )
    if not plain:
        raise InputError(
            f"DataLoader: a {type(sampler).__name__} chooses among its items",
            "a loader that gives each item once",
            remedy,
        )
    if len(sampler.data_source) != count:
        raise InputError(
            f"DataLoader: its {type(sampler).__name__} has {len(sampler.data_source):,} items, "
            f"but its data set has {count:,}",
            "a loader that gives each item once",
            remedy,
        )
    if isinstance(batches, BatchSampler) and batches.drop_last and count % batches.batch_size:
        raise InputError(
            f"DataLoader: drop_last leaves out {count % batches.batch_size:,} of {count:,} items",
            "a loader that gives each item once",
            "set drop_last=False, or give the data set itself (loader.dataset)",
        )
    if loader.collate_fn not in (default_collate, default_convert):
        raise InputError(
            "DataLoader: a custom collate_fn makes the batches",
            "a data set whose items are the images",
            "give the data set itself (loader.dataset) if its items are images",
        )
    return loader.dataset


def num_items(dataset: Dataset[Any], name: str) -> int:
    """Return the length of a data set, or refuse it."""
    if isinstance(dataset, IterableDataset):
        raise InputError(
            f"{name}: an IterableDataset, which has no length and cannot be read again",
            "a data set with __len__ and __getitem__",
            "write its images to a folder or an npz file",
        )
    if not hasattr(dataset, "__len__"):
        raise InputError(f"{name}: a data set without a length", "__len__", "add it to the class")
    count = len(dataset)
    if count == 0:
        raise InputError(f"{name}: no images (the data set is empty)", "at least one", "add some")
    return count
