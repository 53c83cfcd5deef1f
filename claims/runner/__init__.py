"""Runs claims: ``execute`` judges one, ``pool`` runs many in workers, ``results`` stores them, ``show`` prints them."""
