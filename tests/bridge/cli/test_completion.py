"""The completion scripts: bash runs its own; the others know every command."""

import subprocess

import pytest

from bridge.cli.running import build_app, run

ASK = """
{script}
COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_latchwire
echo "${{COMPREPLY[@]}}"
"""


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "completed"),
    [("latchwire diag", "diagnose"), ("latchwire clock s", "set"), ("latchwire unpair front --for", "--forget")],
)
def test_bash_completes_commands_and_options(words: str, completed: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ASK.format(script=script("bash", capsys), words=words)
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout.split(), done.stderr) == ([completed], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, capsys)
    for name in build_app():
        assert name.startswith("-") or name in text, name


def test_another_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", "tcsh"]) == 2
    assert '"bash", "zsh", "fish"' in capsys.readouterr().err
