"""Three tries, on another host where there is one; then aside with the reason."""

import random

import pytest

from autograder.farm.queue import TRIES, Queue


def queue(*items: str, **slots: str) -> Queue[str]:
    made = Queue(items)
    for slot, host in slots.items():
        made.arrived(slot, host)
    return made


def test_items_are_taken_in_their_order_and_done() -> None:
    q = queue("a", "b", x="one")
    assert q.take("x") == "a"
    assert q.free == []
    assert q.finish("x") == "a"
    assert q.take("x") == "b"
    q.finish("x")
    assert q.finished and q.done == ["a", "b"] and q.take("x") is None


def test_what_failed_on_a_host_is_left_to_another() -> None:
    q = queue("a", x="one", y="one", z="two")
    q.take("x")
    q.fail("x", "no box")
    assert q.take("x") is None and q.take("y") is None
    assert q.take("z") == "a"


def test_without_another_host_it_is_tried_on_the_same() -> None:
    q = queue("a", x="one")
    q.take("x")
    q.fail("x", "no box")
    assert q.take("x") == "a"


def test_another_host_that_goes_is_not_waited_for() -> None:
    q = queue("a", x="one", z="two")
    q.take("x")
    q.fail("x", "no box")
    assert q.take("x") is None
    q.lose("z", "its job ended")
    assert q.take("x") == "a"


def test_what_was_lost_three_times_is_set_aside_with_the_reason() -> None:
    q = queue("a", "b")
    for i in range(TRIES):
        q.arrived(f"x{i}", "one")
        while q.take(f"x{i}") != "a":
            q.finish(f"x{i}")
        q.lose(f"x{i}", f"lost {i}")
    assert q.aside["a"].reason == "lost 2" and q.aside["a"].tries == TRIES
    assert q.done == ["b"] and q.finished


def test_what_is_the_submissions_fault_is_not_tried_again() -> None:
    q = queue("a", x="one")
    q.take("x")
    q.refuse("x", "it cannot go on")
    assert q.finished and q.aside["a"].tries == 1


def test_slot_in_which_three_submissions_fail_in_a_row_gets_no_fourth() -> None:
    q = queue("a", "b", "c", "d", x="one", y="two")
    for _ in range(3):
        q.take("x")
        q.fail("x", "no space left")
    assert "no space left" in q.resigned["x"]
    assert q.free == ["y"]


def test_last_slot_is_kept_for_longer() -> None:
    q = queue(*"abcdefghijkl", x="one")
    for i in range(10):
        assert not q.resigned, i
        q.take("x")
        q.fail("x", "it ran out of time")
    assert q.resigned and not q.free


def test_success_between_failures_keeps_a_slot() -> None:
    q = queue("a", "b", "c", "d", x="one", y="two")
    for step in ("fail", "fail", "finish", "fail"):
        q.take("x")
        q.finish("x") if step == "finish" else q.fail("x", "no space left")
    assert not q.resigned


def test_slot_that_is_lost_while_it_has_nothing_costs_no_try() -> None:
    q = queue("a", x="one")
    assert q.lose("x", "its job ended") is None
    assert q.waiting == ["a"] and not q.aside


@pytest.mark.parametrize("seed", range(50))
def test_whatever_happens_every_item_ends_in_one_place(seed: int) -> None:
    chance = random.Random(seed)
    items = [f"item {i}" for i in range(20)]
    q = Queue(items)
    for number in range(4):
        q.arrived(f"slot {number}", f"host {number % 2}")
    for step in range(10_000):
        if q.finished:
            break
        if not q.slots or chance.random() < 0.1:
            q.arrived(f"late {step}", f"host {chance.randrange(3)}")
        for slot in q.free:
            q.take(slot)
        for slot in list(q.running):
            act = chance.choice(["finish", "finish", "fail", "lose", "refuse", "wait"])
            if act == "finish":
                q.finish(slot)
            elif act != "wait":
                getattr(q, act)(slot, act)
    assert q.finished
    assert sorted([*q.done, *q.aside]) == sorted(items)
