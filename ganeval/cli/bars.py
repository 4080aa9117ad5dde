"""Bars on a terminal with count, items per second and time left; 60 columns are enough."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.table import Column
from rich.text import Text

_NUMBERS_WIDTH = 36
_BAR_WIDTH = 8


class Bars(Progress):
    """A bar for each running job, with a text below them."""

    below = Text()

    def __init__(self) -> None:
        console = Console(stderr=True)
        wide = console.width // 10 - 6  # columns more than on a narrow terminal
        bar_width = _BAR_WIDTH + max(wide, 0)
        super().__init__(
            _Label(max(console.width - bar_width - _NUMBERS_WIDTH - 2, 8)),
            BarColumn(bar_width),
            _Numbers(Column(no_wrap=True, min_width=_NUMBERS_WIDTH)),
            console=console,
            transient=True,
        )
        self._by_label: dict[str, TaskID] = {}

    def show(self, label: str, done: int, total: int, *, noun: str, each: int = 1) -> None:
        """Note the progress of a job; the bar of a finished job disappears.

        Args:
            label: Name of the job.
            done: Number of things done.
            total: Number of things to do.
            noun: Name of the items in the rate (`images` for images/s); "" for no rate.
            each: Number of items in one thing.
        """
        if label not in self._by_label:
            self._by_label[label] = self.add_task(label, total=total, noun=noun, each=each)
        self.update(self._by_label[label], completed=done, total=total, visible=done < total)

    def describe(self, label: str) -> str:
        """Return the progress of a job."""
        (task,) = [task for task in self.tasks if task.id == self._by_label[label]]
        return _numbers(task)

    def stop(self) -> None:
        """Clear the bars, without the empty line that rich prints for a display never shown."""
        if self.live.is_started:
            super().stop()

    def get_renderables(self) -> Iterator[RenderableType]:
        """Return what is drawn, from top to bottom."""
        yield from super().get_renderables()
        yield self.below


class _Label(ProgressColumn):
    """The name of the job; the middle of a long name is left out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def render(self, task: Task) -> Text:
        """Return the label."""
        label, excess = task.description, len(task.description) - self.width
        if excess > 0:
            head = (self.width - 3) // 3
            label = f"{label[:head]}...{label[head + 3 + excess :]}"
        return Text(label, no_wrap=True)


class _Numbers(ProgressColumn):
    """Count, items per second, time left."""

    def render(self, task: Task) -> Text:
        """Return what is known so far."""
        return Text(_numbers(task))


def _numbers(task: Task) -> str:
    """Return `1,024/50,000 410 images/s 1:59 left`, as far as it is known."""
    parts = [f"{task.completed:,.0f}/{task.total:,.0f}"]
    speed = task.finished_speed or task.speed
    if speed and task.fields["noun"]:
        rate = speed * task.fields["each"]
        number = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"
        parts.append(f"{number} {task.fields['noun']}/s")
    if task.time_remaining:
        minutes, seconds = divmod(round(task.time_remaining), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        parts.append(f"{clock} left")
    return " ".join(parts)
