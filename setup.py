"""What setup.cfg cannot say: the long description, and the examples that a wheel contains."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
EXAMPLES = ("*.py", "*.md", "*/agent.npz", "pong/evaluation.json", "pong/*.png")


def long_description():
    """Return README.md without pictures and without links to files, which a package index would not find."""
    text = re.sub(r"^!\[.*\n", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return re.sub(r"\[([^\]]+)\]\((?!https?://)[^)]+\)", r"\1", text)


class BuildWithExamples(build_py):
    """Copies examples/ into the built package, from which ``a3c-numba examples`` copies it to the user."""

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return
        for path in [path for pattern in EXAMPLES for path in (ROOT / "examples").glob(pattern)]:
            target = Path(self.build_lib, "a3c_numba", path.relative_to(ROOT))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


setup(long_description=long_description(), long_description_content_type="text/markdown",
      cmdclass={"build_py": BuildWithExamples})
