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
LAST_OF_PDFLATEX = "\u024f"  # Latin letters, which its standard fonts have


TABLE = r"""\begin{table}
  \centering
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
    """As text in LaTeX, in one line; two hyphens stay two."""
    return " ".join(text.translate(_ESCAPES).split()).replace("--", "-{}-").replace("–", "--").replace("—", "---")


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
    if any(letter > LAST_OF_PDFLATEX for letter in text):
        needs.append("% a name has letters beyond Latin: compile with XeLaTeX or LuaLaTeX and a font that has them")
    return "\n".join([f"% from {source}", *needs, text])
