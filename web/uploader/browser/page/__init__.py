"""The document: elements, languages, QR codes and the page's life cycle."""
