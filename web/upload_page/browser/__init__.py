"""The page's access to the browser: elements, languages, QR codes, clipboard and notifications."""
