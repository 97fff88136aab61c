"""A shell that runs nothing, on scripts as workflows have them: which programs it says would be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from release.sandbox.simulation.shell import Command, Files, Result, Shell, State
from release.sandbox.simulation.unknown import shown, unknown

FILES = {
    "dist/pkg-1.0-py3-none-any.whl": "wheel",
    "pythons.txt": "3.10\n3.11\n",
    "VERSION": "1.2.3\n",
    "scripts/push.sh": '#!/usr/bin/env bash\ndocker push "$1:$TAG"\n',
    "scripts/lib.sh": 'name() { echo "reg/$1"; }\n',
}
SET = {"TAG": "0.7.0", "REF": "refs/tags/v0.7.0", "REG": "reg", "IS_RELEASE": "true", "EMPTY": "", "LIST": "a b c"}


class Seen:
    """Takes note of the programs; `maybe` before those that may not be called, `?` before what is not known."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def call(self, command: Command) -> Result:
        self.lines.append(("" if command.certain else "maybe ") + shown(" ".join(command.words)))
        if command.words[0] in ("docker", "aws"):
            return Result(0)
        command.state.opaque = True
        return Result(None, unknown(command.label))

    def undecided(self, line: int, what: str) -> None:
        self.lines.append(f"? {line + 1}")


def run(folder: Path, script: str) -> tuple[list[str], int | None, str]:
    work = folder / "work"
    files = Files(folder, work)
    for name, text in FILES.items():
        files.write(".", name, text, append=False)
    seen = Seen()
    state = State(files, {**SET, "GITHUB_OUTPUT": str(folder / "output"), "OPEN": unknown("steps.x.outputs.y")})
    code = Shell(seen, state).run(script)
    return seen.lines, code, shown("".join(state.output))


