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
        styles: URL paths of style sheets, below the path where the server is mounted.
        script: URL path of the form's script, below the same path; empty if there is no script.
        types: allowed types, in the syntax of the `accept` attribute; empty if any type is allowed.
    """

    def __init__(self, *, styles: Sequence[str], script: str, types: Sequence[str]) -> None:
        self._styles = styles
        self._script = script
        self._types = types

    def page(self, template: str, *, base: str, language: str, **values: object) -> str:
        """Return a page as HTML.

        Args:
            template: name of the template: `form`, `arrived`, `onward`, `enter`, `outcome` or
                `shared`.
            base: path below which the server is mounted; empty if it is not mounted.
            language: language code of the page.
            values: the values for the template.

        These are the templates and their values:

        - `form`: an upload form. `form` is a `SignedForm`, and `life_s` is the time in seconds
          until it expires.
        - `arrived`: a list of stored objects. `stored` are the objects, and `directory` is the part
          of their keys before the file names.
        - `onward`: a link to another page of this server. `target` is its URL below `base`; only
          the query may contain user input. `at_once` tells whether the browser opens the page
          without a click.
        - `enter`: what a guest must tell before an upload. `asked` is the file request, `by` the
          name of its owner, and `again` tells whether the guest's earlier answers were wrong.
        - `outcome`: a heading and a sentence. `what` is the name of the heading in the text files
          `form.*.json`; the sentence has the name `{what}_words`. `good` tells whether the outcome
          is a success, and `has_form` (true by default) whether the page links to a new form.
        - `shared`: a button that opens a share link, or the list of its files. `link` has the link
          as `share` and its `owner`, or is None if it has ended. `again` tells whether the password
          was wrong. `listed` has `name` and `size` of each file, a size of None for one that is
          gone, or is empty; `ticket` goes into the form of the list.

        All have `here`, the path of the page below `base`; by default, this is `/form`.
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
