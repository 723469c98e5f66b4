"""Learning curves and videos, drawn with OpenCV alone, which is imported when the first of them is drawn.

Each raises ``PicturesUnavailable``, in one line that says what to install, where OpenCV cannot be imported.
"""

from .axes import Axes
from .canvas import PicturesUnavailable
from .curves import Series, learning_curve, line_plot
from .play_frame import play_frame
from .video import VideoWriter

__all__ = ["Axes", "PicturesUnavailable", "Series", "VideoWriter", "learning_curve", "line_plot", "play_frame"]
