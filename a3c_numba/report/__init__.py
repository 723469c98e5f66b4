"""``a3c-numba report``: a run's folder as one self-contained HTML page.

    page.py            the page, its style and its sections; cli/report.py writes it
    recorded_run.py    read a run's folder; missing and incomplete files are tolerated
    charts.py          curves, histograms, and the timeline of the workers
    tables.py          configuration, protocol, events
    clip.py            a few seconds of play
"""
