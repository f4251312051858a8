"""Settings of the documentation's site; its sources are put together by assemble.py."""

project = "ganforge"
author = "the ganforge authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "ganforge"
html_copy_source = False
html_show_sphinx = False
# nothing is loaded from elsewhere
html_theme_options = {"navigation_with_keys": True}
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# YAML and shell blocks hold placeholders that no lexer knows
suppress_warnings = ["misc.highlighting_failure"]
