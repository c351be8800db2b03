"""A hook that sends the owner of a file request an e-mail for each file of a guest.

It fits if the ids of people are their e-mail addresses; publish `hook` as an entry point, or pass
it to `create_app`.
"""

import os
import smtplib
from email.message import EmailMessage

from ossferry.hooks import Event


class MailHook:
    """Sends e-mails by the server in the environment variable `SMTP_HOST`."""

    def on_uploaded(self, event: Event) -> None:
        """Send an e-mail; do nothing if no guest has sent the file.

        Raises:
            OSError: the mail server does not answer; the event comes again later.
        """
        guest = event.data.get("guest")
        if guest is None:
            return
        mail = EmailMessage()
        mail["From"] = os.environ["MAIL_FROM"]
        mail["To"] = event.principal["id"]
        mail["Subject"] = f"A file for “{event.data['request']['title']}”"
        name = event.data["key"].rpartition("/")[2]
        mail.set_content(f"{guest['name'] or 'Somebody'} has sent {name!r}.")
        with smtplib.SMTP(os.environ["SMTP_HOST"], timeout=10) as server:
            server.send_message(mail)


hook = MailHook()
