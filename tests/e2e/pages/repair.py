"""The dialog that repairs a table, as a user sees it."""

from playwright.sync_api import Locator

from e2e.pages.uploader import CHECKED_MS, Row, UploaderPage
from support.expecting import expect

TABS = 60


class RepairDialog:
    """The dialog of one row."""

    def __init__(self, uploader: UploaderPage, row: Row) -> None:
        self.page = uploader.page
        self.locator = uploader.dialog("repair")
        self.row = row

    @property
    def opener(self) -> Locator:
        return self.row.locator.get_by_role("button", name="Repair table")

    @property
    def groups(self) -> Locator:
        return self.locator.get_by_test_id("group")

    @property
    def problems(self) -> Locator:
        """The rows of the opened group."""
        return self.locator.get_by_test_id("problem").filter(visible=True)

    def button(self, name: str) -> Locator:
        return self.locator.get_by_role("button", name=name, exact=True)

    def field_of(self, column: str) -> Locator:
        """The select with the field of a column of the file."""
        return self.locator.get_by_role("combobox", name=column, exact=True)

    def group(self, sentence: str) -> Locator:
        return self.groups.filter(has_text=sentence)

    def open(self) -> None:
        """Open the dialog, and wait for the columns."""
        self.opener.click()
        self.expect_step("Columns", 1)

    def find_problems(self) -> None:
        self.button("Find problems").click()
        self.expect_step("Problems", 2)

    def fix(self, sentence: str, name: str) -> None:
        """Click on the fix of a group."""
        self.group(sentence).get_by_role("button", name=name, exact=True).click()

    def upload(self) -> None:
        """Write the corrected file, and upload it."""
        self.button("Write the corrected file").click()
        self.button("Upload the corrected file").click()

    def cancel(self, command: str, name: str) -> None:
        """Click on a button whose command never reaches the worker, and cancel it."""
        self.page.evaluate("command => { window.dropped = command; }", command)
        self.button(name).click()
        self.button("Cancel").click()
        self.expect_step("Columns", 1)

    def reach(self, target: Locator) -> None:
        """Go to an element with the Tab key."""
        for _ in range(TABS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not reach {target}")

    def expect_step(self, name: str, number: int) -> None:
        expect(self.locator.get_by_role("heading", name=name)).to_be_visible(timeout=CHECKED_MS)
        expect(self.locator).to_contain_text(f"{number} of 3")

    def expect_left(self, text: str) -> None:
        """Wait for the sentence about the rows that have problems."""
        expect(self.locator.locator(".left")).to_have_text(text)
