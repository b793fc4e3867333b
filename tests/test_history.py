"""The curves of training are read back as DVCLive writes them."""

import pytest
from dvclive import Live

from v3.base.errors import V3Error
from v3.plots.history import read_history, write_curve


def test_rows_of_live_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Live("live", dvcyaml=False, save_dvc_exp=False) as live:
        for step in (20, 40, 100):
            live.step = step
            live.log_metric("loss/total", 1 / step, timestamp=False)
            if step == 100:
                live.log_metric("validation/error", 0.25, timestamp=False)
    rows = read_history(tmp_path / "live" / "plots" / "metrics")
    assert rows == [
        {"step": 20, "loss/total": 1 / 20},
        {"step": 40, "loss/total": 1 / 40},
        {"step": 100, "loss/total": 1 / 100, "validation/error": 0.25},
    ]


DAMAGED = [
    *("step\ttotal\n20\t", "step\ttotal\n20\n", "total\n3\n", "\0", "", "step\ttotal\n"),
    *("step\ttotal\nnan\t1\n", "step\ttotal\ninf\t1\n", "step\ttotal\n1.5\t1\n"),
    "step\ttotal\n" + "1" * 200_000 + "\t1\n",
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_damaged_and_missing_tables(tmp_path, text):
    with pytest.raises(V3Error, match="holds no curves"):
        read_history(tmp_path)
    (tmp_path / "loss.tsv").write_text(text)
    with pytest.raises(V3Error, match=r"loss\.tsv is damaged"):
        read_history(tmp_path)


def test_one_curve_as_a_table(tmp_path):
    rows = [
        {"step": 20.0, "loss/total": 0.5},
        {"step": 40.0},
        {"step": 60.0, "loss/total": 0.123456789},
    ]
    write_curve(tmp_path / "total_loss.tsv", rows, "loss/total")
    text = (tmp_path / "total_loss.tsv").read_text()
    assert text == "step\ttotal_loss\n20\t0.5\n60\t0.123457\n"
