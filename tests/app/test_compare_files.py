"""What is copied from Compare: CSV and LaTeX, with intervals, verdicts and whatever a user typed."""

import csv
import io
import re

import pytest
from fastapi.testclient import TestClient

from app import latex
from core.database import Database
from core.settings import Settings
from tests.app.judged_runs import two_groups
from tests.app.trained_runs import fail, started, trained

ALL = "runs=1,2,3,4,5,6,7,8"


def told(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


def is_sound(text: str) -> bool:
    """Every brace closed, every $ too, and in each row as many cells as there are columns."""
    bare = re.sub(r"\\\\.", "", text.replace("\\\\", "\n"))
    (columns,) = re.findall(r"begin{tabular}{(\w+)}", text)
    rows = [line for line in bare.splitlines() if " & " in line]
    is_even = bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    return is_even and bool(rows) and all(line.count(" & ") == len(columns) - 1 for line in rows)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("100% & more_$", r"100\% \& more\_\$"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("a^b~c#d", r"a\textasciicircum{}b\textasciitilde{}c\#d"),
        ("[x]* “two” −1 ± 2 – 3", "{[}x{]}{*} ``two'' $-$1 $\\pm$ 2 -- 3"),
        ("a--b\n\n<script>", r"a-{}-b \textless{}script\textgreater{}"),
        ("a\x00b\x7f\u202ec", "abc"),  # pdflatex stops at what cannot be seen
    ],
)
def test_what_was_typed_is_text_in_latex(typed: str, written: str) -> None:
    assert latex.escaped(typed) == written


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("LeNet-5", ["\\usepackage{booktabs}"]),
        ("Größe", ["\\usepackage{booktabs}", "\\usepackage[T1]{fontenc}"]),
        ("α", ["\\usepackage{booktabs}", "XeLaTeX or LuaLaTeX and a font of them"]),
    ],
)
def test_a_table_says_what_it_needs_to_compile(name: str, needs: list[str]) -> None:
    text = latex.table("lr", ["Network", "seeds"], [[name, "$3$"]], caption="c", label="l", source="/compare")
    told = [line for line in text.splitlines() if re.match("% (needs|a name)", line)]
    assert len(told) == len(needs)
    assert all(line.endswith(need) for line, need in zip(told, needs, strict=True))


def test_the_table_is_latex_with_intervals_and_a_caption_that_says_which(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    text = told(client, f"/compare/table.tex?{ALL}&sort=-num_parameters")
    assert is_sound(text)
    assert re.search(r"Custom MLP & \$4\$ & \$61\{,\}637\$ & \$\d\d\.\d\d \\pm \d\.\d\d\$", text)
    assert text.index("Custom MLP &") < text.index("LeNet-5 &")  # as the page is sorted
    assert "2 groups of runs on Digits, 4 seeds each." in text
    assert "Student's $t$ over seeds" in text
    assert "Wilson" not in text
    chosen = f"{ALL}&columns=n,last_test_loss,best_epoch,config.learning_rate"
    other = trained(database, 0.5, learning_rate=0.3)
    text = told(client, f"/compare/table.tex?{chosen}&runs={other}")
    assert is_sound(text)
    assert "Network & seeds & learning rate & test loss at the last epoch & best epoch" in text
    assert re.search(r"Custom MLP, .* & \$4\$ & 0\.01 & \$0\.(\d{4}) \\pm 0\.\d{4}\$ & 2 ", text)
    assert re.search(r"& \$1\$ & 0\.3 & \$0\.500\$ & 1 ", text)
    alone = told(client, "/compare/table.tex?runs=1")
    assert "^{*}$" in alone
    assert "One seed: seed noise is unknown; its test images alone give {[}" in alone
    assert "Student" not in alone
    both = told(client, "/compare/table.tex?runs=1,2")
    assert "(Wilson, 95\\,\\%, from the top)" in both
    lost = started(database, seed=8)
    fail(database, lost, "a reason", "a suggestion")
    both = told(client, f"/compare/table.tex?runs=1,2,{lost.run_id}")
    assert "1 run has not completed: counted among the seeds, what epochs there are in the means." in both
    assert told(client, "/compare/table.tex?runs=99") == "% nothing is compared\n"
    assert "comparison.tex" in client.get(f"/api/v1/compare/table.tex?{ALL}").headers["content-disposition"]


def test_verdicts_are_copied_with_interval_level_and_every_method(
    client: TestClient, database: Database, settings: Settings
) -> None:
    two_groups(database, settings, num_seeds=4, more_wrong=12)
    (verdict,) = client.get(f"/api/v1/compare?{ALL}").json()["verdicts"]
    (row,) = csv.DictReader(io.StringIO(told(client, f"/compare/verdicts.csv?{ALL}")))
    assert (row["outcome"], row["label"], row["baseline_label"]) == ("worse", "Custom MLP", "LeNet-5")
    for name, value in (
        ("difference", verdict["difference"]),
        ("low", verdict["interval"]["low"]),
        ("p", verdict["p"]),
    ):
        assert float(row[name]) == value
    assert float(row["seeds_only_p"]) == verdict["methods"][1]["p"]
    text = told(client, f"/compare/verdicts.tex?{ALL}")
    assert is_sound(text)
    assert re.search(
        r"Custom MLP & \$-3\.\d\d\$ & \$\[-\d.\d\d, -\d.\d\d\]\$ & \$97.5\$ .* & 4 seeds each & worse", text
    )
    table = list(csv.DictReader(io.StringIO(told(client, f"/compare/table.csv?{ALL}"))))
    assert [line["verdict"] for line in table] == ["baseline", "worse"]
    assert float(table[1]["verdict_high"]) == verdict["interval"]["high"]
    other = verdict["group"][:8]
    assert "Difference in test accuracy from Custom MLP" in told(
        client, f"/compare/verdicts.tex?{ALL}&baseline={other}"
    )
    assert client.get("/api/v1/compare/verdicts.tex?runs=1&baseline=00000000").status_code == 422
    assert (
        "\n\n" not in told(client, "/compare/verdicts.tex?runs=1").strip()
    )  # no verdict: an empty line would be \\par


def test_the_page_leads_to_its_copies(client: TestClient, database: Database) -> None:
    for rate in (0.1, 0.2):
        trained(database, 0.5, learning_rate=rate)
    text = told(client, "/compare?runs=1,2&sort=n")
    links = re.findall(r'id="copy-(\w+-\w+)" href="([^"]+)"', text)
    assert dict(links) == {
        f"{name}-{kind}": f"/compare/{name}.{kind}?runs=1,2&amp;sort=n"
        for name in ("verdicts", "table") for kind in ("csv", "tex")
    }  # fmt: skip
