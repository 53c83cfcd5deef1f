"""What is unfit is refused at registration; what a user misspells is answered with the nearest name."""

import pytest

from lemmata.claims.framework import Control, Correction, Cost, Evidence, Kind, Paper, registry
from lemmata.claims.framework.references import bibliography
from lemmata.claims.framework.statement import to_html, to_text

CONTROL = [Control("one less", {"value": 0})]


def register(paper: Paper, name: str = "fresh", **changes) -> None:
    settings = {"source": "Theorem 1", "statement": "$x = 1$.", "kind": "exact", "controls": CONTROL} | changes
    docstring = settings.pop("docstring", "Compares.")

    def check(trial, value=1):
        yield Evidence("x", value, "==", 1)

    check.__doc__ = docstring
    paper.claim(name, **settings)(check)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"controls": []}, "no control"),
        ({"name": "good"}, "registered already"),
        ({"cite": "turin"}, "not in references.bib; did you mean 'turing'"),
        ({"kind": "guess"}, "kind 'guess' is not one of exact"),
        ({"cost": "cheap"}, "cost 'cheap' is not one of quick"),
        ({"rows": ["R9"]}, "row 'R9' is not a row"),
        ({"needs": ["magic"]}, "need 'magic'"),
        ({"statement": r"$\qwertz x$"}, "MathML"),
        ({"statement": r"\alpha outside"}, "outside of dollar signs"),
        ({"statement": "a $ alone"}, "unpaired"),
        ({"statement": ""}, "source and a statement"),
        ({"source": ""}, "source and a statement"),
        ({"docstring": None}, "no docstring"),
        ({"correction": Correction("a", "b")}, "literal=True"),
        ({"controls": [Control("c", {"value": 0}, literal=True)]}, "literal=True"),
        ({"controls": [Control("c", {})]}, "changes nothing"),
        ({"controls": [Control("c", {"other": 0})]}, "does not take"),
        ({"statement": r"$\oint x$"}, "no character"),
        ({"source": " "}, "source and a statement"),
        ({"kind": "measured"}, "go together"),
        ({"operation": "softmax"}, "go together"),
        ({"name": "two words"}, "identifier"),
    ],
)
def test_an_unfit_claim_is_refused(page: Paper, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register(page, **changes)


def test_a_fit_claim_is_registered(page: Paper) -> None:
    register(page)
    assert page.claims["turing.fresh"].kind is Kind.EXACT


def test_a_paper_outside_of_the_bibliography_is_refused() -> None:
    with pytest.raises(ValueError, match="not in references.bib; did you mean 'turing'"):
        Paper("turning", rows={})
    with pytest.raises(ValueError, match="planned row 'T2'"):
        Paper("turing", rows={"T1": "x"}, planned=["T2"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("turin", "unknown paper 'turin'; did you mean 'turing'"),
        ("turing.simulatoin", "unknown claim 'turing.simulatoin'; did you mean 'turing.simulation'"),
        ("uap", "paper 'uap' has no claims yet"),
    ],
)
def test_unknown_names_get_a_near_miss(name: str, message: str) -> None:
    if name == "uap" and "uap" in registry.papers():
        pytest.skip("uap has claims now")
    with pytest.raises(ValueError, match=message):
        registry.select([name])


def test_costs_are_cumulative_and_named_claims_run_whatever_their_cost() -> None:
    quick, standard, long = (registry.select(["turing"], cost) for cost in Cost)
    assert {c.id for c in quick} <= {c.id for c in standard} <= {c.id for c in long}
    assert {c.cost for c in quick} == {Cost.QUICK}
    assert [c.id for c in registry.select(["turing.learned_reader"])] == ["turing.learned_reader"]


def test_kinds_filter_and_an_empty_selection_is_said() -> None:
    assert {c.kind for c in registry.select(["turing"], Cost.QUICK, [Kind.EXACT])} == {Kind.EXACT}
    with pytest.raises(ValueError, match="no claim of turing matches --cost quick --kind symbolic"):
        registry.select(["turing"], Cost.QUICK, [Kind.SYMBOLIC])


def test_every_row_of_every_sheet_has_a_claim_or_is_planned_and_none_is_both() -> None:
    for slug, paper in registry.papers().items():
        assert sorted(paper.uncovered()) == sorted(paper.planned), slug


def test_the_bibliography_has_every_paper() -> None:
    slugs = """
    aprad covid_nigeria critical_batch dhsa disc expert_specialization hbp hsa icl_debt induction_shortcut
    jet l_mtp lion loogle_v2 moe_expressivity moesd mozart omnidraft padding pokeagent port pyramid_sd
    scale_invariant skyladder sparse_emergence sparta survival_moe tfla topic_change tpa turing
    uap umoe yggdrasil zeros""".split()
    assert len(slugs) == 35
    for slug in slugs:
        reference = bibliography()[slug]
        assert reference.title
        assert reference.authors
        assert reference.url.startswith("https://")
        assert "\\" not in reference.title


def test_statements_become_mathml_and_text() -> None:
    html = to_html(r"for $n \ge 2$ & more")
    assert "<math" in html
    assert "&amp; more" in html
    assert "\\" not in html
    assert to_text(r"$n \ge 2$ and $\mathrm{gap} \in \{0, 1\}$") == "n ≥ 2 and gap ∈ {0, 1}"
