"""Processes give back what jobs give, and none outlives the process that started it."""

import os
import subprocess
import sys

import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation.parallel import run_parallel

SCRIPT = """
import os, sys, threading
from understudy.errors import UnderstudyError
from understudy.evaluation.parallel import run_parallel

def threads(job):
    return os.environ["OMP_NUM_THREADS"] + os.environ["LP_NUM_THREADS"]

def outlive(job):
    print("started", flush=True)
    threading.Event().wait(40)
    print("survived", flush=True)

def fail(job):
    if job == 0:
        raise UnderstudyError("job 0 is bad")
    threading.Event().wait(40)

def die(job):
    os._exit(3)

def die_at_20(job):
    if job == 20:
        os._exit(3)
    return job

def die_once(job):
    if job == 20 and not os.path.exists("died"):
        open("died", "x").close()
        os._exit(3)
    return job

if __name__ == "__main__":
    try:
        for result in run_parallel(globals()[sys.argv[1]], range(int(sys.argv[2])), 2):
            print(result, flush=True)
    except UnderstudyError as error:
        print("error:", error, flush=True)
"""


@pytest.fixture
def start(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    started = []

    def run(name, jobs=3):
        environment = {**os.environ, "OMP_NUM_THREADS": "2"}
        command = [sys.executable, str(script), name, str(jobs)]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        process = subprocess.Popen(command, **streams, text=True, env=environment, cwd=tmp_path)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_workers_have_one_thread_each(start):
    assert start("threads").communicate()[0].split() == ["11"] * 3


def test_workers_end_when_their_parent_is_killed(start):
    process = start("outlive")
    assert process.stdout.readline() == "started\n"
    process.kill()
    # The pipe ends only when no worker holds it any more.
    assert "survived" not in process.stdout.read()


def test_an_error_stops_the_jobs_that_run(start):
    assert start("fail").communicate()[0] == "error: job 0 is bad\n"


def test_a_killed_worker_is_said(start):
    assert "a worker process was killed" in start("die").communicate()[0]


def test_what_a_killed_worker_had_not_finished_is_begun_anew(start):
    text = start("die_once", jobs=40).communicate()[0]
    assert "begun anew" in text
    assert sorted(int(line) for line in text.splitlines() if line.isdigit()) == list(range(40))


def test_a_job_that_kills_its_worker_every_time_ends_the_run(start):
    text = start("die_at_20", jobs=40).communicate()[0]
    assert "error: a worker process was killed" in text
    assert "20" not in text.splitlines()


def test_no_process_works_here():
    assert list(run_parallel(os.path.basename, ["a/b", "c"], 0)) == ["b", "c"]
    with pytest.raises(UnderstudyError, match="at least 1"):
        list(run_parallel(os.path.basename, ["a"], -1))
