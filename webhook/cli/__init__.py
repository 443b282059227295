"""The commands: the one place that joins the parts; output, progress, exit statuses."""
