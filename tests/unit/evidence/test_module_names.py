"""Modules that are loaded by name are there, and have what is asked of them."""

from importlib import import_module

from autograder.evidence import module_names


def test_every_module_is_there():
    assert {
        name: import_module(getattr(module_names, name)).__name__ for name in module_names.__all__
    } == {name: getattr(module_names, name) for name in module_names.__all__}


def test_each_has_what_is_called_in_it():
    assert {"begin", "settle", "prepare", "call"} <= set(dir(import_module(module_names.DRIVER)))
    for preload in (module_names.RECORDER, module_names.ONE_CLOCK):
        assert callable(import_module(preload).dask_setup)
