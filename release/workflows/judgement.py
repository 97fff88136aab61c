"""What a run of a workflow's file would do, against what is wanted of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from release.errors import Failed, Usage
from release.workflows.expressions import Partial, values
from release.workflows.inputs import Input, Rule, Value, dispatch_inputs, input_problems, input_values
from release.workflows.jobs import Job, ancestors, parse_jobs, shown_name, skips
from release.workflows.roles import Role, is_on, parse_role
from release.workflows.triggers import DISPATCH, events
from release.workflows.yaml import InvalidYaml, document


@dataclass(frozen=True)
class Source:
    """A workflow's file as it is at a ref, full or short; `text` is None where there is no such file."""

    text: bytes | None
    ref: str
    file: str

    @property
    def where(self) -> str:
        """The place, as messages say it: old tags carry old files."""
        return f"at {_short(self.ref)}, {self.file}"


@dataclass
class Judgement:
    """What was judged: what is wrong with the file, what with the call, what cannot be known.

    `inputs` are the values the run will see, defaults included: what `check_roles` is to be given. `turned_on` are
    the jobs, as GitHub shows them, that these inputs turn on: what tells such a run from one with other boxes ticked.
    """

    source: Source
    inputs: dict[str, Value] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    turned_on: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All that is wrong, each to be read after the place: "at 0.7.0, sdk-release.yaml …"."""
        return self.broken + self.refused

    @property
    def fix(self) -> str:
        """What to do about the problems."""
        if self.source.text is None:
            return "Write it: inv release.init"
        return "; ".join(self.hints) or f"git show {self.source.ref}:.github/workflows/{self.source.file}"


def judge(
    source: Source, inputs: Mapping[str, Value], roles: Sequence[str] = (), rules: Sequence[Rule] = ()
) -> Judgement:
    """Judge whether a run of this file with these inputs would do what the roles and rules want.

    Raises Usage for a text that is no role, and nothing else: `check_judgement` does.
    """
    parsed = [parse_role(text) for text in roles]
    workflow, problem = _workflow(source.text)
    if problem:
        return Judgement(source, broken=[problem])
    known, problems = dispatch_inputs(events(workflow)[DISPATCH])
    found = Judgement(source, input_values(known, inputs), problems, input_problems(known, inputs))
    found.notes += [
        f"takes {name} as text: {value!r} is compared as such"
        for name, value in inputs.items()
        if name in known and not known[name].type and not isinstance(value, str)
    ]
    _judge_rules(found, rules, inputs)
    jobs, problems = parse_jobs(workflow.get("jobs"))
    found.broken += problems
    if not problems:
        _judge_roles(found, parsed, jobs, _context(found, known, inputs))
        without = {name: False if is_on(value) else value for name, value in inputs.items()}
        other = _context(Judgement(source, input_values(known, without)), known, without)
        found.turned_on = _turned_on(jobs, _context(found, known, inputs), other)
    return found


def check_judgement(judgement: Judgement) -> None:
    """Check that nothing is wrong; raises Failed for what is wrong with the file, else Usage for the call."""
    if not judgement.problems:
        return
    kind = Failed if judgement.broken else Usage
    raise kind(f"{judgement.source.where} {'; '.join(judgement.problems)}", hint=judgement.fix)


def _workflow(text: bytes | None) -> tuple[Mapping[str, Any], str]:
    """Return the file's contents, and why nobody can ask for a run of it."""
    if text is None:
        return {}, "does not exist"
    try:
        top = document(text)
    except InvalidYaml as error:
        return {}, f"is no valid YAML: {error}"
    if not isinstance(top, Mapping):
        return {}, "is no workflow"
    return top, "" if DISPATCH in events(top) else f"has no {DISPATCH}: nobody can ask for a run of it"


