"""The threads around the device keep order, keep within bounds and lose neither work nor errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from platematte.stream import ReadAhead, WriteBehind


class BrokenFrame(Exception):
    """Stands for whatever reading and writing may raise."""


def wait_until(claim: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if claim():
            return True
        time.sleep(0.005)
    return claim()


def live_threads(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_read_ahead_yields_every_item_in_its_order(ahead: int) -> None:
    with ReadAhead(iter(range(20)), ahead) as items:
        assert list(items) == list(range(20))


@pytest.mark.parametrize("ahead", [1, 3])
def test_read_ahead_makes_at_most_one_item_more_than_may_wait(ahead: int) -> None:
    made: list[int] = []

    def make() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    with ReadAhead(make(), ahead) as items:
        taken = iter(items)
        for count in range(1, 6):
            next(taken)
            assert wait_until(lambda: len(made) >= count + ahead)  # noqa: B023
            # Whoever would go on reading would do so in this time.
            time.sleep(0.03)
            assert len(made) <= count + ahead + 1


def test_read_ahead_raises_where_the_broken_item_would_come() -> None:
    def make() -> Iterator[int]:
        yield 1
        yield 2
        raise BrokenFrame("third")

    taken = []
    with pytest.raises(BrokenFrame, match="third"), ReadAhead(make(), 4) as items:
        for item in items:
            taken.append(item)
    assert taken == [1, 2]


def test_leaving_read_ahead_early_stops_its_thread() -> None:
    def make() -> Iterator[int]:
        number = 0
        while True:
            number += 1
            yield number

    before = live_threads("read-ahead")
    with ReadAhead(make(), 2) as items:
        assert next(iter(items)) == 1
        assert live_threads("read-ahead") == before + 1
    assert live_threads("read-ahead") == before


def test_an_error_of_who_takes_the_items_stops_the_thread_and_is_kept() -> None:
    before = live_threads("read-ahead")
    with pytest.raises(BrokenFrame, match="mine"), ReadAhead(iter(range(100)), 2) as items:
        next(iter(items))
        raise BrokenFrame("mine")
    assert live_threads("read-ahead") == before


def test_write_behind_runs_every_task_in_its_order_in_one_thread() -> None:
    done: list[tuple[int, str]] = []

    def task(number: int) -> Callable[[], None]:
        return lambda: done.append((number, threading.current_thread().name))

    with WriteBehind(2) as writer:
        for number in range(10):
            writer.put(task(number))
    assert done == [(number, "write-behind") for number in range(10)]


def test_write_behind_lets_only_so_many_tasks_wait() -> None:
    gate, given = threading.Event(), []

    def give(writer: WriteBehind) -> None:
        for number in range(6):
            writer.put(gate.wait)  # type: ignore[arg-type]
            given.append(number)

    with WriteBehind(2) as writer:
        giver = threading.Thread(target=give, args=(writer,))
        giver.start()
        # One runs, two wait, and the fourth is not taken before there is room.
        assert wait_until(lambda: len(given) == 3)
        time.sleep(0.03)
        assert len(given) == 3
        gate.set()
        giver.join()
    assert len(given) == 6


@pytest.mark.parametrize("is_failing", [False, True])
def test_leaving_write_behind_waits_for_all_that_was_given(is_failing: bool) -> None:
    done: list[int] = []

    def slow(number: int) -> Callable[[], None]:
        def run() -> None:
            time.sleep(0.02)
            done.append(number)

        return run

    def work() -> None:
        with WriteBehind(4) as writer:
            for number in range(4):
                writer.put(slow(number))
            if is_failing:
                raise BrokenFrame("on its way")

    if is_failing:
        with pytest.raises(BrokenFrame, match="on its way"):
            work()
    else:
        work()
    assert done == [0, 1, 2, 3]
    assert live_threads("write-behind") == 0


def break_at(number: int, ran: list[int], broken: int) -> Callable[[], None]:
    def run() -> None:
        ran.append(number)
        if number >= broken:
            raise BrokenFrame(f"task {number}")

    return run


def test_write_behind_raises_its_first_error_and_runs_nothing_after_it() -> None:
    ran: list[int] = []
    with pytest.raises(BrokenFrame, match="task 1"), WriteBehind(8) as writer:
        for number in range(4):
            writer.put(break_at(number, ran, broken=1))
    assert ran == [0, 1]


def test_a_later_put_raises_the_error_of_an_earlier_task() -> None:
    ran: list[int] = []
    with WriteBehind(2) as writer:
        writer.put(break_at(0, ran, broken=0))
        assert wait_until(lambda: writer._error is not None)
        with pytest.raises(BrokenFrame, match="task 0"):
            writer.put(break_at(1, ran, broken=9))
    assert ran == [0]


def test_an_error_that_is_on_its_way_wins_over_one_of_a_task() -> None:
    ran: list[int] = []
    with pytest.raises(BrokenFrame, match="mine"), WriteBehind(2) as writer:
        writer.put(break_at(0, ran, broken=0))
        raise BrokenFrame("mine")
    assert ran == [0]
