/** Write numbers as people read them: counts, sizes, times. Missing values become a dash. */

const COUNT = new Intl.NumberFormat("en-US");
const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];
const MISSING = "–";

/** 1234567 -> "1,234,567". */
export function count(value) {
  return Number.isFinite(value) ? COUNT.format(value) : MISSING;
}

/** Count with its noun: plural(1, "run") -> "1 run", plural(2, "run") -> "2 runs". */
export function plural(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Put commas into an exact decimal text, which may be longer than a double can hold. */
export function exactCount(text) {
  return text === "" ? MISSING : text.replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 41234567 -> "41.2 MB" (powers of ten, as disks are sold and `ls -h --si` says). */
export function size(bytes) {
  if (!Number.isFinite(bytes)) return MISSING;
  let unit = 0;
  while (bytes >= 999.5 && unit < SIZE_UNITS.length - 1) {
    bytes /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || bytes >= 99.95 ? 0 : 1;
  return `${bytes.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}

/** 3725 -> "1 h 02 m"; never more than two units. */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return MISSING;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "m", Math.floor(seconds % 60), "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "m");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large, largeUnit, small, smallUnit) {
  return `${large} ${largeUnit} ${String(small).padStart(2, "0")} ${smallUnit}`;
}

/** Seconds since the epoch -> "2026-11-22 18:04:09" in the reader's time zone. */
export function dateTime(seconds) {
  const date = new Date(seconds * 1000);
  if (!Number.isFinite(date.getTime())) return MISSING;
  const pad = (value) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":")}`;
}
