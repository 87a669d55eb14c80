"""What a person decides about a picture: the scene file, its validation, view and colours."""
