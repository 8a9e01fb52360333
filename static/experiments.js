// The Experiments page: the list is fetched again while runs move.
import { refresher } from "./refresh.js";

const refreshSoon = refresher("experiments", 1000);
for (const kind of ["experiment", "state", "epoch", "changed", "deleted", "purged"]) {
  document.addEventListener(`trainyard:${kind}`, refreshSoon);
}
