"""Where results go; today one kind: `files`."""
