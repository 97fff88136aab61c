"""A shell that runs nothing: it reads a script, follows what can be told, and says which programs would be called.

interpreter  statements: the door, `Shell`
programs     commands: functions, the shell's own, small programs that print, and all others by who is asked
expansion    what words become; words: their quoting; conditions: tests
builtins filters flow   what a shell does itself, what small programs print, how a script leaves a place
state        variables, files, options; limits: how much of a script is followed
"""

from __future__ import annotations

from release.sandbox.simulation.shell.flow import Exit
from release.sandbox.simulation.shell.interpreter import Shell
from release.sandbox.simulation.shell.programs import Command, Result, World
from release.sandbox.simulation.shell.state import Files, State, Tree, label

__all__ = ["Command", "Exit", "Files", "Result", "Shell", "State", "Tree", "World", "label"]
