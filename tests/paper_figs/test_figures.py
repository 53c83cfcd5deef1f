"""Every figure is drawn at CPU size, with its data beside the picture."""

import csv
from dataclasses import replace
from functools import cache

import pytest

from lemmata.paper_figs.framework import Drawing, figure, figures, select, write


@cache
def drawn(name: str) -> Drawing:
    return figures()[name].draw(False)


@pytest.mark.parametrize("name", list(figures()))
def test_a_figure_writes_png_pdf_and_csv(name: str, tmp_path) -> None:
    paths = write(replace(figures()[name], draw=lambda full: drawn(name)), tmp_path)
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert paths[1].read_bytes().startswith(b"%PDF")
    rows = list(csv.reader(paths[2].open(encoding="utf-8")))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


def test_the_token_figure_counts_what_the_formula_says() -> None:
    table = drawn("turing.tokens").table
    for machine in ("INC", "PAL"):
        assert table[f"{machine} counted"] == table[f"{machine} formula"]
    assert table["PAL counted"][:4] == [40, 206, 1306, 9266]  # the sheet's table of section 4.4


def test_the_table_of_sizes_agrees_with_the_sheets() -> None:
    table = figures("turing")["turing.sizes"].draw(False).table
    for name in ("P", "g", "H", "|V|", "d", "parameters", "bits"):
        assert table[f"{name} compiled"] == table[f"{name} in the sheet"]


def test_the_comparison_shows_constant_bits_and_linear_growth_for_one_queue() -> None:
    table = figures("turing")["turing.comparison"].draw(False).table
    one, many = (dict(zip(table, row, strict=True)) for row in list(zip(*table.values(), strict=True))[-2:])
    assert one["bits, s = 64"] == one["bits, s = 256"]
    # A sweep is half moves to the left, at N = s - 1 tokens each, and half to the right, at 1.
    assert one["tokens a step, s = 256"] == pytest.approx(256 / 2, rel=0.01)
    assert many["exponent in s"] < 0.6 < 0.9 < one["exponent in s"]


def test_the_multiqueue_step_figure_has_the_sheets_numbers_and_counts_the_one_queue_machine() -> None:
    table = drawn("turing_multiqueue.steps").table
    rows = list(zip(*table.values(), strict=True))
    printed = [(ours, sheet) for _, _, ours, sheet in rows if sheet != ""]
    assert len(printed) == 12
    assert all(ours == pytest.approx(sheet, rel=0.01) for ours, sheet in printed)
    for machine, space, cost, _ in rows:
        if machine == "one queue":
            # Six walks over s − 2 cells and six back, then a halt: N = s − 1 tokens a left move, 1 a right move.
            moves, window = 6 * (space - 2), space - 1
            assert cost == pytest.approx((2 + moves + window * moves) / (2 * moves + 1), rel=1e-12)


def test_the_offset_figure_shows_queue_sizes_and_a_lookup_that_moves() -> None:
    table = drawn("turing_multiqueue.offsets").table
    seen = {model: {} for model in table["model"]}
    for model, _, head, back in zip(*table.values(), strict=True):
        seen[model].setdefault(head, set()).add(back)
    assert [seen["multi-queue network"][head] for head in range(18)] == [
        {3},
        {3},
        {2},
        {9},
        {9},
        {6},
        {27},
        {27},
        {18},
    ] * 2
    assert len(seen["lookup of the tape cell"][0]) > 5


def test_names_select_papers_and_figures() -> None:
    assert {spec.id.partition(".")[0] for spec in select("turing")} == {"turing"}
    assert [spec.id for spec in select("turing.tokens")] == ["turing.tokens"]
    with pytest.raises(ValueError, match="unknown figure 'turing.tokes'; did you mean 'turing.tokens'"):
        select("turing.tokes")


def test_an_id_is_taken_once_and_columns_have_one_length() -> None:
    with pytest.raises(ValueError, match="registered already"):
        figure("turing.tokens", "again")(lambda full: None)
    with pytest.raises(ValueError, match="differ in length"):
        Drawing(None, {"a": [1], "b": [1, 2]})
