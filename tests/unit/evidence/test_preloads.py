"""Modules that are loaded by name are there, and have what is asked of them."""

from importlib import import_module

from autograder.evidence import preloads


def test_every_module_is_there():
    assert {name: import_module(getattr(preloads, name)).__name__ for name in preloads.__all__} == {
        name: getattr(preloads, name) for name in preloads.__all__
    }


def test_each_has_what_is_called_in_it():
    assert {"begin", "settle", "prepare", "call"} <= set(dir(import_module(preloads.DRIVER)))
    for preload in (preloads.RECORDER, preloads.ONE_CLOCK):
        assert callable(import_module(preload).dask_setup)
