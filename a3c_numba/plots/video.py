"""Videos, written frame by frame: .mp4 (VP9) and .avi of any length, .gif small enough for a page.

A video has a temporary name until it is complete, so an interrupted video is never mistaken for a finished one.

OpenCV needs all frames of a GIF at once.  They are reduced in size.  If there are too many, every other frame is
dropped and the others are shown for twice as long, up to 0.1 seconds; a long game becomes a time lapse.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from ..system.terminal import log
from .canvas import PicturesUnavailable, load_cv2

Frame = npt.NDArray[np.uint8]  # (height, width, 3)

GIF_WIDTH = 480  # pixels
GIF_FRAMES = 300  # at most: 140 MB in memory, about ten seconds to encode
GIF_FASTEST, GIF_SLOWEST = 30.0, 10.0  # frames per second; browsers slow down a GIF with more than 50
GIF_DITHER = 3  # a palette for each frame: accurate colours, and a sixth of the default's size


class Film:
    """A compressed video, written to disk frame by frame."""

    def __init__(self, path: Path, fps: float, codecs: tuple[str, ...]) -> None:
        self.cv2, self.path, self.fps, self.codecs = load_cv2(), path, fps, codecs
        self._film: Any = None

    def append(self, frame: Frame) -> None:
        """Add a frame; repeat its last row or column if a side is odd, because codecs require even sides."""
        height, width = frame.shape[:2]
        even = self.cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, self.cv2.BORDER_REPLICATE)
        if self._film is None:
            self._film = self._opened(even.shape[1::-1])
        if not self._film.isOpened():
            raise OSError(f"OpenCV cannot write a {self.path.suffix} video into {self.path.parent}")
        self._film.write(even)

    def _opened(self, size: tuple[int, ...]) -> Any:
        """Return the writer with the first codec that this OpenCV has; a line says if it is none that browsers play."""
        for codec in self.codecs:
            film = self.cv2.VideoWriter(str(self.path), self.cv2.VideoWriter_fourcc(*codec), self.fps, size)
            if film.isOpened():
                break
        if film.isOpened() and codec == PLAYERS_ONLY:
            log(["this OpenCV has no codec for .mp4 that browsers play: players do; a .gif is for both"])
        return film

    def finish(self) -> None:
        """Close the file."""
        if self._film is not None:
            self._film.release()

    abandon = finish


class Animation:
    """A GIF: at most ``GIF_FRAMES`` frames, at most ``GIF_WIDTH`` wide, kept in memory until the end."""

    def __init__(self, path: Path, fps: float) -> None:
        self.cv2, self.path, self.fps = load_cv2(), path, fps
        if not hasattr(self.cv2, "imwriteanimation") or not self.cv2.haveImageWriter("any.gif"):
            raise PicturesUnavailable("this opencv-python cannot write .gif: upgrade it, or write .mp4 or .avi")
        self.stride = max(1, round(fps / GIF_FASTEST))  # one frame out of this many is kept
        self._frames: list[Frame] = []
        self._seen = 0

    def append(self, frame: Frame) -> None:
        """Keep or drop the frame, so that the kept frames are evenly spaced."""
        if self._seen % self.stride == 0:
            height, width = frame.shape[:2]
            size = (GIF_WIDTH, max(1, round(height * GIF_WIDTH / width)))
            self._frames.append(frame.copy() if width <= GIF_WIDTH else
                                self.cv2.resize(frame, size, interpolation=self.cv2.INTER_AREA))
        self._seen += 1
        if len(self._frames) > GIF_FRAMES:
            self._frames = self._frames[::2]
            self.stride *= 2

    def finish(self) -> None:
        """Encode and write the kept frames."""
        animation = self.cv2.Animation()
        animation.frames = self._frames
        seconds = min(self.stride / self.fps, max(1 / self.fps, 1 / GIF_SLOWEST))
        animation.durations = [round(1000 * seconds)] * len(self._frames)
        if not self.cv2.imwriteanimation(str(self.path), animation, [self.cv2.IMWRITE_GIF_DITHER, GIF_DITHER]):
            raise OSError(f"OpenCV cannot write a .gif into {self.path.parent}")

    def abandon(self) -> None:
        """Drop the frames."""
        self._frames.clear()


PLAYERS_ONLY = "mp4v"          # MPEG-4 part 2, which no browser plays; VP9 plays in all of them
CODECS: dict[str, tuple[str, ...]] = {".mp4": ("vp09", PLAYERS_ONLY), ".avi": ("MJPG",), ".gif": ()}


class VideoWriter:
    """``with VideoWriter(path, fps=30) as video: video.write(frame)``: the suffix of ``path`` selects the format.

    If the block raises, no file is left.  Raises ValueError for another suffix, a folder that does not exist, a frame
    that is not a picture or not of the size of the first, and a video without a frame.
    """

    def __init__(self, path: Union[str, Path], fps: float = 30.0) -> None:
        self.path = Path(path)
        codecs = CODECS.get(self.path.suffix.lower())
        if codecs is None:
            raise ValueError(f"cannot write a video to {path}: the name must end in {', '.join(CODECS)}")
        if not str(self.path).isprintable():                             # OpenCV crashes on what is not UTF-8
            raise ValueError(f"cannot write a video to {str(path)!r}: not a printable name")
        if not self.path.parent.is_dir():
            raise ValueError(f"cannot write a video to {path}: there is no folder {self.path.parent}")
        if not fps > 0:
            raise ValueError(f"fps must be above 0; got {fps}")
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.part{self.path.suffix}")
        self._encoder = Film(self._partial, fps, codecs) if codecs else Animation(self._partial, fps)
        self._shape: Optional[tuple[int, ...]] = None

    def __enter__(self) -> "VideoWriter":
        return self

    def write(self, frame_rgb: Frame) -> None:
        """Add one frame, (height, width, 3) uint8 RGB."""
        if frame_rgb.dtype != np.uint8 or frame_rgb.ndim != 3 or frame_rgb.shape[2] != 3:
            raise ValueError(f"a frame must be uint8 (height, width, 3); got {frame_rgb.dtype} {frame_rgb.shape}")
        if self._shape not in (None, frame_rgb.shape):
            raise ValueError(f"a frame must have the shape of the first, {self._shape}; got {frame_rgb.shape}")
        self._shape = frame_rgb.shape
        self._encoder.append(np.ascontiguousarray(frame_rgb[..., ::-1]))

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        try:
            if kind is not None:
                self._encoder.abandon()
            elif self._shape is None:
                raise ValueError(f"no frame was written to {self.path}")
            else:
                self._encoder.finish()
                os.replace(self._partial, self.path)
        finally:
            self._partial.unlink(missing_ok=True)
