"""Clones of every kind: each pipeline ends as the undisturbed one, or is refused before a write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults import clones
from faults.clones import EVERY, Kind, cloned, hook, set_to
from faults.worlds import PIPELINES, World, check_end, check_nothing_left, check_sound, opened, user_state
from outside import writes

COMMITS = ("minor", "image")  # pipelines that commit; a pick's hooks are those of cherry-pick
KINDS = {
    "full": Kind(clones.cloning()),
    "depth-1": Kind(clones.cloning("--depth=1")),
    "no-tags": Kind(clones.cloning("--no-tags")),
    "blob-none": Kind(clones.cloning("--filter=blob:none")),
    "tree-0-depth-1": Kind(clones.cloning("--filter=tree:0", "--depth=1", "--no-tags")),
    "spaces-and-letters": Kind(clones.cloning(name="die große Plattform 平台 'x'")),
    "detached": Kind(clones.detached),
    "linked": Kind(clones.linked),
    "behind": Kind(clones.behind),
    "in-another": Kind(clones.inside),
    "with-a-submodule": Kind(clones.around),
    "crlf": Kind(clones.crlf),
    "eol-crlf": Kind(clones.eol),
    "rewritten-urls": Kind(clones.rewritten),
    "worktree-config": Kind(clones.worktree_config),
    "pushes": Kind(set_to(push__followTags="true", push__default="nothing", push__autoSetupRemote="true")),
    "prunes": Kind(set_to(fetch__prune="true", fetch__pruneTags="true", transfer__fsckObjects="true")),
    "looks": Kind(set_to(log__showSignature="true", color__ui="always", status__short="true", log__follow="true")),
    "ssh-signed": Kind(clones.by_ssh, signed=True),
    "gpg-signed": Kind(clones.by_gpg, signed=True),
    "of-another-user": Kind(clones.of_another, EVERY, "safe.directory", clones.trust),
    "pre-commit": Kind(hook("pre-commit"), COMMITS, mend=clones.unhook),
    "commit-msg": Kind(hook("commit-msg"), COMMITS, mend=clones.unhook),
    "pre-push": Kind(hook("pre-push"), EVERY, mend=clones.unhook),
    "hooks-path": Kind(hook("pre-push", ".git/its hooks"), EVERY, mend=clones.unhook),
    "post-checkout": Kind(hook("post-checkout")),
    "reference-transaction": Kind(hook("reference-transaction", test='[ "$1" = prepared ]'), EVERY, mend=clones.unhook),
}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in EVERY])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with opened(PIPELINES[request.param]) as made:
        yield made


@pytest.mark.faults
@pytest.mark.parametrize("name", KINDS)
def test_a_release_from_a_clone(world: World, name: str) -> None:
    release_from(world, KINDS[name])


@pytest.mark.slow
def test_an_image_from_a_few_clones() -> None:
    with opened(PIPELINES["image"]) as world:
        for name in ("blob-none", "in-another", "with-a-submodule", "ssh-signed", "pre-push"):
            release_from(world, KINDS[name])


def release_from(world: World, kind: Kind) -> None:
    """Run the pipeline in such a clone, refused first where it has to be."""
    with cloned(world, kind):
        with clones.trusting():
            before = user_state(world)
        ended = world.run()
        if world.pipeline.name in kind.refused:
            assert ended is not None
            assert ended.exit_code in (1, 2)
            assert kind.words in ended.message
            assert writes(world.sandbox) == []
            with clones.trusting():
                assert user_state(world) == before
                check_nothing_left(world)
            check_sound(world)
            kind.mend(world)
            ended = world.run()
        assert ended is None, ended
        check_end(world, before)
        if kind.signed:
            clones.check_signed(world)
