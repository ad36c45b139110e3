// How times, numbers and texts are written for people.

/** 75.4 -> "1:15", 3675 -> "1:01:15". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(parts[0])}:${two(parts[1])}` : `${parts[0]}:${two(parts[1])}`;
}

/** "0:07 – 0:09". */
export function clockRange(from, to) {
  return `${clock(from)} – ${clock(to)}`;
}

/** "1:15", "1:01:15" or "75.5" -> seconds; null for nothing, NaN for what is no time. */
export function parseClock(text) {
  const trimmed = text.trim();
  if (!trimmed) return null;
  if (!/^(\d+:){0,2}\d+([.,]\d+)?$/.test(trimmed)) return NaN;
  return trimmed.replace(",", ".").split(":").reduce((total, part) => total * 60 + Number(part), 0);
}

/** What a field of times shows for seconds: "1:15", or "1:15.5". */
export function clockExact(seconds) {
  const ms = Math.round(seconds * 1000);
  const rest = ms % 1000;
  return clock(ms / 1000) + (rest ? `.${String(rest).padStart(3, "0").replace(/0+$/, "")}` : "");
}

/** 16.8 -> "16.8 s", 75 -> "1 min 15 s", 7300 -> "2 h 1 min". */
export function duration(seconds) {
  const tenths = Math.round(seconds * 10) / 10; // rounded before it is taken apart: 119.7 is 2 min, not 1 min 60 s
  if (tenths < 60) return `${tenths} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 1 -> "1 scene", 3 -> "3 scenes". */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** 1 -> "1st". */
export function ordinal(number) {
  const teens = number % 100 >= 11 && number % 100 <= 13;
  return `${number}${teens ? "th" : { 1: "st", 2: "nd", 3: "rd" }[number % 10] || "th"}`;
}

/** 0.824 -> "82 %"; never quite 0 nor 100, which would say more than is known. */
export function likelihood(share) {
  if (share > 0.99) return "over 99 %";
  return share < 0.01 ? "under 1 %" : percent(share);
}

/** A text with `commands` in backquotes, as parts that are code or not. */
export function codeParts(text) {
  return text.split("`").map((part, at) => ({ text: part, code: at % 2 === 1 })).filter((part) => part.text);
}

/** 0.824 -> "82 %". */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** "en" -> "English"; what is no language code stays as it is. */
export function languageName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) || code;
  } catch {
    return code;
  }
}

/** An ISO time as a short date with the time of day. */
export function date(iso) {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  return moment.toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

const EXCERPT = 320; // code points: what fits beside a thumbnail
const BEFORE = 80;

/**
 * A text cut into parts that are marked or not. Offsets count Unicode code points, as the API gives them; a
 * JavaScript string counts UTF-16 units, so the text is taken apart first. Long texts begin near the first mark.
 */
export function markedParts(text, highlights) {
  const points = Array.from(text);
  let from = 0;
  if (points.length > EXCERPT && highlights.length && highlights[0][0] > EXCERPT / 2) {
    from = highlights[0][0] - BEFORE;
    while (from > 0 && points[from - 1] !== " ") from -= 1;
  }
  const to = Math.min(points.length, from + EXCERPT);
  const parts = [];
  const add = (start, end, marked) => {
    const begin = Math.max(start, from);
    const stop = Math.min(end, to);
    if (begin < stop) parts.push({ text: points.slice(begin, stop).join(""), marked });
  };
  let at = from;
  for (const [start, end] of highlights) {
    add(at, start, false);
    add(Math.max(at, start), end, true);
    at = Math.max(at, end);
  }
  add(at, points.length, false);
  if (from > 0) parts.unshift({ text: "… ", marked: false });
  if (to < points.length) parts.push({ text: " …", marked: false });
  return parts;
}
