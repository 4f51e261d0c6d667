"""What the site has besides the pages in this folder (a hook of mkdocs).

The README is its front page; commands and settings are read from the code, so that they cannot be
out of date; and a page that is named, such as `docs/verdict.md`, is a link.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]

MOVED = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages from elsewhere in the repository."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in the folder."""
    pages = {page: (ROOT / source).read_text("utf-8") for source, page in MOVED.items()}
    pages |= {"commands.md": "\n".join(_commands()), "settings.md": "\n".join(_settings())}
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, files: Files, **_: Any) -> str:
    """Turn what names a page into a link to it, and links from the root into the site's own."""
    known = {f"docs/{file.src_uri}": file.src_uri for file in files.documentation_pages()} | MOVED

    def linked(match: re.Match[str]) -> str:
        target = known.get(match[1])
        if target is None or target == page.file.src_uri:
            return match[0]
        return f"[`{match[1]}`]({target})"

    # Code blocks, and what is a link already, stay as they are.
    parts = re.split(r"(^ *```.*?^ *```|\[[^\]]*\]\([^)]*\))", markdown, flags=re.M | re.S)
    parts[::2] = [re.sub(r"`([\w./-]+\.md)`", linked, part) for part in parts[::2]]
    text = "".join(parts)
    return re.sub(r"\]\(docs/", "](", text)


def on_page_content(html: str, **_: Any) -> str:
    """Make cells of empty headings, and let long names in tables break between their words."""
    html = re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)

    def broken(cell: re.Match[str]) -> str:
        return re.sub(
            r"<code>[^<]*</code>",
            lambda name: re.sub(r"(?<=\w)([_./])(?=\w)", r"\1<wbr>", name[0]),
            cell[0],
        )

    return re.sub(r"<td[^>]*>.*?</td>", broken, html, flags=re.S)


def _commands() -> Iterator[str]:
    from autograder.cli import main

    yield "# Commands\n\nFrom `autograder --help`; `make help` lists make's targets.\n"
    for name, command in sorted(main.commands.items()):
        context = click.Context(command, info_name=f"autograder {name}")
        yield f"## autograder {name}\n\n```text\n{command.get_help(context)}\n```\n"


def _settings() -> Iterator[str]:
    from autograder.nbgrader_bridge import execute, html_exporter, read_submission

    yield (
        "# Settings\n\nFor the `nbgrader_config.py` of a course, in addition to nbgrader's own. "
        "The limits apply to ordinary notebooks; an exercise of the kit has its own in its "
        "`exercise.toml`.\n"
    )
    for module in (execute, read_submission, html_exporter):
        for name, found in sorted(vars(module).items()):
            own = getattr(found, "class_own_traits", None)
            if own is None or found.__module__ != module.__name__:
                continue
            traits = {key: each for key, each in own(config=True).items() if each.help}
            if traits:
                yield f"## {name}\n\n| setting | default | meaning |\n|:--|:--|:--|"
                for key, trait in sorted(traits.items()):
                    told = " ".join(trait.help.split())
                    yield f"| `c.{name}.{key}` | `{trait.default()!r}` | {told} |"
                yield ""
