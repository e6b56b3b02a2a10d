"""Completion: the script of each shell, where it is installed, and what a shell is answered.

Scripts that are installed stay as they are for years, so what they say and hear does not change.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from bulkagent.errors import SettingsRefused

VARIABLE = "_BULKAGENT_COMPLETE"
"""A shell asks by it."""
_LINE = "_TYPER_COMPLETE_ARGS"
_WORD = "_TYPER_COMPLETE_WORD_TO_COMPLETE"
_FISH_ACTION = "_TYPER_COMPLETE_FISH_ACTION"

_BASH = r"""_bulkagent_completion() {
    local IFS=$'\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _BULKAGENT_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _bulkagent_completion bulkagent"""

_ZSH = """#compdef bulkagent

_bulkagent_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _BULKAGENT_COMPLETE=complete_zsh bulkagent)
}

compdef _bulkagent_completion bulkagent"""

_FISH = (
    "complete --command bulkagent --no-files"
    ' --arguments "(env _BULKAGENT_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args'
    ' _TYPER_COMPLETE_ARGS=(commandline -cp) bulkagent)"'
    ' --condition "env _BULKAGENT_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=is-args'
    ' _TYPER_COMPLETE_ARGS=(commandline -cp) bulkagent"'
)

_POWERSHELL = """Import-Module PSReadLine
Set-PSReadLineKeyHandler -Chord Tab -Function MenuComplete
$scriptblock = {
    param($wordToComplete, $commandAst, $cursorPosition)
    $Env:_BULKAGENT_COMPLETE = "complete_powershell"
    $Env:_TYPER_COMPLETE_ARGS = $commandAst.ToString()
    $Env:_TYPER_COMPLETE_WORD_TO_COMPLETE = $wordToComplete
    bulkagent | ForEach-Object {
        $commandArray = $_ -Split ":::"
        $command = $commandArray[0]
        $helpString = $commandArray[1]
        [System.Management.Automation.CompletionResult]::new(
            $command, $command, 'ParameterValue', $helpString)
    }
    $Env:_BULKAGENT_COMPLETE = ""
    $Env:_TYPER_COMPLETE_ARGS = ""
    $Env:_TYPER_COMPLETE_WORD_TO_COMPLETE = ""
}
Register-ArgumentCompleter -Native -CommandName bulkagent -ScriptBlock $scriptblock"""

SCRIPTS: Mapping[str, str] = {
    "bash": _BASH,
    "zsh": _ZSH,
    "fish": _FISH,
    "powershell": _POWERSHELL,
    "pwsh": _POWERSHELL,
}


def answer(root: click.Command, instruction: str) -> int:
    """Print what a shell asks for; the exit code.

    Args:
        root: The command that has all commands.
        instruction: Such as `complete_bash`.
    """
    what, _, shell = instruction.partition("_")
    if shell not in SCRIPTS or what not in {"complete", "source"}:
        click.echo(f"Completion instruction {instruction!r} is not supported.", err=True)
        return 1
    if what == "source":
        click.echo(SCRIPTS[shell])
        return 0
    args, incomplete = _BEGUN[shell]()
    found = ShellComplete(root, {}, "bulkagent", VARIABLE).get_completions(args, incomplete)
    if shell == "fish" and os.environ.get(_FISH_ACTION) == "is-args":
        return 0 if found else 1
    if shell == "zsh":
        told = "\n".join(map(_of_zsh, found))
        click.echo(f"_arguments '*: :(({told}))'" if told else "_files")
        return 0
    click.echo("\n".join(map(_ITEMS[shell], found)))
    return 0


def _of_bash() -> tuple[list[str], str]:
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))
    at = int(os.environ.get("COMP_CWORD", "0"))
    return words[1:at], words[at] if at < len(words) else ""


def _of_line() -> tuple[list[str], str]:
    line = os.environ.get(_LINE, "")
    words = split_arg_string(line)[1:]
    return (words[:-1], words[-1]) if words and not line.endswith(" ") else (words, "")


