// How names are found and put in order: without case and accents, with numbers as numbers; pure.

/** Folds case and accents, so that "dvorak" finds "Dvořák". */
export function fold(text: string): string {
  if (/^[\x20-\x7e\n]*$/.test(text)) return text.toLowerCase();
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();
}

/** A number as its length and its digits, so that comparing letter by letter puts 2 before 10. */
function numberKey(run: string): string {
  const digits = run.replace(/^0+(?=\d)/, "");
  return String.fromCharCode(0x30 + Math.min(digits.length, 9)) + digits;
}

/** What a name is ordered by: a text to be compared by `<`. */
export function sortKey(text: string): string {
  const folded = fold(text);
  return /\d/.test(folded) ? folded.replace(/\d+/g, numberKey) : folded;
}

export const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Compares two names. For long lists compare keys that are made once. */
export const compareNames = (a: string, b: string): number => compareKeys(sortKey(a), sortKey(b));