D = "docker push "
TABLE = [
    # words and quoting
    ("docker push a", [f"{D}a"]),
    ("docker push \\\n  a", [f"{D}a"]),
    ('docker push "$REG/x:$TAG"', [f"{D}reg/x:0.7.0"]),
    ("docker push ${REG}/x:${TAG}-y", [f"{D}reg/x:0.7.0-y"]),
    ("docker push '$REG'", [f"{D}$REG"]),
    ("docker push $'a\\tb'", [f"{D}a\tb"]),
    ("docker push a\\ b", [f"{D}a b"]),
    ("docker push $EMPTY a", [f"{D}a"]),
    ('docker push "$EMPTY" a', [f"{D} a"]),
    ("docker push $LIST", [f"{D}a b c"]),
    ("docker push {a,b}:{1..2}", [f"{D}a:1 a:2 b:1 b:2"]),
    ('docker push "{a,b}"', [f"{D}{{a,b}}"]),
    ("docker push $UNSET", [D.strip()]),
    ("docker push $OPEN:1", [f"{D}<steps.x.outputs.y>:1"]),
    # expansions
    ("docker push ${REF#refs/tags/}", [f"{D}v0.7.0"]),
    ("docker push ${REF##*/v}", [f"{D}0.7.0"]),
    ("docker push ${TAG%.*}", [f"{D}0.7"]),
    ("docker push ${TAG%%.*}", [f"{D}0"]),
    ("docker push ${TAG//./-}", [f"{D}0-7-0"]),
    ("docker push ${TAG/./-}", [f"{D}0-7.0"]),
    ("docker push ${UNSET:-latest}", [f"{D}latest"]),
    ("docker push ${EMPTY:-latest}", [f"{D}latest"]),
    ("docker push x${EMPTY-latest}", [f"{D}x"]),
    ("docker push ${TAG:+tagged}", [f"{D}tagged"]),
    ("docker push ${UNSET:=set}; docker push ok", [f"{D}set", f"{D}ok"]),
    ("docker push ${REG^^} ${REG^}", [f"{D}REG Reg"]),
    ("docker push ${TAG:0:3} ${#TAG}", [f"{D}0.7 5"]),
    ("n=TAG; docker push ${!n}", [f"{D}0.7.0"]),
    ("docker push ${OPEN#v}", [f"{D}<${{OPEN#v}}>"]),
    ("i=2; docker push $((i + 1)) $((2 * i))", [f"{D}3 4"]),
    # arrays
    ('a=(x "y z"); docker push "${a[@]}"', [f"{D}x y z"]),
    ('a=(x y); a+=(z); for i in "${a[@]}"; do docker push $i; done', [f"{D}x", f"{D}y", f"{D}z"]),
    ("a=(x y); docker push ${a[1]} ${#a[@]}", [f"{D}y 2"]),
    ("declare -a a=(x y); docker push ${a[0]}", [f"{D}x"]),
    # loops
    ("for p in 3.10 3.11; do docker push r:$p-$TAG; done", [f"{D}r:3.10-0.7.0", f"{D}r:3.11-0.7.0"]),
    ("for p in $(cat pythons.txt); do\n  docker push r:$p\ndone", [f"{D}r:3.10", f"{D}r:3.11"]),
    ("for p in $LIST; do [ $p = b ] && continue; docker push $p; done", [f"{D}a", f"{D}c"]),
    ("for p in $LIST; do docker push $p; break; done", [f"{D}a"]),
    ("for p in $OPEN; do docker push r:$p; done", [f"{D}r:<steps.x.outputs.y>"]),
    ("while read -r p; do docker push $p; done < pythons.txt", [f"{D}3.10", f"{D}3.11"]),
    ("cat pythons.txt | while read p; do docker push $p; done", [f"{D}3.10", f"{D}3.11"]),
    ("for f in dist/*.whl; do aws s3 cp $f s3://b/; done", ["aws s3 cp dist/pkg-1.0-py3-none-any.whl s3://b/"]),
    ("cat pythons.txt | xargs -n1 docker push", [f"{D}3.10", f"{D}3.11"]),
    ("echo a b | xargs -I{} docker push r:{}", [f"{D}r:a b"]),
    ("IFS=, read -r a b <<< x,y; docker push $a:$b", [f"{D}x:y"]),
    # conditions
    ('if [[ "$IS_RELEASE" == "true" ]]; then p=release/; fi; aws s3 cp x s3://b/$p', ["aws s3 cp x s3://b/release/"]),
    ('if [ "$IS_RELEASE" != true ]; then p=dev/; else p=rel/; fi; docker push $p', [f"{D}rel/"]),
    ("[[ $TAG == 0.7.* && -n $REG ]] && docker push yes", [f"{D}yes"]),
    ("[[ $TAG =~ ^[0-9]+\\.[0-9]+ ]] || docker push no", []),
    ('if [ -z "$EMPTY" -a 1 -lt 2 ]; then docker push yes; fi', [f"{D}yes"]),
    ("if [ -f VERSION ]; then docker push yes; fi", [f"{D}yes"]),
    ("if ! [ -f NOPE ]; then docker push yes; fi", [f"{D}yes"]),
    ("if test $TAG = 1; then docker push no; else docker push yes; fi", [f"{D}yes"]),
    ("case $TAG in 0.*) docker push zero;; *) docker push no;; esac", [f"{D}zero"]),
    ("case $OPEN in a) docker push a;; b) docker push b;; esac", ["? 1", f"maybe {D}a", f"maybe {D}b"]),
    ('if [ "$OPEN" = x ]; then docker push a; else docker push b; fi', ["? 1", f"maybe {D}a", f"maybe {D}b"]),
    ('if [ "v$OPEN" = x ]; then docker push a; fi; docker push b', [f"{D}b"]),
    ("if grep -q x f; then docker push a; fi", ["grep -q x f", "? 1", f"maybe {D}a"]),
    ("if [ $OPEN = 1 ]; then p=a; else p=b; fi; docker push r:$p", ["? 1", f"{D}r:<p>"]),
    ("if [ $OPEN = 1 ]; then exit 1; fi; docker push r", ["? 1", f"{D}r"]),
    ("if [ $OPEN = 1 ]; then exit 0; fi; docker push r", ["? 1", f"maybe {D}r"]),
    ("make && docker push r", ["make", f"{D}r"]),
    ("[[ $OPEN == a ]] && docker push r", ["? 1", f"maybe {D}r"]),
    ("echo a | grep -q b && docker push r", ["grep -q b", "? 1", f"maybe {D}r"]),
    ("make || docker push r", ["make", "? 1", f"maybe {D}r"]),
    ("docker push r || exit 1; docker push s", [f"{D}r", f"{D}s"]),
    # substitutions and filters
    ("docker push $(basename dist/*.whl .whl)", [f"{D}pkg-1.0-py3-none-any"]),
    ("docker push `cat VERSION`", [f"{D}1.2.3"]),
    ("docker push $(< VERSION)", [f"{D}1.2.3"]),
    ("docker push $(ls dist/*.whl | head -n 1)", [f"{D}dist/pkg-1.0-py3-none-any.whl"]),
    ("docker push $(echo v$TAG | tr -d v | cut -d. -f1)", [f"{D}0"]),
    ("docker push $(echo $REF | sed -e 's,^refs/tags/v,,')", [f"{D}0.7.0"]),
    ("T=$(date +%F); docker push r:$T", ["date +%F", f"{D}r:<date +%F>"]),
    ("cd dist && docker push $(basename $(pwd))", [f"{D}dist"]),
    ("(cd dist; docker push a); docker push $(ls VERSION)", [f"{D}a", f"{D}VERSION"]),
    ("printf '%s\\n' x y | while read p; do docker push $p; done", [f"{D}x", f"{D}y"]),
    # functions, scripts, wrappers
    ('push() { local n="$1"; docker push "$n:$TAG"; }\npush a\npush b', [f"{D}a:0.7.0", f"{D}b:0.7.0"]),
    ("f() { return 1; }; f || docker push r", [f"{D}r"]),
    ("bash scripts/push.sh x", [f"{D}x:0.7.0"]),
    ("./scripts/push.sh x", [f"{D}x:0.7.0"]),
    ("source scripts/lib.sh; docker push $(name x)", [f"{D}reg/x"]),
    ('bash -c "docker push x"', [f"{D}x"]),
    ("sudo -E docker push x", [f"{D}x"]),
    ("timeout 60 env A=1 docker push x", [f"{D}x"]),
    ("set -- a b; docker push $1 $#; shift; docker push $1", [f"{D}a 2", f"{D}b"]),
    # the end of a script
    ("set -euo pipefail\nfalse\ndocker push never", []),
    ("false || true\ndocker push yes", [f"{D}yes"]),
    ("set +e\nfalse\ndocker push yes", [f"{D}yes"]),
    ("docker push a > /dev/null 2>&1 &\ndocker push b", [f"{D}a", f"{D}b"]),
    ("cat <<EOF | docker load\n$TAG\nEOF", ["docker load"]),
    ("echo x > made.txt; docker push $(cat made.txt)", [f"{D}x"]),
    ("cat > f <<'EOF'\n$TAG\nEOF\ndocker push $(cat f)", [f"{D}$TAG"]),
]


