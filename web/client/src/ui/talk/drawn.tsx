// Icons of what is loaded later; it must not hold anything but drawings.
const PATHS = {
  quote: "M9 7L4 12l5 5M4.500 12H14a6 6 0 016 6v1",
  link: "M10 14a4 4 0 005.700 0l3.500-3.500a4 4 0 00-5.700-5.700L12 6.300M14 10a4 4 0 00-5.700 0l-3.500 3.500a4 4 0 005.700 5.700l1.500-1.500",
  again: "M19.500 12a7.500 7.500 0 11-2.200-5.300L20 9.500M20 4.500v5h-5",
  bold: "M7.500 5h5.200a3.400 3.400 0 010 6.800H7.500zM7.500 11.800h6.200a3.600 3.600 0 010 7.200H7.500z",
  italic: "M10.500 5h7M6.500 19h7M14.500 5l-5 14",
  strike: "M4 12h16M17 8c0-2-2-3.500-5-3.500S7 6 7 8.200c0 1.700 1.200 2.800 2.500 3.300M7 16c0 2 2 3.500 5 3.500s5-1.500 5-3.700c0-1-.4-1.800-1-2.500",
  code: "M8.500 7L3.500 12l5 5M15.500 7l5 5-5 5",
  letters: "M3 18l4.500-12L12 18M4.600 14h5.800M20.500 11.500v6.500M20.500 14.700a3 3.300 0 11-6 0 3 3.300 0 016 0",
} as const;

export type DrawnName = keyof typeof PATHS;

export function Drawn({ name, size = 18 }: { name: DrawnName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
