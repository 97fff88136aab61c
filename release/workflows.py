"""What a workflow's file promises, judged before a run is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from release import workflow_inputs, workflow_jobs
from release.errors import Failed, Usage
from release.expressions import Partial
from release.roles import Role, check_roles, is_on, role, role_of
from release.workflow_inputs import Value
from release.workflow_yaml import InvalidYaml, document

__all__ = [
    "IMAGE",
    "SDK",
    "Contract",
    "Rule",
    "Source",
    "check_contract",
    "check_roles",
    "contract",
    "image",
    "role_of",
]

TRIGGER = "workflow_dispatch"


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


@dataclass(frozen=True)
class Rule:
    """An input without which a run is green and useless, or worse."""

    input: str
    wanted: bool
    why: str
    hint: str


SDK = (Rule("is_release", True, "nothing is published under release/", "set sdk.inputs.is_release to true"),)
IMAGE = (
    Rule("is_release", True, "the run is green and pushes nothing", "set image.inputs.is_release to true"),
    Rule("build_base", False, "it pushes unversioned images again", "add --build-base if that is meant"),
)


def image(*, build_base: bool) -> tuple[Rule, ...]:
    """Return the rules of an image run, with or without leave to push the base images again."""
    return tuple(rule for rule in IMAGE if not (build_base and rule.input == "build_base"))


@dataclass
class Contract:
    """What was judged: what is wrong with the file, what with the call, what cannot be known.

    `inputs` are the values the run will see, defaults included: what `check_roles` is to be given.
    """

    source: Source
    inputs: dict[str, Value] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All that is wrong, each to be read after the place: "at 0.7.0, sdk-release.yaml …"."""
        return self.broken + self.refused


def contract(
    source: Source, sent: Mapping[str, Value], roles: Sequence[str] = (), rules: Sequence[Rule] = ()
) -> Contract:
    """Judge whether a run of this file with these inputs would do what the roles and rules want.

    Raises Usage for a text that is no role, and nothing else: `check_contract` does.
    """
    found = Contract(source)
    parsed = [role(text) for text in roles]
    trigger, listed = _opened(found)
    if found.broken:
        return found
    inputs, problems = workflow_inputs.declared(trigger)
    found.broken += problems
    found.refused += workflow_inputs.sent_problems(inputs, sent)
    found.notes += [
        f"takes {name} as text: {value!r} is compared as such"
        for name, value in sent.items()
        if name in inputs and not inputs[name].type and not isinstance(value, str)
    ]
    found.inputs = workflow_inputs.effective(inputs, sent)
    _judge_rules(found, rules, sent)
    jobs, problems = workflow_jobs.jobs(listed)
    found.broken += problems
    if not problems:
        _judge_roles(found, parsed, jobs, _context(source.ref, inputs, sent))
    return found


def check_contract(judged: Contract) -> None:
    """Check that nothing is wrong; raises Failed for what is wrong with the file, else Usage for the call."""
    if not judged.problems:
        return
    kind = Failed if judged.broken else Usage
    shown = f"git show {judged.source.ref}:.github/workflows/{judged.source.file}"
    raise kind(f"{judged.source.where} {'; '.join(judged.problems)}", hint="; ".join(judged.hints) or shown)


def _opened(found: Contract) -> tuple[Any, Any]:
    """Read the file as far as its trigger and its jobs."""
    if found.source.text is None:
        found.broken.append("does not exist")
        return None, None
    try:
        top = document(found.source.text)
    except InvalidYaml as error:
        found.broken.append(f"is no valid YAML: {error}")
        return None, None
    if not isinstance(top, Mapping):
        found.broken.append("is no workflow")
        return None, None
    on = top.get("on")
    triggers = on if isinstance(on, Mapping) else dict.fromkeys(name for name in _listed(on) if isinstance(name, str))
    if TRIGGER not in triggers:
        found.broken.append(f"has no {TRIGGER}: nobody can ask for a run of it")
    return triggers.get(TRIGGER), top.get("jobs")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _judge_rules(found: Contract, rules: Sequence[Rule], sent: Mapping[str, Value]) -> None:
    for rule in rules:
        if rule.input not in found.inputs:
            if rule.wanted and rule.input not in sent:
                found.notes.append(f"has no input {rule.input}: whether {rule.why} cannot be judged")
        elif is_on(found.inputs[rule.input]) is not rule.wanted:
            origin = "" if rule.input in sent else ", as it is unless sent"
            found.refused.append(f"with {rule.input} {'off' if rule.wanted else 'on'}{origin}: {rule.why}")
            found.hints.append(rule.hint)


def _judge_roles(
    found: Contract, roles: Sequence[Role], jobs: Mapping[str, workflow_jobs.Job], context: Mapping[str, Any]
) -> None:
    verdict = workflow_jobs.judged(jobs, context)
    names = {key: workflow_jobs.shown_name(job, context) for key, job in jobs.items()}
    wanted: set[str] = set()
    idle: set[str] = set()
    for each in roles:
        played = {key for key, (name, _) in names.items() if each.matches(name)}
        if not each.is_on(found.inputs):
            idle |= played
            running = sorted(played - verdict.off.keys() - verdict.unclear.keys())
            found.notes += [f"runs job {key} although {each.input} is off" for key in running]
        elif played:
            wanted |= played
        else:
            _judge_absent(found, each, jobs, names)
    for key in sorted((wanted - idle) & verdict.off.keys()):
        reason = verdict.off[key]
        (found.refused if "inputs" in reason else found.broken).append(f"would skip job {key} ({reason})")
    found.notes += _unclear(jobs, wanted - idle, verdict)


def _judge_absent(
    found: Contract, each: Role, jobs: Mapping[str, workflow_jobs.Job], names: Mapping[str, tuple[str, bool]]
) -> None:
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


def _unclear(jobs: Mapping[str, workflow_jobs.Job], wanted: set[str], verdict: workflow_jobs.Judged) -> Iterator[str]:
    relevant = wanted | workflow_jobs.ancestors(jobs, wanted)
    for key in sorted(relevant & verdict.unclear.keys()):
        yield f"cannot be judged: whether job {key} runs ({verdict.unclear[key]})"
    for key in sorted(relevant):
        if jobs[key].uses:
            yield f"cannot be judged: what job {key} does ({jobs[key].uses} is another file)"


def _context(ref: str, inputs: Mapping[str, workflow_inputs.Input], sent: Mapping[str, Value]) -> dict[str, Any]:
    typed, texts = workflow_inputs.contexts(inputs, sent)
    github = Partial({"event_name": TRIGGER, "event": Partial({"inputs": texts})})
    if ref.startswith(("refs/heads/", "refs/tags/")):
        kind = "tag" if ref.startswith("refs/tags/") else "branch"
        github |= {"ref": ref, "ref_name": _short(ref), "ref_type": kind}
    return {"inputs": typed, "github": github}


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
