// The Leaderboard: fetched again as runs end, but not under someone's hands.
import { refresher } from "./refresh.js";

const refreshSoon = refresher("board", 2000);
const isInUse = () => document.querySelector("#board .pick:checked, #board details[open]") !== null;
for (const kind of ["state", "deleted", "purged"]) {
  document.addEventListener(`trainyard:${kind}`, () => isInUse() || refreshSoon());
}
