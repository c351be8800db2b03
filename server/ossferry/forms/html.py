"""HTML of the pages below `/form`, from the templates in `templates/form/`.

The pages work without scripts. An optional script checks the size and type of the file before the
upload. Without this script, users see errors of OSS as XML.
"""

from collections.abc import Sequence

from ossferry.http.html import render
from ossferry.http.words import load_words

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

    def page(self, template: str, *, base: str, language: str, **values: object) -> str:
        """Return a page.

        Args:
            template: `form`: an upload form, with the signed `form` and `life_s`, the seconds until
                it expires. `arrived`: the `stored` objects, and the `directory`, which is the part
                of their keys before the file names. `onward`: a link to the page `target` of this
                site, which never comes from user input; `at_once`, the browser follows it itself.
                `outcome`: a heading and a sentence about `what` happened.
            base: the path of the mount.
            language: language code of the page.
            values: the values in the template.
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
