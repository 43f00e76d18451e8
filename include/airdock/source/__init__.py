"""Source code of strangers, read through the git CLI without ever having a work tree."""
