"""``a3c-numba report``: a run's folder as one self-contained HTML page.

    sections.py        the page's sections; cli/report.py writes the page
    recorded_run.py    read a run's folder; missing and incomplete files are tolerated
    charts.py          curves and histograms; timeline.py the lanes of the workers
    tables.py          configuration, protocol, events
    clip.py            a few seconds of play
    page.py            the page and its style
"""
