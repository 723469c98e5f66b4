"""Pictures and videos from arrays, drawn with OpenCV alone, which is imported when the first one is drawn.

If OpenCV cannot be imported, ``PicturesUnavailable`` is raised; its message, one line, says what to install.
"""

from .axes import Axes
from .canvas import PicturesUnavailable
from .curves import Series, learning_curve, line_plot
from .play_frame import play_frame
from .video import VideoWriter

__all__ = ["Axes", "PicturesUnavailable", "Series", "VideoWriter", "learning_curve", "line_plot", "play_frame"]
