from __future__ import annotations

import base64

import pytest
from pydantic import SecretStr

from gadet.backends.codecs.pictures import base64_text
from gadet.backends.transport.redaction import Scrubber, redacted, without_pictures
from gadet.view import ImageType
from tests.backends.prompts import view

PICTURE = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 4).decode()


def test_secrets_go_with_and_without_their_scheme() -> None:
    scrub = Scrubber([SecretStr("Bearer sk-123456"), SecretStr("t0ken")])
    assert scrub("sent Bearer sk-123456 and t0ken, sk-123456") == "sent Bearer *** and ***, ***"


def test_words_are_not_cut_up_by_tiny_or_empty_secrets() -> None:
    assert Scrubber([SecretStr(""), SecretStr("a"), SecretStr("  ")])("a banana") == "a banana"


def test_pictures_go() -> None:
    assert without_pictures(f"bad value '{PICTURE}' here") == "bad value '<picture>' here"
    assert without_pictures(PICTURE.partition(",")[2]) == "<data>"
    assert without_pictures("a plain text, " * 30) == "a plain text, " * 30


def test_a_body_for_the_log() -> None:
    body = {"messages": [{"content": [{"image_url": {"url": PICTURE}}, {"text": "hi"}]}], "n": 1}
    shown = redacted(body)
    url = shown["messages"][0]["content"][0]["image_url"]["url"]
    assert url.startswith("<image 1 KB sha256:")
    assert shown["messages"][0]["content"][1] == {"text": "hi"}
    assert body["messages"][0]["content"][0]["image_url"]["url"] == PICTURE
    assert redacted((1, None)) == [1, None]


@pytest.mark.parametrize("encoding", ["image/png", "image/jpeg"])
def test_a_picture_without_a_url_is_not_shown_either(encoding: ImageType) -> None:
    bare = base64_text(view(encoding=encoding))
    shown = redacted({"source": {"data": bare, "media_type": encoding}})
    assert shown["source"]["data"].startswith("<image 0 KB sha256:")
    assert shown["source"]["media_type"] == encoding
