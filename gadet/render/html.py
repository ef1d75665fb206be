"""`HtmlPresenter`: reports as one self-contained page, as a piece of a notebook, as a picture."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gadet.errors import MissingDependencyError
from gadet.render.card import card_of, detail_for, summary_of
from gadet.render.fragment import fragment
from gadet.render.overlay import overlay
from gadet.render.picture import PictureLoader, png
from gadet.report import Failure, Report

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["HtmlPresenter", "save_html"]


class HtmlPresenter:
    """What draws reports unless another presenter is set with `gadet.report.present_with`.

    Args:
        picture_loader: How to read an item's picture again when a report does not hold it (a
            report that was loaded from JSON); None reads local image files.
    """

    def __init__(self, picture_loader: PictureLoader | None = None) -> None:
        self._loader = picture_loader

    def html(self, reports: Sequence[Report | Failure], *, title: str = "Inspection report") -> str:
        """One page that holds everything it shows and loads nothing.

        Its content security policy lets only its own script and styles run, by their hashes; every
        text of a model, a file name or an error is escaped. The more reports, the smaller the
        pictures.

        Args:
            reports: Reports and failures, in the order in which they were inspected.
            title: Heading of the page.

        Raises:
            MissingDependencyError: `jinja2` is not installed.
        """
        template = _template()
        style, script = _asset("page.css"), _asset("page.js")
        detail = detail_for(len(reports))
        return template.render(
            title=title,
            style=style,
            script=script,
            style_hash=_csp_hash(style),
            script_hash=_csp_hash(script),
            summary=summary_of(reports),
            cards=(card_of(result, detail, self._loader) for result in reports),
            single=len(reports) == 1,
            total=len(reports),
        )

    def fragment(self, report: Report) -> str:
        """A piece of HTML for a notebook; needs no package beyond the core."""
        return fragment(report, self._loader)

    def overlay_png(self, report: Report) -> bytes:
        """The picture with its findings and the verdict under it, as a PNG file."""
        return png(overlay(report, loader=self._loader))

    def show(self, report: Report) -> None:
        """Show the picture in the notebook that runs this, else in the system's viewer."""
        drawn = overlay(report, loader=self._loader)
        if not _shown_in_notebook(png(drawn)):
            drawn.show(title=report.item.name)


def save_html(
    results: Iterable[Report | Failure],
    path: str | Path,
    *,
    title: str = "Inspection report",
    picture_loader: PictureLoader | None = None,
) -> Path:
    """Write one self-contained page of many results; folders on the way are made.

    Args:
        results: Reports and failures, in the order in which they were inspected.
        path: Where to write.
        title: Heading of the page.
        picture_loader: How to read an item's picture again, as in `HtmlPresenter`.

    Returns:
        The path.

    Raises:
        MissingDependencyError: `jinja2` is not installed.
    """
    page = HtmlPresenter(picture_loader).html(list(results), title=title)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    return target


def _shown_in_notebook(content: bytes) -> bool:
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import Image as NotebookImage
        from IPython.display import display
    except ImportError:
        return False
    shell: Any = get_ipython()
    # A terminal's IPython has a shell too, but only a kernel has a front end that shows pictures.
    if shell is None or not hasattr(shell, "kernel"):
        return False
    display(NotebookImage(data=content, format="png"))
    return True


def _template() -> Template:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingDependencyError(
            "Writing an HTML page", package="jinja2", extra="report"
        ) from error
    environment = Environment(
        loader=PackageLoader("gadet.render"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _asset(name: str) -> str:
    """A file that goes into the page as it is; its line ends are part of the policy's hash."""
    file = resources.files("gadet.render").joinpath("templates", name)
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
