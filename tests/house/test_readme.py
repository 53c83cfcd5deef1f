"""Every `lemmata` and python command in the README's code blocks runs, and prints what the README says it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].strip()
    for language, text in BLOCKS
    if language in ("sh", "console")
    for line in text.splitlines()
    if line.removeprefix("$ ").startswith(("lemmata ", "python "))
]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_readme_has_commands_and_code() -> None:
    assert len(COMMANDS) >= 5
    assert any(language == "python" for language, _ in BLOCKS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_runs(command: str, tmp_path: Path) -> None:
    done = run(command.split(), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("index", [i for i, (language, _) in enumerate(BLOCKS) if language == "python"])
def test_the_python_block_runs_and_prints_what_its_comments_say(index: int, tmp_path: Path) -> None:
    code = BLOCKS[index][1]
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    promised = [line.partition("  # ")[2] for line in code.splitlines() if line.startswith("print(")]
    assert done.stdout.splitlines() == promised


def test_the_console_block_shows_what_verify_prints(tmp_path: Path) -> None:
    block = next(text for language, text in BLOCKS if language == "console" and "make verify" in text)
    words = block.splitlines()[0].partition("ARGS=")[2].split()
    printed = run(["lemmata", "verify", *words], tmp_path).stdout

    def rows(text: str) -> list[list[str]]:
        """Claim, kind, verdict and controls of each row; times differ from run to run."""
        lines = [line.split() for line in text.splitlines() if line.startswith("turing.")]
        return [[*words[:3], re.findall(r"\d+/\d+ refuted", " ".join(words))[0]] for words in lines]

    assert rows(block) == rows(printed)
    assert block.strip().splitlines()[-1] == printed.strip().splitlines()[-1]
