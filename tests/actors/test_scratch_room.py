"""What a killed worker leaves in the room for copies."""

import signal
import subprocess
import sys
from pathlib import Path

from actors.scratch_room import ScratchRoom
from tests.conftest import PROJECT

# Killed by the kernel at its first write to a file, which is opened by then.
KILLED_PLANNER = """
import resource, signal, sys
from pathlib import Path
from actors.scratch_room import ScratchRoom
room = ScratchRoom(Path(sys.argv[1]), 1 << 30)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
room.plan(room.copy("key"), "killed", [0, 1, 2])
"""


def test_a_worker_killed_while_it_plans_leaves_what_was_planned(tmp_path: Path) -> None:
    room = ScratchRoom(tmp_path, 1 << 30)
    copy = room.copy("key")
    copy.lock.touch()
    room.plan(copy, "run", [0, 1])

    child = subprocess.run([sys.executable, "-c", KILLED_PLANNER, str(tmp_path)], cwd=PROJECT, check=False)
    assert child.returncode == -signal.SIGXFSZ

    room.release(copy, "run", 0)
    assert copy.lock.exists()
    room.release(copy, "run", 1)
    assert not copy.lock.exists()
