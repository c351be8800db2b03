"""The page around the list: header, notices, announcements and footer."""
