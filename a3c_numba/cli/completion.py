"""``a3c-numba completion bash``: print a script for bash, made from the parsers of all commands.

    source <(a3c-numba completion bash)
"""

from argparse import ArgumentParser, Namespace

from .parser import COMMANDS, Parser, parser_for

SCRIPT = """_a3c_numba() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands}"
    else
        case "${{COMP_WORDS[1]}} $before" in
{values}
            *) case "${{COMP_WORDS[1]}} $word" in
{options}
            esac ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _a3c_numba a3c-numba
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("shell", choices=("bash",), help="source <(a3c-numba completion bash)")


def run(arguments: Namespace) -> int:
    """Print the script."""
    commands = parser_for(list(COMMANDS)).commands
    values = [line for name, command in commands.items() for line in _values(name, command)]
    options = [f'                "{name} -"*) words="{" ".join(command.options)}" ;;'
               for name, command in commands.items()]
    print(SCRIPT.format(commands=" ".join(commands), values="\n".join(values), options="\n".join(options)), end="")
    return 0


def _values(name: str, command: Parser) -> list[str]:
    """Return a line for each option of a command that has choices."""
    return [f'            "{name} {option}") words="{" ".join(map(str, action.choices))}" ;;'
            for option, action in command.options.items() if action.choices]
