"""The `completion` command: a script that teaches a shell this program's words."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptView:
    """A script, as the shell reads it."""

    shell: str
    script: str

    def __str__(self) -> str:
        return self.script


def completion(shell: Literal["bash", "zsh", "fish"], /) -> ScriptView:
    """Print the completion script for SHELL: `source <(latchwire completion bash)`.

    Parameters
    ----------
    shell
        bash, zsh (save it as _latchwire in a folder of your fpath) or fish (pipe it to `source`).
    """
    from .running import build_app  # noqa: PLC0415  running.py imports the commands by name

    return ScriptView(shell=shell, script=build_app().generate_completion(shell=shell).rstrip("\n"))
