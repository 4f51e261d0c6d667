"""The progress line says what is known, and a log is not flooded with it."""

import io

from autograder.farm import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_line_has_all_numbers_and_leaves_out_what_is_none() -> None:
    assert progress.line(3, 2, 5, 0, "about 1 min left") == (
        "3 done, 2 running, 5 waiting; about 1 min left"
    )
    assert progress.line(3, 2, 5, 1, "") == "3 done, 2 running, 5 waiting, 1 set aside"


def test_time_left_follows_from_what_is_done() -> None:
    # Ten in 100 s by two slots, whose own are half done: eleven. 99 to go and the two halves.
    assert progress.time_left(110, 10, 98, 2, 1.0) == "about 16 min left"


def test_time_left_at_first_follows_from_earlier_rounds_or_is_unknown() -> None:
    assert progress.time_left(1, 0, 9, 2, 12.0) == "about 1 min left"
    assert progress.time_left(1, 0, 9, 2, None) == ""


def test_terminal_has_one_line_that_is_written_over() -> None:
    out = Terminal()
    line = progress.Line(out)
    line.show("1 done")
    line.show("1 done")
    line.show("2 done")
    line.say(["A slot resigned."])
    assert out.getvalue() == "\r\x1b[2K1 done\r\x1b[2K2 done\nA slot resigned.\n"


def test_log_gets_a_line_now_and_then() -> None:
    now = [0.0]
    out = io.StringIO()
    line = progress.Line(out, lambda: now[0])
    for second in range(0, 61, 10):
        now[0] = second
        line.show(f"{second} done")
    assert out.getvalue() == "0 done\n30 done\n60 done\n"
