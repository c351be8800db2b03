"""The dialog in which a person records a photo, a video, sound or the screen."""
