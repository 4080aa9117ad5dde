"""A function as a network, with the networks that it uses as its parts."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch

from ganeval.generators.code import closure_of


class Function(torch.nn.Module):
    """Calls a function; evaluation mode reaches the networks that it uses.

    These are the networks in its closure, in its bound arguments, in the object whose method it is,
    and among the global names in its code. Networks inside other objects are not found; the trial
    refuses the function if that matters.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function
        networks = [one for one in _used_by(function) if isinstance(one, torch.nn.Module)]
        self.networks = torch.nn.ModuleList(dict.fromkeys(networks))

    def forward(self, *inputs: Any) -> Any:
        """Call the function."""
        return self.function(*inputs)


def as_network(thing: torch.nn.Module | Callable[..., Any]) -> torch.nn.Module:
    """Return a network as it is, a function as a network."""
    return thing if isinstance(thing, torch.nn.Module) else Function(thing)


def name_of(thing: torch.nn.Module | Callable[..., Any]) -> str:
    """Return the name in messages of a network or function that has no other name."""
    if isinstance(thing, torch.nn.Module):
        return type(thing).__name__
    name: str = getattr(thing, "__name__", type(thing).__name__)
    return "function" if name == "<lambda>" else name


def _used_by(function: Callable[..., Any]) -> Iterator[Any]:
    """Yield what a function refers to."""
    if isinstance(function, functools.partial):
        yield from (*function.args, *function.keywords.values())
        yield from _used_by(function.func)
    elif inspect.ismethod(function):
        yield function.__self__
        yield from _used_by(function.__func__)
    elif inspect.isfunction(function):
        yield from closure_of(function)
        for name in function.__code__.co_names:
            if name in function.__globals__:
                yield function.__globals__[name]
    else:
        yield from getattr(function, "__dict__", {}).values()
