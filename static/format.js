// Figures as a person reads them, in the words of app/formatting.py.
const percents = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, useGrouping: false });

export const percent = (fraction) => `${percents.format(100 * fraction)} %`;
export const count = (value) => Math.round(value).toLocaleString("en");
export const number = (value) => String(Number(value.toPrecision(4)));

export function duration(seconds) {
  if (seconds < 9.95) return `${seconds < 0.0005 ? 0 : Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units = whole < 3600 ? [60, "min", 1, "s"] : whole < 48 * 3600 ? [3600, "h", 60, "min"] : [86400, "d", 3600, "h"];
  const [large, largeWord, small, smallWord] = units;
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeWord}${rest ? ` ${rest} ${smallWord}` : ""}`;
}

export function roughly(seconds) {
  if (seconds >= 3600) return duration(seconds);
  if (seconds < 57.5) return `${seconds < 20 ? Math.max(1, Math.round(seconds)) : 5 * Math.round(seconds / 5)} s`;
  return `${Math.max(1, Math.round(seconds / 60))} min`;
}
