"""The scene: its file and sections, their validation, the view and the colours."""