def _of_powershell() -> tuple[list[str], str]:
    incomplete = os.environ.get(_WORD, "")
    words = split_arg_string(os.environ.get(_LINE, ""))
    return (words[1:-1] if incomplete else words[1:]), incomplete


_BEGUN: Mapping[str, Callable[[], tuple[list[str], str]]] = {
    "bash": _of_bash,
    "zsh": _of_line,
    "fish": _of_line,
    "powershell": _of_powershell,
    "pwsh": _of_powershell,
}


def _of_zsh(item: CompletionItem) -> str:
    value = f'"{_escaped(item.value)}"'
    return f'{value}:"{_escaped(item.help)}"' if item.help else value


def _escaped(text: str) -> str:
    for character, spelled in _ESCAPES:
        text = text.replace(character, spelled)
    return text


_ESCAPES = (('"', '""'), ("'", "''"), ("$", "\\$"), ("`", "\\`"), (":", r"\\:"))


def _item_of_fish(item: CompletionItem) -> str:
    told = re.sub(r"\s", " ", item.help or "")
    return f"{item.value}\t{told}" if told else str(item.value)


def _item_of_powershell(item: CompletionItem) -> str:
    return f"{item.value}:::{item.help or ' '}"


_ITEMS: Mapping[str, Callable[[CompletionItem], str]] = {
    "bash": lambda item: str(item.value),
    "fish": _item_of_fish,
    "powershell": _item_of_powershell,
    "pwsh": _item_of_powershell,
}


def show(shell: str) -> str:
    """The script of a shell.

    Args:
        shell: Its name; "": the one that the command was typed in.

    Raises:
        SettingsRefused: There is none of that name.
    """
    return SCRIPTS[_known(shell)]


def install(shell: str) -> tuple[str, Path]:
    """Teach a shell to complete; its name, and where its script is.

    Args:
        shell: Its name; "": the one that the command was typed in.

    Raises:
        SettingsRefused: There is none of that name, or its files cannot be written.
    """
    name = _known(shell)
    try:
        return name, _INSTALLERS[name](name)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsRefused(
            f"completion for {name} could not be installed: {reason};"
            f" --show-completion {name} prints the script"
        ) from None


def _known(shell: str) -> str:
    name = shell or _typed_in()
    if name not in SCRIPTS:
        known = ", ".join(SCRIPTS)
        raise SettingsRefused(f"there is no completion for the shell {name!r}; known are {known}")
    return name


def _typed_in() -> str:
    import psutil

    for parent in psutil.Process().parents():
        name = parent.name().removeprefix("-").removesuffix(".exe").lower()
        if name in SCRIPTS:
            return name
    return Path(os.environ.get("SHELL", "")).name


def _for_bash(name: str) -> Path:
    path = Path.home() / ".bash_completions" / "bulkagent.sh"
    _add(Path.home() / ".bashrc", f"source '{path}'")
    return _written(path, SCRIPTS[name])


def _for_zsh(name: str) -> Path:
    settings = Path.home() / ".zshrc"
    _add(settings, "fpath+=~/.zfunc; autoload -Uz compinit; compinit")
    if "zstyle" not in settings.read_text():
        _add(settings, "zstyle ':completion:*' menu select")
    return _written(Path.home() / ".zfunc" / "_bulkagent", SCRIPTS[name])


def _for_fish(name: str) -> Path:
    path = Path.home() / ".config" / "fish" / "completions" / "bulkagent.fish"
    return _written(path, f"{SCRIPTS[name]}\n")


def _for_powershell(name: str) -> Path:
    asked = [name, "-NoProfile", "-Command", "echo", "$profile"]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)  # noqa: S603 - a shell by name
    path = Path(done.stdout.strip())
    _add(path, SCRIPTS[name])
    return path


def _add(path: Path, text: str) -> None:
    """Have a file end with a text, unless it has it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if path.is_file() else ""
    if text not in before:
        path.write_text(f"{before.rstrip()}\n{text}\n".lstrip())


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


_INSTALLERS: Mapping[str, Callable[[str], Path]] = {
    "bash": _for_bash,
    "zsh": _for_zsh,
    "fish": _for_fish,
    "powershell": _for_powershell,
    "pwsh": _for_powershell,
}
