"""Intervals, tests and corrections: pure functions over numbers and arrays, with their sources. numpy and scipy.special
alone; scipy.stats and statsmodels are what the tests hold them against. Accuracies are fractions."""
