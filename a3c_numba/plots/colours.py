"""The colours of all charts, RGB; in SVG those with a name are variables, which a dark style sheet may replace."""

Colour = tuple[int, int, int]  # red, green, blue

WHITE: Colour = (255, 255, 255)
INK: Colour = (34, 34, 34)
GREY: Colour = (105, 105, 105)
GRID: Colour = (228, 228, 228)
LANE: Colour = (238, 240, 243)
BAD: Colour = (194, 24, 43)
# Okabe and Ito's colours, distinct to colour-blind readers, without the yellow, which is too light on white.
PALETTE: tuple[Colour, ...] = (
    (0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (60, 60, 60))
SHADES: tuple[Colour, ...] = (                     # from low, orange, to high, blue
    (154, 60, 0), (217, 116, 42), (239, 176, 122), (185, 188, 198), (134, 174, 222), (63, 127, 202), (18, 63, 140))

NAMES: dict[Colour, str] = {INK: "ink", GREY: "dim", GRID: "rule", LANE: "lane", BAD: "bad", PALETTE[0]: "curve",
                            PALETTE[1]: "second", **{shade: f"q{k}" for k, shade in enumerate(SHADES)}}


def hexadecimal(colour: Colour) -> str:
    """Return a colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def css(colour: Colour) -> str:
    """Return a colour for SVG: as #rrggbb, or, if it has a name, as a variable with that as its default."""
    number = hexadecimal(colour)
    return f"var(--{NAMES[colour]},{number})" if colour in NAMES else number


def paler(colour: Colour, share: float = 0.5) -> Colour:
    """Return the colour mixed with ``share`` of white."""
    red, green, blue = (round(part + share * (255 - part)) for part in colour)
    return red, green, blue
