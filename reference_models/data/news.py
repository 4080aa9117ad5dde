"""Log the progress of a long job on pictures."""

import logging
import time

logger = logging.getLogger("ganeval.training.data")

NEWS_SECONDS = 30.0  # between two lines


class News:
    """Logs a line at most every 30 seconds."""

    def __init__(self, text: str, total: int, *, done: int = 0, what: str = "prepared") -> None:
        self._text, self._total, self._what = text, total, what
        self._first, self._began = done, time.monotonic()
        self._told = self._began

    def tell(self, done: int) -> None:
        """Log the progress, if the last line is old enough."""
        now = time.monotonic()
        if now - self._told < NEWS_SECONDS or done == self._total:
            return
        self._told = now
        rate = (done - self._first) / (now - self._began)
        minutes, seconds = divmod(round((self._total - done) / rate), 60)
        logger.info(
            f"{self._text}: {done:,} of {self._total:,} pictures {self._what}, "
            f"{rate:,.0f} images/s, {minutes}:{seconds:02} left"
        )
