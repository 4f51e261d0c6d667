"""Run one text in this process and measure its numbers: ``python -m lessons.measure EXERCISE``.

The last line that it prints is JSON, ``{"printed": …, "numbers": [[words, measured], …]}``.
"""

import json
import sys

from lessons.number import Number, numbers_of
from lessons.text import Lesson, run


def main() -> None:
    """Measure the numbers of the exercise that the command line names."""
    exercise = sys.argv[1]
    lesson = run(exercise)
    numbers = [(each.says, measured(each, lesson)) for each in numbers_of(exercise)]
    print(f"\n{json.dumps({'printed': lesson.printed, 'numbers': numbers})}")


def measured(number: Number, lesson: Lesson) -> str:
    """Measure one number; what cannot be measured here does not keep the others from it."""
    try:
        return number.measure(lesson)
    except Exception as error:
        return f"not measured: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
