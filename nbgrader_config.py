"""nbgrader's settings of this course; https://nbgrader.readthedocs.io lists them all."""

from autograder.course import configure

c = get_config()

c.CourseDirectory.course_id = "scaling-ml"

# Exercises of the kit are graded by its pipeline, in a box; other assignments as always.
configure(c)
