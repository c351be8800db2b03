"""All languages have the same texts with the plural forms that they need, and no text is unused.

A text is a sentence, or an object with one sentence for each plural form. The plural rules of CLDR
come from Babel.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from babel import Locale

from build import LANGUAGES
from ossferry.http.words import CATEGORIES, plural
from ossferry_checks.tables.session import WORDS
from support.browser_page import PYTHON
from support.english import speak_english
from upload_page.view.words.text import ISOLATES, say_count, use

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
SOURCES = "\n".join(path.read_text("utf-8") for _, path in PYTHON)
PLACES = {
    "page": WEB / "upload_page/locales/{}.json",
    "details": WEB / "upload_page/details/locales/{}.json",
    "pictures": WEB / "upload_page/pictures/locales/{}.json",
    "recording": WEB / "upload_page/recording/locales/{}.json",
    "dialogs": WEB / "upload_page/dialogs/locales/{}.json",
    "requests": WEB / "upload_page/requests/locales/{}.json",
    "form": ROOT / "server/ossferry/locales/form.{}.json",
    "admin": ROOT / "server/ossferry/locales/admin.{}.json",
    "checks": ROOT / "server/ossferry_checks/sentences/{}.json",
}
SHORTEST = 3  # minimum letters in a pattern; a shorter one would match anything
HOLE = re.compile(r"\{\w*\}")
COUNT = "{count}"
WITHOUT_NUMBER = {"ar": {"zero", "one", "two"}}
"""The forms in which the words can say the number."""

EAST_ASIAN = ("ja", "zh-CN", "zh-TW")
CJK = "\u3040-\u30ff\u3400-\u9fff"
WIDE = "、。，：；？！（）「」“”"  # noqa: RUF001 - the rule is about this punctuation
MISTAKES = [
    re.compile(f"[{CJK}][A-Za-z0-9*]|[A-Za-z0-9*][{CJK}]"),  # a space belongs between the two
    re.compile(f" [{WIDE}]|[{WIDE}] "),  # this punctuation has its own space
    re.compile(f"[{CJK}][,:;!?()]|[,:;!()][{CJK}]"),  # half-width punctuation
    re.compile(f"[{CJK}] [{CJK}]"),
    re.compile("  |^ | $"),
]
SAYS = ("ago", "arrived", "cause", "changed", "failed", "next", "sentence", "type", "types")
"""Placeholders for words of the language."""

FOREIGN = {
    "ja": ("ストレージの部分", "資格情報", "端末", "ブラウザ、", "フォルダ、"),
    "zh-CN": ("檔", "儲", "傳", "網路", "默认桶", "存储桶", "区域", "管理者"),
    "zh-TW": (
        *("文件", "存儲", "網絡", "服務器", "用戶", "設置", "默認", "信息", "地域", "分片", "屏幕"),
        *("訪問", "登錄", "鏈接", "打開", "支持", "視頻", "數據", "程序", "賬", "文檔", "管理者"),
        *("代理", "刷新", "緩存", "域名", "加載", "點擊"),
    ),
}
"""Words that the texts avoid: of the other script or country, or not chosen in `README.md`."""

CONSOLE = ("cors_next",)
"""Sentences that quote the labels of the OSS console, which mixes the words."""

Text: TypeAlias = "str | dict[str, str]"

# The nouns of the counted sentences in Arabic: singular, dual, plural of 3 to 10, and the singular
# in the accusative of 11 to 99. The dual depends on the case in the sentence.
FILE, OF_FILES = (("ملف", "ملفان", "ملفات", "ملفًا"), ("ملف", "ملفين", "ملفات", "ملفًا"))
OF_UPLOADS = ("عملية", "عمليتي", "عمليات", "عملية")
CHECK = ("فحص", "فحصان", "فحوص", "فحصًا")
ROW = ("صف", "صفان", "صفوف", "صفًا")
OF_MINUTES = ("دقيقة", "دقيقتين", "دقائق", "دقيقة")
ARABIC = {
    ("page", "announce_end"): FILE,
    ("page", "already_there"): FILE,
    ("page", "announce_failed"): FILE,
    ("page", "announce_start"): OF_FILES,
    ("page", "asks"): FILE,
    ("page", "discard_all_sure"): OF_UPLOADS,
    ("page", "files"): FILE,
    ("dialogs", "for_all"): OF_FILES,
    ("dialogs", "for_days"): ("يوم", "يومين", "أيام", "يومًا"),
    ("dialogs", "for_hours"): ("ساعة", "ساعتين", "ساعات", "ساعة"),
    ("page", "hint_files"): OF_FILES,
    ("page", "hint_least_files"): FILE,
    ("page", "more_needed"): FILE,
    ("page", "hint_total"): OF_FILES,
    ("page", "left_hours"): ("ساعة", "ساعتين", "ساعات", "ساعة"),
    ("page", "left_minutes"): OF_MINUTES,
    ("page", "left_seconds"): ("ثانية", "ثانيتين", "ثوانٍ", "ثانية"),
    ("dialogs", "links"): ("رابط", "رابطان", "روابط", "رابطًا"),
    ("dialogs", "my_uploads_first"): OF_FILES,
    ("dialogs", "my_uploads_gone"): FILE,
    ("page", "notice_clock_fast"): OF_MINUTES,
    ("page", "notice_clock_slow"): OF_MINUTES,
    ("page", "not_accepted"): FILE,
    ("page", "notice_waiting"): FILE,
    ("page", "notices_more"): ("إشعار", "إشعاران", "إشعارات", "إشعارًا"),
    ("dialogs", "ran_asks"): CHECK,
    ("dialogs", "ran_changed"): CHECK,
    ("dialogs", "ran_error"): CHECK,
    ("dialogs", "ran_passed"): CHECK,
    ("dialogs", "ran_rejected"): CHECK,
    ("page", "retry_failed"): OF_FILES,
    ("page", "show_more"): ("عملية", "عمليتين", "عمليات", "عملية"),
    ("page", "taken"): FILE,
    ("page", "too_many"): FILE,
    ("page", "too_many_total"): FILE,
    ("page", "total"): OF_FILES,
    ("page", "unfinished_title"): OF_UPLOADS,
    ("page", "needs_details"): FILE,
    ("details", "details_begun"): FILE,
    ("details", "details_of"): OF_FILES,
    ("dialogs", "delete_selected"): OF_FILES,
    ("dialogs", "download_selected"): OF_FILES,
    ("dialogs", "share_selected"): OF_FILES,
    ("dialogs", "zip_done"): OF_FILES,
    ("dialogs", "zip_missing"): FILE,
    ("dialogs", "links_opens"): ("شخص", "شخصان", "أشخاص", "شخصًا"),
    ("requests", "asked_for"): ("طلب", "طلبا", "طلبات", "طلبًا"),
    ("requests", "asked_guests"): ("شخص", "شخصان", "أشخاص", "شخصًا"),
    ("requests", "guest_arrived"): FILE,
    ("checks", "panel_left"): ROW,
    ("checks", "panel_rows"): ROW,
    ("checks", "panel_values"): ("قيمة", "قيمتان", "قيم", "قيمة"),
    ("form", "minutes"): OF_MINUTES,
    ("admin", "last"): OF_FILES,
    ("admin", "most"): ("مستخدم", "المستخدمان", "مستخدمين", "مستخدمًا"),
    ("admin", "objects_day"): FILE,
    ("admin", "objects_total"): FILE,
}


class LatinDigits:
    """Formats as `Intl` produces them, with the plural rules of our server."""

    decimal = "."
    group = ","
    percent = "0%"

    def __init__(self, language: str) -> None:
        self._language = language

    def plural(self, count: int) -> str:
        return plural(self._language, count)

    def time(self, at_s: float) -> str:
        return f"{at_s}"

    def moment(self, at_s: float) -> str:
        return f"{at_s}"

    def ago(self, count: int, unit: str) -> str:
        return f"{count} {unit}"


@pytest.fixture
def arabic() -> Iterator[dict[str, Text]]:
    """Make the view use Arabic, with sentences that the test adds."""
    sentences: dict[str, Text] = {}
    use("ar", sentences, LatinDigits("ar"))
    yield sentences
    speak_english()


def texts(place: str, language: str) -> dict[str, Text]:
    path = Path(str(PLACES[place]).format(language))
    found: dict[str, Text] = json.loads(path.read_text("utf-8"))
    return found


def said_by_page() -> dict[str, Text]:
    """Return the English sentences of the page, also those that it loads later."""
    sent = {key: text for key, text in texts("checks", "en").items() if key.startswith(WORDS)}
    return (
        texts("page", "en")
        | texts("details", "en")
        | texts("dialogs", "en")
        | texts("pictures", "en")
        | texts("recording", "en")
        | texts("requests", "en")
        | sent
    )


def forms(text: Text) -> dict[str, str]:
    return text if isinstance(text, dict) else {"": text}


def holes(sentence: str) -> list[str]:
    return sorted(HOLE.findall(sentence))


def categories(language: str) -> list[str]:
    """Return the plural categories of the integers of a language, in the order of CLDR."""
    rule = Locale.parse(language, sep="-").plural_form
    return sorted({rule(number) for number in range(1000)}, key=CATEGORIES.index)


def used_patterns() -> list[str]:
    """Return the keys in the code as regular expressions; `f"{key}_next"` becomes `.+_next`."""
    text = SOURCES + (WEB / "index.html").read_text("utf-8")
    literals = re.findall(r"""f?["']([a-z][a-z_]*|[a-z_]*\{[^"']*\}[a-z_]*)["']""", text)
    literals += re.findall(r"\{\{(?:say|forms) (\w+)\}\}", text)
    patterns = [re.sub(r"\\{.*\\}", ".+", re.escape(each)) for each in set(literals)]
    return [each for each in patterns if len(re.sub(r"[^a-z]", "", each)) >= SHORTEST]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES)
def test_each_language_has_the_same_keys_and_holes(place: str, language: str) -> None:
    english, translated = texts(place, "en"), texts(place, language)

    assert list(translated) == list(english)
    for key, text in translated.items():
        wanted = holes(list(forms(english[key]).values())[-1])
        assert isinstance(text, dict) == isinstance(english[key], dict), key
        for form, sentence in forms(text).items():
            assert sentence.strip(), key
            found = holes(sentence)
            if form in WITHOUT_NUMBER.get(language, ()) and COUNT not in found:
                found = sorted([*found, COUNT])
            assert found == wanted, (key, form)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", PLACES)
def test_a_sentence_has_exactly_the_plural_forms_of_its_language_if_it_has_a_count(
    place: str, language: str
) -> None:
    for key, text in texts(place, language).items():
        if isinstance(text, dict):
            assert list(text) == categories(language), key
            assert COUNT in text["other"], key
        else:
            assert COUNT not in text, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plural_rules_of_the_server_are_those_of_cldr(language: str) -> None:
    rule = Locale.parse(language, sep="-").plural_form

    assert [plural(language, number) for number in range(1000)] == [
        rule(number) for number in range(1000)
    ]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 11, 99, 100, 102])
@pytest.mark.parametrize(("place", "key"), ARABIC)
def test_a_number_and_its_noun_agree_in_arabic(
    arabic: dict[str, Text], place: str, key: str, count: int
) -> None:
    singular, dual, plural_noun, accusative = ARABIC[place, key]
    arabic["counted"] = texts(place, "ar")[key]

    said = say_count("counted", count, done="7", percent="7%", size="7", whole="7")

    words = re.sub("[{}{}]".format(*ISOLATES), "", said)
    if count == 0:
        assert re.search(r"0 (?!\w+ات)\w+|لا |لم |أقل", words), words
    elif count == 1:
        assert re.search(rf"{singular}\b", words), words
        assert "1" not in words
    elif count == 2:
        assert re.search(rf"\b{dual}\b", words), words
        assert "2" not in words
    else:
        noun = plural_noun if count <= 10 else accusative if count < 100 else singular
        assert re.search(rf"\b{count} {noun}(?!\w)", words), words


def test_every_counted_sentence_has_its_arabic_noun_here() -> None:
    counted = {
        (place, key)
        for place in PLACES
        for key, text in texts(place, "ar").items()
        if isinstance(text, dict)
    }

    assert counted == set(ARABIC)


@pytest.mark.parametrize("language", EAST_ASIAN)
@pytest.mark.parametrize("place", PLACES)
def test_chinese_and_japanese_follow_one_rule_for_spaces_and_punctuation(
    place: str, language: str
) -> None:
    wrong = [
        (key, sentence)
        for key, text in texts(place, language).items()
        for sentence in forms(text).values()
        for rule in MISTAKES
        if rule.search(re.sub(r"\{(\w+)\}", _shown, sentence))
    ]

    assert wrong == []


def _shown(hole: re.Match[str]) -> str:
    """Return what a placeholder becomes: words of the language, or a number or name."""
    return "字" if hole[1] in SAYS else "x1"


@pytest.mark.parametrize(("language", "words"), FOREIGN.items())
@pytest.mark.parametrize("place", PLACES)
def test_no_words_of_the_other_script_or_country(
    place: str, language: str, words: tuple[str, ...]
) -> None:
    said = "\n".join(
        sentence
        for key, text in texts(place, language).items()
        if key not in CONSOLE
        for sentence in forms(text).values()
    )

    assert [each for each in words if each in said] == []


def test_no_language_is_left_out_of_the_build() -> None:
    for folder in ("locales", "requests/locales"):
        found = {path.stem for path in (WEB / "upload_page" / folder).glob("*.json")}
        assert found == set(LANGUAGES)


def test_every_key_is_used() -> None:
    patterns = [re.compile(each) for each in used_patterns()]

    unused = [key for key in said_by_page() if not any(each.fullmatch(key) for each in patterns)]

    assert patterns
    assert unused == []


def test_every_key_that_is_said_exists() -> None:
    said = set(re.findall(r"""\bsay\(\s*"([a-z_]+)\"""", SOURCES))
    counted = set(re.findall(r"""\bsay_count\(\s*"([a-z_]+)\"""", SOURCES))
    english = said_by_page()

    assert sorted(said - {key for key, found in english.items() if isinstance(found, str)}) == []
    assert (
        sorted(counted - {key for key, found in english.items() if isinstance(found, dict)}) == []
    )