def _judge_rules(found: Judgement, rules: Sequence[Rule], sent: Mapping[str, Value]) -> None:
    for rule in rules:
        if rule.input not in found.inputs:
            if rule.wanted and rule.input not in sent:
                found.notes.append(f"has no input {rule.input}: whether {rule.why} cannot be judged")
        elif is_on(found.inputs[rule.input]) is not rule.wanted:
            origin = "" if rule.input in sent else ", as it is unless sent"
            found.refused.append(f"with {rule.input} {'off' if rule.wanted else 'on'}{origin}: {rule.why}")
            found.hints.append(rule.hint)


def _judge_roles(found: Judgement, roles: Sequence[Role], jobs: Mapping[str, Job], context: Mapping[str, Any]) -> None:
    off, unclear = skips(jobs, context)
    names = {key: shown_name(job, context) for key, job in jobs.items()}
    wanted: set[str] = set()
    idle: set[str] = set()
    for each in roles:
        played = {key for key, (name, _) in names.items() if each.matches(name)}
        if not each.is_on(found.inputs):
            idle |= played
            running = sorted(played - off.keys() - unclear.keys())
            found.notes += [f"runs job {key} although {each.input} is off" for key in running]
        elif played:
            wanted |= played
        else:
            _judge_absent(found, each, jobs, names)
    for key in sorted((wanted - idle) & off.keys()):
        reason = off[key]
        (found.refused if "inputs" in reason else found.broken).append(f"would skip job {key} ({reason})")
    found.notes += _unclear(jobs, wanted - idle, unclear)


def _turned_on(jobs: Mapping[str, Job], context: Mapping[str, Any], without: Mapping[str, Any]) -> list[str]:
    """List the shown names of the jobs that run in this context and would be skipped in the other."""
    off, unclear = skips(jobs, context)
    shown = [shown_name(jobs[key], context) for key in skips(jobs, without)[0] if key not in (*off, *unclear)]
    return [name for name, known in shown if known]


def _judge_absent(found: Judgement, each: Role, jobs: Mapping[str, Job], names: Mapping[str, tuple[str, bool]]) -> None:
    """Say why no job plays the role: its name may be known only when it runs, or be another than its key."""
    possible = [key for key, (name, known) in names.items() if not known and each.may_match(name)]
    renamed = [key for key in jobs if each.matches(key)]
    if possible:
        shown = ", ".join(f"{key} ({jobs[key].name})" for key in possible)
        found.notes.append(f"cannot be judged: whether {each.text} is one of {shown}")
    elif renamed:
        found.broken.append(f"shows job {renamed[0]} as {names[renamed[0]][0]!r}, which is not {each.text}")
        found.hints.append("name the job in sdk.roles as GitHub shows it")
    else:
        found.broken.append(f"has no job {' or '.join(each.patterns)}")


def _unclear(jobs: Mapping[str, Job], wanted: set[str], unclear: Mapping[str, str]) -> Iterator[str]:
    relevant = wanted | ancestors(jobs, wanted)
    for key in sorted(relevant & unclear.keys()):
        yield f"cannot be judged: whether job {key} runs ({unclear[key]})"
    for key in sorted(relevant):
        if jobs[key].uses:
            yield f"cannot be judged: what job {key} does ({jobs[key].uses} is another file)"


def _context(found: Judgement, known: Mapping[str, Input], sent: Mapping[str, Value]) -> dict[str, Any]:
    """Return the contexts that are known before the run; of the inputs, `github.event` has texts."""
    ref, seen = found.source.ref, found.inputs
    texts = {name: values.text(each) for name, each in seen.items() if name in sent or known[name].default is not None}
    github = Partial({"event_name": DISPATCH, "event": Partial({"inputs": Partial(texts)})})
    if ref.startswith(("refs/heads/", "refs/tags/")):
        kind = "tag" if ref.startswith("refs/tags/") else "branch"
        github |= {"ref": ref, "ref_name": _short(ref), "ref_type": kind}
    return {"inputs": seen if len(seen) == len(known) else Partial(seen), "github": github}


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
