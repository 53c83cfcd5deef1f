"""Every figure is drawn at CPU size, with its data beside the picture."""

import csv

import pytest

from lemmata.paper_figs.framework import Drawing, figure, figures, select, write


@pytest.mark.parametrize("name", list(figures()))
def test_a_figure_writes_png_pdf_and_csv(name: str, tmp_path) -> None:
    paths = write(figures()[name], tmp_path)
    assert [path.suffix for path in paths] == [".png", ".pdf", ".csv"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert paths[1].read_bytes().startswith(b"%PDF")
    rows = list(csv.reader(paths[2].open(encoding="utf-8")))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


def test_the_token_figure_counts_what_the_formula_says() -> None:
    table = figures("turing")["turing.tokens"].draw(False).table
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
