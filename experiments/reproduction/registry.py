"""The tables and figures by name, in the order of the page."""

from experiments.reproduction import (
    ablations,
    classifier,
    cost,
    equal_cost,
    figure1,
    figure3,
    figure4,
    figure5,
    figure6,
    figure7,
    figure8,
    photographs,
    rivals,
    table1,
    table2,
)

ITEMS = {
    "table1": table1,
    "rivals": rivals,
    "cost": cost,
    "equal_cost": equal_cost,
    "table2": table2,
    "ablations": ablations,
    "figure1": figure1,
    "figure3": figure3,
    "figure4": figure4,
    "figure5": figure5,
    "figure6": figure6,
    "figure7": figure7,
    "figure8": figure8,
    "photographs": photographs,
    "classifier": classifier,
}
