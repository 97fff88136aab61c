"""docker, podman, crane, skopeo, oras: which images a command builds, names and pushes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from release.sandbox.simulation.effects.deliveries import has_image, image_parts, push_image
from release.sandbox.simulation.effects.options import Options, options
from release.sandbox.simulation.shell import Command, Result
from release.sandbox.simulation.unknown import shown, unknown
from release.sandbox.simulation.work import Work

_PLAIN = {
    *("--push", "--load", "--no-cache", "--pull", "--quiet", "-q", "--rm", "--force-rm", "--squash", "--compress"),
    *("--all-tags", "-a", "--disable-content-trust", "--all", "--insecure", "--tls-verify", "--purge", "-p", "--debug"),
}
_COPY_VALUES = {
    *("--platform", "--src-creds", "--dest-creds", "--format", "--artifact-type", "--annotation", "-f", "-c", "-u"),
    *("--authfile", "--dest-authfile", "--src-authfile", "--username", "-p", "--config", "-t", "--new_tag"),
}
_GROUPS = ("image", "builder", "container")


def docker(work: Work, command: Command) -> Result:
    """Do what docker and its likes would do to images."""
    found = options(command.words[1:], lambda name: name not in _PLAIN)
    rest = list(found.rest)
    if rest and rest[0] in _GROUPS:
        rest = rest[1:]
    match rest:
        case ["build", *_] | ["buildx", "build", *_]:
            result = _build(work, command, found)
        case ["push", source, target]:  # podman's and buildah's
            result = _copy(work, command, [source], [target])
        case ["push", *names]:
            result = _push(work, command, names, everything=found.has("-a", "--all-tags"))
        case ["tag", old, new]:
            work.images[new] = work.images.get(old, {"image": shown(old)})
            result = _listed(work, command)
        case ["manifest", "push", name, *_]:
            result = _push(work, command, [name], everything=False)
        case ["buildx", "imagetools", "create", *sources]:
            result = _copy(work, command, sources, found.values("-t", "--tag"))
        case ["manifest", "inspect", name] | ["buildx", "imagetools", "inspect", name] | ["pull", name]:
            result = _there(work, command, name)
        case ["compose" | "bake", *_] | ["buildx", "bake", *_]:
            work.tell(command.line, f"what {command.label} builds and pushes: its file is not read", "untold")
            result = Result(None, unknown(command.label))
        case _:
            result = _listed(work, command)
    return result


def _listed(work: Work, command: Command) -> Result:
    work.tell(command.line, " ".join(command.words[:5]), "listed")
    return Result(0, unknown(command.label))


def _build(work: Work, command: Command, found: Options) -> Result:
    names = found.values("-t", "--tag")
    made_of = {
        "arguments": shown(" ".join(found.values("--build-arg"))),
        "file": shown(found.value("-f", "--file")),
        "context": shown(found.rest[-1]),
    }
    for name in names:
        work.images[name] = made_of
    work.tell(command.line, f"build {', '.join(names) or 'an image'} of {found.rest[-1]}", "listed")
    if found.has("--push") or pushes(found.value("-o", "--output")):
        return _push(work, command, names, everything=False)
    return Result(0)


def pushes(output: str) -> bool:
    """Tell whether BuildKit pushes what it builds to this output."""
    return "type=registry" in output or "push=true" in output


def _push(work: Work, command: Command, names: Sequence[str], everything: bool) -> Result:
    if everything:
        wanted = [image_parts(name)[1] for name in names]
        names = [name for name in work.images if image_parts(name)[1] in wanted]
    for name in names:
        push_image(work, command.line, name, work.images.get(name, {"image": shown(name)}), command.certain)
    return Result(0)


def _there(work: Work, command: Command, name: str) -> Result:
    """Answer whether an image is there: what is never overwritten is asked for first."""
    there = has_image(work, name)
    work.tell(command.line, f"look for {name}", "listed")
    return Result(None if there is None else int(not there), unknown(command.label) if there else "")


def _copy(work: Work, command: Command, sources: Sequence[str], targets: Sequence[str]) -> Result:
    made_of = {"image": shown(" ".join(sources))}
    for source in sources:
        _, repository, tag = image_parts(source.removeprefix("docker://"))
        there = work.means.cloud.manifest(repository, tag) if has_image(work, source) else None
        made_of = {"image": there} if there else work.images.get(source, made_of)
    for target in targets:
        push_image(work, command.line, target.removeprefix("docker://"), made_of, command.certain)
    return Result(0)


def copy_tools(work: Work, command: Command) -> Result:
    """Do what crane, skopeo, regctl and oras would push."""
    tool, words = PurePosixPath(command.words[0]).name, command.words[1:]
    rest = list(options(words, lambda name: name in _COPY_VALUES).rest)
    match [tool, *rest]:
        case ["crane" | "skopeo" | "oras" | "regctl", "copy" | "cp", source, target, *_]:
            return _copy(work, command, [source], [target])
        case ["regctl", "image", "copy", source, target]:
            return _copy(work, command, [source], [target])
        case ["crane" | "oras", "tag", source, *tags]:
            host, repository, _ = image_parts(source)
            return _copy(work, command, [source], [f"{host}/{repository}:{tag}" for tag in tags])
        case ["crane", "push", _, target] | ["oras", "push", target, *_]:
            return _copy(work, command, [], [target])
        case ["crane", "digest" | "manifest" | "config", name] | ["skopeo", "inspect", name]:
            return _there(work, command, name.removeprefix("docker://"))
    return _listed(work, command)
