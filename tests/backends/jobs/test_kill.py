"""A process that is killed in the moment in which its job is accepted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from gadet.journal import Journal
from tests.backends.jobs.imitation import KEY, Imitation, Request, running
from tests.backends.jobs.providers import OpenAI
from tests.backends.jobs.test_flow import asked_once, run
from tests.backends.servers import Act, reset

CHILD = """
import sys
from pathlib import Path
from tests.backends.jobs.imitation import Imitation
from tests.backends.jobs.providers import OpenAI
from tests.backends.jobs.test_flow import run

provider = OpenAI()
provider.root = sys.argv[1]
run(provider, Path(sys.argv[2]))
"""


def test_the_next_run_finds_the_job(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    with running(OpenAI()) as provider:
        # The server waits for nobody: it kills its client before it answers.
        child: list[subprocess.Popen[bytes]] = []

        def kill(imitation: Imitation, request: Request) -> Act:
            imitation.answered(request)
            os.kill(child[0].pid, signal.SIGKILL)
            return reset

        provider.faults = [(provider.create, kill)]
        arguments = [sys.executable, "-c", CHILD, provider.root, str(journal)]
        child.append(subprocess.Popen(arguments, cwd=Path(__file__).parents[3]))
        assert child[0].wait(60) == -signal.SIGKILL
        with Journal(journal) as notebook:
            assert [job.id for job in notebook.jobs] == [None]
        assert [report.verdict for report in run(provider, journal)] == ["anomalous"] * 2
        assert len(provider.jobs) == 1
        asked_once(provider)
    assert KEY.encode() not in journal.read_bytes()
