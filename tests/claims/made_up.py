"""A paper of claims made for tests, with every kind of outcome. Workers import this module by its name."""

import os
import signal
import time

from lemmata.claims.framework import Control, Correction, Evidence, Paper
from lemmata.claims.runner.execute import Result, execute


def make_paper() -> Paper:
    """Claims under the slug `turing` (any slug of references.bib serves), one an outcome."""
    paper = Paper("turing", rows={"R1": "a row", "R2": "another"})
    fail = [Control("one less", {"value": 0})]

    def add(name: str, controls=fail, **keywords):
        settings = {"source": "Theorem 1", "statement": "$x = 1$.", "kind": "exact", "controls": controls} | keywords
        return paper.claim(name, **settings)

    @add("good", rows=["R1"])
    def good(trial, value=1):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("wrong")
    def wrong(trial, value=2):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("weak", controls=[Control("no departure at all", {"value": 1})])
    def weak(trial, value=1):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("wrong_and_weak", controls=[Control("no departure at all", {"value": 1})])
    def wrong_and_weak(trial, value=2):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("two_controls", controls=[Control("one less", {"value": 0}), Control("none", {"value": 1})])
    def two_controls(trial, value=1):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("crash")
    def crash(trial, value=1):
        """Raises."""
        yield Evidence("x", value, "==", 1)
        raise RuntimeError("the check crashed here")

    @add("crashing_control", controls=[Control("raises", {"value": None})])
    def crashing_control(trial, value=1):
        """Compares one number."""
        yield Evidence("x", value, "==", 1)

    @add("yields_true")
    def yields_true(trial, value=1):
        """Says yes."""
        yield True

    @add("silent")
    def silent(trial, value=1):
        """Says nothing."""
        yield from ()

    @add("fit", controls=[Control("a wrong slope", {"slope": 3.0})])
    def fit(trial, slope=2.0, r2=0.5):
        """A fit whose R² is too poor to say anything."""
        yield Evidence("R²", 0.99 if slope == 3.0 else r2, ">=", 0.9, precondition=True)
        yield Evidence("slope", slope, "in", (1.9, 2.1))

    @add("random")
    def random(trial, value=1):
        """Draws from the trial's streams."""
        yield Evidence("draw", float(trial.rng("a").random()), "<", 1 if value else 0)

    @add(
        "corrected",
        controls=[Control("the paper's own", {"bound": 2}, literal=True)],
        correction=Correction("$x = 2$.", "$x = 1$."),
    )
    def corrected(trial, bound=1):
        """Compares one number."""
        yield Evidence("x", 1, "==", bound)

    @add("slow")
    def slow(trial, value=1):
        """Sleeps."""
        time.sleep(60)
        yield Evidence("x", value, "==", 1)

    @add("killed")
    def killed(trial, value=1):
        """Takes its process down."""
        os.kill(os.getpid(), signal.SIGKILL)
        yield Evidence("x", value, "==", 1)

    return paper


def run(claim_id: str, seed: int) -> Result:
    """A worker's task on the made-up paper."""
    return execute(make_paper().claims[claim_id], seed)
