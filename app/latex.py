"""Tables for LaTeX with booktabs, and whatever a user typed made harmless in them."""

from collections.abc import Sequence

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
        "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
        "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}", "−": "$-$", "±": r"$\pm$", "×": r"$\times$",
        "≈": r"$\approx$", "≤": r"$\leq$", "≥": r"$\geq$", "“": "``", "”": "''",
        "…": r"\ldots{}", "\u00a0": "~",
        "[": "{[}", "]": "{]}", "*": "{*}",  # after \\ they would be read as its own
    }
)  # fmt: skip
# pdflatex of TeX Live 2022, each letter compiled by itself: those up to U+00FF need T1, of those beyond many fail
LAST_OF_ENGLISH, LAST_OF_PDFLATEX = "~", "\u00ff"


TABLE = r"""\begin{table}
  \centering\small\setlength{\tabcolsep}{4pt}%% the usual columns then fit the text of article
  \caption{%s}
  \label{%s}
  \begin{tabular}{%s}
    \toprule
    %s \\
    \midrule
%s
    \bottomrule
  \end{tabular}
\end{table}
"""


def escaped(text: str) -> str:
    """As text in LaTeX, in one line and without what cannot be seen; two hyphens stay two."""
    seen = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return " ".join(seen.translate(_ESCAPES).split()).replace("--", "-{}-").replace("–", "--").replace("—", "---")


def number(text: str) -> str:
    """A figure in words, "−0.43" or "1,234": its minus is one, and its comma no decimal one."""
    if not any(letter.isdigit() for letter in text):
        return escaped(text)
    return f"${text.replace('−', '-').replace(',', '{,}')}$"


def table(
    columns: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str, label: str, source: str
) -> str:
    """A whole table environment; `columns` is tabular's argument, `head` and `rows` are LaTeX already."""
    body = "\n".join(f"    {' & '.join(cells)} \\\\" for cells in rows) or "    % none"  # no empty line, which is \\par
    text = TABLE % (caption, label, columns, " & ".join(head), body)
    needs = ["% needs \\usepackage{booktabs}"]
    if max(text) > LAST_OF_PDFLATEX:
        needs.append("% a name has letters that pdflatex may lack: compile with XeLaTeX or LuaLaTeX and a font of them")
    elif max(text) > LAST_OF_ENGLISH:
        needs.append("% a name has letters beyond English: needs \\usepackage[T1]{fontenc}")
    return "\n".join([f"% from {source}", *needs, text])
