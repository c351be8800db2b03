"""The parts of the page around the file list: header, notices, announcements and footer."""
