"""Every page that a card points to has an address, and it is that of the pinned version."""

import re
from pathlib import Path

import pytest

from autograder.diagnose import FAILURES, NAMED, NO_CALL, TABLE
from autograder.exercise import catalogue
from autograder.pointers import POINTERS, SCIKIT_LEARN, Pointer, pointers

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
HOSTS = {
    "docs.dask.org",
    "examples.dask.org",
    "distributed.dask.org",
    "ml.dask.org",
    "jobqueue.dask.org",
    "joblib.readthedocs.io",
    "scikit-learn.org",
    "docs.python.org",
    "docs.scipy.org",
    "numpy.org",
    "opus.nci.org.au",
    "slurm.schedmd.com",
}


def used() -> dict[str, str]:
    """What is pointed to, by whom."""
    rules = {row.name: [row.see, *(page for _, page in row.see_in)] for row in TABLE}
    rules |= {name: [one.see] for name, one in (NAMED | NO_CALL).items()}
    rules |= {one.name: [one.see] for one in FAILURES}
    rules |= {
        f"{exercise.name}/{mistake.name}": [mistake.see]
        for exercise in catalogue.every()
        for mistake in exercise.mistakes.values()
    }
    return {see: name for name, pages in rules.items() for see in pages}


@pytest.mark.parametrize("see", sorted(used()))
def test_every_pointer_of_a_mistake_has_an_address(see: str) -> None:
    found = pointers(see)
    assert found, used()[see]
    assert not [pointer.title for pointer in found if not pointer.address], used()[see]


@pytest.mark.parametrize("pointer", POINTERS.values(), ids=lambda each: each.title)
def test_an_address_is_one_that_a_browser_opens(pointer: Pointer) -> None:
    host = re.fullmatch(r"https://([a-z.-]+)(?:/[\w./+#-]+)?", pointer.address)
    assert host and host[1] in HOSTS
    # In a terminal it stands on a line of its own, which may be wider than the text.
    assert len(pointer.address) <= 120
    assert pointer.explains and not pointer.explains.endswith(".")


def test_addresses_with_a_version_carry_the_pinned_one() -> None:
    pinned = re.search(r"^scikit-learn==(\d+\.\d+)", LOCK, re.M)
    assert pinned and f"https://scikit-learn.org/{pinned[1]}" == SCIKIT_LEARN
    addresses = [pointer.address for pointer in POINTERS.values()]
    versions = {match[0] for url in addresses for match in re.finditer(r"/v?\d+\.\d+(?=/)", url)}
    assert versions == {f"/{pinned[1]}"}
    learn = [url for url in addresses if "scikit-learn.org" in url]
    assert learn and all(url.startswith(f"{SCIKIT_LEARN}/") for url in learn)


def test_no_page_of_the_table_is_listed_twice_in_two_ways() -> None:
    by_title = [title.casefold() for title in POINTERS]
    assert len(set(by_title)) == len(by_title)


@pytest.mark.parametrize("text", sorted(ROOT.glob("solutions/*.py")), ids=lambda path: path.stem)
def test_every_link_of_a_notebook_is_in_the_table(text: Path) -> None:
    pages = {pointer.address.partition("#")[0] for pointer in POINTERS.values()}
    # A link that is broken over two lines of a comment is one address all the same.
    source = re.sub(r"\n# +", " ", text.read_text(encoding="utf-8"))
    linked = set(re.findall(r"\]\((https://[^)\s]+)\)", source))
    assert {url for url in linked if url.partition("#")[0] not in pages} == set()


def test_several_pages_and_unknown_ones() -> None:
    assert pointers("") == []
    two = pointers("Dask: Chunks; Our wiki: Chunks")
    assert [pointer.title for pointer in two] == ["Dask: Chunks", "Our wiki: Chunks"]
    assert two[0].address.endswith("array-chunks.html") and two[1].address == ""
