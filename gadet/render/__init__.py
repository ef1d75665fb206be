"""Reports as pictures and pages."""

from gadet.render.html import HtmlPresenter, save_html
from gadet.render.overlay import overlay, thumbnail
from gadet.render.picture import PictureLoader

__all__ = ["HtmlPresenter", "PictureLoader", "overlay", "save_html", "thumbnail"]
