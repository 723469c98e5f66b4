"""Charts, pictures and videos from arrays.

    chart.py     what a chart is, as data: panels of marks on two axes, a title and keys
    drawing.py   draws a chart on one of two surfaces: canvas.py for pictures, svg.py for pages
    curves.py, seeds.py, race.py                            charts
    heat.py, layers.py, saliency.py, play_frame.py          pictures that are images, drawn on a canvas
    video.py     videos of pictures

Pictures and videos are drawn with OpenCV alone, which is imported when the first one is drawn.  A chart in a file that
ends in .svg needs none.

If OpenCV cannot be imported, ``PicturesUnavailable`` is raised; its message, one line, says what to install.
"""

from .canvas import PicturesUnavailable
from .curves import Series, learning_curve, line_plot
from .drawing import Axes
from .play_frame import play_frame
from .seeds import mean_curves
from .video import VideoWriter

__all__ = ["Axes", "PicturesUnavailable", "Series", "VideoWriter", "learning_curve", "line_plot", "mean_curves",
           "play_frame"]
