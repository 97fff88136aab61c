"""Other tools beside ours: each bumps the same file of the same clone, commits, tags and pushes to the same remote."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench import work
from bench.race import Bench, Contestant, Measured, race, raw
from bench.remote import Place
from bench.runner import CouldNotRunError
from bench.tables import Goal, show, show_goals
from bench.world import World, big_place, new_world

FILES = {
    "tbump.toml": f"""[version]
current = "0.6.2"
regex = '[0-9]+[.][0-9]+[.][0-9]+'
[git]
message_template = "Use image {{new_version}}"
tag_template = "{{new_version}}"
[[file]]
src = "{work.CONFIG}"
search = 'BASE_IMAGE_VERSION = "{{current_version}}"'
""",
    ".bumpversion.toml": f"""[tool.bumpversion]
current_version = "0.6.2"
commit = true
tag = true
tag_name = "{{new_version}}"
message = "Use image {{new_version}}"
[[tool.bumpversion.files]]
filename = "{work.CONFIG}"
search = 'BASE_IMAGE_VERSION = "{{current_version}}"'
replace = 'BASE_IMAGE_VERSION = "{{new_version}}"'
""",
    ".cz.toml": f"""[tool.commitizen]
name = "cz_conventional_commits"
version = "0.6.2"
version_files = ["{work.CONFIG}:BASE_IMAGE_VERSION"]
tag_format = "$version"
annotated_tag = true
""",
}
PEERS = ("tbump", "bump-my-version", "commitizen")
HEAD = ("whose", "s", "× (empty + one look)", "processor s", "Git started (all)", "Git / API / AWS", "MiB")


def rows(bench: Bench, *names: str) -> None:
    """Measure at each latency; then where the remote has 100,000 tags."""
    with new_world(bench) as world:
        world.serve_git_alone()
        for latency in bench.latencies if "near" in names or not names else ():
            with world.latency(latency):
                _rows(world, f"Bump, commit, tag, push: {latency * 1000:g} ms a request", "0.7.0", world.place)
        if "big" in names or not names:
            _rows(world, f"Bump, commit, tag, push: {bench.size}", bench.size.next, big_place(world))


def _rows(world: World, title: str, version: str, place: Place) -> None:
    with ExitStack() as stack:
        stack.enter_context(place.branch(work.line_branch(version)))
        stack.enter_context(place.branch(f"image-{version}", FILES))
        able, left = _able(world, _contestants(world, version, place))
        found = race(world, able, world.bench.rounds)
        counts = {each.name: world.count(each) for each in able[1:]}
    floor = found["empty"].seconds.middle + found["one look"].seconds.middle
    body: list[tuple[object, ...]] = []
    for name, count in counts.items():
        took = found[name]
        ratio = took.seconds.middle / floor
        body.append((name, took.seconds, ratio, took.processor, count, count.asked, took.mebibytes))
    show(title, HEAD, body)
    print("".join(f"Left out: {each}\n" for each in left))
    show_goals(_goals(found))


def _contestants(world: World, version: str, place: Place) -> list[Contestant]:
    """Ours take a task for the file and a task for the tag; all others do both at once."""
    push = f"git push -q --atomic origin HEAD refs/tags/{version}"
    make = [*work.edit(version), f"git commit -q -m 'Use image {version}' -- {work.CONFIG}"]
    make += [f"git tag -a -m 'Release {version}' {version}", push]
    proof = f"git ls-remote --exit-code origin refs/tags/{version}"
    ours = [
        replace(each, name=f"{each.name}: {one.name}")
        for one in (work.bump(version), work.tag(version))
        for each in world.ours(*one.typed, place=place)
    ]
    return [
        world.nothing("nothing"),
        raw("raw", work.LOOK, *make, proof, place=place),
        raw("one look", *make, proof, place=place),
        *ours,
        raw("tbump", f"tbump {version} --non-interactive", place=place),
        raw("bump-my-version", f"bump-my-version bump --new-version {version}", push, place=place),
        raw("commitizen", f"cz bump --yes {version}", push, place=place),
    ]


def _able(world: World, every: Sequence[Contestant]) -> tuple[list[Contestant], list[str]]:
    """Return who can be measured, and which other tools cannot, with the reason."""
    able, left = [], []
    for each in every:
        try:
            if each.name in PEERS:
                world.run(each)
            able.append(each)
        except CouldNotRunError as error:
            left.append(f"{each.name}: {error}")
    return able, left


def _goals(found: dict[str, Measured]) -> list[Goal]:
    peers = [found[name].seconds.middle for name in PEERS if name in found]
    if not peers:
        return []
    ours = [name for name in found if name.startswith("ours: ")]
    return [Goal(f"{name}: s, beside the fastest tool", min(peers), found[name].seconds.middle) for name in ours]
