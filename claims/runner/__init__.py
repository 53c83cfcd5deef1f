"""Runs claims: ``execute`` judges one claim, ``pool`` runs many in worker processes, ``results`` stores and prints."""
