// Numbers, sizes, times and paths as people read them.

const counted = new Intl.NumberFormat("en");
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["year", 31_557_600_000], ["month", 2_629_800_000], ["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]];
const SIZES = ["B", "kB", "MB", "GB", "TB"];

export const count = (number) => counted.format(number);

export const several = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function bytes(number) {
  let unit = 0;
  for (; number >= 1000 && unit < SIZES.length - 1; unit += 1) number /= 1000;
  return `${unit && number < 100 ? number.toFixed(1) : Math.round(number)} ${SIZES[unit]}`;
}

const two = (number) => String(number).padStart(2, "0");

export const day = (time) => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;

export const clock = (time) => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;

export function when(ms) {
  const time = new Date(ms);
  return `${day(time)} ${clock(time)}`;
}

export function ago(ms, now = Date.now()) {
  const [unit, length] = UNITS.find(([, length]) => Math.abs(now - ms) >= length) ?? UNITS.at(-1);
  return relative.format(Math.round((ms - now) / length), unit);
}

/** How a time is best told within a span of so many milliseconds. */
export function within(ms, span) {
  const time = new Date(ms);
  if (span > 120 * 86_400_000) return day(time).slice(0, 7);
  if (span > 10 * 86_400_000) return day(time);
  if (span > 6 * 3_600_000) return `${day(time).slice(5)} ${clock(time).slice(0, 5)}`;
  return span > 5000 ? clock(time) : `${clock(time)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** The keys of a JSON Pointer. */
export function keysOf(path) {
  return path === "" ? [] : path.slice(1).split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export const isWithin = (path, outer) => path === outer || path.startsWith(`${outer}/`);

/** The place that a place is in; that of the root is the root. */
export const outerOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** From the root to the place. */
export function wayTo(path) {
  const way = [path];
  for (let place = path; place !== ""; way.unshift(place)) place = outerOf(place);
  return way;
}

/** "added", for what an operation did. */
export const DONE = { add: "added", remove: "removed", replace: "changed", move: "moved", copy: "added" };
export const SIGNS = { added: "+", removed: "−", changed: "~", moved: "→", within: "•" };
