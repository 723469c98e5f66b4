"""``a3c-numba report``: a run's folder as one HTML page that needs nothing else.

    sections.py        the page's sections; cli/report.py writes the page
    recorded_run.py    a run's folder, read leniently
    svg.py             axes, curves, bars and escaping; charts.py and timeline.py: the pictures made of them
    tables.py          configuration, protocol, events
    clip.py            a few seconds of play
    page.py            the page and its style
"""
