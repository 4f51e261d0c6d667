"""The kernel of a box: a Python kernel that has loaded what exercises use before it is asked.

Its imports take two seconds of one core. Done at once, they overlap with those of the workers
on the other core; done when the first cell asks, they would come after.
"""

from ipykernel import kernelapp

from cluster.warm import DEFAULT_MODULES, import_all

if __name__ == "__main__":
    import_all([*DEFAULT_MODULES, "autograder.box.driver"])
    kernelapp.launch_new_instance()
