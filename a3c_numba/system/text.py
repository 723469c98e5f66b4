"""Texts for messages: short, on one line."""

LONGEST = 120                  # characters of a value in a message


def short_repr(value: object) -> str:
    """Return a short ``repr``, on one line, for a message."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):                                 # an integer of thousands of digits
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= LONGEST else text[:LONGEST - 4] + " ..."


def one_line(text: object) -> str:
    """Return a text for a message: its lines joined, and control characters escaped, so that a terminal obeys none."""
    joined = " ".join(line.strip() for line in str(text).splitlines())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in joined)
