"""What every worker process of ours does first: one thread of arithmetic, and an end with its parent."""

from __future__ import annotations

import os
import signal
import threading
import time


def prepare_worker() -> None:
    """Set up a spawned process, before anything heavy is imported.

    One thread, so that results do not depend on the number of cores; Ctrl-C is the parent's to handle; and the process
    ends once its parent is gone, so that nothing goes on after a kill.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
