"""Records of this browser's unfinished uploads, and locks of the tab that works on each."""
