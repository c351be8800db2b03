"""The document and its window: elements, languages, QR codes, clipboard and notifications."""
