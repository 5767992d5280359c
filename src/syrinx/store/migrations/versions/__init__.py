"""Steps from one version to the next. They only ever add: a step that drops or rewrites rows is not accepted."""
