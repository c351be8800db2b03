"""HTML of the pages below `/form`, from the templates in `templates/form/`.

The pages work without scripts. An optional script checks the size and type of the file before the
upload. Without this script, users see errors of OSS as XML.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ossferry.forms.service import SignedForm
from ossferry.http.html import render
from ossferry.http.words import load_words
from ossferry.oss.objects import Stored

Need: TypeAlias = Literal["checked", "encrypted", "typed"]
"""What files need, if a form cannot do it."""

WORDS = load_words("form")
NAMES = {language: words.say("language") for language, words in WORDS.items()}


class FormHtml:
    """Renders the pages below `/form`.

    Args:
        styles: paths of style sheets, without the mount.
        script: path of the form's script, without the mount; empty if there is no script.
        types: allowed types, in the syntax of the `accept` attribute; empty if any type is allowed.
    """

    def __init__(self, *, styles: Sequence[str], script: str, types: Sequence[str]) -> None:
        self._styles = styles
        self._script = script
        self._types = types

    def form(self, form: SignedForm, *, base: str, life_s: int, language: str) -> str:
        """Return the page with an upload form.

        Args:
            form: the signed form.
            life_s: seconds until the form expires.
            base: the path of the mount.
            language: language code of the page.
        """
        return self._render(
            "form",
            language,
            base=base,
            form=form,
            life_s=life_s,
            script=self._script and base + self._script,
        )

    def arrived(self, stored: Sequence[Stored], directory: str, *, base: str, language: str) -> str:
        """Return the page that lists the objects that the browser has stored with a form.

        Args:
            stored: the objects to list.
            directory: the part of the keys before the file name, the same for all objects.
            base: the path of the mount.
            language: language code of the page.
        """
        return self._render("arrived", language, base=base, stored=stored, directory=directory)

    def outcome(self, what: str, *, base: str, language: str, good: bool = False) -> str:
        """Return a page with a heading and one sentence about the outcome of an upload.

        Args:
            what: `nothing`: no object was stored; `removed`: the type of the object is not
                allowed, so the server removed it; `unchecked`: the server cannot read objects.
            base: the path of the mount.
            language: language code of the page.
            good: whether the upload succeeded.
        """
        return self._render("outcome", language, base=base, what=what, good=good)

    def refusal(self, need: Need, *, base: str, language: str) -> str:
        """Return a page that says why there is no form, and leads to the upload page.

        Args:
            need: what the upload page can do and a form cannot: files must be `checked` or
                `encrypted`, or must have one of some types.
            base: the path of the mount.
            language: language code of the page.
        """
        return self._render("outcome", language, base=base, what=need, good=False, has_form=False)

    def onward(self, target: str, *, base: str, language: str, at_once: bool) -> str:
        """Return a page that links to another page of this site.

        Args:
            target: path of the other page without the mount; never from user input.
            base: the path of the mount.
            language: language code of the page.
            at_once: whether the browser opens the other page automatically.
        """
        return self._render("onward", language, base=base, target=base + target, at_once=at_once)

    def _render(self, template: str, language: str, *, base: str, **values: object) -> str:
        return render(
            f"form/{template}.html",
            base=base,
            words=WORDS[language],
            styles=self._styles,
            languages=NAMES,
            types=self._types,
            **values,
        )