@pytest.mark.parametrize(("script", "calls"), TABLE)
def test_a_script_is_followed_without_being_run(tmp_path: Path, script: str, calls: list[str]) -> None:
    assert run(tmp_path, script)[0] == calls


@pytest.mark.parametrize(
    ("script", "written"),
    [
        ('echo "version=$TAG" >> "$GITHUB_OUTPUT"', "version=0.7.0\n"),
        ('{ echo "a=1"; echo "b=$OPEN"; } >> $GITHUB_OUTPUT', "a=1\nb=<steps.x.outputs.y>\n"),
        ("cat <<EOF >> $GITHUB_OUTPUT\nversion=${TAG}\nEOF", "version=0.7.0\n"),
        ("echo tag=$TAG | tee -a $GITHUB_OUTPUT", "tag=0.7.0\n"),
        ("echo m=$(make) >> $GITHUB_OUTPUT", "m=<make>\n"),
    ],
)
def test_outputs_that_can_be_read_are_known(tmp_path: Path, script: str, written: str) -> None:
    run(tmp_path, script)
    assert shown((tmp_path / "output").read_text(encoding="utf-8")) == written


def test_a_failure_that_is_known_ends_the_script(tmp_path: Path) -> None:
    assert run(tmp_path, "exit 3")[1] == 3
    assert run(tmp_path, "set -e\n[ $TAG = 1 ]\ndocker push x")[:2] == ([], 1)


def test_nothing_is_written_outside_of_the_job(tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    run(tmp_path, f"echo x > {outside}; echo x > ../../{outside.name}; cd ../..; echo x > {outside.name}")
    assert not outside.exists()


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert any(line.startswith("?") for line in run(tmp_path, "docker push x\nif then ((\n")[0])


ENDLESS = {
    "a value that doubles": "x=ab\n" + "x=$x$x\n" * 40,
    "a value that doubles in a loop": "x=ab; for i in $(seq 60); do x+=$x; done",
    "a range": "echo {1..100000000}",
    "braces of braces": "echo " + "{a,b}" * 24,
    "a long line": "echo " + "x" * 1_000_000,
    "a long document": "while read -r l; do :; done <<END\n" + "line\n" * 100_000 + "END",
    "a loop": "while true; do :; done",
    "a loop without a condition": "for ((;;)); do :; done",
    "many turns": "for i in $(seq 9000); do :; done",
    "a function that calls itself": "f() { f; }; f",
    "substitutions in each other": "x=" + "$(echo " * 200 + "a" + ")" * 200,
    "conditions in each other": "if true; then " * 400 + ":; " + "fi; " * 400,
    "much output": "for i in $(seq 900); do echo " + "x" * 1000 + "; done",
    "a long cut": "x=" + "y" * 50_000 + "; echo ${x%%z*}",
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_what_takes_too_long_is_not_followed_and_said_so(tmp_path: Path, script: str) -> None:
    """It hung, or what comes after it was taken as done."""
    lines, code, _ = run(tmp_path, f"docker push before\n{script}\ndocker push after")
    assert code is None
    assert lines[-1] == "? 1"
    assert f"{D}after" not in lines


def test_text_that_is_no_unicode_is_followed(tmp_path: Path) -> None:
    assert run(tmp_path, "echo \ud800; docker push a")[0] == [f"{D}a"]


def test_an_expression_that_may_take_for_ever_cannot_be_told(tmp_path: Path) -> None:
    slow = (
        f"[[ {'a' * 60}b =~ ^(a+)+$ ]] && docker push a; x=$(echo {'a' * 60}b | sed -E 's/^(a+)+$/c/'); docker push $x"
    )
    assert run(tmp_path, slow)[0][:2] == ["? 1", f"maybe {D}a"]


def test_what_a_trap_does_is_said_to_be_unknown(tmp_path: Path) -> None:
    assert run(tmp_path, "trap 'docker push a' EXIT; trap - INT; docker push b")[0] == ["? 1", f"{D}b"]
