"""edgekit: from sensor recordings to a signed model update, judged by one budget."""

import os

# TensorFlow reads these once, at import; set here so that no notebook has to.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, estimated, measured, published
from edgekit.core.version import VERSION
from edgekit.pipeline.run import open_run

__version__ = VERSION
__all__ = ["EdgekitError", "Figure", "emulated", "estimated", "measured", "open_run", "published"]
