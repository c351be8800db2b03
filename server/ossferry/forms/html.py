"""HTML of the pages below `/form`, from the templates in `templates/form/`.

The pages work without scripts. If scripts run, one of them checks the size and type of the file
before the upload. Otherwise, the browser displays OSS's error response, which is XML.
"""

from collections.abc import Sequence

from ossferry.http.html import render
from ossferry.http.words import load_words

WORDS = load_words("form")
NAMES = {language: words.say("language") for language, words in WORDS.items()}


class FormHtml:
    """Renders the pages below `/form`.

    Args:
        styles: URL paths of style sheets, without the path of the mount.
        script: URL path of the form's script, without the path of the mount; empty if there is no
            script.
        types: allowed types, in the syntax of the `accept` attribute; empty if any type is allowed.
    """

    def __init__(self, *, styles: Sequence[str], script: str, types: Sequence[str]) -> None:
        self._styles = styles
        self._script = script
        self._types = types

    def page(self, template: str, *, base: str, language: str, **values: object) -> str:
        """Return a page as HTML.

        Args:
            template: name of the template. `form`: an upload form; needs the values `form` (a
                `SignedForm`) and `life_s` (seconds until the form expires). `arrived`: a list of
                stored objects; needs `stored` (the objects) and `directory` (the part of their keys
                before the file names). `onward`: a link to a page of this site; needs `target` (its
                URL, which never comes from user input) and `at_once` (whether the browser opens it
                without a click). `outcome`: a heading and a sentence; needs `what` (the key of the
                texts).
            base: path below which the server is mounted; empty if it is not mounted.
            language: language code of the page.
            values: the values for the template.
        """
        return render(
            f"form/{template}.html",
            base=base,
            words=WORDS[language],
            languages=NAMES,
            styles=self._styles,
            script=self._script,
            types=self._types,
            **values,
        )
