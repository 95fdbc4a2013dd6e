// The page's own line icons; it must not hold anything but drawings.
const PATHS = {
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  minus: "M5 12h14",
  fill: "M5 5h14v14H5z",
  restore: "M8 8V5h11v11h-3M5 8h11v11H5z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  down: "M6 9l6 6 6-6",
  right: "M9 6l6 6-6 6",
  back: "M15 5l-7 7 7 7",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14zM16 16l4.5 4.5",
  send: "M4 12l16-8-6 16-3-6.5L4 12zM11 13.5L20 4",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 100 6 3 3 0 000-6z",
  people: "M9 5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM2.5 20c.4-4 3-6 6.500-6s6.100 2 6.500 6M16 5.500a3.300 3.300 0 010 6.400M18 14.500c2 .8 3.200 2.700 3.500 5.500",
  hash: "M9.500 4l-2 16M16.500 4l-2 16M4.500 9h15.500M4 15h15.500",
  menu: "M4 7h16M4 12h16M4 17h16",
  help: "M12 3a9 9 0 100 18 9 9 0 000-18zM9.500 9.500a2.600 2.600 0 115 .6c0 1.700-2.500 2-2.500 3.700M12 17h.01",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2.500M12 19.500V22M2 12h2.500M19.500 12H22M5 5l1.700 1.700M17.300 17.300L19 19M19 5l-1.700 1.700M6.700 17.300L5 19",
  moon: "M20 14.500A8.500 8.500 0 019.500 4 8.500 8.500 0 1020 14.500z",
  sound: "M4 9.500v5h3.500L12 19V5L7.500 9.500zM15.500 9a4 4 0 010 6M18 6.500a7.500 7.500 0 010 11",
  mute: "M4 9.500v5h3.500L12 19V5L7.500 9.500zM16 9.500l5 5M21 9.500l-5 5",
  out: "M14 4H6v16h8M10.500 12H21M17 8l4 4-4 4",
  check: "M5 12.500l4.500 4.500L19 7.500",
  warn: "M12 4L2.500 20h19zM12 10v4.500M12 17.300h.01",
  smile: "M12 3a9 9 0 100 18 9 9 0 000-18zM8.500 14.500c1.800 2.300 5.200 2.300 7 0M9 9.500h.01M15 9.500h.01",
  tile: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  chat: "M4 5h16v11H11l-4.500 4v-4H4z",
  mail: "M3.500 6h17v12h-17zM3.500 7l8.500 6 8.500-6",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  clock: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 7v5l3.500 2",
  bin: "M4.500 6.500h15M9.500 6.500V4h5v2.500M6.500 6.500L7.500 20h9l1-13.500",
  keep: "M6 3.500h12V21l-6-4.500L6 21z",
  keys: "M3 6.500h18v11H3zM7 10h.01M11 10h.01M15 10h.01M17.500 10h.01M8 14h8",
  settings: "M12 9a3 3 0 100 6 3 3 0 000-6zM12 2.500v3M12 18.500v3M2.500 12h3M18.500 12h3M5.300 5.300l2.100 2.100M16.600 16.600l2.100 2.100M18.700 5.300l-2.100 2.100M7.400 16.600l-2.100 2.100",
  file: "M6 3h8l4.500 4.500V21H6zM14 3v5h4.500",
  clip: "M20 11.500l-8.200 8.200a5 5 0 01-7-7l8.500-8.500a3.300 3.300 0 014.700 4.700l-8.500 8.500a1.700 1.700 0 01-2.400-2.400l7.700-7.700",
  desk: "M3 4.500h18v12H3zM9 20h6M12 16.500V20",
  up: "M6 15l6-6 6 6",
  info: "M12 3a9 9 0 100 18 9 9 0 000-18zM12 11v5.500M12 7.700h.01",
  pen: "M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM14 6.500l3.500 3.500",
  folder: "M3.500 6h6l2 2.500h9V19h-17z",
  block: "M12 3a9 9 0 100 18 9 9 0 000-18zM5.700 5.700l12.600 12.600",
  globe: "M12 3a9 9 0 100 18 9 9 0 000-18zM3 12h18M12 3c3 2.600 3 15.400 0 18M12 3c-3 2.600-3 15.400 0 18",
  left: "M4 5h16v14H4zM12 5v14M7 9h2M7 12h2M7 15h2",
  half: "M4 5h16v14H4zM12 5v14M15 9h2M15 12h2M15 15h2",
  bell: "M6 16.500V11a6 6 0 0112 0v5.500l1.500 2h-15zM10.500 21.500h3",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9h.01",
  invite: "M9 5a3.500 3.500 0 100 7 3.500 3.500 0 000-7zM2.500 20c.4-4 3-6 6.500-6s6.100 2 6.500 6M19 8v6M16 11h6",
  topic: "M4 6h16M4 11h16M4 16h9",
  wait: "M7 4h10M7 20h10M8 4c0 5 8 5 8 8s-8 3-8 8M16 4c0 5-8 5-8 8s8 3 8 8",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class={`icon icon-${name}`} width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo({ size = 30 }: { size?: number }) {
  return (
    <svg class="logo-mark" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
      <path d="M32 6c2 6 4 9 10 13 8 5 10 13 10 21 0 5 3 8 6 10-6 1-9 4-11 9-4-4-9-4-15 1-6-5-11-5-15-1-2-5-5-8-11-9 3-2 6-5 6-10 0-8 2-16 10-21 6-4 8-7 10-13z" fill="var(--bell)" />
      <path d="M32 20c-4 8-6 18-6 30M32 20c4 8 6 18 6 30" stroke="#cbbcf7" stroke-width="2.6" fill="none" stroke-linecap="round" />
      <circle cx="32" cy="52" r="4.200" fill="#ffd36e" />
    </svg>
  );
}
