"""Errors with advice, in the words of the caller: a Python program, or the command line."""


class AdvisedError(Exception):
    """An error of one line that ends with what to do.

    Attributes:
        reason: what happened.
        advice: what to do, in Python's words; "" if nothing is advised.
        option_advice: the same in the words of the command line, which shows it in place of ``advice``.
    """

    def __init__(self, reason: str, advice: str = "", option_advice: str = "") -> None:
        super().__init__(f"{reason}: {advice}" if advice else reason)
        self.reason, self.advice, self.option_advice = reason, advice, option_advice or advice

    @property
    def typed(self) -> str:
        """Return the line for the command line."""
        return f"{self.reason}: {self.option_advice}" if self.option_advice else self.reason
