import time
from contextlib import suppress

import pytest

from autograder.author.shell import commands, expand, plain, variables
from autograder.errors import ArgumentError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("module load a", [["module", "load", "a"]]),
        ("a b; c && d || e", [["a", "b"], ["c"], ["d"], ["e"]]),
        ("a # b; c", [["a"]]),
        ("a#b c", [["a#b", "c"]]),
        ("a > log 2>&1 < in b", [["a", "b"]]),
        ("a 2>/dev/null &>> log", [["a"]]),
        ("a \"b c\" 'd # e'f", [["a", "b c", "d # ef"]]),
        ("a \\\n b", [["a", "b"]]),
        ("{ a; b; }", [["a"], ["b"]]),
        ("if ! a; then b; fi", [["a"], ["b"]]),
        ("( a; b ) & c", [["a"], ["b"], ["c"]]),
        ("x=$(a b; c) d", [["x=$(a b; c)", "d"]]),
        ("x=${a:-b c}", [["x=${a:-b c}"]]),
        ("", []),
        ("# only\n\n", []),
    ],
)
def test_lines_are_split_into_commands(text, words):
    assert [list(map(plain, command.words)) for command in commands(text)] == words


@pytest.mark.parametrize(
    ("text", "runs", "always"),
    [
        ("a; b", [True, True], [True, True]),
        ("a\nb", [True, True], [True, True]),
        ("a && b", [True, True], [True, False]),
        ("a &&\n b", [True, True], [True, False]),
        ("a || b; c", [True, False, True], [True, False, True]),
        ("a || { b; c; }; d", [True, False, False, True], [True, False, False, True]),
        ("a && { b; c; }", [True, True, True], [True, False, False]),
        ("if a; then b; c; fi; d", [True, False, False, True], [True, False, False, True]),
        ("for x in y; do b; done; c", [True, False, True], [True, False, True]),
        ("(a; b); c", [False, False, True], [False, False, True]),
        ("a | b; c", [False, False, True], [False, False, True]),
        ("a & b", [False, True], [False, True]),
        ("}; ) a", [True], [True]),
    ],
)
def test_what_runs_in_the_shell_itself_is_told_from_what_may_not(text, runs, always):
    found = commands(text)
    assert [command.runs for command in found] == runs
    assert [command.always for command in found] == always


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a 'b\nc", "x=$(a", "x=${a"])
def test_what_does_not_close_is_refused(text):
    with pytest.raises(ArgumentError, match=r"a (quote|bracket) that does not close"):
        commands(text)


def value_of(text, **before):
    return variables(before, commands(text)).get("X")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("X=1", "1"),
        ("export X=1 Y=2", "1"),
        ("declare -x X=1", "1"),
        ("X=1; X=2", "2"),
        ("Y=3; X=$Y", "3"),
        ("Y=3; X=a${Y}b", "a3b"),
        ("X=${Z:-4}", "4"),
        ("X=${Z-4}", "4"),
        ("X=${GIVEN:-4}", "7"),
        ("X=$((GIVEN * (2 + 1) % 4 - -1))", "2"),
        ("X=$(( $GIVEN / 2 ))", "3"),
        ("X=$((GIVEN / 0))", "$((GIVEN / 0))"),
        ("X=$((Z + 1))", "$((Z + 1))"),
        ("X=$(nproc)", "$(nproc)"),
        ("X='$GIVEN'", "$GIVEN"),
        ("X=\\$GIVEN", "$GIVEN"),
        ("X=$Z", "$Z"),
        ("X=", ""),
        ("X=1; unset X", None),
        ("X=1 date", None),
        ("false || X=1", None),
        ("X=1 | cat", None),
        ("(X=1)", None),
        ("echo X=1", None),
    ],
)
def test_variables_are_what_the_shell_would_have(text, value):
    found = value_of(text, GIVEN="7")
    assert (found if found is None else plain(found)) == value


def test_quoted_dollars_are_never_expanded_later():
    known = variables({"Y": "1"}, commands("X='$Y'"))
    assert expand(known["X"], known) != "1" and plain(known["X"]) == "$Y"


@pytest.mark.parametrize(
    "text",
    [
        "A=xxxxxxxxxxxxxxxx\n" + 40 * "A=$A$A\n",
        "A=" + 5000 * "x",
    ],
)
def test_variables_that_grow_for_ever_are_refused(text):
    with pytest.raises(ArgumentError, match="very many letters"):
        variables({}, commands(text))


@pytest.mark.parametrize("part", ["$(", "${", "$((", "(", "{ ", "&&", "''", "\\", "$((1)) "])
def test_long_lines_take_no_long_time(part):
    began = time.monotonic()
    with suppress(ArgumentError):
        variables({}, commands(part * (50_000 // len(part))))
    assert time.monotonic() - began < 20
