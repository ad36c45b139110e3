"""A child that asked for it ends with its parent, however that ends."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from footage.child_process import python_path
from tests.conftest import PROJECT

CHILD = "import os, sys, time; from footage.child_process import die_with; die_with(int(sys.argv[1])); {then}"
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_with_its_parent() -> None:
    child = CHILD.format(then="print('lives', flush=True); time.sleep(600)")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert parent.stdout is not None
    word, pid = parent.stdout.readline().split()
    assert word == "lives"
    process = psutil.Process(int(pid))
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([process], timeout=60)[1] == []


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    child = CHILD.format(then="print('lives')")
    done = subprocess.run([sys.executable, "-c", child, "1"], capture_output=True, text=True, cwd=PROJECT, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", "the parent is gone")


def test_a_child_has_the_modules_of_this_project_and_those_of_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert python_path() == str(PROJECT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert python_path() == f"{PROJECT}:{tmp_path}"
