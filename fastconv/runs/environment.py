"""What a run was made with."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version

from fastconv._version import __version__

#: What can change the bits of a result.
DECISIVE = ("fastconv", "numpy", "numba", "llvmlite", "target")


def environment() -> dict[str, str]:
    """Versions, the system, the processor, and the one that kernels are compiled for."""
    from llvmlite import binding
    from numba.core import config

    return {
        "fastconv": __version__, **{name: version(name) for name in ("numpy", "numba", "llvmlite")},
        "python": platform.python_version(), "system": platform.platform(), "cpu": cpu_name(),
        "target": str(config.CPU_NAME or binding.get_host_cpu_name()),
    }


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What has changed of all that can change the bits of a result, in words."""
    return [f"{name} was {before[name]}, is {now[name]}" for name in DECISIVE
            if name in before and before[name] != now[name]]


def cpu_name() -> str:
    """The processor, as its maker calls it."""
    if sys.platform == "linux" and os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
