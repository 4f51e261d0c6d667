"""Run one text in this process and measure its numbers: ``python -m lessons.measure EXERCISE``.

One of the lines that it prints is `RESULT` and JSON, ``{"printed": …, "numbers": […]}``. Each
number is a pair: the words of the text, and what was measured.
"""

import json
import sys
from types import ModuleType

from lessons.number import Number, numbers_of
from lessons.text import Lesson, run

__all__ = ["RESULT", "measured"]

RESULT = "numbers of the text: "
"""How the line begins that tells them."""


def main() -> None:
    """Measure the numbers of the exercise that the command line names."""
    exercise = sys.argv[1]
    # As in a notebook, where what the cells define is the main module.
    notebook = ModuleType("__main__")
    sys.modules["__main__"] = notebook
    lesson = run(exercise, vars(notebook))
    numbers = [(each.says, measured(each, lesson)) for each in numbers_of(exercise)]
    print(f"\n{RESULT}{json.dumps({'printed': lesson.printed, 'numbers': numbers})}")


def measured(number: Number, lesson: Lesson) -> str:
    """Measure one number; what cannot be measured here does not keep the others from it."""
    try:
        return number.measure(lesson)
    except Exception as error:
        return f"not measured: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
