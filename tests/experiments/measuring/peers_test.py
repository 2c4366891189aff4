import pytest

from experiments.measuring.peers import peers
from experiments.measuring.published import table1


def test_figures_and_costs_are_of_the_same_networks():
    found = {peer.method: peer for peer in peers()}
    assert found["SwinIR"].psnr["live1", 10] == 29.86
    assert found["FBCNN"].parameters == 71.9
    assert ("classic5", 10) not in found["QGCN"].psnr  # not printed
    assert [peer.macs for peer in peers()] == sorted(p.macs for p in peers())


@pytest.mark.parametrize(("peer", "row"), [("ARCNN", "ARCNN"), ("DnCNN-3", "DnCNN")])
def test_figures_that_table_1_also_prints_are_equal(peer, row):
    (psnr,) = [p.psnr for p in peers() if p.method == peer]
    printed = {
        (r.dataset, r.quality): r.psnr
        for r in table1()
        if r.method == row and r.dataset in ("classic5", "live1")
    }
    assert psnr == printed
