"""Where downloaded data sets are kept."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """FASTCONV_CACHE if it is set, and otherwise what the system's programs use for what can be had again."""
    if named := os.environ.get("FASTCONV_CACHE"):
        return Path(named).expanduser()
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named).expanduser() / "fastconv"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fastconv" / "Cache"
    home = Path.home()
    return (home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache") / "fastconv"
