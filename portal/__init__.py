"""The building: settings, URLs, roles and the way to start it. Nothing below imports it."""
