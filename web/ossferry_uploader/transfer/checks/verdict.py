"""The result of the checks of one file, and how far the checks of an upload are."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.files import File
    from ossferry_uploader.transfer.options import Options


class Refusal:
    """Why a file must not be uploaded.

    Attributes:
        check: the name of the check; empty if no check could run.
        line: a line in the file; `None` if there is none.
        is_error: whether the check did not work, so that nothing is known about the file.
    """

    def __init__(
        self, check: str, reason: str, *, line: "int | None" = None, is_error: bool = False
    ) -> None:
        self.check = check
        self.reason = reason
        self.line = line
        self.is_error = is_error


class Verdict:
    """The result of the checks of one file.

    Attributes:
        file: the file to upload in place of the original; `None` for the original.
        refusal: why the file must not be uploaded; `None` if it may be uploaded.
        questions: `(question, line)` for each question that the person has to answer.
        notes: metadata for the object.
        ran: for each check that ran, a dict with `check`, `outcome` and `says`.
    """

    def __init__(
        self,
        *,
        file: "File | None" = None,
        refusal: "Refusal | None" = None,
        questions: "list[tuple[str, int | None]] | None" = None,
        notes: "dict[str, str] | None" = None,
        ran: "list[dict[str, str]] | None" = None,
    ) -> None:
        self.file = file
        self.refusal = refusal
        self.questions = questions or []
        self.notes = notes or {}
        self.ran = ran or []


def read_verdict(document: "dict[str, Any]", file: "File | None") -> Verdict:
    """Return the verdict in the worker's answer.

    Args:
        document: `Verdict.as_json()` of `ossferry_checks.runner`.
        file: the new file, if there is one.
    """
    return Verdict(
        file=file,
        refusal=Refusal(**document["refusal"]) if document["refusal"] else None,
        questions=[(question["question"], question["line"]) for question in document["questions"]],
        notes=document["notes"],
        ran=document["ran"],
    )


class CheckState:
    """How far the checks of an upload are.

    Attributes:
        name: the check that runs; empty if none runs.
        share: how much of this check is done, from 0 to 1.
        verdict: the result; `None` until all checks have ended.
        crc64: the CRC-64 in decimal of the file that was checked and will be sent; empty if no
            check ran, or the checks have made another file.
        options: the options of the upload before the checks have made another file of its file.
        can_undo: whether the person may choose the original.
        keeps_original: whether the person has chosen the original; checks may not change it then.
        is_settled: whether the person has answered the questions, or the time to choose the
            original has passed.
    """

    def __init__(self) -> None:
        self.name = ""
        self.share = 0.0
        self.verdict: Verdict | None = None
        self.crc64 = ""
        self.options: Options | None = None
        self.can_undo = False
        self.keeps_original = False
        self.is_settled = False

    def judge(self, verdict: "Verdict | None", crc64: str = "") -> None:
        """Set the result; `None` if the checks have to run again.

        Args:
            crc64: as in the attribute.
        """
        self.name, self.share = "", 0.0
        self.verdict = verdict
        self.crc64 = crc64
        self.is_settled = self.is_settled and verdict is not None

    def undo(self) -> None:
        """Note that the person has chosen the original, so that the checks run again."""
        self.keeps_original = True
        self.options = None
        self.judge(None)

    def questions(self) -> "list[tuple[str, int | None]]":
        """Return the questions that the person has not answered yet."""
        return self.verdict.questions if self.verdict and not self.is_settled else []
