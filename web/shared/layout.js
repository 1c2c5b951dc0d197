/**
 * How faces share the stage: all alike and as large as fits while they are few; one large and the others in rows that
 * scroll when they are many, or when somebody shows a screen. Pure: numbers in, numbers out. Lengths are CSS pixels.
 * @module
 */

/** @typedef {{ width: number, height: number }} Size */
/**
 * @typedef {object} Layout
 * @property {number} columns of the faces that are not large
 * @property {number} row height of a row of them
 * @property {Size | null} large the large one: the whole width above the others, or the whole height beside them
 * @property {boolean} small the faces have room for a short name only
 */

export const GAP = 4;
/** So many are seen well side by side; of more, whoever speaks is shown large. */
const ALIKE = 4;
/** Below this a name can't be read, or a face not be known. */
const LEAST = { width: 112, height: 116 };
const FACE = 4 / 3;
/** A tile that is smaller has room for a short name only. */
const ROOMY = 240;

/**
 * @param {Size} stage
 * @param {number} count all tiles, the large one too
 * @param {boolean} pinned one of them is a shared screen
 * @returns {Layout}
 */
export function arrange(stage, count, pinned) {
  if (count <= 1 || (!pinned && count <= ALIKE)) return { ...rows(stage, Math.max(1, count)), large: null };
  const wide = stage.width > stage.height * 1.2;
  const large = wide
    ? { width: Math.round(stage.width * (pinned ? 0.72 : 0.6)), height: stage.height }
    : { width: stage.width, height: Math.round(Math.min(stage.height * 0.5, stage.width / FACE)) };
  const rest = wide
    ? { width: stage.width - large.width - GAP, height: stage.height }
    : { width: stage.width, height: stage.height - large.height - GAP };
  return { ...rows(rest, count - 1), large };
}

/**
 * The number of columns that makes faces the largest; when they would be too small, rows that don't all fit.
 * @param {Size} place
 * @param {number} count
 */
function rows(place, count) {
  let best = { columns: 1, row: 0, size: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const width = (place.width - GAP * (columns - 1)) / columns;
    const lines = Math.ceil(count / columns);
    const row = (place.height - GAP * (lines - 1)) / lines;
    if (width < LEAST.width || row < LEAST.height) continue;
    // Pictures are cut to their place: the shorter side decides how much of a face is left.
    const size = Math.min(width, row);
    if (size > best.size) best = { columns, row, size };
  }
  if (best.size === 0) {
    const columns = Math.max(1, Math.min(count, Math.floor((place.width + GAP) / (LEAST.width + GAP))));
    const width = (place.width - GAP * (columns - 1)) / columns;
    best = { columns, row: Math.max(LEAST.height, width / FACE), size: width };
  }
  const width = (place.width - GAP * (best.columns - 1)) / best.columns;
  return { columns: best.columns, row: Math.floor(best.row), small: width < ROOMY };
}

/**
 * Who is shown large: whoever is, until somebody else speaks alone.
 * @param {string | null} before
 * @param {string[]} speakers whoever has spoken the longest first
 * @param {string[]} others whom one can be shown
 * @returns {string | null}
 */
export function spotlight(before, speakers, others) {
  const speaking = speakers.filter((id) => others.includes(id));
  const stays = before !== null && others.includes(before) && (speaking.length === 0 || speaking.includes(before));
  return stays ? before : (speaking[0] ?? others[0] ?? null);
}

/**
 * How many of the faces that are not large are seen before one scrolls: at least by half above what floats over the bottom.
 * @param {Layout} layout
 * @param {Size} stage
 * @param {number} floating height of what does, such as one's own picture
 */
export function inSight({ columns, row, large }, stage, floating) {
  if (large === null) return Infinity;
  const above = large.height < stage.height ? large.height + GAP : 0;
  const lines = (stage.height - above - floating - row / 2) / (row + GAP);
  return columns * (1 + Math.max(0, Math.floor(lines)));
}

/**
 * Who comes before the others in the rows: nobody, until one speaks who is out of sight. A face that jumps is a face one loses,
 * so whoever came first stays there as long as there is room for those who speak.
 * @param {string[]} before whoever spoke last first
 * @param {string[]} speakers
 * @param {(string | null)[]} small who is not large, in their places
 * @param {number} seen how many of those places are in sight
 * @returns {string[]}
 */
export function foremost(before, speakers, small, seen) {
  const kept = before.filter((id) => small.includes(id));
  const first = (/** @type {string | null} */ id) => id !== null && kept.includes(id);
  const places = [...small.filter(first), ...small.filter((id) => !first(id))];
  const speaking = speakers.filter((id) => small.includes(id));
  if (speaking.every((id) => places.indexOf(id) < seen)) return kept;
  return [...speaking, ...kept.filter((id) => !speaking.includes(id))].slice(0, seen);
}
