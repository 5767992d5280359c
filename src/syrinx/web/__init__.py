"""The page at ``/``: static files only, served by ``server``. Plain ES modules, no build step, nothing from elsewhere."""
