// Whether what is written can be read, from the tokens alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What is written on what, by the names of the tokens. */
const WRITTEN: readonly [inks: string[], papers: string[]][] = [
  [["ink", "ink-2", "ink-3"], ["paper", "paper-2", "paper-3", "accent-soft", "theirs"]],
  [["nick-0", "nick-1", "nick-2", "nick-3", "nick-4", "nick-5", "nick-6", "nick-7", "nick-8", "nick-9", "nick-10", "nick-11"], ["paper", "theirs", "accent-soft"]],
  [["ink", "nick-0", "nick-1", "nick-2", "nick-3", "nick-4", "nick-5", "nick-6", "nick-7", "nick-8", "nick-9", "nick-10", "nick-11", "accent"], ["found"]],
  [["accent"], ["paper", "paper-2", "theirs", "accent-soft"]],
  [["accent-ink"], ["accent", "accent-strong"]],
  [["mine-ink", "mine-ink-2"], ["mine"]],
  [["mine-ink"], ["mine-wait"]],
  [["danger", "ink"], ["danger-soft", "paper"]],
  [["paper"], ["danger"]],
  [["warn-ink"], ["warn-soft"]],
];

/** The colours that a rule of the tokens gives, as `#rgb` or `#rrggbb`. */
function colours(rule: string): Map<string, string> {
  return new Map([...rule.matchAll(/--([\w-]+): (#[0-9a-f]{3,6});/g)].map(([, name = "", value = ""]) => [name, value]));
}

/** Relative luminance, 0 to 1 (WCAG 2.2). */
function luminance(colour: string): number {
  const digits = colour.length === 4 ? [...colour.slice(1)].map((one) => one + one).join("") : colour.slice(1);
  const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The rule of the tokens that begins so. */
function rule(css: string, selector: string): Map<string, string> {
  const start = css.indexOf(selector);
  assert.ok(start >= 0, selector);
  return colours(css.slice(start, css.indexOf("}", start)));
}

const CSS = readFileSync("src/style/tokens.css", "utf8");
const LIGHT = rule(CSS, ":root");
const THEMES: readonly [name: string, least: number, tokens: Map<string, string>][] = [
  ["light", 4.5, LIGHT],
  ["dark", 4.5, new Map([...LIGHT, ...rule(CSS, '[data-theme="dark"] {')])],
  ["high contrast", 7, new Map([...LIGHT, ...rule(CSS, '[data-theme="light"][data-contrast="more"]')])],
  ["high contrast, dark", 7, new Map([...LIGHT, ...rule(CSS, '[data-theme="dark"][data-contrast="more"]')])],
];

for (const [theme, least, tokens] of THEMES) {
  test(`what is written stands out by ${least}:1 in ${theme}`, () => {
    const poor: string[] = [];
    for (const [inks, papers] of WRITTEN) {
      for (const ink of inks) {
        for (const paper of papers) {
          const [one, other] = [tokens.get(ink), tokens.get(paper)];
          assert.ok(one && other, `${ink} and ${paper} are tokens`);
          const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
          const contrast = (high + 0.05) / (low + 0.05);
          if (contrast < least) poor.push(`${ink} on ${paper} ${contrast.toFixed(2)}`);
        }
      }
    }
    assert.deepEqual(poor, []);
  });
}
