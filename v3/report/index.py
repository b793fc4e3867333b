"""What stands on the page that leads to all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from v3.report.figures import Metrics, figures
from v3.report.pictures import SWAP

FIRST = 3  # figures of each dataset


def index_values(metrics: Mapping[str, Metrics]) -> dict[str, Any]:
    """Metric files by dataset and name -> what the template wants."""
    return {
        "datasets": [
            {
                "name": name,
                "source": next((str(file["source"]) for file in files.values()), ""),
                "picture": SWAP,
                "figures": figures(files)[:FIRST],
            }
            for name, files in metrics.items()
        ]
    }
