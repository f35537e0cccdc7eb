"""What a person does on the pages, by the words that they see."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

PASSWORD = "a rather long sentence"
COMES_UP_MS = 180_000
GOES_AWAY_MS = 180_000


@dataclass(frozen=True)
class Visitor:
    """A person in front of a browser window."""

    page: Page
    email: str

    def sees(self, words: str, timeout_ms: int = 15_000) -> None:
        expect(self.page.get_by_role("heading", name=words)).to_be_visible(timeout=timeout_ms)

    def reads(self, words: str) -> None:
        expect(self.page.get_by_text(words).first).to_be_visible()

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def follows(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def fills(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def signs_up(self, name: str) -> None:
        """From the front page to the inbox and back, with a confirmed address."""
        self.follows("Start a free trial")
        self.fills("Your name", name)
        self.fills("Email", self.email)
        self.fills("Password", PASSWORD)
        self.presses("Create the account")
        self.sees("Confirm your address")
        self.follows("Open the inbox")
        self.opens_the_mail("Confirm your address")
        self.page.locator("pre a").first.click()

    def opens_the_mail(self, subject: str) -> None:
        """The newest mail to this person with that subject; the inbox loads itself anew until it is there."""
        row = self.page.locator("tr", has_text=self.email).filter(has=self.page.get_by_role("link", name=subject))
        row.get_by_role("link", name=subject).first.click(timeout=30_000)

    def names_the_organization(self, name: str) -> None:
        self.sees("Name your organization")
        self.fills("Organization name", name)
        self.presses("Go on")

    def wishes_for(self, slug: str, region: str) -> None:
        self.sees("Start your trial")
        self.page.get_by_label(re.compile(region)).check()
        self.fills("Name", slug)
