"""Records of this browser's unfinished uploads, and locks that assign each upload to one tab."""
