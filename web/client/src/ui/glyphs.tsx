// One small drawing per well-known network, a letter tile for every other; it must not know accounts.

import { mix, networkIn } from "../state/names";

interface Glyph { color: string; path?: string; fill?: boolean; short: string }

/** By the end of the plugin's id, so that third-party plugins of the same network share a drawing. All are drawn here, in a 24 x 24 box. */
const GLYPHS: Record<string, Glyph> = {
  jabber: { color: "#6a4fc4", short: "XM", path: "M4 5.500c.6 6 4 10.800 9.500 13.500M20 5.500c-.6 6-4 10.800-9.500 13.500M4 5.500l5 1.300c.2 2.700 1.200 5 3 7M20 5.500l-5 1.300c-.2 2.700-1.200 5-3 7" },
  irc: { color: "#2f7f6c", short: "IRC", path: "M10 4L8 20M16 4l-2 16M4.500 9.500h15.500M4 14.500h15.500" },
  discord: { color: "#5865a9", short: "Ds", path: "M7 6.500C10 5 14 5 17 6.500c2 3 3 6.500 2.800 10-1.300 1-2.600 1.700-4 2l-1.100-1.900h-5.400L8.200 18.500c-1.400-.3-2.700-1-4-2C4 13 5 9.500 7 6.500zM9.300 12.200h.01M14.700 12.200h.01" },
  rocketchat: { color: "#b8533c", short: "RC", path: "M4 6c2 .3 3.300 1 4.300 2 6-1.700 12 .6 12 4.500s-6 6.200-12 4.500c-1 1-2.300 1.700-4.300 2 .8-1.300 1.200-2.700 1-4.200-1.400-1.500-1.400-3.100 0-4.600.2-1.500-.2-2.900-1-4.200zM9.500 12.500h.01M13 12.500h.01M16.500 12.500h.01" },
  simple: { color: "#3a76b4", short: "SIP", path: "M6.500 4h3l1.500 4.500-2 1.500c1 2.300 2.700 4 5 5l1.500-2 4.500 1.500v3c0 1.400-1.100 2.500-2.500 2.500C10.500 20 4 13.500 4 6.500 4 5.100 5.100 4 6.500 4z" },
  gg: { color: "#a06a12", short: "GG", path: "M12 4v3M12 17v3M4 12h3M17 12h3M6.300 6.300l2.200 2.200M15.500 15.500l2.200 2.200M17.700 6.300l-2.200 2.200M8.500 15.500l-2.200 2.200M12 9a3 3 0 100 6 3 3 0 000-6z" },
  novell: { color: "#3e7d8c", short: "GW", path: "M5 19V5l14 14V5" },
  meanwhile: { color: "#8a6a1f", short: "ST", path: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4.500l3 2" },
  sametime: { color: "#8a6a1f", short: "ST", path: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4.500l3 2" },
  aim: { color: "#a8791a", short: "AIM", path: "M13.500 4.500h.01M12 9l-4 3.500 2.500 3L7 20M12 9l3 3.500h3.500M10.500 15.500l4 1.500L16 20.500" },
  icq: { color: "#3d8f3f", short: "ICQ", path: "M12 10a2 2 0 100 4 2 2 0 000-4zM12 10c-2.500-2-2.500-6 0-6s2.500 4 0 6zM12 14c-2.500 2-2.500 6 0 6s2.500-4 0-6zM10 12c-2 2.500-6 2.500-6 0s4-2.500 6 0zM14 12c2 2.500 6 2.500 6 0s-4-2.500-6 0z" },
  msn: { color: "#2c7fa8", short: "MSN", path: "M9 5a3 3 0 100 6 3 3 0 000-6zM3.500 19c.5-4 2.500-6 5.500-6s5 2 5.500 6M16.500 7.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5zM17.500 14.500c1.700.6 2.700 2 3 4.500" },
  yahoo: { color: "#7a2fb0", short: "Y!", path: "M4 6l5.500 7.500V19M15 6L9.500 13.500M19 5v8M19 18h.01" },
  telegram: { color: "#2b85b8", short: "Tg", path: "M3.500 12L20.500 4.500 17.500 19.500l-5.500-4.200-3 3-.7-5.300zM8.300 13L20.500 4.500" },
  whatsapp: { color: "#23895a", short: "WA", path: "M4 20l1.200-4.200A8 8 0 118.200 18.800zM9 8.500c0 4 2.500 6.500 6.500 6.500" },
  signal: { color: "#3569c9", short: "Sg", path: "M12 4a8 8 0 00-6.900 12L4 20l4-1.100A8 8 0 1012 4z" },
  slack: { color: "#6b2f6b", short: "Sl", path: "M10 4v9M4 10h9M14 20v-9M20 14h-9" },
  mattermost: { color: "#2a5fa8", short: "Mm", path: "M17.500 6A8 8 0 116 6.800M12 14c-2.200 0-3.500-1.500-3-3.500L14.500 4v7.500c0 1.500-1 2.500-2.500 2.500z" },
  matrix: { color: "#22786a", short: "[m]", path: "M6.500 4H4v16h2.500M17.500 4H20v16h-2.500M8.500 16v-6M8.500 11c1.500-1.700 3.500-1.500 3.500 1v4M12 11c1.500-1.700 3.500-1.500 3.500 1v4" },
  facebook: { color: "#3b5ba5", short: "Fb", path: "M14.500 4.500H13c-1.700 0-2.500 1-2.500 2.700V20M7.500 11.500h6.500" },
  steam: { color: "#37526e", short: "St", path: "M15.500 6a3.500 3.500 0 100 7 3.500 3.500 0 000-7zM8 14a2.700 2.700 0 100 5.400A2.700 2.700 0 008 14zM12.300 11L9.800 14.600M15.500 13l-5 3.500" },
  skype: { color: "#1f7fa6", short: "Sk", path: "M15.500 9c-.5-1.500-1.800-2.200-3.500-2.200-2 0-3.500 1-3.500 2.600 0 3.600 7 1.800 7 5.200 0 1.600-1.500 2.600-3.500 2.600-1.700 0-3-.7-3.500-2.200" },
  teams: { color: "#5059b0", short: "Te", path: "M4 7h10v10H4zM6.500 10h5M9 10v4.500M17.500 5.500a2 2 0 100 4 2 2 0 000-4zM16.500 12H20v3c0 2-1.200 3-3.500 3" },
  sipe: { color: "#5059b0", short: "SIPE", path: "M4 7h10v10H4zM6.500 10h5M9 10v4.500M17.500 5.500a2 2 0 100 4 2 2 0 000-4zM16.500 12H20v3c0 2-1.200 3-3.500 3" },
  googlechat: { color: "#2f8050", short: "GC", path: "M4 5h16v11h-8l-4 4v-4H4zM8 10.500h8" },
  bonjour: { color: "#b07b1e", short: "Bj", path: "M12 12h.01M8.500 15.500a5 5 0 010-7M15.500 8.500a5 5 0 010 7M5.700 18.300a9 9 0 010-12.600M18.300 5.700a9 9 0 010 12.600" },
};

const PALETTE = ["#6a4fc4", "#2f7f6c", "#b8533c", "#3a76b4", "#a06a12", "#3e7d8c", "#b04f7d", "#5865a9", "#4b7f3f", "#8d5bb0", "#b14d56", "#7a6a3a", "#2c7f96"];

function hue(text: string): string {
  return PALETTE[mix(text) % PALETTE.length] ?? "#6a4fc4";
}

function glyphOf(id: string): Glyph {
  const plain = id.toLowerCase().replace(/^prpl-/, "").replace(/^eionrobb-|^jgeboski-|^hehoe-|^nateon-/, "");
  const exact = GLYPHS[plain];
  if (exact) return exact;
  const found = GLYPHS[networkIn(plain, Object.keys(GLYPHS)) ?? ""];
  return found ?? { color: hue(plain), short: (plain.replace(/[^a-z0-9]/g, "").slice(0, 2) || "?").replace(/^./, (c) => c.toUpperCase()) };
}

const shortName = (id: string): string => glyphOf(id).short;

function Drawing({ glyph, size }: { glyph: Glyph; size: number }) {
  if (!glyph.path) return <span class="glyph-letters" data-letters={glyph.short} />;
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.1" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={glyph.path} />
    </svg>
  );
}

/** The coloured tile of a network. */
export function NetworkTile({ protocol, size = 38 }: { protocol: string; size?: number }) {
  const glyph = glyphOf(protocol);
  return (
    <span class="net-tile" style={{ background: glyph.color, width: `${size}px`, height: `${size}px` }}>
      <Drawing glyph={glyph} size={Math.round(size * 0.6)} />
    </span>
  );
}

/** The small quiet mark of a network beside a name. */
export function NetworkMark({ protocol, title }: { protocol: string; title?: string }) {
  return (
    <span class="net-mark" title={title ?? shortName(protocol)}>
      <Drawing glyph={glyphOf(protocol)} size={13} />
    </span>
  );
}
