// How many wait, in the title of the tab and on its icon; it must not count.
import { effect } from "@preact/signals";
import { w } from "../words";
import { unreadTotal } from "./mutes";
import { model } from "./store";

/** The bellflower of `public/logo.svg`, with room for a number. */
const FLOWER =
  '<path d="M32 6c2 6 4 9 10 13 8 5 10 13 10 21 0 5 3 8 6 10-6 1-9 4-11 9-4-4-9-4-15 1-6-5-11-5-15-1-2-5-5-8-11-9 3-2 6-5 6-10 0-8 2-16 10-21 6-4 8-7 10-13z" fill="#6a4fc4"/>';

function iconOf(n: number): string {
  const text = n > 9 ? "9+" : String(n);
  const badge = `<circle cx="43" cy="43" r="20" fill="#c2255c" stroke="#fff" stroke-width="3"/><text x="43" y="53" text-anchor="middle" font-family="system-ui,sans-serif" font-weight="700" font-size="${n > 9 ? 22 : 28}" fill="#fff">${text}</text>`;
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">${FLOWER}${badge}</svg>`)}`;
}

/** The icon without a number, as the page came. */
let plain: string | null = null;

effect(() => {
  const n = model.value ? unreadTotal.value : 0;
  document.title = n > 0 ? `(${n}) ${w.app}` : w.app;
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (!link) return;
  plain ??= link.href;
  const href = n > 0 ? iconOf(n) : plain;
  if (link.href !== href) link.href = href;
});
