"""Shell scripts, as tree-sitter's grammar of bash reads them: settings that they make, pass on or write into files."""
