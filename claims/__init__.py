"""What each paper asserts, as runnable claims.

``claims/<slug>.py`` is that paper's page of assertions; ``framework`` is what a claim is and how its verdict is
computed, ``runner`` executes claims in worker processes, ``report`` writes the pages, ``cli`` is the command line.
"""
