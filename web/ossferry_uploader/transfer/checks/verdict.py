"""The result of the checks of one file, and the state of the checks of one upload."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.options import Options


class Refusal:
    """The reason why the checks do not allow the upload of a file.

    Attributes:
        check: the name of the check; empty if no check could run.
        reason: a sentence that the person reads.
        line: the number of a line in the file; `None` if the reason concerns no line.
        is_error: whether the check itself failed, so that nothing is known about the file.
        repair: whether the file is a table that the person can repair in the page.
    """

    def __init__(
        self,
        check: str,
        reason: str,
        *,
        line: "int | None" = None,
        is_error: bool = False,
        repair: bool = False,
    ) -> None:
        self.check = check
        self.reason = reason
        self.line = line
        self.is_error = is_error
        self.repair = repair


class Repaired:
    """A table that the person has repaired in this page.

    Attributes:
        file: the repaired table, which is checked and sent in place of the chosen file.
        notes: metadata about the repair for the object, `{name: value}`.
        says: a sentence about the changes, for the receipt.
        changes: the list of changes; `None` if nothing was changed.
    """

    def __init__(
        self, file: "File", notes: "dict[str, str]", says: str, changes: "File | None" = None
    ) -> None:
        self.changes = changes
        self.file = file
        self.notes = notes
        self.says = says


class Verdict:
    """The result of the checks of one file.

    Attributes:
        file: the file to upload in place of the original; `None` to upload the original.
        refusal: why the file must not be uploaded; `None` if it may be uploaded.
        questions: `(question, line number or None)` for each question that the person has to
            answer.
        repair: whether a question is about a table that the person can repair in the page.
        notes: metadata that the checks add to the object, `{name: value}`.
        details: values that the checks have found for the operator's fields, `{field: text}`.
        ran: `{"check": name, "outcome": outcome, "says": sentence, "seconds": duration}` for each
            check that ran. The outcome is `passed`; `changed`: the check made another file;
            `undone`: it would have, but the person chose the original file; `noted`: it added
            metadata; `asks`: it has a question; `rejected`; or `error`: it did not work.
    """

    def __init__(
        self,
        *,
        file: "File | None" = None,
        refusal: "Refusal | None" = None,
        questions: "list[tuple[str, int | None]] | None" = None,
        repair: bool = False,
        notes: "dict[str, str] | None" = None,
        details: "dict[str, str] | None" = None,
        ran: "list[dict[str, str]] | None" = None,
    ) -> None:
        self.file = file
        self.refusal = refusal
        self.questions = questions or []
        self.repair = repair
        self.notes = notes or {}
        self.details = details or {}
        self.ran = ran or []


def read_verdict(document: "dict[str, Any]", file: "File | None") -> Verdict:
    """Return the verdict in the JSON object that a worker sends after the checks of a file.

    Args:
        document: the parsed result of `Verdict.as_json()` in the module `ossferry_checks.runner`.
        file: the new file, if a check has changed the file; otherwise `None`.
    """
    return Verdict(
        file=file,
        refusal=Refusal(**document["refusal"]) if document["refusal"] else None,
        questions=[(question["question"], question["line"]) for question in document["questions"]],
        repair=any(question["repair"] for question in document["questions"]),
        notes=document["notes"],
        details=document["details"],
        ran=document["ran"],
    )


class CheckState:
    """The state of the checks of one upload.

    Attributes:
        name: the name of the running check; empty if none is running.
        share: the share of this check that is done, from 0 to 1.
        verdict: the result; `None` until all checks have ended.
        crc64: the CRC-64, in decimal, of the file that was checked and will be sent; empty if no
            check ran, or if the checks have made another file.
        details: what the checks have found for the operator's fields, until somebody has used it.
        options: the upload's options before the checks added metadata; `None` to keep the options.
        can_undo: whether the person may still choose the original file.
        keeps_original: whether the person has chosen the original file, which checks may not
            change.
        repaired: the repaired table; `None` if the file was not repaired.
        is_settled: whether the person has answered the questions, or the time to choose the
            original file is over.
    """

    def __init__(self) -> None:
        self.name = ""
        self.share = 0.0
        self.verdict: Verdict | None = None
        self.crc64 = ""
        self.details: dict[str, str] = {}
        self.options: Options | None = None
        self.can_undo = False
        self.keeps_original = False
        self.repaired: Repaired | None = None
        self.is_settled = False

    def judge(self, verdict: "Verdict | None", crc64: str = "") -> None:
        """Set the result of the checks.

        Args:
            verdict: the result; `None` if the checks have to run again.
            crc64: the CRC-64, in decimal, of the checked file, if this file will be sent; else
                empty.
        """
        self.name, self.share = "", 0.0
        self.verdict = verdict
        self.details = verdict.details if verdict else {}
        self.crc64 = crc64
        self.is_settled = self.is_settled and verdict is not None

    def undo(self) -> None:
        """Record that the person has chosen the original file, so that the checks run again."""
        self.keeps_original = True
        self.options = None
        self.judge(None)

    def questions(self) -> "list[tuple[str, int | None]]":
        """Return `(question, line number or None)` for each question without an answer yet."""
        return self.verdict.questions if self.verdict and not self.is_settled else []
