"""How Sphinx makes the site: `./scripts/docs`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from ganeval.version import __version__  # noqa: E402 - in this checkout, as the line above says

project = "ganeval"
author = "The ganeval developers"
release = version = __version__
project_copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_pages",
    "metric_pages",
]
exclude_patterns = ["_build"]

# Links between the Markdown files are those that GitHub understands, to headings too.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

# Docstrings write code in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_title = f"ganeval {version}"
html_copy_source = False
html_show_sphinx = False

# The button copies the commands of a block without their prompts and without what they print.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"
copybutton_only_copy_prompt_lines = True
